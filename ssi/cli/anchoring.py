"""One organisation that anchors a ledger in another one: once, or for as long as the program runs.

Input:   the session's ledger, and where and by whom its heads are said (``ssi.cli.ledger_anchor``).
Shapes:  with ``forever`` each look is one line on standard output, a JSON object with ``--json``.
I/O:     both ledgers, the key store.
Errors:  see ``ssi.cli.exits``; ``forever`` bears what may pass, and ends with 3 if anchors still wait then.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from ssi.cli.exits import COULD_NOT_CHECK, OK, OUTCOMES, REFUSED
from ssi.cli.ledger_anchor import AnchorSettings, open_other, other_keys, other_roots
from ssi.cli.output import Answer, facts, plain
from ssi.cli.rounds import keep_looking
from ssi.cli.session import Session
from ssi.encoding.timestamps import format_seconds
from ssi.errors import (
    ConflictError,
    GuardError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
    VerificationError,
)
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.ledger import Ledger
    from ssi.registry import RegistryFollower
    from ssi.registry.anchoring import Anchored, AnchorSchedule


class Anchoring:
    """Who anchors, and where. The other ledger is opened by the first anchor, and again after a failure to open it."""

    def __init__(
        self,
        session: Session,
        settings: AnchorSettings,
        *,
        into: str | None,
        roots: tuple[str, ...],
        origin: str | None,
        by: str | None,
        period: int | None,
    ) -> None:
        from ssi.registry.anchoring import PERIOD_SECONDS

        if by is None:
            raise InvalidInputError("nobody anchors: name an organisation by --by, or in the project file")
        self._session = session
        self._settings = settings
        self._into = into
        self._roots = other_roots(roots, settings)
        self._origin = origin
        self._by = by
        self._period = period or PERIOD_SECONDS
        self._ledger: Ledger | None = None
        self._opened: tuple[RegistryFollower, Callable[[bytes], Awaitable[int]]] | None = None
        self._resumed = False

    async def once(self) -> Answer:
        """Anchor the newest checkpoint for the period of now."""
        note = await self._note()
        made = await self._put(note, self._session.now() // self._period)
        return Answer(
            document=_described(made), tables=[facts("anchored" if made.new else "anchored already", _described(made))]
        )

    async def forever(self, *, every: int, rounds: int | None) -> int:
        """Anchor period after period; return the exit code."""
        from ssi.registry.anchoring import AnchorSchedule

        schedule, refused = AnchorSchedule(period_seconds=self._period), False

        async def look() -> int:
            nonlocal refused
            code = await self._look(schedule)
            refused = refused or code == REFUSED
            return OK

        await keep_looking(look, every=every, rounds=rounds)
        if refused:
            return REFUSED
        return COULD_NOT_CHECK if schedule.waiting else OK

    async def _look(self, schedule: AnchorSchedule) -> int:
        code, said = OK, []
        try:
            schedule.take(await self._note(), now=self._session.now())
            await self._resume(schedule)
            for epoch, outcome in await schedule.settle(self._put):
                if isinstance(outcome, GuardError):
                    code = REFUSED
                    said.append({"outcome": "refused", "epoch": epoch, "reason": str(outcome)})
                else:
                    said.append({"outcome": "ok", **_described(outcome), "epoch": epoch})
        except (UnavailableError, VerificationError, ConflictError, NotFoundError) as exc:
            # What either ledger shows now it may show otherwise later; what waits is kept.
            code = COULD_NOT_CHECK if isinstance(exc, UnavailableError) else REFUSED
            said.append({"outcome": OUTCOMES[code], "reason": str(exc)})
        for document in said:
            self._tell({"at": format_seconds(self._session.now()), **document, "waiting": len(schedule.waiting)})
        return code

    async def _resume(self, schedule: AnchorSchedule) -> None:
        """Once, when the other ledger first answers: what passed while no such program ran has its anchors, too."""
        from ssi.ledger.checkpoint import parse_checkpoint
        from ssi.ledger.note import parse_note
        from ssi.registry.anchoring import newest_anchor

        if self._resumed:
            return
        into, _ = await self._other()
        origin = parse_checkpoint(parse_note(await self._note()).unverified_text).origin
        organisation = await self._session.organisation(self._by)
        standing = await newest_anchor(into, origin=origin, iss=organisation.did)
        if standing is not None:
            schedule.resume(standing.body)
        self._resumed = True

    def _tell(self, document: JsonObject) -> None:
        if self._session.output.as_json:
            click.echo(json.dumps(document))
            return
        if document["outcome"] == "ok":
            text = f"{'anchored' if document['new'] else 'anchored already'}: entry {document['entry']}"
            text += f", epoch {document['epoch']}, size {document['size']}"
        else:
            text = f"{document['outcome']}: {document['reason']}"
        click.echo(f"{document['at']} {plain(text)}; waiting: {document['waiting']}")

    async def _note(self) -> bytes:
        note = await self._session.ledger().checkpoint()
        if note is None:
            raise InvalidInputError("the ledger has no checkpoint yet")
        return note

    async def _put(self, note: bytes, epoch: int) -> Anchored:
        from ssi.registry.anchoring import anchor

        into, submit = await self._other()
        # Found anew each time: another process may have replaced its key since.
        organisation = await self._session.organisation(self._by)
        now = self._session.now()
        return await anchor(note, organisation=organisation, into=into, submit=submit, now=now, epoch=epoch)

    async def _other(self) -> tuple[RegistryFollower, Callable[[bytes], Awaitable[int]]]:
        from ssi.registry import RegistryFollower, open_registry
        from ssi.registry.anchoring import by_operator, by_writer

        if self._opened is None:
            session, settings = self._session, self._settings
            keys = other_keys((), settings)
            other = self._ledger = self._ledger or open_other(session, self._into, settings, keys)
            if self._origin is None:
                follower = RegistryFollower(other, roots=self._roots, keys=keys)
                self._opened = follower, by_writer(follower, session.now)
            else:
                own = settings.keys
                kms = session.kms() if own is None else session.key_store(own, "the other ledger's keys")
                registry = await open_registry(other, origin=self._origin, roots=self._roots, kms=kms, now=session.now)
                self._opened = registry, by_operator(registry)
        return self._opened


def _described(made: Anchored) -> JsonObject:
    return {
        "origin": made.body.origin,
        "epoch": made.body.epoch,
        "size": made.body.size,
        "entry": made.entry,
        "new": made.new,
    }
