"""Hold two copies of one log against each other: is this the log that was seen before, or another?

Source:  did:webvh 1.0, "Read (Resolve)" and "DID Watchers" (detecting inconsistencies).
Input:   logs that verified, each by itself. Only their version ids are compared: each commits to all before it.
Shapes:  a version id is ``number-entryHash``; numbers start at 1.
I/O:     none.
Errors:  VerificationError (the log was cut back or rewritten since it was seen).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, MutableMapping
from enum import StrEnum
from typing import Final

import msgspec

from ssi.did.webvh.log import WebvhLog
from ssi.errors import VerificationError

MAX_HEADS: Final = 4096


class Relation(StrEnum):
    """What one copy of a log is to another."""

    SAME = "same"
    AHEAD = "ahead"
    """It holds all that the other one holds, and more."""
    BEHIND = "behind"
    FORKED = "forked"
    """Both continue differently after a common beginning: an update key signed twice."""


class Comparison(msgspec.Struct, frozen=True):
    """How a log relates to another, and up to which version both are the same."""

    relation: Relation
    common: int
    """The number of the last version that both have; 0 if none."""


def compare_logs(log: WebvhLog, other: WebvhLog) -> Comparison:
    """Return what ``log`` is to ``other``, a log of the same SCID. Raises VerificationError if it is of another."""
    if log.scid != other.scid:
        raise VerificationError("expected two logs of the same SCID")
    common = 0
    for ours, theirs in zip(log.versions, other.versions, strict=False):
        if ours.entry.version_id != theirs.entry.version_id:
            return Comparison(Relation.FORKED, common)
        common += 1
    if len(log.versions) == len(other.versions):
        return Comparison(Relation.SAME, common)
    return Comparison(Relation.AHEAD if common == len(other.versions) else Relation.BEHIND, common)


def check_continues(log: WebvhLog, head: str) -> None:
    """Raise VerificationError unless ``log`` holds the version ``head`` that was seen before, at its place.

    The message says whether the log was cut back or rewritten.
    """
    number = version_number(head)
    if len(log.versions) < number:
        raise VerificationError(f"the log ends at version {log.head.number}, and version {number} was seen before")
    if log.versions[number - 1].entry.version_id != head:
        raise VerificationError(f"the log is not the one seen before: its version {number} is another")


def version_number(version_id: str) -> int:
    """Return the number in a version id that was read from a verified log."""
    return int(version_id.partition("-")[0])


class SeenHeads(MutableMapping[str, str]):
    """The newest version id seen of each SCID, bounded: the one that was used least goes first.

    In memory only. A host that must remember across restarts gives a mapping of its own in its place.
    """

    def __init__(self, *, max_heads: int = MAX_HEADS) -> None:
        self._max = max_heads
        self._heads: OrderedDict[str, str] = OrderedDict()

    def __getitem__(self, scid: str) -> str:
        head = self._heads[scid]
        self._heads.move_to_end(scid)
        return head

    def __setitem__(self, scid: str, version_id: str) -> None:
        self._heads[scid] = version_id
        self._heads.move_to_end(scid)
        if len(self._heads) > self._max:
            self._heads.popitem(last=False)

    def __delitem__(self, scid: str) -> None:
        del self._heads[scid]

    def __iter__(self) -> Iterator[str]:
        return iter(self._heads)

    def __len__(self) -> int:
        return len(self._heads)
