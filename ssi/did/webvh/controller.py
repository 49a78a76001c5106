"""Write a did:webvh log: create, update, rotate, move, deactivate.

Source:  did:webvh 1.0, "Create (Register)", "Update (Rotate)", "Deactivate (Revoke)", "DID Portability".
Input:   the verified log so far, and a key store that holds the update keys of the DID under its ``name``.
Shapes:  ``now`` in Unix seconds. What comes back is verified as a resolver would verify it, and not yet published: the
         caller appends the line to the ledger or to ``did.jsonl``, after collecting witness proofs where the log asks
         for them.
I/O:     the key store.
Errors:  InvalidInputError, VerificationError (an entry that a resolver would refuse), KeyNotFoundError, and what the
         key store raises.

With pre-rotation, the default, every entry is signed by a key whose hash the entry before committed to, so every
update rotates the update key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from ssi.did.webvh.hashing import SCID_PLACEHOLDER, entry_hash, scid_of, substitute
from ssi.did.webvh.keys import did_key_method
from ssi.did.webvh.log import Version, WebvhLog, verify_next
from ssi.did.webvh.parameters import DEFAULT_TTL_SECONDS, METHOD
from ssi.did.webvh.update_keys import UpdateKey, new_next_key_hash, new_update_key, signing_key
from ssi.did.webvh.url import build_webvh_did
from ssi.did.webvh.witness import NO_WITNESSES, WitnessRule
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import KeyPurpose, Kms
from ssi.proofs.data_integrity import add_proof
from ssi.types import JsonObject

MAX_CLOCK_BEHIND_SECONDS: Final = 60


class NewVersion(msgspec.Struct, frozen=True):
    """A version that was made and not yet published."""

    log: WebvhLog
    """The log with it."""

    @property
    def did(self) -> str:
        """The DID as this version has it."""
        return self.log.did

    @property
    def version(self) -> Version:
        """The version itself."""
        return self.log.head

    @property
    def line(self) -> bytes:
        """Its line, without line feed."""
        return self.log.head.entry.line


async def create_did(
    *,
    kms: Kms,
    name: str,
    domain: str,
    document: Callable[[str], JsonObject],
    now: int,
    port: int | None = None,
    path: Sequence[str] = (),
    pre_rotation: bool = True,
    portable: bool = False,
    witness: WitnessRule = NO_WITNESSES,
    watchers: Sequence[str] = (),
    ttl_seconds: int = DEFAULT_TTL_SECONDS,
) -> NewVersion:
    """Make the first version of a new DID.

    ``document`` is called with the DID, which still holds the ``{SCID}`` placeholder, and returns its document; see
    ``build_document``. The update keys are made in ``kms``, under ``name``.
    """
    key = await new_update_key(kms, name, 1)
    parameters: JsonObject = {
        "method": METHOD,
        "scid": SCID_PLACEHOLDER,
        "updateKeys": [key.multikey],
        "portable": portable,
    }
    if pre_rotation:
        parameters["nextKeyHashes"] = [await new_next_key_hash(kms, name, 2)]
    parameters.update(_stated(witness=witness if witness.ids else None, watchers=watchers or None))
    if ttl_seconds != DEFAULT_TTL_SECONDS:
        parameters["ttl"] = ttl_seconds
    preliminary: JsonObject = {
        "versionId": SCID_PLACEHOLDER,
        "versionTime": format_seconds(now),
        "parameters": parameters,
        "state": document(build_webvh_did(domain, port=port, path=path, scid=SCID_PLACEHOLDER)),
    }
    scid = scid_of(preliminary)
    return await _append(None, substitute(preliminary, SCID_PLACEHOLDER, scid), scid, kms=kms, key=key, now=now)


async def update_did(
    log: WebvhLog,
    *,
    kms: Kms,
    name: str,
    now: int,
    document: JsonObject | None = None,
    pre_rotation: bool | None = None,
    witness: WitnessRule | None = None,
    watchers: Sequence[str] | None = None,
    ttl_seconds: int | None = None,
) -> NewVersion:
    """Make the next version; what is None stays as it was. ``pre_rotation`` switches it on or off after this entry."""
    said = _stated(witness=witness, watchers=watchers, ttl_seconds=ttl_seconds)
    return await _next(log, said, document, kms=kms, name=name, now=now, pre_rotation=pre_rotation)


async def rotate_keys(log: WebvhLog, *, kms: Kms, name: str, now: int) -> NewVersion:
    """Make a version that replaces the update key and changes nothing else."""
    return await _next(log, {}, None, kms=kms, name=name, now=now, new_key=True)


async def move_did(
    log: WebvhLog, *, kms: Kms, name: str, domain: str, now: int, port: int | None = None, path: Sequence[str] = ()
) -> NewVersion:
    """Make a version that gives a portable DID its new place; the old DID joins ``alsoKnownAs``.

    Every mention of the old DID in the document becomes the new one. Raises VerificationError if it is not portable.
    """
    new = build_webvh_did(domain, port=port, path=path, scid=log.scid)
    if new == log.did:
        raise InvalidInputError("expected another domain or path than the DID has")
    document = _renamed(log.head.document, log.did, new)
    known_as = [alias for alias in document.get("alsoKnownAs", []) if alias not in (new, log.did)]
    document = {**document, "alsoKnownAs": [*known_as, log.did]}
    return await _next(log, {}, document, kms=kms, name=name, now=now)


async def deactivate_did(log: WebvhLog, *, kms: Kms, name: str, now: int) -> NewVersion:
    """Make the last version: the DID resolves as deactivated, and no update is possible any more."""
    said: JsonObject = {"deactivated": True}
    if not log.head.parameters.next_key_hashes:
        said["updateKeys"] = []
    return await _next(log, said, None, kms=kms, name=name, now=now, pre_rotation=False)


async def _next(
    log: WebvhLog,
    said: JsonObject,
    document: JsonObject | None,
    *,
    kms: Kms,
    name: str,
    now: int,
    pre_rotation: bool | None = None,
    new_key: bool = False,
) -> NewVersion:
    if log.failure is not None:
        raise VerificationError("expected a log that verifies to its end")
    if log.deactivated:
        raise VerificationError("expected a DID that is not deactivated")
    head, version = log.head, log.head.number + 1
    # A clock that stands still, or is a little behind, must not keep an agency from updating.
    time = max(now, head.entry.time_seconds + 1)
    if time > now + MAX_CLOCK_BEHIND_SECONDS:
        raise InvalidInputError(f"the log ends at {head.entry.time_seconds}, and it is {now} now")
    key = await signing_key(kms, name, version, head.parameters)
    active = bool(head.parameters.next_key_hashes)
    parameters: JsonObject = dict(said)
    if active:
        parameters["updateKeys"] = [key.multikey]
    elif new_key:
        parameters["updateKeys"] = [(await new_update_key(kms, name, version)).multikey]
    if active if pre_rotation is None else pre_rotation:
        parameters["nextKeyHashes"] = [await new_next_key_hash(kms, name, version + 1)]
    elif active:
        parameters["nextKeyHashes"] = []
    entry: JsonObject = {
        "versionId": head.entry.version_id,
        "versionTime": format_seconds(time),
        "parameters": parameters,
        "state": head.document if document is None else document,
    }
    return await _append(log, entry, head.entry.version_id, kms=kms, key=key, now=now)


async def _append(
    log: WebvhLog | None, entry: JsonObject, predecessor: str, *, kms: Kms, key: UpdateKey, now: int
) -> NewVersion:
    number = 1 if log is None else log.head.number + 1
    versioned = {**entry, "versionId": f"{number}-{entry_hash(entry, predecessor)}"}
    signed = await add_proof(
        versioned,
        kms=kms,
        label=key.label,
        purpose=KeyPurpose.DID_UPDATE,
        verification_method=did_key_method(key.public_key),
        proof_purpose="assertionMethod",
        created=now,
    )
    line = msgspec.json.encode({**signed, "proof": [signed["proof"]]})
    version = verify_next(None if log is None else log.head, line, now=now)
    return NewVersion(WebvhLog((*(() if log is None else log.versions), version)))


def _stated(
    *,
    witness: WitnessRule | None = None,
    watchers: Sequence[str] | None = None,
    ttl_seconds: int | None = None,
) -> JsonObject:
    """Return the parameters of an entry that says these, in the spelling of the log."""
    said: JsonObject = {}
    if witness is not None:
        ids = [{"id": witness_id} for witness_id in witness.ids]
        said["witness"] = {"threshold": witness.threshold, "witnesses": ids} if ids else {}
    if watchers is not None:
        said["watchers"] = list(watchers)
    if ttl_seconds is not None:
        said["ttl"] = ttl_seconds
    return said


def _renamed(document: JsonObject, old: str, new: str) -> JsonObject:
    """Return ``document`` with ``old`` replaced where it is the DID itself or the DID of a DID URL."""

    def rename(value: Any) -> Any:
        if isinstance(value, str):
            rest = value.removeprefix(old)
            return new + rest if rest != value and rest[:1] in ("", "#", "/", "?") else value
        if isinstance(value, list):
            return [rename(item) for item in value]
        if isinstance(value, dict):
            return {name: rename(item) for name, item in value.items()}
        return value

    renamed: JsonObject = rename(document)
    return renamed
