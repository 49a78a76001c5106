"""A ledger between the library and a backend that does what networks, disks and operators do to it.

    ledger = FaultyLedger(backend, faults=[Fault.LOST_ACKNOWLEDGEMENT], seed=7)

Source:  threats 23 to 25 of the project; the Ledger port says what a caller may rely on.
Shapes:  the same seed and the same calls give the same faults. ``injected`` counts them; ``calm`` stops them.
I/O:     that of the backend.
Errors:  those of the backend, and UnavailableError where a fault leaves the outcome unknown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from enum import StrEnum
from random import Random

from ssi.errors import EntryNotFoundError, UnavailableError
from ssi.ledger.port import Ledger, Withheld


class Fault(StrEnum):
    """What may happen between the library and a backend."""

    LOST_ACKNOWLEDGEMENT = "lost acknowledgement"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    DELAY = "delay"
    CUT = "cut"
    """Of what a call appends only a first part arrives, and no answer comes back."""
    WRONG_ANSWER = "wrong answer"
    """Another index, a changed bit, a size that is none."""
    FORK = "fork"
    """Readers are shown another log, signed with the same key; see ``FaultyLedger.fork``."""
    ROLLBACK = "rollback"
    """Readers are shown the log as it was before."""
    CLOCK_JUMP = "clock jump"
    """``FaultyLedger.clock`` goes astray by up to two days; nothing happens to the calls."""
    DISK_FULL = "disk full"
    FSYNC_ERROR = "fsync error"
    """Whether what was written stays is unknown."""


_LONGEST_WAIT_SECONDS = 0.002
_MOST_TURNS = 12
_JUMP_SECONDS = 2 * 86_400


class FaultyLedger:
    """The Ledger port over ``ledger``, with faults of the given kinds in one call of ``1 / rate``."""

    def __init__(self, ledger: Ledger, *, faults: Collection[Fault], seed: int, rate: float = 0.25) -> None:
        self.ledger = ledger
        self.injected: Counter[Fault] = Counter()
        self.fork: Ledger | None = None
        """What readers see under FORK."""
        self._faults = tuple(sorted(faults))
        self._random = Random(seed)  # noqa: S311  (to be repeated, not to be secret)
        self._rate = rate
        self._calm = False
        self._snapshots: list[tuple[int, bytes | None]] = []

    def calm(self, still: bool = True) -> None:
        """Do nothing wrong any more, or begin again."""
        self._calm = still

    def clock(self, now: int) -> int:
        """Return the time, or another one."""
        if self._strikes(Fault.CLOCK_JUMP):
            return now + self._random.randint(-_JUMP_SECONDS, _JUMP_SECONDS)
        return now

    async def append(self, entries: Sequence[bytes], *, expected_size: int | None = None) -> Sequence[int]:
        """As ``Ledger.append``, or not quite."""
        await self._wait()
        if self._strikes(Fault.DISK_FULL):
            raise UnavailableError("no space left on the device")
        if entries and self._strikes(Fault.CUT):
            part = entries[: self._random.randrange(len(entries) + 1)]
            if part:
                await self.ledger.append(part, expected_size=expected_size)
            raise UnavailableError("the connection was cut")
        if self._strikes(Fault.FSYNC_ERROR):
            if self._random.random() < 0.5:
                await self.ledger.append(entries, expected_size=expected_size)
            raise UnavailableError("the disk did not synchronise")
        indexes = await self.ledger.append(entries, expected_size=expected_size)
        if self._strikes(Fault.DUPLICATE):
            indexes = await self.ledger.append(entries, expected_size=expected_size)
        if self._strikes(Fault.LOST_ACKNOWLEDGEMENT):
            raise UnavailableError("the answer was lost")
        if indexes and self._strikes(Fault.WRONG_ANSWER):
            return [index + self._random.choice((-1, 1, 7)) for index in indexes]
        await self._wait()
        return indexes

    async def size(self) -> int:
        """As ``Ledger.size``, or not quite."""
        size = await self.ledger.size()
        self._snapshots.append((size, await self.ledger.checkpoint()))
        if self._strikes(Fault.WRONG_ANSWER):
            return max(0, size + self._random.choice((-2, -1, 1, 3)))
        if self.fork is not None and self._strikes(Fault.FORK):
            return await self.fork.size()
        if self._strikes(Fault.ROLLBACK):
            return self._random.choice(self._snapshots)[0]
        return size

    async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
        """As ``Ledger.read``, or not quite."""
        entries = list(await self._source(Fault.FORK).read(start, stop))
        if entries and self._strikes(Fault.WRONG_ANSWER):
            place = self._random.randrange(len(entries))
            found = entries[place]
            if isinstance(found, bytes):
                entries[place] = _flipped(found, self._random)
        return entries

    async def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """As ``Ledger.hashes``, or not quite."""
        hashes = list(await self._source(Fault.FORK).hashes(level, start, stop))
        if hashes and self._strikes(Fault.WRONG_ANSWER):
            place = self._random.randrange(len(hashes))
            hashes[place] = _flipped(hashes[place], self._random)
        return hashes

    async def checkpoint(self) -> bytes | None:
        """As ``Ledger.checkpoint``, or not quite."""
        if self._snapshots and self._strikes(Fault.ROLLBACK):
            return self._random.choice(self._snapshots)[1]
        note = await self._source(Fault.FORK).checkpoint()
        if note and self._strikes(Fault.WRONG_ANSWER):
            return _flipped(note, self._random)
        return note

    async def put_checkpoint(self, old: bytes | None, new: bytes) -> None:
        """As ``Ledger.put_checkpoint``, or not quite."""
        await self._wait()
        if self._strikes(Fault.DISK_FULL):
            raise UnavailableError("no space left on the device")
        await self.ledger.put_checkpoint(old, new)
        if self._strikes(Fault.DUPLICATE):
            await self.ledger.put_checkpoint(old, new)
        if self._strikes(Fault.LOST_ACKNOWLEDGEMENT) or self._strikes(Fault.CUT) or self._strikes(Fault.FSYNC_ERROR):
            raise UnavailableError("the answer was lost")

    async def close(self) -> None:
        """As ``Ledger.close``."""
        await self.ledger.close()

    def _source(self, fault: Fault) -> Ledger:
        return self.fork if self.fork is not None and self._strikes(fault) else self.ledger

    async def _wait(self) -> None:
        """Let others go first: some turns of the loop, or some time."""
        if self._strikes(Fault.REORDER):
            import asyncio

            for _ in range(self._random.randint(1, _MOST_TURNS)):
                await asyncio.sleep(0)
        if self._strikes(Fault.DELAY):
            import asyncio

            await asyncio.sleep(self._random.uniform(0, _LONGEST_WAIT_SECONDS))

    def _strikes(self, fault: Fault) -> bool:
        if self._calm or fault not in self._faults or self._random.random() >= self._rate:
            return False
        self.injected[fault] += 1
        return True


class ForgetfulLedger(FaultyLedger):
    """A ledger that takes back what it acknowledged: a chain's reorganisation, over entries kept here."""

    async def take_back(self, size: int, *, into: Ledger) -> None:
        """From here on be ``into``, an empty ledger that is given the first ``size`` entries and their checkpoint."""
        for entry in await self.ledger.read(0, size):
            if not isinstance(entry, bytes):
                raise EntryNotFoundError("a withheld entry cannot be taken back")
            await into.append([entry])
        notes = [note for at, note in self._snapshots if note is not None and at <= size]
        if notes:
            await into.put_checkpoint(None, notes[-1])
        self.ledger = into


def _flipped(data: bytes, random: Random) -> bytes:
    """Return ``data`` with one bit changed."""
    place = random.randrange(len(data) * 8) if data else 0
    changed = bytearray(data or b"\x00")
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)
