"""The issuance book: anchor, batch by batch, that credentials were issued, and say nothing else.

Source:  decision 15 of the design; ``ssi.status.issuance``; docs/adr/0007-what-a-compromised-key-signed.md.
Shapes:  time is cut into periods; in each one batch of one size is anchored, whether anything was issued or not, so
         that neither size nor number nor time of commitments tells of anybody. Unix seconds.
I/O:     a store of its own, and the registry.
Errors:  those of the store; NotFoundError (the credential is in no anchored batch yet). A registry that does not answer
         is no error: the commitment follows with the next call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from secrets import SystemRandom, token_bytes
from typing import Final, Protocol

import msgspec

from ssi.encoding.base64url import b64url_encode
from ssi.errors import GuardError, NotFoundError, UnavailableError
from ssi.registry.organisation import Organisation
from ssi.registry.registry import Registry
from ssi.registry.types import StatusCommitment
from ssi.status.issuance import (
    CAPACITY,
    IssuanceList,
    batch_root,
    build_issuance_proof,
    issuance_input,
    issuance_leaf,
    issuance_secret,
)

from .outbox import IntentKind, NewIntent, Outbox
from .reconciling import Reconciler, Reconciliation

PERIOD_SECONDS: Final = 3_600
VALID_SECONDS: Final = 366 * 86_400


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that was closed: all its leaves, in their places."""

    epoch: int
    leaves: tuple[bytes, ...]
    anchored: bool = False


class IssuanceStore(Outbox, Protocol):
    """Where the book is kept; every method is one transaction. It holds keyed digests and no credential.

    A batch is anchored as soon as the intent to commit to it is settled as done, in the same transaction.
    """

    async def key(self) -> bytes:
        """Return 32 random bytes that stay the same; erasing them turns every leaf into noise."""
        ...

    async def add(self, leaf: bytes) -> None:
        """Keep a leaf for the next batch; one that is there already stays where it is."""
        ...

    async def close_batch(self, epoch: int, fill: Callable[[Sequence[bytes]], Sequence[bytes]]) -> None:
        """Close the batch of ``epoch`` with what ``fill`` makes of the oldest CAPACITY leaves that are in none.

        Of no effect if a batch of this or a later epoch is closed already.
        """
        ...

    async def batch_of(self, leaf: bytes) -> Batch | None:
        """Return the batch that a leaf is in, or None."""
        ...

    async def pending(self) -> Sequence[Batch]:
        """Return the batches that are not anchored, oldest first."""
        ...


class IssuanceBook:
    """The book of one agency."""

    def __init__(
        self,
        organisation: Organisation,
        *,
        store: IssuanceStore,
        registry: Registry,
        uri: str,
        now: Callable[[], int],
        period_seconds: int = PERIOD_SECONDS,
    ) -> None:
        """``uri`` is what the commitments are about; nothing needs to be served there."""
        self._organisation = organisation
        self._store = store
        self._uri = uri
        self._now = now
        self._period = period_seconds
        self._reconciler = Reconciler(store, registry=registry, organisation=organisation, now=now)

    async def add(self, credential: str) -> None:
        """Enter a credential, as it is handed out."""
        signed = issuance_input(credential)
        await self._store.add(issuance_leaf(issuance_secret(await self._store.key(), signed), signed))

    async def publish(self) -> bool:
        """Close the batch that is due and anchor what is not anchored; return whether all is.

        To be called at least once a period, whatever was issued.
        """
        await self._store.close_batch(self._now() // self._period, _fill)
        try:
            await self._intend()
        except UnavailableError:
            return False
        done = await self.reconcile()
        for each in done.refused():
            raise each.error or GuardError("G10", each.did)
        return done.settled

    async def reconcile(self, *, dry_run: bool = False) -> Reconciliation:
        """Bring the commitments that are open to the ledger; see ``issuer.reconciling``."""
        return await self._reconciler.run(dry_run=dry_run)

    async def proof(self, credential: str) -> bytes:
        """Return what proves, to whoever holds the credential, that it was issued before its commitment.

        The holder keeps it beside the credential. Raises NotFoundError as long as no batch with it is anchored.
        """
        signed = issuance_input(credential)
        secret = issuance_secret(await self._store.key(), signed)
        leaf = issuance_leaf(secret, signed)
        batch = await self._store.batch_of(leaf)
        if batch is None or not batch.anchored:
            raise NotFoundError("the credential is in no anchored batch yet")
        return build_issuance_proof(self._list(batch), batch.leaves, batch.leaves.index(leaf), secret=secret).data

    def _list(self, batch: Batch) -> IssuanceList:
        root = b64url_encode(batch_root(batch.leaves))
        return IssuanceList(iss=self._organisation.did, uri=self._uri, epoch=batch.epoch, root=root)

    async def _intend(self) -> None:
        """Sign the commitments of batches that have none; the store keeps the first, whoever was faster."""
        kept = {each.number for each in await self._store.intents()}
        now = self._now()
        for batch in await self._store.pending():
            if batch.epoch in kept:
                continue
            body = StatusCommitment(
                iss=self._organisation.did,
                iat=now,
                uri=self._uri,
                epoch=batch.epoch,
                digest=self._list(batch).digest,
                valid_from=now,
                valid_until=now + VALID_SECONDS,
            )
            entry = await self._organisation.sign(body)
            new = NewIntent(kind=IntentKind.BATCH, subject=self._uri, number=batch.epoch, entry=entry, made_at=now)
            await self._store.put_intents([new])


def _fill(leaves: Sequence[bytes]) -> Sequence[bytes]:
    """Return a whole batch: the leaves among random bytes, in random order."""
    batch = [*leaves, *(token_bytes(32) for _ in range(CAPACITY - len(leaves)))]
    SystemRandom().shuffle(batch)
    return batch
