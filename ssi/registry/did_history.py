"""Which anchored lines of a did:webvh log count, and since which ledger index.

Source:  did:webvh 1.0, "DID Witnesses" (Witness Threshold Algorithm), "DID Portability".
Input:   lines and witness proofs that the guard admitted, in ledger order.
Shapes:  everything is keyed by the SCID, which no move changes; lists only grow, each in ledger order.
I/O:     none.
Errors:  none.

The rule. Lines form a tree: each stands after one line before it. One path of it counts. A line waits until the log
that ends with it would satisfy a resolver: for every waiting line of that log, a threshold of the witnesses named for
it approved that line or one after it in that same log. Then the whole log counts, from that index on and for ever. If
one entry brings that about for several lines, the one that stands first on the ledger goes first. Whatever does not
follow the path that counts has lost, and cannot count any more: so a line that witnesses never approve holds nobody
up, and two histories never count. A line that needs no witness and follows one that counts, counts where it stands.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

import msgspec

from ssi.registry.history import DidVersion, WitnessApproval, before


class DidHistories(msgspec.Struct):
    """Every log on the ledger; only the fold writes here, at the ends of the lists."""

    counted: dict[str, list[DidVersion]] = msgspec.field(default_factory=dict)
    """By SCID, the versions that count, in the order of the log; ``counts_from`` never falls."""
    following: dict[str, list[DidVersion]] = msgspec.field(default_factory=dict)
    """By the versionId before it (the SCID for the first): every admitted line, as it was admitted."""
    anchored: dict[str, DidVersion] = msgspec.field(default_factory=dict)
    """By versionId, which is a hash of the line."""
    approvals: dict[str, list[WitnessApproval]] = msgspec.field(default_factory=dict)
    """By versionId."""

    def versions(self, scid: str, size: int) -> Sequence[DidVersion]:
        """Return the versions that count for the log of ``size`` entries."""
        versions = self.counted.get(scid, [])
        if not versions or versions[-1].counts_from < size:
            return versions
        return versions[: bisect_left(versions, size, key=_counts_from)]

    def head(self, scid: str, size: int) -> DidVersion | None:
        """Return the newest version that counts, or None."""
        versions = self.counted.get(scid)
        if not versions:
            return None
        if versions[-1].counts_from < size:
            return versions[-1]
        position = bisect_left(versions, size, key=_counts_from)
        return versions[position - 1] if position else None

    def waiting(self, scid: str, size: int, *, below: int | None = None) -> Iterator[DidVersion]:
        """Yield the lines that follow the head and do not count yet, by version number, up to number ``below``."""
        head = self.head(scid, size)
        row = [scid if head is None else head.version_id]
        number = 1 if head is None else head.version.number + 1
        while row and (below is None or number < below):
            found = [line for key in row for line in before(self.following.get(key, ()), size)]
            yield from found
            row = [line.version_id for line in found]
            number += 1

    def approving(self, version_id: str, size: int) -> Sequence[WitnessApproval]:
        """Return the approvals of one version."""
        return before(self.approvals.get(version_id, ()), size)

    def add_line(self, line: DidVersion) -> None:
        """Keep an admitted line, and let count what now may."""
        self.following.setdefault(line.after, []).append(line)
        self.anchored[line.version_id] = line
        self._advance(line, line.index)

    def add_approvals(self, approvals: WitnessApproval) -> None:
        """Keep admitted proofs, and let count what now may."""
        self.approvals.setdefault(approvals.version_id, []).append(approvals)
        self._advance(self.anchored[approvals.version_id], approvals.index)

    def take_back(self, entry: DidVersion | WitnessApproval) -> None:
        """Undo the newest addition."""
        counted = self.counted.get(entry.scid, [])
        while counted and counted[-1].counts_from == entry.index:
            counted.pop()
        if not counted:
            self.counted.pop(entry.scid, None)
        if isinstance(entry, DidVersion):
            del self.anchored[entry.version_id]
            _pop(self.following, entry.after)
        else:
            _pop(self.approvals, entry.version_id)

    def _advance(self, start: DidVersion, index: int) -> None:
        """Let count what the entry at ``index``, which is about ``start``, has made ready.

        Only logs that hold ``start`` can have become ready, and no other line has to be looked at: a log that is ready
        and goes on from one that counts was ready before that one counted.
        """
        size = index + 1
        while True:
            lines = sorted(self._from(start, size), key=_index)
            path = next((path for line in lines if (path := self._path(line, size)) and self._holds(path)), None)
            if path is None:
                return
            counted = self.counted.setdefault(start.scid, [])
            counted += [msgspec.structs.replace(line, counts_from=index) for line in path]

    def _from(self, start: DidVersion, size: int) -> Iterator[DidVersion]:
        row = [start]
        while row:
            yield from row
            row = [line for each in row for line in before(self.following.get(each.version_id, ()), size)]

    def _path(self, line: DidVersion, size: int) -> list[DidVersion]:
        """Return the waiting lines from the head to this one; none if it counts already or has lost."""
        head = self.head(line.scid, size)
        end, number = (line.scid, 0) if head is None else (head.version_id, head.version.number)
        path: list[DidVersion] = []
        step: DidVersion | None = line
        while step is not None and step.version.number > number:
            path.append(step)
            if step.after == end:
                return path[::-1]
            step = self.anchored.get(step.after)
        return []

    def _holds(self, path: Sequence[DidVersion]) -> bool:
        """Whether each line of the path has its approvals from proofs for lines of the path."""
        newest = {
            witness: line.version.number
            for line in path
            for approvals in self.approvals.get(line.version_id, ())
            for witness in approvals.witnesses
        }
        for line in path:
            rule = line.version.witness
            if sum(newest.get(witness, 0) >= line.version.number for witness in rule.ids) < rule.threshold:
                return False
        return True


def scid_of_did(did: str) -> str:
    """Return what a DID's history is kept under: the SCID of a did:webvh DID, any other DID itself."""
    parts = did.split(":", 3)
    return parts[2] if len(parts) == 4 and parts[:2] == ["did", "webvh"] else did


def _pop(lists: dict[str, list[DidVersion]] | dict[str, list[WitnessApproval]], key: str) -> None:
    items = lists[key]
    items.pop()
    if not items:
        del lists[key]


def _index(line: DidVersion) -> int:
    return line.index


def _counts_from(line: DidVersion) -> int:
    return line.counts_from
