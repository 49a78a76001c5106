"""Sign the heads of a registry's log, and hand out proofs under them.

Source:  C2SP tlog-checkpoint and tlog-cosignature; design decision 7.
Input:   what the follower has folded; the log's key.
Shapes:  a head that another process of the same operator signed is as good as one's own, if it covers what was asked.
I/O:     the ledger and the key store.
Errors:  UnavailableError (the ledger took back what was signed, or others were always first), InclusionProofError (it
         went on otherwise than it was signed), those of the follower.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from ssi.errors import ConflictError, EntryNotFoundError, InclusionProofError, UnavailableError
from ssi.keys import Kms
from ssi.ledger import merkle
from ssi.ledger.checkpoint import Checkpoint, sign_checkpoint
from ssi.ledger.note import NoteKey
from ssi.ledger.port import Ledger, TurnTakingLedger
from ssi.ledger.quorum import verify_head
from ssi.ledger.receipt import Receipt
from ssi.ledger.standing import continues
from ssi.registry.follower import RegistryFollower
from ssi.registry.view import RegistrySnapshot

MAX_CONFLICTS: Final = 16
"""How often an append or a checkpoint gives way to another process before it reports that it could not get through."""


class SigningFollower(RegistryFollower):
    """A follower that has the log's key."""

    _wary = False

    def __init__(
        self,
        ledger: Ledger,
        *,
        roots: Sequence[str],
        kms: Kms,
        checkpoint_label: str,
        origin: str,
        now: Callable[[], int] = lambda: int(time.time()),
    ) -> None:
        """Sign heads of ``ledger`` under the name ``origin`` with the key ``checkpoint_label`` of ``kms``.

        ``now`` is the clock, in Unix seconds. Raises InvalidInputError if there is no root.
        """
        super().__init__(ledger, roots=roots)
        self._kms = kms
        self._label = checkpoint_label
        self._origin = origin
        self._now = now
        self._lost: Checkpoint | None = None

    async def note_key(self) -> NoteKey:
        """Return the key that verifies this registry's checkpoints. Raises KeyNotFoundError."""
        if not self._keys:
            self._keys = (NoteKey(self._origin, await self._kms.public_key(self._label)),)
        return self._keys[0]

    async def refresh(self) -> RegistrySnapshot:
        """Fold what other writers added and return the new view; see ``RegistryFollower.refresh``."""
        await self.note_key()
        return await super().refresh()

    async def sign_checkpoint(self) -> bytes:
        """Sign the log's head anew, at the clock's time, and return the note.

        Call it from a timer: a verifier that asks for a fresh registry looks at the time of the newest checkpoint.
        """
        await self.note_key()
        async with self._exclusive():
            await self._catch_up()
            await self._sign(self._state.size)
        if self._note is None:
            raise UnavailableError("the checkpoint was not stored")
        return self._note

    async def _require_whole(self) -> None:
        """Raise unless the log has again what a head says that was signed before the ledger took entries back."""
        if self._lost is None:
            return
        if self._state.size < self._lost.size:
            raise UnavailableError(
                f"the ledger took entries back: it has {self._state.size} of the {self._lost.size} that were signed;"
                " put them back (ssi ledger recover) before anything is written"
            )
        if not await continues(self._ledger, self._lost):
            raise InclusionProofError(f"the ledger went on otherwise than the signed head of size {self._lost.size}")
        self._lost = None

    async def _cover(self, size: int) -> None:
        """Make sure that a stored checkpoint covers the first ``size`` entries."""
        if self._covers(size):
            return
        if isinstance(self._ledger, TurnTakingLedger):
            # Another writer may have signed for these entries, too; and what it wrote is folded best between turns.
            await self._catch_up()
        if not self._covers(size):
            await self._sign(size)

    def _covers(self, size: int) -> bool:
        return self._checkpoint is not None and self._checkpoint.size >= size

    async def _sign(self, least: int) -> None:
        """Sign the head of what is folded; one that another process signed meanwhile counts if it covers ``least``."""
        await self._require_whole()
        for _ in range(MAX_CONFLICTS):
            note = await sign_checkpoint(
                self._tree.as_ledger(),
                kms=self._kms,
                label=self._label,
                origin=self._origin,
                now=self._now(),
                size=self._state.size,
            )
            try:
                await self._ledger.put_checkpoint(self._note, note)
            except ConflictError:
                await self._catch_up()
                if self._covers(least):
                    return
                continue
            self._note, self._checkpoint = note, verify_head(note, keys=self._keys)
            self._last = (note, self._checkpoint)
            return
        raise UnavailableError("other writers always signed first: ask again")

    async def _receipts_for(self, indexes: Sequence[int]) -> dict[int, Receipt]:
        note, checkpoint = self._note, self._checkpoint
        if note is None or checkpoint is None:
            raise UnavailableError("the log has no checkpoint")
        try:
            paths = await merkle.inclusion_proofs(self._tree.as_ledger(), indexes, checkpoint.size)
        except EntryNotFoundError:  # older than the edge that is kept in memory
            paths = await merkle.inclusion_proofs(self._ledger, indexes, checkpoint.size)
        return {
            index: Receipt(index, checkpoint.size, tuple(path), note)
            for index, path in zip(indexes, paths, strict=True)
        }
