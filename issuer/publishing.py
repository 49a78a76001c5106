"""Publish status lists: sign what changed, keep it, anchor its commitment, keep the receipt.

Source:  decision 9 of the design; W3C Bitstring Status List v1.0, draft-ietf-oauth-status-list-20.
Shapes:  times are Unix seconds; a family's version grows with each change, a list's epoch with each publication.
I/O:     store, key store and registry.
Errors:  those of store and key store. A registry that does not answer is no error: the list is published at once and
         its commitment, an intent of the store's outbox, follows with the next call.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from secrets import randbelow
from typing import TYPE_CHECKING, Final

import msgspec

from ssi.errors import ConflictError, GuardError, InvalidInputError, NotFoundError, UnavailableError
from ssi.keys import KeyPurpose
from ssi.proofs.suites import is_selective
from ssi.registry.organisation import Organisation
from ssi.registry.registry import Registry
from ssi.registry.types import StatusCommitment
from ssi.status import StatusFormat, parse_status_list, status_list_digest
from ssi.status.bitstring import CREDENTIAL_MEDIA_TYPE, EMBEDDED_MEDIA_TYPE
from ssi.status.lists import (
    DEFAULT_ENTRIES,
    DEFAULT_LIFETIME_SECONDS,
    DEFAULT_TTL_SECONDS,
    StatusArray,
    StatusFamily,
)
from ssi.status.publish import publish_lists
from ssi.status.token import TOKEN_MEDIA_TYPE

from .identity import Identity
from .outbox import IntentKind, NewIntent
from .reconciling import Reconciler, Reconciliation
from .store import Family, IssuerStore, StoredList

if TYPE_CHECKING:
    import asyncio

MAX_RACES: Final = 8
MAX_AHEAD_SECONDS: Final = 30
"""How far lists may be dated ahead of the clock when they are published more than once a second.

It stays below the minute by which verifiers let clocks differ: a list from further ahead would be refused.
"""


class StatusSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How an agency's status lists are cut and how long they hold."""

    entries: int = DEFAULT_ENTRIES
    ttl_seconds: int = DEFAULT_TTL_SECONDS
    lifetime_seconds: int = DEFAULT_LIFETIME_SECONDS
    embedded_proof: bool = False
    """Whether bitstring lists have an embedded Data Integrity proof, and are not ``vc+jwt``: for agencies whose
    verifiers read no JOSE. Lists of the other kind are signed anew by the next ``publish``."""
    cryptosuite: str | None = None
    """The suite of that proof; None for the JCS suite of the key that signs lists."""

    def __post_init__(self) -> None:
        """Refuse a suite with selective disclosure: nobody derives from a list, and no verifier takes a base proof."""
        if self.cryptosuite is not None and is_selective(self.cryptosuite):
            raise InvalidInputError("expected status lists with a suite of one signature")

    def media_type(self, format: StatusFormat) -> str:
        """Return what lists of ``format`` are served as."""
        if format is StatusFormat.TOKEN:
            return TOKEN_MEDIA_TYPE
        return EMBEDDED_MEDIA_TYPE if self.embedded_proof else CREDENTIAL_MEDIA_TYPE


