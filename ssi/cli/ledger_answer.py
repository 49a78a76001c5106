"""``ssi ledger state-root``, ``answer``, ``check-answer`` and ``serve-answers``: one answer with one proof.

Source:  docs/adr/0012-the-map-of-the-registry.md; ``ssi.registry.answer``.
I/O:     the ledger, the map beside it, and files; ``check-answer`` reads one file and nothing else.
Errors:  see ``ssi.cli.exits``. An answer that is too old could not be checked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ssi.cli.command import action, key_options, ledger_options
from ssi.cli.files import read_input, write_output
from ssi.cli.output import Answer, announce, facts
from ssi.cli.session import Session
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidInputError, NotFoundError, UnavailableError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.registry.answer import VerifiedAnswer
    from ssi.registry.backends.state_map_sqlite import SqliteStateMap

KINDS = ("did", "list", "issuance", "accredited", "accreditation", "ending", "compromised")
Function = TypeVar("Function", bound=Any)


def map_option(function: Function) -> Function:
    """Add the option that says where the map is."""
    text = "The map of the registry's state (default: beside the ledger's file or mirror, its name with .map)."
    return click.option("--map", "map_file", metavar="FILE", help=text)(function)


@click.command()
@click.option("--by", required=True, metavar="NAME", help="The operator: a root accreditor of the project.")
@click.option("--epoch", type=click.IntRange(60), default=3600, show_default=True, metavar="SECONDS")
@map_option
@ledger_options
@key_options
@action
async def state_root(session: Session, by: str, epoch: int, map_file: str | None) -> Answer:
    """Log what the registry's state comes to, once in each epoch: call it from a timer, more often than that.

    Asked again within the epoch it changes nothing. The map is made anew from the ledger if it is lost.
    """
    from ssi.registry.state_root import StateKeeper

    registry, operator = await session.registry(), await session.organisation(by)
    keeper = StateKeeper(registry, operator, await _map(session, map_file, create=True), epoch_seconds=epoch)
    done = await keeper.log(now=session.now())
    said = registry.view().state_roots()[-1].body
    document: JsonObject = {"entry": done.index, "id": done.id, "size": said.size, "root": said.root}
    return Answer(document=document, tables=[facts("state root", document)])


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@click.option("--out", required=True, metavar="FILE", help="The answer: one JSON file.")
@map_option
@ledger_options
@action
async def answer(session: Session, kind: str, name: str, out: str, map_file: str | None) -> Answer:
    """Write what the registry says of NAME, with the proof that it is included and the newest.

    KIND says what NAME is: a DID (did, accredited), the address of a list (list), an address and a digest (issuance),
    the id of a statement (accreditation, ending), a verification method (compromised).
    """
    from ssi.registry.answer import parse_answer
    from ssi.registry.answer_desk import AnswerDesk

    data = await AnswerDesk(session.ledger(), await _map(session, map_file)).answer(kind, name)
    write_output(out, data)
    parsed = parse_answer(data)
    document: JsonObject = {
        "kind": kind,
        "name": name,
        "there": parsed.items[0].there,
        "newest as of": parsed.state_root,
        "answer": out,
    }
    return Answer(document=document, tables=[facts("answer", document)])


@click.command()
@click.argument("file")
@click.option("--about", nargs=2, metavar="KIND NAME", help="What was asked: an answer about another thing is refused.")
@click.option("--max-age", type=click.IntRange(0), metavar="SECONDS", help="How old it may be.")
@ledger_options
@action
async def check_answer(session: Session, file: str, about: tuple[str, str] | None, max_age: int | None) -> Answer:
    """Check an answer from anybody against the log's key and the root accreditors: no ledger, no network.

    It holds as of the entry that it names; what was logged since, it does not know.
    """
    from ssi.registry.answer import MAX_ANSWER_BYTES, verify_answer

    keys = session.note_keys()
    if not keys:
        raise InvalidInputError("an answer is checked under the key of the log: name it by --vkey")
    data = read_input(file, max_bytes=MAX_ANSWER_BYTES)
    found = verify_answer(data, log_keys=keys, roots=session.roots(), expected=about or None)
    age = session.now() - found.time
    if max_age is not None and age > max_age:
        raise UnavailableError(f"the answer is {age} seconds old, {max_age} are allowed: ask for a newer one")
    document = _described(found, age)
    return Answer(document=document, tables=[facts("the answer holds", document)])


def _described(found: VerifiedAnswer, age: int) -> JsonObject:
    return {
        "kind": found.kind,
        "name": found.name,
        "record": found.record,
        "as of": found.as_of,
        "size": found.size,
        "entries since": found.entries_since,
        "time": format_seconds(found.time),
        "age": age,
        "origin": found.checkpoint.origin,
        "witnesses": list(found.checkpoint.cosigners),
    }


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65_535), default=8480, show_default=True, help="0: a free one.")
@click.option("--tls-cert", metavar="FILE", help="Serve TLS with this certificate chain (PEM).")
@click.option("--tls-key", metavar="FILE", help="Its private key (PEM).")
@map_option
@ledger_options
@action
async def serve_answers(
    session: Session, host: str, port: int, tls_cert: str | None, tls_key: str | None, map_file: str | None
) -> Answer:
    """Serve answers until interrupted, at /answers/KIND/NAME. No key is needed for it."""
    from ssi.http.registry_answers import create_app
    from ssi.http.serving import serve, tls_from_files
    from ssi.registry.answer_desk import AnswerDesk

    tls = tls_from_files(tls_cert, tls_key)
    app = create_app(AnswerDesk(session.ledger(), await _map(session, map_file)))
    await serve(app, host=host, port=port, tls=tls, listening=announce)
    return Answer(document={})


async def _map(session: Session, file: str | None, *, create: bool = False) -> SqliteStateMap:
    from ssi.registry.backends.state_map_sqlite import SqliteStateMap

    place = Path(file) if file else _beside(session.ledger_url())
    if not create and not place.exists():
        raise NotFoundError("there is no map of the registry's state: the operator makes it by ssi ledger state-root")
    opened = await SqliteStateMap.open(place)
    session.closing(opened.close)
    return opened


def _beside(url: str) -> Path:
    """Return the place of the map beside a SQLite ledger, or beside the mirror of one on a chain."""
    from urllib.parse import unquote

    from ssi.database import sqlite_path

    if url.startswith("evm+"):
        from ssi.ledger.backends.evm.url import parse_url

        return Path(parse_url(url).mirror + ".map")
    if not url.startswith("sqlite:"):
        raise InvalidInputError("this ledger is no file to keep the map beside: name one by --map")
    return Path(unquote(sqlite_path(url.partition("?")[0])) + ".map")
