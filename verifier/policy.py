"""What a relying party accepts. Whatever matters has to be said: there is no insecure default.

Source:  decisions 4, 9 and 15 of the design (``docs/adr/0001``).
Input:   a TOML file that the relying party wrote, or the same members as Python values.
Shapes:  times are Unix seconds, and durations seconds.
I/O:     ``Policy.load`` reads one file, and the contexts and documents that it pins beside it.
Errors:  InvalidInputError, also for a member that is left out.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from ssi.encoding.jsonld import ContextPin, Contexts, pinned_contexts, read_pins, with_documents
from ssi.errors import InvalidInputError, NotFoundError
from ssi.keys import PublicKey
from ssi.status import AnchoringPolicy
from ssi.types import JsonObject

from .pinned import PinnedDocument, check_pins, load_documents

MAX_POLICY_BYTES: Final = 1 << 20
MAX_SKEW_SECONDS: Final = 60


class PinnedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that the relying party took over from an issuer by itself, for issuers that have no DID."""

    jwk: JsonObject
    kid: str | None = None
    """The ``kid`` that it stands for; None for any."""

    @property
    def key(self) -> PublicKey:
        """The key. Raises InvalidInputError."""
        return PublicKey.from_jwk(self.jwk)


class Trust(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose credentials of one type are accepted."""

    type: str
    """``vct`` of an SD-JWT VC, a W3C type, or the header ``typ`` of an SD-JWT that is no credential."""
    issuers: tuple[str, ...] = ()
    """Issuers that are accepted by name."""
    accredited: bool = False
    """Whether every issuer is accepted that the registry says may issue this type."""
    keys: tuple[PinnedKey, ...] = ()
    """Keys to verify with, instead of what the issuer's DID gives."""
    issuer_is_controller: bool = True
    """Whether one proof of an ``ldp_vc`` must be by a key of the issuer itself; without, one of ``signers`` will do."""
    signers: tuple[str, ...] = ()
    """Who may sign an ``ldp_vc`` beside its issuer; a proof by anybody else is refused, and nothing is asked for it."""
    list_issuers: tuple[str, ...] = ()
    """Issuers of status lists beside the credential's own."""
    schema: JsonObject | None = None
    """A JSON Schema that the claims must match as far as they are shown."""

    def __post_init__(self) -> None:
        """Refuse an entry that would accept nobody, or anybody."""
        if not self.type or not (self.issuers or self.accredited):
            raise InvalidInputError("trust: expected a type, and issuers or accredited = true")
        if not self.issuer_is_controller and not self.signers:
            raise InvalidInputError("trust: without issuer_is_controller, expected signers")
        if self.keys and (self.accredited or len(self.issuers) != 1):
            raise InvalidInputError("trust: pinned keys belong to one issuer by name")


class Registry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ledger that the relying party relies on."""

    roots: tuple[str, ...]
    """DIDs of the accreditors that everything leads to."""
    keys: tuple[str, ...]
    """Keys of its checkpoints, in the form of signed notes (``name+id+key``)."""
    accept_excerpts: bool = False
    """Whether offline an excerpt of the ledger counts: what it shows is proven, and that nothing newer was left out is
    the word of whoever made it."""


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The policy of one service."""

    audience: str
    """How presentations must name this verifier."""
    holder_binding: Literal["required", "not-required"]
    """Whether the presenter must prove to hold the key that the credential is bound to."""
    status: Literal["required", "when-present", "not-checked"]
    """Whether a status must be there and good, only be good where there is one, or is not looked at."""
    max_list_age_seconds: int
    """The oldest status list that counts."""
    trust: tuple[Trust, ...]
    anchoring: AnchoringPolicy | None = None
    """How status lists must be anchored; None asks for nothing, and the report says so."""
    registry: Registry | None = None
    accept_superseded_keys_until: int | None = None
    """Until when a key counts that its issuer has replaced; None accepts current keys only.

    Whoever got hold of a replaced key can date credentials back for as long as this lasts.
    """
    accept_proven_before_compromise: bool = False
    """Whether a compromised key counts for what a commitment on the ledger proves to be older than the compromise.

    The presenter brings the proof of issuance. Nothing else of a compromised key ever counts.
    """
    presentation_max_age_seconds: int = 300
    skew_seconds: int = MAX_SKEW_SECONDS
    contexts: tuple[str, ...] = ()
    """JSON-LD contexts that are known beside the base context: URLs of contexts of this library, or of any if no proof
    has to read what they say, which those over JSON and envelopes need not."""
    context: tuple[ContextPin, ...] = ()
    """JSON-LD contexts of the relying party's own, pinned by digest: known, and read by proofs over RDF."""
    sd_jwt_types: tuple[str, ...] = ("dc+sd-jwt",)
    """Accepted header ``typ`` of SD-JWT credentials."""
    credential_schema: Literal["required", "when-present", "not-checked"] = "not-checked"
    """Whether a credential has to match the schemas that it names itself (``credentialSchema``), has to name one, or
    neither. A schema that is not among ``document`` leaves the check open, which accepts nothing. Who may say what a
    credential looks like in a schema credential is in ``trust``, under its type ``JsonSchemaCredential``."""
    related_resources: Literal["required", "when-known"] = "when-known"
    """Whether every ``relatedResource`` has to be among ``document`` (or a context of the W3C's), or only those that
    are there are held against their digests. One that has another digest is always refused."""
    document: tuple[PinnedDocument, ...] = ()
    """Schemas, schema credentials and related resources, each pinned by its digest."""

    def __post_init__(self) -> None:
        """Refuse a policy that contradicts itself."""
        if not self.audience or not self.trust:
            raise InvalidInputError("policy: expected an audience and at least one trust entry")
        if not 0 <= self.skew_seconds <= MAX_SKEW_SECONDS:
            raise InvalidInputError(f"policy: expected skew_seconds from 0 to {MAX_SKEW_SECONDS}")
        if self.max_list_age_seconds < 1 or self.presentation_max_age_seconds < 1:
            raise InvalidInputError("policy: expected ages of at least one second")
        if len({entry.type for entry in self.trust}) != len(self.trust):
            raise InvalidInputError("policy: expected one trust entry for each type")
        if len({pin.url for pin in self.context}) != len(self.context):
            raise InvalidInputError("policy: expected each context to be pinned once")
        check_pins(self.document)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Policy:
        """Read a policy from a TOML file. Raises InvalidInputError, or NotFoundError if it is not there."""
        import tomllib

        location = Path(path)
        try:
            with location.open("rb") as file:
                data = file.read(MAX_POLICY_BYTES + 1)
        except OSError as exc:
            raise NotFoundError(f"{location.name} cannot be read") from exc
        if len(data) > MAX_POLICY_BYTES:
            raise InvalidInputError(f"{location.name}: expected at most {MAX_POLICY_BYTES} bytes")
        try:
            members: dict[str, Any] = tomllib.loads(data.decode("utf-8"))
            members["context"] = read_pins(members.get("context", []), beside=location)
            policy = msgspec.convert(members, cls)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as exc:
            raise InvalidInputError(f"{location.name}: expected a policy: {exc}") from exc
        return msgspec.structs.replace(policy, document=load_documents(policy.document, location.parent))

    @property
    def known_contexts(self) -> tuple[str, ...]:
        """The URLs of all contexts that a document may name beside the base context."""
        return (*self.contexts, *(pin.url for pin in self.context))

    @property
    def jsonld_contexts(self) -> Contexts:
        """What proofs over RDF read. Raises InvalidInputError for a pinned context whose document is not there."""
        return pinned_contexts(self.context)

    def with_contexts(self, documents: Mapping[str, bytes]) -> Policy:
        """Return the policy with ``documents``, by URL, for the pins that have none.

        Raises InvalidInputError for one that is not the pinned one.
        """
        return msgspec.structs.replace(self, context=with_documents(self.context, documents))

    def trusted(self, types: tuple[str, ...]) -> Trust | None:
        """Return the entry for the first of ``types`` that has one."""
        for name in types:
            for entry in self.trust:
                if entry.type == name:
                    return entry
        return None


def without_content(policy: Policy) -> Policy:
    """Return the policy with its documents pinned, and their content left to whoever brings it."""
    pins = tuple(PinnedDocument(url=pin.url, sha256=pin.sha256) for pin in policy.document)
    return msgspec.structs.replace(policy, document=pins)
