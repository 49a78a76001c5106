"""The papers of a key ceremony: charter, request, approval, result, completion.

Source:  this library's own form; proofs are eddsa-jcs-2022 by did:key, canonical JSON is RFC 8785.
Input:   files that came on a stick or over the network; nothing in them is believed before ``verify_paper``.
Shapes:  a file is the canonical JSON of one object and a line feed, so that not one byte of it is without meaning; a
         digest is the unpadded base64url of the SHA-256 of the canonical JSON, proof included; times are Unix seconds.
I/O:     ``sign_paper`` asks the key store; the rest none.
Errors:  InvalidInputError (not this paper), VerificationError with its InvalidSignatureError (not by this signer).
"""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any, Final, Generic, Literal, TypeAlias, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ssi.did.webvh.keys import did_key_method, did_key_of_method, update_key
from ssi.encoding.base64url import b64url_encode
from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import KeyPurpose, Kms, PublicKey
from ssi.proofs.data_integrity import add_proof, parse_proofs, verify_one
from ssi.types import JsonObject

MAX_PAPER_BYTES: Final = 6 << 20
MAX_SKEW_SECONDS: Final = 300
"""How far the clocks of machines that share no network may differ."""

Time: TypeAlias = Annotated[int, Meta(ge=0, le=253_402_300_799)]
Digest: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")]
KeyDid: TypeAlias = Annotated[str, Meta(pattern=r"^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{40,60}\Z")]
Name: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,64}\Z")]
Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1024)]


class Charter(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="ceremony-charter"
):
    """Who may do what in the ceremonies of one organisation. Everybody who takes part keeps a copy of their own.

    It is not signed: whoever relies on it compares its digest with the one that the organisation made public.
    """

    v: Literal[1] = 1
    organisation: Name
    coordinator: KeyDid
    """Prepares and finishes, online."""
    machine: KeyDid
    """Signs, without a network."""
    officers: Annotated[dict[Name, KeyDid], Meta(min_length=1, max_length=64)]
    threshold: Annotated[int, Meta(ge=1, le=64)]
    """How many officers must approve."""

    def __post_init__(self) -> None:
        """Refuse a charter under which one person could stand for two. Raises ValueError, as msgspec wants it."""
        keys = [self.coordinator, self.machine, *self.officers.values()]
        if len(set(keys)) != len(keys):
            raise ValueError("coordinator, machine and officers have a key each")
        if self.threshold > len(self.officers):
            raise ValueError("the threshold is at most the number of officers")


class FirstLine(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do", tag="first-line"
):
    """Make the first line of a DID's log. ``document`` holds the placeholder ``{SCID}``."""

    domain: Text
    port: Annotated[int, Meta(ge=1, le=65_535)] | UnsetType = UNSET
    path: Annotated[tuple[Text, ...], Meta(max_length=16)] = ()
    document: JsonObject
    witness: JsonObject | UnsetType = UNSET


class NextLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do", tag="next-line"):
    """Add a line to a DID's log, which brings the next update key; document and witnesses stay where unset."""

    log: str
    """The log so far, as ``did.jsonl`` has it."""
    document: JsonObject | UnsetType = UNSET
    witness: JsonObject | UnsetType = UNSET


class CheckpointKey(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="do", tag="checkpoint-key"
):
    """Certify a key that signs a log's checkpoints from now on. The key itself stays where the log is."""

    vkey: Text
    possession: Annotated[str, Meta(max_length=4096)]
    """A signed note of that key over the charter and the number of this ceremony."""
    replaces: Annotated[tuple[Text, ...], Meta(max_length=64)] = ()
    """The keys that sign nothing new from now on."""


Operation: TypeAlias = FirstLine | NextLine | CheckpointKey


class Request(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="ceremony-request"
):
    """What is to be done, signed by the coordinator."""

    v: Literal[1] = 1
    charter: Digest
    number: Annotated[int, Meta(ge=1, le=999_999)]
    """Ceremonies under one charter are numbered from 1."""
    previous: Digest | UnsetType = UNSET
    """Digest of the result of the ceremony before; absent in the first."""
    operation: Operation
    at: Time
    expires_at: Time


class Approval(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="ceremony-approval"
):
    """An officer agrees to one request."""

    v: Literal[1] = 1
    request: Digest
    officer: Name
    at: Time


class Result(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="ceremony-result"
):
    """What the signing machine did: the log line, or the key that it certifies."""

    v: Literal[1] = 1
    follows: Digest
    """The head of the chain of records so far: request and approvals."""
    line: str | UnsetType = UNSET
    vkey: Text | UnsetType = UNSET
    at: Time


