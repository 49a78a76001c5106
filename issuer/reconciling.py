"""Bring what an issuer wants on its ledger there, once, after whatever happened in between.

Source:  decisions 7, 10 and 11 of the design; ``issuer.outbox`` (what an intent is).
Shapes:  times are Unix seconds. One pass looks at every open intent, oldest first; passes may overlap.
I/O:     the store, the registry; the key store where a statement has to be signed anew.
Errors:  those of the store. What registry and guard say is in the report.

An intent's own bytes are submitted again until the registry gives a receipt: an entry that stands already keeps its
place, so that no crash and no lost answer writes twice. Before that, the newest receipt is held against the ledger:
what the ledger took back is pending again, and is put back into its own place.

A statement is signed anew only where its bytes can never stand: too old to be admitted, by a key that was replaced, or
without effect on the ledger already. Should the first one come through after all, the second one is found refused, and
the first counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from ssi.errors import InclusionProofError, SsiError, UnavailableError
from ssi.keys import KeyPurpose
from ssi.ledger.checkpoint import parse_checkpoint, parse_note
from ssi.ledger.receipt import Receipt, build_receipt, make_receipt, parse_receipt
from ssi.ledger.standing import continues, stands
from ssi.registry.guard import MAX_AGE_SECONDS, MAX_SKEW_SECONDS, check_parsed, parse_entry
from ssi.registry.organisation import Organisation
from ssi.registry.registry import Registry
from ssi.registry.statement import Statement, parse_statement
from ssi.registry.types import StatusCommitment

from .outbox import OPEN, Intent, IntentKind, IntentState, NewIntent, Outbox

KEPT_SECONDS: Final = 90 * 86_400
"""How long closed intents are kept."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became, or in a dry run would become, of one intent."""

    kind: IntentKind
    subject: str
    number: int
    state: IntentState
    did: str
    """What was done about it, in a few words."""
    index: int | None = None
    error: SsiError | None = None


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass came to."""

    outcomes: tuple[Outcome, ...]
    problem: str = ""
    """Why the ledger as a whole could not be worked with, or "" if it could."""

    @property
    def settled(self) -> bool:
        """Whether nothing is left to do, and nothing refused."""
        return not self.problem and all(each.state not in OPEN for each in self.outcomes)

    def refused(self, kind: IntentKind | None = None) -> Sequence[Outcome]:
        """Return what the registry refused."""
        return [
            each for each in self.outcomes if each.state is IntentState.REFUSED and (kind is None or each.kind is kind)
        ]


class Reconciler:
    """Works through one outbox of one organisation."""

    def __init__(
        self, outbox: Outbox, *, registry: Registry, organisation: Organisation, now: Callable[[], int]
    ) -> None:
        self._outbox = outbox
        self._registry = registry
        self._organisation = organisation
        self._now = now

    async def run(self, *, dry_run: bool = False) -> Reconciliation:
        """Settle what can be settled. With ``dry_run`` nothing is written anywhere: the report says what would be."""
        taken_back: list[Outcome] = []
        try:
            gone = await self._gone()
            taken_back = [_outcome(each, IntentState.PENDING, "taken back by the ledger") for each in gone]
            if not dry_run:
                await self._take_back(gone)
            if not gone:
                await self._registry.refresh()
        except SsiError as exc:
            return await self._stopped(taken_back, exc)
        if gone and dry_run:
            return Reconciliation(outcomes=(*taken_back, *[_waits(each) for each in await self._open()]))
        outcomes: list[Outcome] = []
        pending = await self._open()
        for position, intent in enumerate(pending):
            try:
                step = self._foreseen(intent, pending) if dry_run else await self._step(intent, pending)
            except (UnavailableError, InclusionProofError) as exc:
                waiting = [_waits(each) for each in pending[position:]]
                return Reconciliation(outcomes=(*outcomes, *waiting), problem=str(exc))
            outcomes.append(step)
        if not dry_run:
            await self._outbox.forget_intents(before=self._now() - KEPT_SECONDS)
        return Reconciliation(outcomes=tuple(outcomes))

    async def _open(self) -> list[Intent]:
        found: list[Intent] = []
        while part := await self._outbox.intents(after=found[-1].id if found else 0):
            found += part
        return found

    async def _stopped(self, taken_back: Sequence[Outcome], error: SsiError) -> Reconciliation:
        seen = {(each.kind, each.subject, each.number) for each in taken_back}
        waiting = [_waits(each) for each in await self._open() if (each.kind, each.subject, each.number) not in seen]
        return Reconciliation(outcomes=(*taken_back, *waiting), problem=str(error))

    # --- what the ledger took back --------------------------------------------------------------------------------

    async def _gone(self) -> list[Intent]:
        """Return the DONE intents that do not stand where they stood."""
        ledger, newest = self._registry.ledger, await self._outbox.last_done()
        if newest is None or newest.receipt is None or newest.index is None:
            return []
        head = parse_checkpoint(parse_note(parse_receipt(newest.receipt).checkpoint).unverified_text)
        if await continues(ledger, head):
            return []  # the root fixes every entry below it
        gone: list[Intent] = []
        after = 0
        while part := await self._outbox.intents((IntentState.DONE,), after=after):
            after = part[-1].id
            gone += [each for each in part if each.index is None or not await stands(ledger, each.index, each.entry)]
        if not gone:
            raise InclusionProofError("the ledger has another history than a checkpoint that was signed for it")
        return gone

    async def _take_back(self, gone: Sequence[Intent]) -> None:
        """Record first, then put back: a crash in between finds intents that are open and have a receipt."""
        for intent in gone:
            await self._outbox.settle(intent, IntentState.PENDING, reason="the ledger took it back")
        lost = [parse_receipt(each.receipt) for each in await self._open() if each.receipt is not None]
        if lost:
            await self._registry.heal(lost)

    # --- one intent -----------------------------------------------------------------------------------------------

    async def _step(self, intent: Intent, pending: Sequence[Intent]) -> Outcome:
        if self._is_overtaken(intent, pending):
            return await self._settle(intent, IntentState.SUPERSEDED, "a newer one took its place")
        if self._can_never_stand(intent):
            renewed = await self._renew(intent)
            if renewed is not None:
                intent = renewed
        did = "submitted" if self._index_of(intent) is None else "confirmed in its place"
        try:
            submitted = await self._registry.submit(intent.entry)
        except (UnavailableError, InclusionProofError):
            raise
        except SsiError as exc:
            return await self._refused(intent, exc)
        return await self._done(intent, submitted.entry, submitted.receipt, did)

    async def _done(self, intent: Intent, entry: bytes, receipt: Receipt, did: str) -> Outcome:
        # With the entry in it the receipt can be believed without reading the ledger.
        built = build_receipt(msgspec.structs.replace(receipt, entry=entry))
        await self._outbox.settle(intent, IntentState.DONE, index=receipt.entry_index, receipt=built, entry=entry)
        return _outcome(intent, IntentState.DONE, did, index=receipt.entry_index)

    async def _refused(self, intent: Intent, error: SsiError) -> Outcome:
        """Find out whether a refusal means that another entry has done the work, or taken the place."""
        await self._registry.refresh()
        standing = self._equivalent(intent)
        if standing is not None:
            (entry,) = await self._registry.ledger.read(standing, standing + 1)
            note = self._registry.checkpoint
            if isinstance(entry, bytes) and note is not None:
                receipt = await make_receipt(self._registry.ledger, standing, note)
                return await self._done(intent, entry, receipt, "found on the ledger under another signature")
        if self._lost_its_place(intent):
            return await self._settle(intent, IntentState.SUPERSEDED, "another one stands in its place")
        return await self._settle(intent, IntentState.REFUSED, str(error), error=error)

    async def _settle(
        self, intent: Intent, state: IntentState, reason: str, *, error: SsiError | None = None
    ) -> Outcome:
        await self._outbox.settle(intent, state, reason=reason)
        return _outcome(intent, state, reason, error=error)

    async def _renew(self, intent: Intent) -> Intent | None:
        """Sign the same words anew, at the time of now and with the key of now; None if they are out of date."""
        body, now = parse_statement(intent.entry).body, self._now()
        if isinstance(body, StatusCommitment) and body.valid_until <= now:
            return None
        key = await self._organisation.key(KeyPurpose.STATEMENT)
        if body.iat == now and _statement(intent).kid == key.kid:
            return None
        new = NewIntent(
            kind=intent.kind,
            subject=intent.subject,
            number=intent.number,
            entry=await self._organisation.sign(msgspec.structs.replace(body, iat=now)),
            made_at=now,
        )
        return await self._outbox.renew_intent(intent, new)

    # --- what the ledger knows ------------------------------------------------------------------------------------

    def _foreseen(self, intent: Intent, pending: Sequence[Intent]) -> Outcome:
        """Say what ``_step`` would do."""
        view = self._registry.state.at()
        known = self._index_of(intent)
        if known is not None:
            return _outcome(intent, IntentState.DONE, "stands on the ledger: would be confirmed", index=known)
        if self._is_overtaken(intent, pending):
            return _outcome(intent, IntentState.SUPERSEDED, "a newer one took its place: would be closed")
        if self._can_never_stand(intent):
            return _outcome(intent, IntentState.PENDING, "would be signed anew and submitted")
        try:
            check_parsed(parse_entry(intent.entry), view, now=self._now())
        except SsiError as exc:
            if self._equivalent(intent) is not None:
                return _outcome(intent, IntentState.DONE, "stands under another signature: would be confirmed")
            if self._lost_its_place(intent):
                return _outcome(intent, IntentState.SUPERSEDED, "another one stands in its place: would be closed")
            return _outcome(intent, IntentState.REFUSED, f"would be refused: {exc}", error=exc)
        return _outcome(intent, IntentState.PENDING, "would be submitted")

    def _index_of(self, intent: Intent) -> int | None:
        known = self._registry.state.at().entry(parse_entry(intent.entry).id)
        return None if known is None else known.index

    def _is_overtaken(self, intent: Intent, pending: Sequence[Intent]) -> bool:
        """Whether a later list waits for the same place, or stands there, and this one is not on the ledger."""
        if intent.kind is not IntentKind.LIST or self._index_of(intent) is not None:
            return False
        newest = self._registry.state.at().newest(intent.subject)
        if newest is not None and newest.body.iss == self._organisation.did and newest.body.epoch > intent.number:
            return True
        return any(
            each.kind is intent.kind and each.subject == intent.subject and each.number > intent.number
            for each in pending
        )

    def _can_never_stand(self, intent: Intent) -> bool:
        """Whether the guard will refuse exactly these bytes for ever, though not what they say."""
        if intent.kind is IntentKind.LINE or self._index_of(intent) is not None or intent.receipt is not None:
            return False
        if self._registry.state.blocked_at(intent.entry) is not None:
            return True
        statement, now = _statement(intent), self._now()
        if not now - MAX_AGE_SECONDS <= statement.body.iat <= now + MAX_SKEW_SECONDS:
            return True
        try:
            self._registry.state.at().statement_key(statement.kid, at=statement.body.iat)
        except SsiError:
            return True
        return False

    def _equivalent(self, intent: Intent) -> int | None:
        """Return the index of another entry that says the same, or None."""
        view = self._registry.view()
        if intent.kind in (IntentKind.LIST, IntentKind.BATCH):
            body = _statement(intent).body
            found = view.newest(intent.subject)
            same = isinstance(body, StatusCommitment) and found is not None and found.body.digest == body.digest
            if same and found is not None and not view.withdrawn(found):
                return found.index
            if isinstance(body, StatusCommitment) and intent.kind is IntentKind.BATCH:
                return view.commitment_index(intent.subject, body.digest)
        if intent.kind is IntentKind.DECLARATION:
            declared = [each for each in view.compromises(self._organisation.did) if each.body.kid == intent.subject]
            if declared and view.compromised_since(intent.subject, at=self._now()) is not None:
                return declared[-1].index
        return None

    def _lost_its_place(self, intent: Intent) -> bool:
        if intent.kind is not IntentKind.LINE:
            return False
        version = self._registry.view().did_version(intent.subject)
        return version is not None and version.version.number >= intent.number


def _statement(intent: Intent) -> Statement:
    return parse_statement(intent.entry)


def _waits(intent: Intent) -> Outcome:
    return _outcome(intent, intent.state, "waits for the ledger")


def _outcome(
    intent: Intent, state: IntentState, did: str, *, index: int | None = None, error: SsiError | None = None
) -> Outcome:
    return Outcome(
        kind=intent.kind,
        subject=intent.subject,
        number=intent.number,
        state=state,
        did=did,
        index=index,
        error=error,
    )
