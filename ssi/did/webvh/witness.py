"""Who must approve a log entry, and whether they did.

Source:  did:webvh 1.0, "DID Witnesses".
Input:   the ``witness`` parameter, and the bytes of ``did-witness.json``.
Shapes:  a witness is a did:key of an Ed25519 key; a witness proof signs ``{"versionId": …}`` with eddsa-jcs-2022.
I/O:     none.
Errors:  InvalidInputError (malformed parameter or file), VerificationError (an entry without enough approvals). A proof
         that does not verify is no error: it counts for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from ssi.did.webvh.keys import did_key_of_method, update_key
from ssi.encoding.gate import parse_json
from ssi.errors import InvalidInputError, VerificationError
from ssi.proofs.data_integrity import EDDSA_JCS_2022, DataIntegrityProof, parse_proof, verify_one
from ssi.types import JsonValue

MAX_WITNESSES: Final = 256
MAX_WITNESS_FILE_BYTES: Final = 1 << 20
MAX_WITNESS_PROOFS: Final = 4096
MAX_SKEW_SECONDS: Final = 300


class WitnessRule(msgspec.Struct, frozen=True):
    """How many of which witnesses must approve; no witnesses, no rule."""

    threshold: int = 0
    ids: tuple[str, ...] = ()


NO_WITNESSES: Final = WitnessRule()


def parse_witness_rule(raw: JsonValue) -> WitnessRule:
    """Read the ``witness`` parameter ("The witness Parameter"); ``{}`` means that there are none.

    Raises InvalidInputError: what is malformed must never be taken for "no witnesses".
    """
    if isinstance(raw, dict) and not raw:
        return NO_WITNESSES
    if not isinstance(raw, dict) or set(raw) != {"threshold", "witnesses"}:
        raise InvalidInputError("expected witness to be {} or to have threshold and witnesses")
    threshold, witnesses = raw["threshold"], raw["witnesses"]
    if not isinstance(witnesses, list) or not 1 <= len(witnesses) <= MAX_WITNESSES:
        raise InvalidInputError(f"expected 1 to {MAX_WITNESSES} witnesses")
    ids: list[str] = []
    for item in witnesses:
        witness_id = item.get("id") if isinstance(item, dict) else None
        if not isinstance(witness_id, str) or not witness_id.startswith("did:key:"):
            raise InvalidInputError("expected every witness to have an id, a did:key")
        # Decoded here and not when a proof arrives, so that an unusable configuration never takes effect.
        update_key(witness_id.removeprefix("did:key:"))
        ids.append(witness_id)
    if len(set(ids)) != len(ids):
        raise InvalidInputError("expected every witness once")
    if type(threshold) is not int or not 1 <= threshold <= len(ids):
        raise InvalidInputError(f"expected a witness threshold from 1 to {len(ids)}")
    return WitnessRule(threshold, tuple(ids))


def parse_witness_file(data: bytes) -> dict[str, tuple[DataIntegrityProof, ...]]:
    """Return the proofs of ``did-witness.json`` by the versionId they approve, in the order of the file.

    A proof that cannot be read is left out: it cannot count. Raises InvalidInputError if the file has another shape.
    """
    items = parse_json(data, max_bytes=MAX_WITNESS_FILE_BYTES)
    if not isinstance(items, list):
        raise InvalidInputError("expected did-witness.json to be a list")
    found: dict[str, list[DataIntegrityProof]] = {}
    total = 0
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("versionId"), str):
            raise InvalidInputError("expected every item of did-witness.json to have a versionId")
        raw_proofs = item.get("proof", [])
        if not isinstance(raw_proofs, list):
            raise InvalidInputError("expected every proof of did-witness.json to be a list")
        total += len(raw_proofs)
        if total > MAX_WITNESS_PROOFS:
            raise InvalidInputError(f"expected at most {MAX_WITNESS_PROOFS} witness proofs")
        readable = found.setdefault(item["versionId"], [])
        for raw in raw_proofs:
            try:
                readable.append(parse_proof(raw))
            except InvalidInputError:
                continue
    return {version_id: tuple(proofs) for version_id, proofs in found.items()}


def approvals(
    version_ids: Sequence[str],
    proofs: Mapping[str, Sequence[DataIntegrityProof]],
    *,
    candidates: frozenset[str],
    now: int,
) -> dict[str, int]:
    """Return for each witness of ``candidates`` the number of the newest version that it approved.

    ``version_ids`` are those of this log, verified, from version 1 on: a proof for any other versionId is no evidence.
    An approval covers all versions before it. Work is bounded: proofs are tried from the newest version down, and none
    of a witness that has approved already.
    """
    newest: dict[str, int] = {}
    for number in range(len(version_ids), 0, -1):
        version_id = version_ids[number - 1]
        for proof in proofs.get(version_id, ()):
            witness_id = _witness_of(proof)
            if witness_id in candidates and witness_id not in newest and _holds(proof, version_id, now=now):
                newest[witness_id] = number
        if len(newest) == len(candidates):
            break
    return newest


def check_witnessed(number: int, rule: WitnessRule, newest: Mapping[str, int]) -> None:
    """Raise VerificationError unless ``rule`` is met for version ``number`` ("Witness Threshold Algorithm")."""
    count = sum(newest.get(witness_id, 0) >= number for witness_id in rule.ids)
    if count < rule.threshold:
        raise VerificationError(f"log entry {number}: {count} witnesses approved, {rule.threshold} must")


def verified_witness(proof: DataIntegrityProof, version_id: str, *, now: int) -> str | None:
    """Return the did:key of the witness whose proof holds for ``version_id``, or None if it does not hold."""
    return _witness_of(proof) if _holds(proof, version_id, now=now) else None


def _witness_of(proof: DataIntegrityProof) -> str:
    try:
        return f"did:key:{did_key_of_method(proof.verification_method)}"
    except InvalidInputError:
        return ""


def _holds(proof: DataIntegrityProof, version_id: str, *, now: int) -> bool:
    if proof.cryptosuite != EDDSA_JCS_2022.name:
        return False
    try:
        verify_one(
            {"versionId": version_id},
            proof,
            key=update_key(did_key_of_method(proof.verification_method)),
            expected_purpose="assertionMethod",
            now=now,
            max_skew_seconds=MAX_SKEW_SECONDS,
        )
    except (InvalidInputError, VerificationError):
        return False
    return True
