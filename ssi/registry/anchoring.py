"""Anchor the heads of one log in another, and hold a log against what was anchored of it.

Source:  the statement ``CheckpointAnchor`` (docs/ledger-entries.md); RFC 6962, section 2.1.
Input:   a log's newest signed note, and another ledger on which an organisation is accredited; to check: the log, the
         anchors that the other ledger's registry admitted, and the keys of the log.
Shapes:  an epoch is ``now // period_seconds``: one anchor in each, whether the log grew or not, so that its absence
         says something and its presence says nothing. Times are Unix seconds.
I/O:     both ledgers, O(log n) hashes for each anchor that is checked.
Errors:  GuardError (the other ledger does not take it), NotFoundError (no checkpoint), UnavailableError.

An anchor carries the log's own signature: if the log does not have that root at that size, note and anchor together
prove that it was rewritten or forked, to everybody who knows its key.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.errors import ConflictError, GuardError, InvalidInputError, InvalidSignatureError, SsiError, UnavailableError
from ssi.ledger import merkle
from ssi.ledger.checkpoint import VerifiedCheckpoint, parse_checkpoint, verify_note
from ssi.ledger.note import NoteKey, parse_note
from ssi.ledger.port import Ledger
from ssi.registry.follower import RegistryFollower
from ssi.registry.guard import parse_entry
from ssi.registry.history import Accepted
from ssi.registry.organisation import Organisation
from ssi.registry.registry import Registry
from ssi.registry.types import CheckpointAnchor

PERIOD_SECONDS: Final = 3_600
MAX_CONFLICTS: Final = 16
MAX_WAITING: Final = 1_000
"""Epochs that wait for the other ledger at most; older ones stay without an anchor."""
Submit = Callable[[bytes], Awaitable[int]]
"""Puts an entry on the other ledger and returns its index."""


class Anchored(msgspec.Struct, frozen=True):
    """An anchor on the other ledger."""

    entry: int
    body: CheckpointAnchor
    new: bool
    """Whether it was made now; False if this epoch had one."""


class AnchorSchedule:
    """What there is to anchor: one head for each epoch, kept until the other ledger has it."""

    def __init__(self, *, period_seconds: int = PERIOD_SECONDS) -> None:
        self._period: Final = period_seconds
        self._heads: dict[int, bytes] = {}
        self._taken: tuple[int, bytes] | None = None
        self._settled = -1

    @property
    def waiting(self) -> tuple[int, ...]:
        """The epochs whose anchors are not made yet, in order."""
        return tuple(sorted(self._heads))

    def take(self, note: bytes, *, now: int) -> None:
        """Take the newest head for the epoch of now; epochs that passed since the last call keep the head of then."""
        epoch = now // self._period
        if self._taken is not None:
            before, last = self._taken
            self._heads |= dict.fromkeys(range(max(before + 1, epoch - MAX_WAITING), epoch), last)
        self._taken = epoch, note
        if epoch > self._settled:
            self._heads[epoch] = note
        self._forget_oldest()

    def resume(self, standing: CheckpointAnchor) -> None:
        """Go on after the newest anchor that stands: epochs between it and the first that waits keep its head.

        Of those epochs whoever starts anew knows no later head. An anchor said more than MAX_WAITING epochs after
        its own, or before it, was made for periods of another length, and is passed over.
        """
        if not 0 <= standing.iat // self._period - standing.epoch <= MAX_WAITING:
            return
        first = min(self._heads, default=0)
        between = range(max(standing.epoch, self._settled, first - MAX_WAITING) + 1, first)
        self._heads |= dict.fromkeys(between, b64url_decode(standing.note))
        self._forget_oldest()

    def _forget_oldest(self) -> None:
        for old in self.waiting[:-MAX_WAITING]:
            del self._heads[old]

    async def settle(self, put: Callable[[bytes, int], Awaitable[Anchored]]) -> list[tuple[int, Anchored | GuardError]]:
        """Have ``put(note, epoch)`` anchor what waits, the oldest first; return what became of each epoch.

        One that the other ledger's rules refuse waits no more. Any other error keeps what is left, and is raised if
        nothing was done before it.
        """
        outcomes: list[tuple[int, Anchored | GuardError]] = []
        for epoch in self.waiting:
            try:
                outcomes.append((epoch, await put(self._heads[epoch], epoch)))
            except GuardError as exc:
                outcomes.append((epoch, exc))
            except SsiError:
                if not outcomes:
                    raise
                break
            del self._heads[epoch]
            self._settled = max(self._settled, epoch)
        return outcomes


class AnchoredHead(msgspec.Struct, frozen=True):
    """A head of the log that stands on the other ledger and that the log's own key signed."""

    index: int
    """On the other ledger."""
    head: VerifiedCheckpoint
    note: bytes
    said_at: int
    """Unix seconds of the statement."""


