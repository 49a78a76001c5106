"""An agency's own entries beside its lists: new keys in its DID, and the declaration that a key is compromised.

Source:  did:webvh 1.0; the statement ``Ending``; ``issuer.outbox``.
Shapes:  times are Unix seconds.
I/O:     the key store, the store and the registry.
Errors:  UnavailableError (the intent stays: asked again, or reconciled, the same entry is submitted), GuardError and
         what else the registry refuses with, NotFoundError.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from ssi.errors import ConflictError, NotFoundError, UnavailableError
from ssi.keys import Curve, KeyPurpose
from ssi.registry.organisation import Organisation
from ssi.registry.registry import Registry

from .outbox import Intent, IntentKind, IntentState, NewIntent, Outbox
from .reconciling import Reconciliation


class Declaring:
    """These acts of one agency."""

    def __init__(
        self,
        organisation: Organisation,
        *,
        outbox: Outbox,
        registry: Registry,
        now: Callable[[], int],
        reconcile: Callable[[], Awaitable[Reconciliation]],
    ) -> None:
        self._organisation = organisation
        self._outbox = outbox
        self._registry = registry
        self._now = now
        self._reconcile = reconcile

    async def rotate(self, purpose: KeyPurpose, curve: Curve) -> str:
        """Replace the key for ``purpose``; return the label of the one before. As ``Issuer.rotate_key``."""
        old = await self._organisation.key(purpose)
        while True:
            waiting = await self._waiting(IntentKind.LINE)
            if waiting is None:
                break
            # The next line follows this one; and if it is the rotation that was asked for before, that is it.
            await self._bring(waiting)
            if (await self._organisation.key(purpose)).kid != old.kid:
                return old.label
        number, line = await self._organisation.rotation(purpose, now=self._now(), curve=curve)
        new = NewIntent(
            kind=IntentKind.LINE, subject=self._organisation.did, number=number, entry=line, made_at=self._now()
        )
        (kept,) = await self._outbox.put_intents([new])
        if kept.state is IntentState.REFUSED:
            kept = await self._outbox.renew_intent(kept, new)  # another line of this number, which may be taken
        await self._bring(kept)
        if kept.entry != line:
            raise ConflictError("another process changed the agency's DID at the same time; ask again")
        return old.label

    async def declare_compromised(self, kid: str) -> None:
        """As ``Issuer.declare_compromised``."""
        with suppress(UnavailableError):  # what another process declared stands on the ledger
            await self._registry.refresh()
        view, now = self._registry.view(), self._now()
        if view.compromised_since(kid, at=now) is not None:
            return
        for each in await self._outbox.intents():
            if each.kind is IntentKind.DECLARATION and each.subject == kid:
                await self._bring(each)
                return
        line = view.did_version(self._organisation.did)
        if line is None:
            raise NotFoundError("the agency's DID is not on the ledger")
        entry = await self._organisation.compromise(kid, listed_by=line.id, now=now)
        new = NewIntent(kind=IntentKind.DECLARATION, subject=kid, number=now, entry=entry, made_at=now)
        (kept,) = await self._outbox.put_intents([new])
        await self._bring(kept)

    async def _waiting(self, kind: IntentKind) -> Intent | None:
        for each in await self._outbox.intents((IntentState.PENDING,)):
            if each.kind is kind:
                return each
        return None

    async def _bring(self, intent: Intent) -> None:
        """Reconcile, and raise unless this intent came through."""
        done = await self._reconcile()
        for each in done.outcomes:
            if (each.kind, each.subject, each.number) != (intent.kind, intent.subject, intent.number):
                continue
            if each.state is IntentState.PENDING:
                raise UnavailableError(f"the ledger did not answer, the entry waits: {done.problem or each.did}")
            if each.state is IntentState.REFUSED and each.error is not None:
                raise each.error
            if each.state is IntentState.SUPERSEDED and intent.kind is IntentKind.LINE:
                raise ConflictError("another version of the agency's DID took the place of this one; ask again")
