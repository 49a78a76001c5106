"""What an auditor asks of a ledger: does it hold, does it continue what I kept, and does anybody stand on it?

Source:  the three questions are answered by ``ssi.registry``; this puts them behind one opened ledger.
Input:   the URL of a ledger, the roots and keys that the auditor believes, and a checkpoint kept from before.
Shapes:  keys in the form of signed notes (``name+id+key``); a register as ``ssi.registry.register`` reads it.
I/O:     reads the ledger and the named files; writes nothing. The ledger is opened, so it must be one this process may
         open: audit a copy, or the ledger itself.
Errors:  InvalidInputError, NotFoundError (a file that is not there), UnavailableError. What does not hold is reported
         by ``audit``, not raised.

    async with await AuditedLedger.open("sqlite:///ledger.db", roots=[root], keys=[key], checkpoint="kept.note") as log:
        print((await log.audit()).ok, await log.search_people("register-sample.csv"))
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ssi.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from ssi.ledger import Ledger
    from ssi.ledger.note import NoteKey
    from ssi.registry import AuditReport, PrivacyFinding

__all__ = ["AuditedLedger"]


class AuditedLedger:
    """A ledger opened by an auditor. Make it with ``open``; close it, or use ``async with``."""

    def __init__(
        self, ledger: Ledger, *, roots: Sequence[str], keys: Sequence[NoteKey], checkpoint: bytes | None
    ) -> None:
        self._ledger = ledger
        self._roots = tuple(roots)
        self._keys = tuple(keys)
        self._checkpoint = checkpoint

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        roots: Sequence[str],
        keys: Sequence[str] = (),
        checkpoint: str | Path | bytes | None = None,
    ) -> Self:
        """Open the ledger at ``url``; ``checkpoint`` is a kept signed note, or the path of one.

        ``roots`` are the DIDs that accredit without being accredited: whom to believe is never read from the ledger.
        Raises InvalidInputError, also for a checkpoint without ``keys`` that may have signed it, and NotFoundError.
        """
        from ssi.ledger import open_ledger
        from ssi.ledger.note import MAX_NOTE_BYTES, parse_vkey

        known = [parse_vkey(text) for text in keys]
        if checkpoint is not None and not known:
            raise InvalidInputError("a checkpoint is compared under the keys that may have signed it")
        if not roots:
            raise InvalidInputError("expected the DID of at least one root accreditor")
        if isinstance(checkpoint, str | Path):
            checkpoint = _read(Path(checkpoint), MAX_NOTE_BYTES)
        return cls(open_ledger(url, create=False, keys=known), roots=roots, keys=known, checkpoint=checkpoint)

    async def audit(self) -> AuditReport:
        """Replay the whole log: bytes, hashes, signatures, rules, DID histories, stored and kept heads."""
        from ssi.registry import audit

        return await audit(self._ledger, roots=self._roots, keys=self._keys, checkpoint=self._checkpoint)

    async def search_people(
        self,
        register: str | Path | Iterable[Mapping[str, str]],
        *,
        keys: Sequence[bytes] = (),
        fields: Collection[str] | None = None,
    ) -> tuple[PrivacyFinding, ...]:
        """Return where a value of ``register`` stands on the ledger: plain, hashed, or hashed under a known key.

        ``fields`` limits the search to these columns: leave out what people share with organisations. A finding names
        entry, row (from 0), column and form, never a value. Raises InvalidInputError for what is no register.
        """
        from ssi.ledger import stream
        from ssi.registry import privacy_check
        from ssi.registry.register import MAX_REGISTER_BYTES, parse_register

        if isinstance(register, str | Path):
            register = parse_register(_read(Path(register), MAX_REGISTER_BYTES))
        entries = [entry async for _, entry in stream(self._ledger)]
        return privacy_check(entries, register, keys=keys, fields=fields)

    async def close(self) -> None:
        """Release the ledger."""
        await self._ledger.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def _read(path: Path, max_bytes: int) -> bytes:
    """Return a file of the auditor's own; one byte more than allowed is for the parser to refuse."""
    try:
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except OSError as exc:
        raise NotFoundError(f"{path.name} cannot be read") from exc
