"""Watch a log: replay it, hold it against its heads and those that others were shown, and say what is wrong.

Source:  design decisions 7, 9 and 10; the project's answerability text, section 6 (the guard, here for the third time).
Input:   as ``RegistryFollower``; a register of people to search for; heads that others were shown, or that stand on
         another ledger; an empty map to recompute state roots with.
Shapes:  times are Unix seconds. Each alarm is given once, at the round in which it is first seen.
I/O:     reads the ledger in steps; the pin keeps the last head from one run to the next. State roots are recomputed in
         a temporary file.
Errors:  UnavailableError (the ledger did not answer), InvalidInputError (what was given to it); what is wrong with
         the log is an alarm.

Memory holds what the registry says and a few megabytes of entries, whatever else stands on the log. A person's datum is
searched for in these few megabytes at a time: hashed under a key that another entry shows, only ``privacy_check`` over
the whole log finds it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from ssi.errors import ForkError, InclusionProofError, RollbackError, SsiError, UnavailableError
from ssi.ledger.note import NoteKey
from ssi.ledger.port import Ledger, Withheld
from ssi.ledger.quorum import Pin, Quorum
from ssi.registry.anchoring import AnchoredHead, AnchorWatch
from ssi.registry.follower import RegistryFollower
from ssi.registry.history import Refused
from ssi.registry.privacy import privacy_check
from ssi.registry.state_map import StateMap
from ssi.registry.state_root import RootMonitor
from ssi.registry.withholding import unordered

Kind: TypeAlias = Literal[
    "fork", "rollback", "freeze", "checkpoint", "guard", "personal data", "state root", "withheld", "anchor"
]
PERSONAL: Final = ("G04", "G05", "G06")
"""The guard's rules that keep people off the ledger."""
MAX_ALARMS: Final = 1_000
"""Alarms of one round; beyond them they are counted only."""
_SEARCHED_AT_ONCE: Final = 4 << 20
_MAX_HEADS: Final = 64
_MAX_WITHHELD: Final = 1_000
ANCHOR_GRACE_SECONDS: Final = 900
"""How long an anchored head may be one that the log does not show yet: it may be published by a later step."""


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
    state_roots: int = 0
    """How many state roots were recomputed and hold, since the watch began."""
    uncheckable: int = 0
    """Those that do not come out and stand behind a withheld body: whoever did not see that body cannot tell."""


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
        state_root_seconds: int | None = None,
        anchor_seconds: int | None = None,
        anchors: AnchorWatch | None = None,
        state_map: StateMap | None = None,
        people: Sequence[Mapping[str, str]] = (),
        fields: Sequence[str] | None = None,
    ) -> None:
        """``freeze_seconds`` is how old the newest head may be, ``state_root_seconds`` the newest state root.

        ``anchors`` are those of this log on another ledger, ``anchor_seconds`` how old the newest may be. ``state_map``
        is an empty map, of a temporary file unless it is given. ``people`` is a register to search entries for;
        ``fields`` limits the search to these columns of it. ``close`` it.
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
        self._root_age = state_root_seconds
        self._anchor_age = anchor_seconds
        self._anchors = anchors
        self._map = state_map
        self._own_map: StateMap | None = None
        self._roots_checked: RootMonitor | None = None
        self._state_roots = 0
        self._anchored: dict[int, AnchoredHead] = {}
        self._withheld: dict[int, Withheld] = {}
        self._gone: list[int] = []
        self._gone_before = 0

    async def close(self) -> None:
        """Remove the temporary file; the ledgers are their opener's to close."""
        if self._own_map is not None:
            await self._own_map.close()
            self._own_map = None

    async def look(self, *, now: int, shown: Sequence[bytes] = ()) -> Round:
        """Follow the log to its newest head and return what is new and wrong.

        ``shown`` are heads of this log that others were shown: they must be of one history with it. Raises
        UnavailableError if the ledger does not answer; what was found until then is in the next round.
        """
        await self._ask_for_anchors()
        try:
            await self.refresh()
            await self._stepped()
            if unordered(self._state.at(), self._withheld):
                await self.refresh()  # the order may have come to the log after its end was looked at
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
        self._check_withheld()
        await self._compare(shown)
        await self._hold_against_anchors(now)
        self._check_freeze(now)
        view = self.view()
        alarms, left_out = tuple(self._alarms), self._left_out
        self._alarms, self._left_out = [], 0
        checked = None if self._roots_checked is None else self._roots_checked.found
        held, uncheckable = (0, 0) if checked is None else (checked.held, checked.uncheckable)
        return Round(now, view.size, view.checkpoint_time, alarms, left_out, held, uncheckable)

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
        if isinstance(entry, Withheld):
            self._state.forget_blocked()
            self._gone.append(index)
            if len(self._withheld) < _MAX_WITHHELD:
                self._withheld[index] = entry
            else:
                self._left_out += 1
        if self._people and isinstance(entry, bytes):
            self._unsearched.append((index, entry))
            self._bytes += len(entry)
            if self._bytes > _SEARCHED_AT_ONCE:
                self._search()

    async def _require_orders(self, size: int) -> None:
        """Go on past a body that no order withholds: ``_check_withheld`` alarms."""

    async def _stepped(self) -> None:
        """Recompute the state roots among the entries that were just folded."""
        view = self._state.at()
        new = view.state_roots()[self._state_roots :]
        for given in new:
            if self._roots_checked is None:
                if self._map is None:
                    from ssi.registry.backends.state_map_sqlite import SqliteStateMap

                    self._map = self._own_map = await SqliteStateMap.open("")
                self._roots_checked = RootMonitor(self._map)
            gone = self._gone_before + bisect_left(self._gone, given.index)
            wrong = await self._roots_checked.look(view.until(given.index + 1), withheld=gone)
            if wrong is not None:
                self._alarm(Alarm("state root", wrong, given.index))
            self._state_roots += 1
        self._gone_before += len(self._gone)
        self._gone.clear()

    def _check_withheld(self) -> None:
        """Alarm on bodies that are gone without an order on the log that names exactly them."""
        for index in unordered(self._state.at(), self._withheld):
            reason = "its body was erased, and the order that is named for it does not stand on the log"
            self._alarm(Alarm("withheld", reason, index))
        self._withheld.clear()

    async def _ask_for_anchors(self) -> None:
        """Ask the other ledger before this one: what it has of this log, this log must have."""
        if self._anchors is None:
            return
        try:
            new = await self._anchors.news()
        except UnavailableError:
            return  # its silence is noticed by the age of the newest anchor
        except SsiError as exc:
            self._alarm(Alarm("anchor", f"the ledger that has the anchors: {exc}", proof=getattr(exc, "proof", b"")))
            return
        self._anchored |= {each.index: each for each in new}

    async def _hold_against_anchors(self, now: int) -> None:
        """Hold this log against the heads of it that stand on the other ledger; those beyond it wait."""
        size = 0 if self._checkpoint is None else self._checkpoint.size
        for index, each in list(self._anchored.items()):
            where = f"entry {index} of the other ledger anchors size {each.head.size}"
            if each.head.size > size:
                if now - each.said_at > ANCHOR_GRACE_SECONDS:
                    self._alarm(Alarm("anchor", f"{where}: no head of this log is as long"))
                continue
            try:
                await self.compare(each.note)
            except UnavailableError:
                continue
            except ForkError as exc:
                self._alarm(Alarm("fork", f"{where}: {exc}", proof=exc.proof))
            except SsiError as exc:
                self._alarm(Alarm("anchor", f"{where}: {exc}"))
            del self._anchored[index]
        for index in list(self._anchored)[:-_MAX_HEADS]:
            del self._anchored[index]

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
        """Alarm if the newest head is old by its own time, or for as long as this monitor saw no other.

        The newest state root, and the newest anchor, are as old as they say; one that is not there is too old.
        """
        root = self._state.at().state_root()
        self._check_age(now, self._root_age, "state root", None if root is None else root.body.iat)
        newest_anchor = None if self._anchors is None else self._anchors.newest
        self._check_age(now, self._anchor_age, "anchor", None if newest_anchor is None else newest_anchor.iat)
        if self._since is None or self._since[0] != self._note:
            self._since = (self._note, now)
        time = self._since[1] if self._checkpoint is None else self._checkpoint.cosigned_at
        newest = self._since[1] if time is None else time
        if self._freeze is not None and now - newest > self._freeze:
            size = 0 if self._checkpoint is None else self._checkpoint.size
            self._alarm(Alarm("freeze", f"no new checkpoint after that of size {size} at {newest}"))

    def _check_age(self, now: int, most: int | None, what: str, time: int | None) -> None:
        if most is not None and (time is None or now - time > most):
            reason = f"there is no {what} yet" if time is None else f"no new {what} after that of {time}"
            self._alarm(Alarm("freeze", reason))
