"""The registry's answers about DIDs, as the log of one size gives them.

Source:  the project's answerability text, section 2.1 (keys); did:webvh 1.0, "DID Witnesses"; design decision 8.
Input:   the histories of a fold (``ssi.registry.fold``).
Shapes:  did.jsonl and did-witness.json byte for byte as they are served.
I/O:     none.
Errors:  DidNotFoundError.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from ssi.did.document import DidDocument
from ssi.did.webvh.witnessing import build_witness_file
from ssi.errors import DidNotFoundError
from ssi.registry.did_history import scid_of_did
from ssi.registry.histories import Histories
from ssi.registry.history import DidVersion, WitnessApproval
from ssi.types import JsonObject

KEPT_WITNESS_PROOFS: Final = 8
"""How many proofs of one witness ``did_witness`` serves."""


class DidsSnapshot:
    """The DIDs of one fold at one size. Later entries do not show, though the fold goes on growing."""

    __slots__ = ("_histories", "_size")

    def __init__(self, histories: Histories, size: int) -> None:
        """The base of ``RegistrySnapshot``."""
        self._histories = histories
        self._size = size

    @property
    def size(self) -> int:
        """The number of ledger entries that this view knows."""
        return self._size

    def did_log(self, did: str) -> bytes:
        """Return the did.jsonl of ``did``, every line that counts as it was anchored. Raises DidNotFoundError.

        A DID that moved has one log under all its names.
        """
        versions = self.versions(did)
        if not versions:
            raise DidNotFoundError(f"the ledger of size {self._size} has no log of {did}")
        return b"".join(version.line + b"\n" for version in versions)

    def did_witness(self, did: str) -> bytes:
        """Return the did-witness.json of ``did``: the proofs for versions that count. Raises DidNotFoundError.

        Of each witness the newest proofs are enough, since each covers the versions before; a few more are kept for
        readers whose log is a moment older.
        """
        versions = self.versions(did)
        if not versions:
            raise DidNotFoundError(f"the ledger of size {self._size} has no log of {did}")
        kept: dict[str, list[JsonObject]] = {}
        taken: Counter[str] = Counter()
        for version in reversed(versions):
            seen: set[str] = set()
            for approval in self.approvals(version.version_id):
                for witness, proof in zip(approval.witnesses, approval.proofs, strict=True):
                    if witness not in seen and taken[witness] < KEPT_WITNESS_PROOFS:
                        seen.add(witness)
                        kept.setdefault(version.version_id, []).append(proof)
            taken.update(seen)
        return build_witness_file(kept)

    def dids(self) -> Iterator[str]:
        """Yield every DID with a log on the ledger, also names that moved on, in the order of the logs."""
        for scid in self._histories.dids.counted:
            yield from self.names(scid)

    def names(self, scid: str) -> Sequence[str]:
        """Return every name that the log of ``scid`` had in the versions that count, in their order."""
        return list(dict.fromkeys(version.did for version in self._histories.dids.versions(scid, self._size)))

    def versions(self, did: str) -> Sequence[DidVersion]:
        """Return every version of ``did`` that counts, in the order of the log; none if the log never had that name."""
        versions = self._histories.dids.versions(scid_of_did(did), self._size)
        return versions if any(version.did == did for version in reversed(versions)) else ()

    def did_version(self, did: str) -> DidVersion | None:
        """Return the version of ``did`` in force at this size, or None; of an old name, the version after the move."""
        head = self.head(scid_of_did(did))
        if head is None or head.did == did:
            return head
        return head if self.versions(did) else None

    def head(self, scid: str) -> DidVersion | None:
        """Return the newest version that counts of the log with this SCID, or None."""
        return self._histories.dids.head(scid, self._size)

    def waiting(self, did: str) -> Sequence[DidVersion]:
        """Return the lines of ``did`` that wait for witnesses and may still count."""
        return list(self._histories.dids.waiting(scid_of_did(did), self._size))

    def lines_before(self, scid: str, number: int) -> Sequence[DidVersion | None]:
        """Return the lines that version ``number`` could follow: the head or lines that wait; None before the first."""
        head = self.head(scid)
        start = head.version.number if head else 0
        if number <= start + 1:
            return [head] if number == start + 1 else []
        waiting = self._histories.dids.waiting(scid, self._size, below=number)
        return [line for line in waiting if line.version.number == number - 1]

    def anchored(self, version_id: str) -> DidVersion | None:
        """Return the admitted line with this versionId, whether it counts or not, or None."""
        line = self._histories.dids.anchored.get(version_id)
        return line if line is not None and line.index < self._size else None

    def path_to(self, line: DidVersion) -> Sequence[DidVersion]:
        """Return the lines that a proof for ``line`` may approve: itself if it counts, or those that wait up to it.

        Empty if the line can count no more.
        """
        counted = self._histories.dids.versions(line.scid, self._size)
        number = line.version.number
        if number <= len(counted):
            return [line] if counted[number - 1].version_id == line.version_id else []
        end = counted[-1].version_id if counted else line.scid
        path = [line]
        while path[-1].after != end:
            before_it = self._histories.dids.anchored.get(path[-1].after)
            if before_it is None or before_it.version.number <= len(counted):
                return []
            path.append(before_it)
        return path

    def approvals(self, version_id: str) -> Sequence[WitnessApproval]:
        """Return the admitted witness proofs for this version, in the order of the ledger."""
        return self._histories.dids.approving(version_id, self._size)

    def document(self, did: str) -> DidDocument:
        """Return the DID document in force at this size, also of a deactivated DID. Raises DidNotFoundError."""
        version = self.did_version(did)
        if version is None:
            raise DidNotFoundError(f"the ledger of size {self._size} has no log of {did}")
        return version.document