class AnchorWatch:
    """The anchors of one log on another ledger, as they come in."""

    def __init__(self, into: RegistryFollower | Callable[[], RegistryFollower], *, keys: Sequence[NoteKey]) -> None:
        """``keys`` sign the log that is anchored; ``into`` follows the other ledger, or opens it when it is asked."""
        self._into = into
        self._keys = tuple(keys)
        self._seen = 0
        self.newest: CheckpointAnchor | None = None
        """The newest that the log's own keys signed."""

    async def news(self) -> list[AnchoredHead]:
        """Return the anchors that are new; one that the log did not sign says nothing of it and is passed over.

        Raises as ``RegistryFollower.refresh`` if the other ledger is not to be believed, or does not answer.
        """
        if not isinstance(self._into, RegistryFollower):
            self._into = self._into()
        view = await self._into.refresh()
        found: list[AnchoredHead] = []
        for origin in dict.fromkeys(key.name for key in self._keys):
            for each in view.anchors(origin):
                if each.index < self._seen:
                    continue
                note = b64url_decode(each.body.note)
                try:
                    head = verify_note(note, keys=self._keys)
                except (InvalidSignatureError, InvalidInputError):
                    continue
                found.append(AnchoredHead(each.index, head, note, each.body.iat))
                if self.newest is None or each.body.iat > self.newest.iat:
                    self.newest = each.body
        self._seen = view.size
        return found


class AnchorReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the other ledger says of a log, held against the log."""

    anchors: int
    """How many hold."""
    newest: CheckpointAnchor | None
    """The newest that holds."""
    missing: int
    """Epochs between the first anchor and the last that have none."""
    strangers: int
    """Anchors whose note this log's keys did not sign: they say nothing of it."""
    broken: tuple[tuple[int, str], ...]
    """Index on the other ledger, and what does not hold: the log was rewritten, or is older than what was anchored."""

    @property
    def ok(self) -> bool:
        """Whether the log is what was anchored, and anything was."""
        return self.newest is not None and not self.broken


