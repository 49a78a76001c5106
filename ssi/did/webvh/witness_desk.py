"""The desk of a witness: whoever brings a log gets an approval, unless it is another log than the desk saw before.

Source:  did:webvh 1.0, "DID Witnesses", "Witnessing a DID Version Update".
Input:   the whole log with the version to be approved at its end; untrusted.
Shapes:  one copy is kept for each SCID; times are Unix seconds.
I/O:     the store of copies and the key store.
Errors:  InvalidInputError, VerificationError (a log that a resolver would refuse, or one that does not ask for this
         witness), ConflictError (forked or cut back since it was seen).

The copy is on disk before the approval leaves: a witness that is killed in between approves the same version again, and
never another one of its number.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from ssi.did.webvh.entry import parse_entry, split_log
from ssi.did.webvh.log import Version, WebvhLog, verify_next
from ssi.did.webvh.witnessing import witness_next
from ssi.errors import ConflictError, InvalidInputError, VerificationError
from ssi.keys import Kms
from ssi.types import JsonObject


class WitnessStore(Protocol):
    """Copies of logs, by SCID. Every method is one transaction, durable when it returns."""

    async def copy(self, scid: str) -> bytes | None:
        """Return the log that was approved last, or None."""
        ...

    async def replace(self, scid: str, old: bytes | None, new: bytes) -> None:
        """Keep ``new`` in place of ``old``. Raises ConflictError if another copy is there than ``old``."""
        ...


class WitnessDesk:
    """The desk of the witness with the key ``label``."""

    def __init__(self, *, store: WitnessStore, kms: Kms, label: str, allowed: Collection[str] | None) -> None:
        """``allowed`` are the SCIDs of those who may come; None lets in everybody who names this witness."""
        self._store = store
        self._kms = kms
        self._label = label
        self._allowed = None if allowed is None else frozenset(allowed)

    async def approve(self, data: bytes, *, now: int) -> JsonObject:
        """Return ``{"versionId": …, "proof": …}`` for the last version of the log ``data``.

        Asked again, it approves the same version again. Versions between the copy and the last one need no approvals of
        their own: an approval covers all before it.
        """
        lines = split_log(data)
        if not lines:
            raise InvalidInputError("expected a log with an entry")
        first = verify_next(None, lines[0], now=now)
        scid = first.parameters.scid
        if self._allowed is not None and scid not in self._allowed:
            raise VerificationError("this witness does not know the DID")
        whole = b"".join(line + b"\n" for line in lines)
        copy = await self._store.copy(scid)
        _check_continues(whole, copy)
        versions: list[Version] = []
        for line in lines[:-1]:
            versions.append(verify_next(versions[-1] if versions else None, line, now=now))
        before = WebvhLog(tuple(versions)) if versions else None
        witnessed = await witness_next(before, lines[-1], kms=self._kms, label=self._label, now=now)
        if copy != whole:
            await self._store.replace(scid, copy, whole)
        return {"versionId": witnessed.log.head.entry.version_id, "proof": witnessed.proof}

    async def head(self, scid: str) -> str | None:
        """Return the versionId that was approved last, or None: others compare it with what they were shown."""
        copy = await self._store.copy(scid)
        if copy is None:
            return None
        return parse_entry(split_log(copy)[-1]).version_id


def _check_continues(log: bytes, copy: bytes | None) -> None:
    if copy is None or log.startswith(copy):
        return
    if copy.startswith(log):
        raise ConflictError("the log was cut back: this witness approved a later version of it")
    raise ConflictError("the log is forked: this witness approved another version of the same number")
