"""Data Integrity proof objects: one, or the members of a set or chain, read and put into order.

Source:  W3C Verifiable Credential Data Integrity 1.0, sections 2.1 (proofs), 2.1.1 (proof sets), 2.1.2 (proof chains)
         and 4.5 (verify proof sets and chains: matching proofs).
Input:   the ``proof`` member of a JSON object that came through the gate.
Shapes:  times are Unix seconds; ``previousProof`` is one id or a list of them.
I/O:     none.
Errors:  InvalidInputError (malformed), VerificationError (a chain with a missing, ambiguous or looping id).

A proof that names previous proofs secures them too: they are the ``proof`` member of the document that is hashed, in
the order in which the secured document has them, as a list even if there is one. Each holds its own proofValue, so no
honest chain loops, and each proof is verified once, whatever names it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from ssi.encoding.timestamps import parse_seconds
from ssi.errors import InvalidInputError, VerificationError
from ssi.types import JsonObject, JsonValue

PROOF_TYPE: Final = "DataIntegrityProof"
LEGACY_TYPES: Final = frozenset({"Ed25519Signature2020"})
"""Types of proof that are suites themselves and have no ``cryptosuite``."""
MAX_PROOFS: Final = 16
"""Most proofs that one document may carry; ours, the specification sets no bound."""

_TEXT_MEMBERS: Final = ("id", "challenge", "nonce")
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*+:[^\x00-\x20]++")
_DID_END: Final = re.compile("[/?#]")


class DataIntegrityProof(msgspec.Struct, frozen=True):
    """One proof as it was read; ``raw`` keeps every member, for all of them are signed.

    ``cryptosuite`` is the type of a proof that has none.
    """

    cryptosuite: str
    verification_method: str
    proof_purpose: str
    proof_value: str
    raw: JsonObject
    id: str | None = None
    created: int | None = None
    expires: int | None = None
    domain: tuple[str, ...] = ()
    challenge: str | None = None
    previous_proof: tuple[str, ...] = ()

    @property
    def options(self) -> JsonObject:
        """The proof without its ``proofValue``: what was hashed beside the document."""
        options = dict(self.raw)
        del options["proofValue"]
        return options

    @property
    def controller(self) -> str:
        """Whose document lists the verification method: the DID, or the URL without its fragment."""
        return controller_of(self.verification_method)


def controller_of(verification_method: str) -> str:
    """Return whose document lists ``verification_method``: the DID, or the URL without its fragment."""
    if verification_method.startswith("did:"):
        return _DID_END.split(verification_method, maxsplit=1)[0]
    return verification_method.partition("#")[0]


def parse_proof(raw: JsonValue) -> DataIntegrityProof:
    """Read one proof object (2.1).

    Raises InvalidInputError unless it is a DataIntegrityProof, or one of a legacy type, with its members.
    """
    if not isinstance(raw, dict):
        raise InvalidInputError("expected a proof that is an object")
    suite = _suite(raw)
    for name in _TEXT_MEMBERS:
        if name in raw and not isinstance(raw[name], str):
            raise InvalidInputError(f"expected the proof's {name} to be a string")
    if "id" in raw and not _URL.fullmatch(raw["id"]):
        raise InvalidInputError("expected the proof's id to be a URL")
    return DataIntegrityProof(
        cryptosuite=suite,
        verification_method=_text(raw, "verificationMethod"),
        proof_purpose=_text(raw, "proofPurpose"),
        proof_value=_text(raw, "proofValue"),
        raw=raw,
        id=raw.get("id"),
        created=_time(raw, "created"),
        expires=_time(raw, "expires"),
        domain=_texts(raw, "domain"),
        challenge=raw.get("challenge"),
        previous_proof=_texts(raw, "previousProof"),
    )


def parse_proofs(value: JsonValue) -> tuple[DataIntegrityProof, ...]:
    """Read the ``proof`` member of a document: one proof, or a list of 1 to 16. Raises InvalidInputError."""
    items = value if isinstance(value, list) else [value]
    if not 1 <= len(items) <= MAX_PROOFS:
        raise InvalidInputError(f"expected 1 to {MAX_PROOFS} proofs, got {len(items)}")
    return tuple(parse_proof(item) for item in items)


def matching_proofs(proofs: Sequence[DataIntegrityProof], names: Sequence[str]) -> list[JsonObject]:
    """Return the proofs whose ids are ``names``, in the order of ``proofs`` (4.3 and 4.5, matchingProofs).

    Raises VerificationError if a name is that of no proof, or of two.
    """
    wanted = set(names)
    found = [proof for proof in proofs if proof.id in wanted]
    if wanted.difference(proof.id for proof in found):
        raise VerificationError("expected previousProof to name proofs of the chain in the same document")
    if len(found) > len(wanted):
        raise VerificationError("expected every proof of the chain to have an id of its own")
    return [proof.raw for proof in found]


def match_all(proofs: Sequence[DataIntegrityProof]) -> tuple[list[JsonObject], ...]:
    """Return for each of ``proofs`` the matching proofs that it secures too; an empty list for a member of a set.

    Raises VerificationError if ids are missing or ambiguous, or if a proof comes before itself.
    """
    if not any(proof.previous_proof for proof in proofs):
        return tuple([] for _ in proofs)
    matched = tuple(matching_proofs(proofs, proof.previous_proof) for proof in proofs)
    waiting = list(proofs)
    settled: set[str | None] = set()
    while waiting:
        later = [proof for proof in waiting if not settled.issuperset(proof.previous_proof)]
        if len(later) == len(waiting):
            raise VerificationError("expected a chain of proofs in which none comes before itself")
        settled.update(proof.id for proof in waiting if settled.issuperset(proof.previous_proof))
        waiting = later
    return matched


def _suite(raw: JsonObject) -> str:
    type_ = raw.get("type")
    if isinstance(type_, str) and type_ in LEGACY_TYPES:
        if "cryptosuite" in raw or "created" not in raw:
            raise InvalidInputError(f"expected a proof of type {type_} with created and without cryptosuite")
        return type_
    if type_ != PROOF_TYPE:
        raise InvalidInputError(f"expected a proof of type {', '.join([PROOF_TYPE, *sorted(LEGACY_TYPES)])}")
    suite = _text(raw, "cryptosuite")
    if suite in LEGACY_TYPES:
        raise InvalidInputError(f"expected a cryptosuite, got {suite}, which is a type of proof")
    return suite


def _text(raw: JsonObject, name: str) -> str:
    value = raw.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInputError(f"expected the proof's {name}, a string")
    return value


def _texts(raw: JsonObject, name: str) -> tuple[str, ...]:
    if name not in raw:
        return ()
    value = raw[name]
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) for item in items):
        raise InvalidInputError(f"expected the proof's {name} to be a string or a list of strings")
    if len(items) > MAX_PROOFS:
        raise InvalidInputError(f"expected the proof's {name} to hold at most {MAX_PROOFS} strings")
    return tuple(items)


def _time(raw: JsonObject, name: str) -> int | None:
    if name not in raw:
        return None
    try:
        return parse_seconds(raw[name])
    except InvalidInputError as exc:
        raise InvalidInputError(f"the proof's {name}: {exc}") from exc
