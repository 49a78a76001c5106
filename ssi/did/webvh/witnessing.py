"""Be a witness: approve the next version of a DID, and gather approvals into did-witness.json.

Source:  did:webvh 1.0, "Witnessing a DID Version Update" and "The Witness Proofs File".
Input:   the witness's own copy of the published log and the candidate line; for the file, the log and the approvals.
Shapes:  a proof is eddsa-jcs-2022 over ``{"versionId": …}`` by the witness's did:key; ``now`` is in Unix seconds.
I/O:     the key store.
Errors:  InvalidInputError, VerificationError (a candidate that a resolver would refuse, a witness that is not asked, or
         a proof that does not hold), KeyNotFoundError, and what the key store raises.

A witness that approves two versions of one number is worth nothing. It stores the log that ``witness_next`` returns
before it hands out the proof, and gives that log the next time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from ssi.did.webvh.hashing import check_multihash
from ssi.did.webvh.keys import did_key_method
from ssi.did.webvh.log import WebvhLog, verify_next
from ssi.did.webvh.witness import MAX_WITNESS_FILE_BYTES, parse_witness_file, verified_witness
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import Kms, PublicKey
from ssi.keys.kms import KeyPurpose
from ssi.proofs.data_integrity import DataIntegrityProof, add_proof, parse_proof
from ssi.types import JsonObject

MAX_CANDIDATES: Final = 16
"""How many versions that are not published yet keep their approvals in the file."""


class Witnessed(msgspec.Struct, frozen=True):
    """An approval, and the log that the witness must keep before it gives the approval away."""

    log: WebvhLog
    proof: JsonObject


def witness_id(key: PublicKey) -> str:
    """Return the DID under which a witness with this key is listed."""
    return did_key_method(key).partition("#")[0]


async def sign_witness_proof(version_id: str, *, kms: Kms, label: str, now: int) -> JsonObject:
    """Return the proof by which the witness with the key ``label`` approves ``version_id`` and all before it.

    The key has the purpose ``witness``. Whether the version deserves it is not asked here; see ``witness_next``.
    """
    _number_of(version_id)
    signed = await add_proof(
        {"versionId": version_id},
        kms=kms,
        label=label,
        purpose=KeyPurpose.WITNESS,
        verification_method=did_key_method(await kms.public_key(label)),
        proof_purpose="assertionMethod",
        created=now,
    )
    proof: JsonObject = signed["proof"]
    return proof


async def witness_next(log: WebvhLog | None, line: bytes, *, kms: Kms, label: str, now: int) -> Witnessed:
    """Verify ``line`` as the next entry of the witness's own copy ``log`` (None: it has none), and approve it.

    Asked again for the newest line of its copy, it approves again, since the answer may have been lost. Raises
    VerificationError if the witness is not among those that must approve the entry.
    """
    if log is not None and log.failure is not None:
        raise VerificationError("expected a copy of the log that verifies to its end")
    if log is None or line != log.head.entry.line:
        version = verify_next(None if log is None else log.head, line, now=now)
        log = WebvhLog((*(() if log is None else log.versions), version))
    if witness_id(await kms.public_key(label)) not in log.head.witness.ids:
        raise VerificationError("expected an entry that this witness is to approve")
    return Witnessed(log, await sign_witness_proof(log.head.entry.version_id, kms=kms, label=label, now=now))


def build_witness_file(proofs: Mapping[str, Sequence[JsonObject]]) -> bytes:
    """Return did-witness.json: for each versionId, in the order of the version numbers, its proofs.

    A versionId without proofs is left out. Raises InvalidInputError for one that is none, and for a file that resolvers
    would not read.
    """
    items = [
        {"versionId": version_id, "proof": list(proofs[version_id])}
        for version_id in sorted(proofs, key=lambda item: (_number_of(item), item))
        if proofs[version_id]
    ]
    data = msgspec.json.encode(items)
    if len(data) > MAX_WITNESS_FILE_BYTES:
        raise InvalidInputError(f"expected proofs for a file of at most {MAX_WITNESS_FILE_BYTES} bytes")
    return data


def merge_witness_proofs(
    file: bytes | None, version_id: str, proofs: Iterable[JsonObject], *, log: WebvhLog | None, now: int
) -> bytes:
    """Return did-witness.json with ``proofs`` for ``version_id`` added, and without those that nobody needs.

    ``log`` is the log as it is published. Of its versions each witness keeps its newest proof only, which covers the
    versions before; proofs of versions that are not published yet are kept beside, since the file is published first,
    but prove nothing of earlier ones. Raises VerificationError for a proof that does not hold: whoever publishes a file
    has checked it.
    """
    held = {} if file is None else parse_witness_file(file)
    added = tuple(parse_proof(proof) for proof in proofs)
    for proof in added:
        if verified_witness(proof, version_id, now=now) is None:
            raise VerificationError("expected a witness proof that holds for this versionId")
    held[version_id] = (*held.get(version_id, ()), *added)
    published = () if log is None else tuple(version.entry.version_id for version in log.versions)
    kept: dict[str, list[JsonObject]] = {}
    covered: set[str] = set()
    for known in reversed(published):
        for witness, proof in _by_witness(held.get(known, ()), known, now=now).items():
            if witness not in covered:
                covered.add(witness)
                kept.setdefault(known, []).append(proof.raw)
    candidates = [item for item in held if item not in published and _number_of(item) > len(published)]
    for unpublished in sorted(candidates, key=_number_of)[:MAX_CANDIDATES]:
        kept[unpublished] = [proof.raw for proof in _by_witness(held[unpublished], unpublished, now=now).values()]
    return build_witness_file(kept)


def _by_witness(proofs: Iterable[DataIntegrityProof], version_id: str, *, now: int) -> dict[str, DataIntegrityProof]:
    """Return the first proof of each witness that holds for ``version_id``."""
    found: dict[str, DataIntegrityProof] = {}
    for proof in proofs:
        witness = verified_witness(proof, version_id, now=now)
        if witness is not None:
            found.setdefault(witness, proof)
    return found


def _number_of(version_id: str) -> int:
    number, _, entry_hash = version_id.partition("-")
    if not number.isascii() or not number.isdigit() or number.startswith("0") or len(number) > 9:
        raise InvalidInputError("expected a versionId that starts with its number")
    check_multihash(entry_hash, "the entry hash")
    return int(number)