async def anchor(
    note: bytes,
    *,
    organisation: Organisation,
    into: RegistryFollower,
    submit: Submit,
    now: int,
    period_seconds: int = PERIOD_SECONDS,
    epoch: int | None = None,
) -> Anchored:
    """Anchor ``note`` for the epoch of now, unless this epoch has its anchor; safe to repeat after any failure.

    To be called by a timer at least once in each period, also if nothing happened. ``epoch`` is an earlier one whose
    anchor could not be made in its time: the statement's ``iat`` says that it is late.
    """
    body = build_anchor(note, iss=organisation.did, epoch=now // period_seconds if epoch is None else epoch, now=now)
    standing = await _standing(into, body)
    if standing is not None:
        (entry,) = await into.ledger.read(standing.entry, standing.entry + 1)
        if isinstance(entry, bytes):
            await submit(entry)  # it keeps its place, and comes under a signed head if it was not yet
        return standing
    try:
        index = await submit(await organisation.sign(body))
    except GuardError:
        standing = await _standing(into, body)
        if standing is None:
            raise
        return standing
    return Anchored(index, body, True)


def build_anchor(note: bytes, *, iss: str, epoch: int, now: int) -> CheckpointAnchor:
    """Return what there is to sign. Raises InvalidInputError if the note is no checkpoint."""
    own = own_note(note)
    said = parse_checkpoint(parse_note(own).unverified_text)
    return CheckpointAnchor(
        iss=iss,
        iat=now,
        origin=said.origin,
        epoch=epoch,
        size=said.size,
        root=b64url_encode(said.root),
        note=b64url_encode(own),
    )


def own_note(note: bytes) -> bytes:
    """Return a note without the signatures of others: those of witnesses are as many as there are witnesses."""
    text, _, lines = note.rpartition(b"\n\n")
    origin = parse_checkpoint(parse_note(note).unverified_text).origin.encode()
    own = [line for line in lines.splitlines() if line.split(b" ")[1:2] == [origin]]
    return text + b"\n\n" + b"".join(line + b"\n" for line in own[:2])


async def newest_anchor(into: RegistryFollower, *, origin: str, iss: str) -> Anchored | None:
    """Return the newest anchor of the log ``origin`` on the other ledger, if the DID ``iss`` made it.

    Raises as ``RegistryFollower.refresh``.
    """
    await into.refresh()
    newest = into.state.at().newest_anchor(origin)
    return None if newest is None or newest.body.iss != iss else Anchored(newest.index, newest.body, False)


async def _standing(into: RegistryFollower, body: CheckpointAnchor) -> Anchored | None:
    newest = await newest_anchor(into, origin=body.origin, iss=body.iss)
    return None if newest is None or newest.body.epoch < body.epoch else newest


def by_operator(registry: Registry) -> Submit:
    """Return how the other ledger's operator submits."""

    async def submit(entry: bytes) -> int:
        return (await registry.submit(entry)).index

    return submit


def by_writer(follower: RegistryFollower, now: Callable[[], int]) -> Submit:
    """Return how somebody submits who may write to the other ledger and does not sign its heads."""

    async def submit(entry: bytes) -> int:
        parsed = parse_entry(entry)
        for _ in range(MAX_CONFLICTS):
            await follower.refresh()
            known = follower.state.at().entry(parsed.id)
            if known is not None:
                return known.index
            follower.state.check(parsed, now=now())
            try:
                (index,) = await follower.ledger.append([entry], expected_size=follower.state.size)
            except ConflictError:
                continue
            return index
        raise UnavailableError("other writers were always first: ask again")

    return submit


async def check_anchors(
    ledger: Ledger, anchors: Sequence[Accepted[CheckpointAnchor]], *, keys: Sequence[NoteKey]
) -> AnchorReport:
    """Hold a log against the heads that were anchored of it. Raises UnavailableError if it cannot be read."""
    size = await ledger.size()
    strangers = holding = missing = 0
    broken: list[tuple[int, str]] = []
    newest: CheckpointAnchor | None = None
    before: int | None = None
    for each in anchors:
        try:
            head = verify_note(b64url_decode(each.body.note), keys=keys)
        except (InvalidSignatureError, InvalidInputError):
            strangers += 1
            continue
        missing += 0 if before is None else max(0, each.body.epoch - before - 1)
        before = each.body.epoch
        if head.size > size:
            broken.append((each.index, f"the log has {size} entries, {head.size} were anchored"))
        elif await merkle.root(ledger, head.size) != head.root:
            broken.append((each.index, f"the log has another root at size {head.size} than the anchored one it signed"))
        else:
            holding, newest = holding + 1, each.body
    return AnchorReport(anchors=holding, newest=newest, missing=missing, strangers=strangers, broken=tuple(broken))
