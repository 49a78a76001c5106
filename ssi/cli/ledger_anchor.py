"""``ssi ledger anchor``: put the newest checkpoint of the ledger on another one, once in each period."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
import msgspec

from ssi.cli.command import action, key_options, ledger_options
from ssi.cli.output import Answer
from ssi.cli.project import KeyStore
from ssi.cli.session import Session
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidInputError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.ledger import Ledger
    from ssi.ledger.note import NoteKey
    from ssi.registry import RegistryFollower
    from ssi.registry.anchoring import AnchorReport


class AnchorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table ``anchor`` of a project file: the other ledger, and what is believed of it."""

    into: str | None = None
    """Its URL."""
    origin: str | None = None
    """Its name, if its checkpoint key is here; without it somebody else signs its heads."""
    roots: tuple[str, ...] = ()
    checkpoint_keys: tuple[str, ...] = ()
    keys: KeyStore | None = None
    """Its operator's key store, if it is not that of ``keys``."""
    by: str | None = None
    """The organisation of the project that says so; it is accredited on the other ledger."""
    period_seconds: int | None = None


@click.command()
@click.option("--into", metavar="URL", help="The other ledger.")
@click.option("--into-root", "into_roots", metavar="DID", multiple=True, help="A root accreditor of it; repeatable.")
@click.option("--into-origin", "origin", metavar="ORIGIN", help="Its name, if its checkpoint key is here.")
@click.option("--by", metavar="NAME", help="Who says so: an organisation that is accredited on the other ledger.")
@click.option("--period", type=click.IntRange(1), metavar="SECONDS", help="One anchor in each (default: 3600).")
@click.option("--every", type=click.IntRange(1), metavar="SECONDS", help="Go on, with a look every so many seconds.")
@click.option("--rounds", type=click.IntRange(1), metavar="N", help="With --every: end after so many looks.")
@ledger_options
@key_options
@action
async def command(
    session: Session,
    into: str | None,
    into_roots: tuple[str, ...],
    origin: str | None,
    by: str | None,
    period: int | None,
    every: int | None,
    rounds: int | None,
) -> Answer:
    """Anchor the newest checkpoint in another ledger, once in each period.

    A period in which nothing happened gets its anchor, too. Run it by a timer at least once in each period, where it
    finds an anchor that is there already, or with --every for good: then it goes on while either ledger is away, and
    anchors afterwards what each period missed. What is left out here stands in the table `anchor` of the project file.
    """
    from ssi.cli.anchoring import Anchoring

    settings = read_settings(session)
    given = Anchoring(
        session,
        settings,
        into=into,
        roots=into_roots,
        origin=origin or settings.origin,
        by=by or settings.by,
        period=period or settings.period_seconds,
    )
    if every is None:
        return await given.once()
    raise click.exceptions.Exit(await given.forever(every=every, rounds=rounds))


async def anchored_in(
    session: Session, url: str, roots: tuple[str, ...], vkeys: tuple[str, ...]
) -> tuple[AnchorReport, JsonObject]:
    """Hold the ledger against what another one says of it, for ``ssi ledger audit``."""
    from ssi.registry.anchoring import check_anchors

    keys = session.note_keys()
    if not keys:
        raise InvalidInputError("anchors carry the ledger's own signature: name its key by --vkey")
    view = await other_ledger(session, url, roots, vkeys).refresh()
    origins = dict.fromkeys(key.name for key in keys)
    anchors = [each for origin in origins for each in view.anchors(origin)]
    report = await check_anchors(session.ledger(), anchors, keys=keys)
    newest = report.newest
    seen: JsonObject = {
        "anchors that hold": report.anchors,
        "newest": None if newest is None else f"size {newest.size}, epoch {newest.epoch}",
        "said at": None if newest is None else format_seconds(newest.iat),
        "epochs without one": report.missing,
        "not of this log": report.strangers or None,
    }
    return report, seen


def other_ledger(session: Session, url: str, roots: tuple[str, ...], vkeys: tuple[str, ...]) -> RegistryFollower:
    """Return the other ledger as a reader has it; what is left out stands in the table ``anchor``."""
    from ssi.registry import RegistryFollower

    settings = read_settings(session)
    keys = other_keys(vkeys, settings)
    return RegistryFollower(open_other(session, url, settings, keys), roots=other_roots(roots, settings), keys=keys)


def open_other(session: Session, url: str | None, settings: AnchorSettings, keys: Sequence[NoteKey]) -> Ledger:
    from ssi.ledger import open_ledger

    place = _url(session, url, settings)
    fetch = session.fetch() if place.startswith("https:") else None
    other = open_ledger(place, create=False, keys=keys, fetch=fetch)
    session.closing(other.close)
    return other


def read_settings(session: Session) -> AnchorSettings:
    """Return the table ``anchor``, empty if there is none."""
    return session.project.section("anchor", AnchorSettings) or AnchorSettings()


def _url(session: Session, url: str | None, settings: AnchorSettings) -> str:
    if url is None and settings.into is not None:
        return session.project.url(settings.into)
    if url is None:
        raise InvalidInputError("no other ledger: name one by --into, or in the table anchor of the project file")
    from ssi.cli.session import as_url

    return url if ":" in url else as_url(url)


def other_roots(roots: tuple[str, ...], settings: AnchorSettings) -> tuple[str, ...]:
    found = roots or settings.roots
    if not found:
        raise InvalidInputError("no root accreditor of the other ledger")
    return found


def other_keys(vkeys: tuple[str, ...], settings: AnchorSettings) -> list[NoteKey]:
    from ssi.ledger.note import parse_vkey

    return [parse_vkey(text) for text in vkeys or settings.checkpoint_keys]
