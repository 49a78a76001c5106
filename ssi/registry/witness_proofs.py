"""The entry that holds approvals of a did:webvh version by its witnesses.

Source:  did:webvh 1.0, "The Witness Proofs File"; the project's answerability text, 2.1 (last point) and 6 (G04).
Input:   one item of ``did-witness.json``, verbatim: ``{"versionId": …, "proof": […]}``.
Shapes:  the id is base64url(SHA-256(entry)); a proof is eddsa-jcs-2022 over ``{"versionId": …}`` by a did:key.
I/O:     none. Whether the proofs hold and for which version is for ``ssi.registry.guard``.
Errors:  GuardError G02: another member, or a proof that is misshapen.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from ssi.did.webvh.witness import parse_witness_file
from ssi.encoding.base64url import b64url_encode
from ssi.errors import GuardError
from ssi.proofs.data_integrity import DataIntegrityProof, parse_proof
from ssi.registry.did_line import LineProof, VersionId
from ssi.types import JsonObject

MAX_PROOFS: Final = 8
"""Proofs in one entry; more witnesses take more entries."""

MEMBERS: Final = frozenset({"versionId", "proof"})


class _Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    version_id: VersionId
    proof: Annotated[tuple[LineProof, ...], Meta(min_length=1, max_length=MAX_PROOFS)]


class DidWitnessProofs(msgspec.Struct, frozen=True):
    """Proofs whose shape a ledger may hold; that they hold is not shown yet."""

    id: str
    version_id: str
    entry: bytes
    proofs: tuple[DataIntegrityProof, ...]

    @property
    def type(self) -> str:
        """The name of this kind of entry."""
        return "DidWitnessProofs"


def parse_witness_entry(entry: bytes, raw: JsonObject) -> DidWitnessProofs:
    """Return the proofs of ``entry``, whose JSON is ``raw``. Raises GuardError G02."""
    if entry[:1] != b"{" or entry[-1:] != b"}":
        raise GuardError("G02", "an entry of witness proofs starts with { and ends with }")
    try:
        item = msgspec.convert(raw, _Item)
    except msgspec.ValidationError as exc:
        raise GuardError("G02", "a witness proof has a member that is not allowed or misshapen") from exc
    proofs = tuple(parse_proof(proof) for proof in raw["proof"])
    return DidWitnessProofs(b64url_encode(sha256(entry).digest()), item.version_id, entry, proofs)


def witness_entries(file: bytes) -> Iterator[bytes]:
    """Yield the ledger entries that hold the proofs of ``did-witness.json``, in the order of the file.

    Anchor the lines of the log first. Raises InvalidInputError if the file is none.
    """
    for version_id, proofs in parse_witness_file(file).items():
        for start in range(0, len(proofs), MAX_PROOFS):
            part = [proof.raw for proof in proofs[start : start + MAX_PROOFS]]
            yield msgspec.json.encode({"versionId": version_id, "proof": part})
