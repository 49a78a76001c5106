"""Which heads of a log are believed: signed by the log, cosigned by k of n witnesses, never before the last one seen.

Source:  C2SP tlog-cosignature (what a cosignature says), tlog-policy (a quorum over witnesses, here one group).
Input:   signed notes that anybody may have made; the keys that the reader trusts; the note that it kept.
Shapes:  times are Unix seconds; a pin holds one signed note.
I/O:     the pin, before and after.
Errors:  InvalidInputError (a quorum that cannot be met), InvalidSignatureError (not signed by the log, or by too few
         witnesses), UnavailableError (the pin cannot be read or written).

A head alone shows one history; that everybody is shown the same one is what witnesses are for. The pin is for the time
between: whoever kept a head notices a log that takes it back, even if all witnesses help.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from ssi.errors import InclusionProofError, InvalidInputError, InvalidSignatureError, UnavailableError
from ssi.ledger.checkpoint import VerifiedCheckpoint, verify_note
from ssi.ledger.note import COSIGNATURES, NoteKey, parse_vkey


class Quorum(msgspec.Struct, frozen=True):
    """``required`` of ``witnesses`` have to cosign; 0 asks for none, and counts those that do."""

    witnesses: tuple[NoteKey, ...] = ()
    required: int = 0

    def __post_init__(self) -> None:
        """Refuse a quorum that cannot be met, or that one witness could meet twice."""
        if any(key.algorithm not in COSIGNATURES for key in self.witnesses):
            raise InvalidInputError("a witness has a key for cosignatures (type 4 or 6 in its vkey)")
        if len({key.public_key for key in self.witnesses}) != len(self.witnesses):
            raise InvalidInputError("two witnesses have one key: they would count twice")
        if not 0 <= self.required <= len(self.witnesses):
            raise InvalidInputError(f"{self.required} of {len(self.witnesses)} witnesses cannot be asked for")


def parse_quorum(vkeys: Sequence[str], required: int) -> Quorum | None:
    """Return the quorum of witnesses by their vkeys, None where none are named. Raises InvalidInputError."""
    if not vkeys and not required:
        return None
    return Quorum(tuple(parse_vkey(vkey) for vkey in vkeys), required)


class Witnessed(msgspec.Struct, frozen=True):
    """How a head is witnessed: ``count`` of ``of`` trusted witnesses, at least ``required``."""

    count: int
    of: int
    required: int

    def __str__(self) -> str:
        """Return it as reports say it."""
        asked = "" if self.required in (self.of, 0) else f" ({self.required} required)"
        return f"witnesses {self.count} of {self.of}{asked}"


class WitnessedCheckpoint(VerifiedCheckpoint, frozen=True):
    """A head that its log signed and enough witnesses cosigned.

    Where witnesses are required, ``cosigned_at`` is the newest time that so many of them state: neither the log nor
    fewer witnesses can make an old head look new.
    """

    witnessed: Witnessed = Witnessed(0, 0, 0)


def verify_head(note: bytes, *, keys: Sequence[NoteKey], quorum: Quorum | None = None) -> WitnessedCheckpoint:
    """Return the head in ``note`` if one of ``keys`` signed it for its log and enough witnesses cosigned it.

    Raises InvalidSignatureError, InvalidInputError.
    """
    asked = quorum or Quorum()
    verified = verify_note(note, keys=[*keys, *asked.witnesses])
    own = {key.public_key for key in keys}  # a log is no witness of itself, whatever name it takes
    trusted = {key.material for key in asked.witnesses if key.public_key not in own}
    times: dict[bytes, int] = {}
    for key, time in verified.cosignatures:
        if key.material in trusted:
            times[key.material] = max(time, times.get(key.material, 0))
    witnessed = Witnessed(len(times), len(asked.witnesses), asked.required)
    if witnessed.count < asked.required:
        raise InvalidSignatureError(f"expected a checkpoint that {asked.required} witnesses cosigned: {witnessed}")
    cosigned_at = verified.cosigned_at
    if asked.required:
        cosigned_at = sorted(times.values(), reverse=True)[asked.required - 1]
    return WitnessedCheckpoint(
        origin=verified.origin,
        size=verified.size,
        root=verified.root,
        extensions=verified.extensions,
        cosigners=verified.cosigners,
        cosigned_at=cosigned_at,
        cosignatures=verified.cosignatures,
        witnessed=witnessed,
    )


class Pin(Protocol):
    """Where a reader keeps the last head that it believed."""

    def read(self) -> bytes | None:
        """Return the kept note, or None. Raises UnavailableError, InclusionProofError (it is damaged)."""
        ...

    def write(self, note: bytes) -> None:
        """Keep ``note``, durably. Raises UnavailableError."""
        ...


class MemoryPin:
    """``Pin`` for as long as the object lives."""

    def __init__(self, note: bytes | None = None) -> None:
        self._note = note

    def read(self) -> bytes | None:
        """As ``Pin.read``."""
        return self._note

    def write(self, note: bytes) -> None:
        """As ``Pin.write``."""
        self._note = note


class FilePin:
    """``Pin`` in a file of its own. Keep it where no backup of anything else restores it along."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> bytes | None:
        """As ``Pin.read``."""
        from ssi.ledger.checkpoint import parse_checkpoint
        from ssi.ledger.note import MAX_NOTE_BYTES, parse_note

        try:
            with self.path.open("rb") as file:
                note = file.read(MAX_NOTE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise UnavailableError(f"the kept checkpoint cannot be read: {exc.strerror}") from exc
        try:
            parse_checkpoint(parse_note(note).unverified_text)
        except InvalidInputError as exc:
            raise InclusionProofError(f"the kept checkpoint {self.path.name} is damaged: {exc}") from exc
        return note

    def write(self, note: bytes) -> None:
        """As ``Pin.write``."""
        from ssi.durable import replace_file

        replace_file(self.path, note, what="the kept checkpoint")