class Publisher:
    """Keeps the published lists of one issuer in step with its store."""

    def __init__(
        self,
        identity: Identity,
        *,
        store: IssuerStore,
        registry: Registry | None,
        settings: StatusSettings,
        now: Callable[[], int],
    ) -> None:
        self._identity = identity
        self._store = store
        self._registry = registry
        self._settings = settings
        self._now = now
        self._ready: set[int] = set()
        self._lock: asyncio.Lock | None = None
        self._reconciler: Reconciler | None = None
        if registry is not None and isinstance(identity, Organisation):
            self._reconciler = Reconciler(store, registry=registry, organisation=identity, now=now)

    async def reconcile(self, *, dry_run: bool = False) -> Reconciliation:
        """Bring what is open in the outbox to the ledger; see ``issuer.reconciling``."""
        if self._reconciler is None:
            return Reconciliation(outcomes=())
        if not dry_run:
            async with self._exclusive():
                return await self._reconciler.run()
        return await self._reconciler.run(dry_run=True)

    async def family(self, id: int | None) -> StatusFamily:
        """Return a family as the status layer knows it. Raises NotFoundError."""
        if id is None:
            raise NotFoundError("this credential has no status list")
        return self._family(await self._store.family(id))

    async def ensure(self, id: int | None) -> None:
        """Publish a family for the first time, so that no credential refers to a list that nobody can fetch."""
        if id is None or id in self._ready:
            return
        async with self._exclusive():
            family = await self._store.family(id)
            if family.held:
                raise ConflictError("another system still serves the status list of this credential")
            if not await self._published(family):
                await self._publish_family(family)
                await self._anchor_all()
            self._ready.add(id)

    async def publish(self, *, everything: bool = False) -> bool:
        """Sign the lists that changed or have lived half their life, then anchor what is not anchored yet.

        Tasks that ask at once are served by one publication. Returns whether every list is anchored.
        """
        async with self._exclusive():
            for family in await self._store.families():
                if not family.held and (everything or await self._is_due(family)):
                    await self._publish_family(family, everything=everything)
            return await self._anchor_all()

    def _exclusive(self) -> asyncio.Lock:
        import asyncio

        if self._lock is None:
            self._lock = asyncio.Lock()
        return self._lock

    async def _is_due(self, family: Family) -> bool:
        published = await self._published(family)
        half_life = self._now() + self._settings.lifetime_seconds // 2
        kid = (await self._identity.key(KeyPurpose.LIST)).kid
        return not published or any(
            # A list whose key was replaced is refused by every verifier, so it must not wait for its half-life.
            found.version != family.version
            or found.valid_until < half_life
            or found.media_type != self._settings.media_type(family.format)
            or parse_status_list(found.body).kid != kid
            for found in published
        )

    async def _published(self, family: Family) -> list[StoredList]:
        return [found for found in await self._store.lists() if found.family == family.id]

    async def _publish_family(self, family: Family, *, everything: bool = False) -> None:
        """Sign and keep the lists of a family; when another process was faster, see whether that did our work."""
        import asyncio

        for attempt in range(MAX_RACES):
            if attempt:
                await asyncio.sleep(randbelow(10 * attempt) / 1000)
                if not everything and not await self._is_due(await self._store.family(family.id)):
                    return
            version, states = await self._store.states(family.id)
            before = {found.uri: found for found in await self._published(family)}
            now = self._issue_time([found.issued_at for found in before.values()])
            key = await self._identity.key(KeyPurpose.LIST)
            lists = await publish_lists(
                self._family(family),
                StatusArray(family.entries, states),
                kms=self._identity.kms,
                label=key.label,
                kid=key.kid,
                now=now,
                embedded_proof=self._settings.embedded_proof,
                cryptosuite=self._settings.cryptosuite,
            )
            rows = [
                StoredList(
                    uri=made.uri,
                    family=family.id,
                    epoch=self._next_epoch(made.uri, before.get(made.uri)),
                    version=version,
                    body=made.compact.encode(),
                    media_type=made.media_type,
                    issued_at=made.valid_from,
                    valid_until=made.valid_until,
                    receipt=None,
                )
                for made in lists
            ]
            intents: list[NewIntent] = []
            with suppress(UnavailableError):  # a list is not kept back because the key for statements is away
                intents = [intent for row in rows for intent in await self._signed(row)]
            try:
                await self._store.put_lists(rows, intents)
            except ConflictError:
                continue
            return
        raise UnavailableError("other processes publish these lists all the time; try again")

    async def _anchor_all(self) -> bool:
        """Anchor what is pending; return False while anything is, and always where there is no ledger."""
        if self._reconciler is None:
            return False
        try:
            await self._intend()
        except UnavailableError:
            return False
        done = await self._reconciler.run()
        for each in done.refused(IntentKind.LIST):
            # What was published is in the hands of readers, and the ledger will not have it: somebody has to know.
            if (await self._store.list_at(each.subject)).epoch == each.number:
                raise each.error or GuardError("G10", each.did)
        return all(found.receipt is not None for found in await self._store.lists())

    async def _intend(self) -> None:
        """Make intents for published lists that have none: of an earlier release, or signed while no key was there."""
        kept = {(each.subject, each.number) for each in await self._store.intents()}
        missing = [
            found
            for found in await self._store.lists()
            if found.receipt is None and (found.uri, found.epoch) not in kept
        ]
        await self._store.put_intents([intent for found in missing for intent in await self._signed(found)])

    async def _signed(self, published: StoredList) -> list[NewIntent]:
        """Return the intent to commit to a list; none for an identity that is not kept on a ledger."""
        if not isinstance(self._identity, Organisation):
            return []
        entry = await self._identity.sign(self._commitment(published, status_list_digest(published.body)))
        return [
            NewIntent(
                kind=IntentKind.LIST,
                subject=published.uri,
                number=published.epoch,
                entry=entry,
                made_at=self._now(),
            )
        ]

    def _issue_time(self, before: list[int]) -> int:
        """Return the time to date lists with: later than the last ones, by which verifiers tell them apart.

        Where that would lead too far ahead of the clock, lists of one second are told apart by the ledger alone.
        """
        clock, last = self._now(), max(before, default=0)
        return max(clock, last, min(last + 1, clock + MAX_AHEAD_SECONDS))

    def _next_epoch(self, uri: str, before: StoredList | None) -> int:
        """Return the epoch after the last one, of the store or, where that was restored, of the ledger."""
        newest = None if self._registry is None else self._registry.view().newest(uri)
        return 1 + max(0 if before is None else before.epoch, 0 if newest is None else newest.body.epoch)

    def _commitment(self, published: StoredList, digest: str) -> StatusCommitment:
        return StatusCommitment(
            iss=self._identity.did,
            iat=self._now(),
            uri=published.uri,
            epoch=published.epoch,
            digest=digest,
            valid_from=published.issued_at,
            valid_until=published.valid_until,
        )

    def _family(self, family: Family) -> StatusFamily:
        return StatusFamily(
            format=family.format,
            issuer=self._identity.did,
            uri=family.uri,
            entries=family.entries,
            ttl_seconds=self._settings.ttl_seconds,
            lifetime_seconds=self._settings.lifetime_seconds,
        )