class Completion(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag="ceremony-completion"
):
    """The coordinator put the result to use; ``entry`` is its index where it stands on a ledger."""

    v: Literal[1] = 1
    follows: Digest
    entry: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    at: Time


Body = TypeVar("Body", Charter, Request, Approval, Result, Completion)
Timed = TypeVar("Timed", Request, Approval, Result, Completion)


class Paper(msgspec.Struct, Generic[Body], frozen=True):
    """A paper as it was read: ``body`` has the shape of its type, ``raw`` is all of it, proof included."""

    body: Body
    raw: JsonObject

    @property
    def digest(self) -> str:
        """What others name it by."""
        return digest(self.raw)

    @property
    def data(self) -> bytes:
        """The bytes of its file."""
        return to_file(self.raw)


def digest(raw: JsonObject) -> str:
    """Return the digest of an object's canonical JSON."""
    return b64url_encode(sha256(jcs(raw)).digest())


def to_file(raw: JsonObject) -> bytes:
    """Return an object as a file has it."""
    return jcs(raw) + b"\n"


def from_file(data: bytes, what: str) -> JsonObject:
    """Return the object of a file. Raises InvalidInputError unless it is canonical JSON and a line feed."""
    raw = parse_object(data, max_bytes=MAX_PAPER_BYTES)
    if to_file(raw) != data:
        raise InvalidInputError(f"{what}: expected canonical JSON, byte for byte: the file was altered")
    return raw


def parse_paper(raw: JsonObject, kind: type[Body]) -> Paper[Body]:
    """Return an object as a paper of ``kind``; its signature is not looked at. Raises InvalidInputError."""
    members = {name: value for name, value in raw.items() if name != "proof"}
    name = kind.__name__.lower()
    try:
        body: Body = msgspec.convert(members, kind)
    except msgspec.ValidationError as exc:
        raise InvalidInputError(f"expected a ceremony {name}: {_path(exc)}") from exc
    if build_members(body) != members:
        raise InvalidInputError(f"expected a ceremony {name} that spells out every member")
    return Paper(body, raw)


def read_paper(data: bytes, kind: type[Body]) -> Paper[Body]:
    """Return the paper of ``kind`` in a file. Raises InvalidInputError."""
    return parse_paper(from_file(data, kind.__name__.lower()), kind)


def build_members(body: Any) -> JsonObject:
    """Return the members of a body, as JSON has them."""
    members: JsonObject = msgspec.json.decode(msgspec.json.encode(body))
    return members


def build_charter(charter: Charter) -> Paper[Charter]:
    """Return a charter as a paper; it has no proof. Raises InvalidInputError."""
    return parse_paper(build_members(charter), Charter)


async def sign_paper(body: Timed, *, kms: Kms, label: str) -> Paper[Timed]:
    """Return ``body`` signed by the ceremony key ``label``. Raises InvalidInputError, and as ``Kms.sign``."""
    paper = parse_paper(build_members(body), type(body))
    raw = await add_proof(
        paper.raw,
        kms=kms,
        label=label,
        purpose=KeyPurpose.CEREMONY,
        verification_method=did_key_method(await kms.public_key(label)),
        proof_purpose="assertionMethod",
        created=body.at,
    )
    return parse_paper(raw, type(body))


def verify_paper(paper: Paper[Timed], *, by: str, who: str, now: int) -> Timed:
    """Return the body of a paper that the did:key ``by`` signed, whom messages call ``who``.

    Raises InvalidInputError (no proof), VerificationError (another key), InvalidSignatureError (altered).
    """
    proofs = parse_proofs(paper.raw.get("proof"))
    if len(proofs) != 1 or not isinstance(paper.raw.get("proof"), dict):
        raise InvalidInputError("expected one proof")
    proof, method = proofs[0], f"{by}#{by.removeprefix('did:key:')}"
    kind = type(paper.body).__name__.lower()
    if proof.verification_method != method:
        raise VerificationError(f"expected the {kind} to be signed with the key of {who}: it has another key's proof")
    if proof.created != paper.body.at:
        raise VerificationError(f"expected the proof of the {kind} to be made when it says")
    key = update_key(did_key_of_method(method))
    verify_one(
        paper.raw, proof, key=key, expected_purpose="assertionMethod", now=now, max_skew_seconds=MAX_SKEW_SECONDS
    )
    return paper.body


def ceremony_did(key: PublicKey) -> str:
    """Return the did:key by which a charter names the holder of a ceremony key."""
    return did_key_method(key).partition("#")[0]


def _path(error: msgspec.ValidationError) -> str:
    """Keep what msgspec says of the place; the rest may quote a value."""
    _, found, path = str(error).rpartition(" - at ")
    return f"member {path} is not as its schema has it" if found else "a member is absent, unknown or wrong"
