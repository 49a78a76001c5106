"""Watch a log: replay it, hold it against its heads and those that others were shown, and say what is wrong.

Source:  design decisions 7, 9 and 10; the project's answerability text, section 6 (the guard, here for the third time).
Input:   as ``RegistryFollower``; a register of people to search for; heads that others were shown.
Shapes:  times are Unix seconds. Each alarm is given once, at the round in which it is first seen.
I/O:     reads the ledger in steps; the pin keeps the last head from one run to the next.
Errors:  UnavailableError (the ledger did not answer), InvalidInputError (what was given to it); what is wrong with
         the log is an alarm.

Memory holds what the registry says and a few megabytes of entries, whatever else stands on the log. A person's datum is
searched for in these few megabytes at a time: hashed under a key that another entry shows, only ``privacy_check`` over
the whole log finds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from ssi.errors import ForkError, InclusionProofError, RollbackError, SsiError, UnavailableError
from ssi.ledger.note import NoteKey
from ssi.ledger.port import Ledger, Withheld
from ssi.ledger.quorum import Pin, Quorum
from ssi.registry.follower import RegistryFollower
from ssi.registry.history import Refused
from ssi.registry.privacy import privacy_check

Kind: TypeAlias = Literal["fork", "rollback", "freeze", "checkpoint", "guard", "personal data"]
PERSONAL: Final = ("G04", "G05", "G06")
"""The guard's rules that keep people off the ledger."""
MAX_ALARMS: Final = 1_000
"""Alarms of one round; beyond them they are counted only."""
_SEARCHED_AT_ONCE: Final = 4 << 20
_MAX_HEADS: Final = 64


class Alarm(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong. Never a value of the register, only where it stands."""

    kind: Kind
    reason: str
    entry: int | None = None
    proof: bytes = b""
    """Of a fork: the file that convinces others."""


class Round(msgspec.Struct, frozen=True):
    """What one look at the log came to: its newest believed head and the alarms that are new."""

    at: int
    size: int
    head_time: int | None
    alarms: tuple[Alarm, ...]
    left_out: int = 0
    """Alarms beyond MAX_ALARMS."""


class Monitor(RegistryFollower):
    """A follower that goes on and tells what is wrong instead of stopping at it."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        roots: Sequence[str],
        keys: Sequence[NoteKey],
        quorum: Quorum | None = None,
        pin: Pin | None = None,
        freeze_seconds: int | None = None,
        people: Sequence[Mapping[str, str]] = (),
        fields: Sequence[str] | None = None,
    ) -> None:
        """``freeze_seconds`` is how old the newest head may be; ``people`` is a register to search entries for.

        ``fields`` limits the search to these columns of the register.
        """
        super().__init__(ledger, roots=roots, keys=keys, quorum=quorum, pin=pin)
        self._freeze = freeze_seconds
        self._people = people
        self._fields = fields
        self._since: tuple[bytes | None, int] | None = None
        self._unsearched: list[tuple[int, bytes]] = []
        self._bytes = 0
        self._alarms: list[Alarm] = []
        self._left_out = 0
        self._given: set[tuple[str, str, int | None]] = set()
        self._shown: list[bytes] = []

    async def look(self, *, now: int, shown: Sequence[bytes] = ()) -> Round:
        """Follow the log to its newest head and return what is new and wrong.

        ``shown`` are heads of this log that others were shown: they must be of one history with it. Raises
        UnavailableError if the ledger does not answer; what was found until then is in the next round.
        """
        try:
            await self.refresh()
        except UnavailableError:
            self._check_freeze(now)
            raise
        except ForkError as exc:
            self._alarm(Alarm("fork", str(exc), proof=exc.proof))
        except RollbackError as exc:
            self._alarm(Alarm("rollback", str(exc)))
        except InclusionProofError as exc:
            self._alarm(Alarm("checkpoint", str(exc), getattr(exc, "entry", None)))
        except SsiError as exc:
            self._alarm(Alarm("checkpoint", str(exc)))
        self._search()
        await self._compare(shown)
        self._check_freeze(now)
        view = self.view()
        alarms, left_out = tuple(self._alarms), self._left_out
        self._alarms, self._left_out = [], 0
        return Round(now, view.size, view.checkpoint_time, alarms, left_out)

    def _alarm(self, alarm: Alarm) -> None:
        # An entry is folded once and so alarms once; what is wrong with a head is wrong in every round.
        if alarm.kind not in ("guard", "personal data"):
            known = (alarm.kind, alarm.reason, alarm.entry)
            if known in self._given:
                return
            if len(self._given) < MAX_ALARMS:
                self._given.add(known)
        if len(self._alarms) < MAX_ALARMS:
            self._alarms.append(alarm)
        else:
            self._left_out += 1

    def _folded(self, index: int, entry: bytes | Withheld, refused: Refused | None) -> None:
        if refused is not None:
            personal = refused.kind == "guard" and refused.reason.startswith(PERSONAL)
            self._alarm(Alarm("personal data" if personal else "guard", f"{refused.kind}: {refused.reason}", index))
            self._state.forget_blocked()
        if self._people and isinstance(entry, bytes):
            self._unsearched.append((index, entry))
            self._bytes += len(entry)
            if self._bytes > _SEARCHED_AT_ONCE:
                self._search()

    def _search(self) -> None:
        """Search what was folded since the last time for the people of the register."""
        waiting, self._unsearched, self._bytes = self._unsearched, [], 0
        if not waiting:
            return
        for found in privacy_check([entry for _, entry in waiting], self._people, fields=self._fields):
            reason = f"row {found.person + 1} of the register, column {found.field}, {found.form}"
            self._alarm(Alarm("personal data", reason, waiting[found.entry][0]))

    async def _compare(self, shown: Sequence[bytes]) -> None:
        """Hold heads that others were shown against this log; those beyond it wait until it is as long."""
        waiting = dict.fromkeys([*self._shown, *shown])
        self._shown = []
        for note in waiting:
            try:
                await self.compare(note)
            except UnavailableError:
                self._shown = [*self._shown, note][-_MAX_HEADS:]
            except ForkError as exc:
                self._alarm(Alarm("fork", str(exc), proof=exc.proof))
            except SsiError as exc:
                self._alarm(Alarm("checkpoint", f"a head that others were shown: {exc}"))

    def _check_freeze(self, now: int) -> None:
        """Alarm if the newest head is old by its own time, or for as long as this monitor saw no other."""
        if self._since is None or self._since[0] != self._note:
            self._since = (self._note, now)
        time = self._since[1] if self._checkpoint is None else self._checkpoint.cosigned_at
        newest = self._since[1] if time is None else time
        if self._freeze is not None and now - newest > self._freeze:
            size = 0 if self._checkpoint is None else self._checkpoint.size
            self._alarm(Alarm("freeze", f"no new checkpoint after that of size {size} at {newest}"))
