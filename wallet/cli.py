"""``ssi wallet``: a holder's credentials, kept encrypted, shown claim by claim.

Input:   the table ``wallet`` of the project file, or ``--wallet`` and where its passphrase is.
I/O:     the wallet's store; with ``add`` also the ledger and the web, to verify the issuer.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
import msgspec

from ssi.cli.command import TIME, action, ledger_options, passphrase_options
from ssi.cli.files import read_input, write_output
from ssi.cli.output import Answer, Table, facts
from ssi.cli.passphrase import read_passphrase
from ssi.cli.project import KeyStore
from ssi.cli.session import Session, is_there
from ssi.encoding.gate import parse_json
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidInputError, NotFoundError
from ssi.types import JsonObject, JsonValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssi.did.resolver import Resolver

    from .cards import Card
    from .wallet import Wallet

MAX_CREDENTIAL_BYTES = 4 << 20


class WalletSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table ``wallet`` of a project file."""

    store: str
    """``sqlite:PATH``, or the URL of a plug-in."""
    name: str = "default"
    """Which wallet of the store."""
    passphrase_file: str | None = None
    passphrase_env: str | None = None
    context: tuple[dict[str, str], ...] = ()
    """JSON-LD contexts that credentials may use, pinned by digest: ``url``, ``sha256`` and ``file``."""


def wallet_options(function: Any) -> Any:
    """Add the options that say which wallet."""
    option = click.option("--wallet", "where", metavar="URL", help="The wallet: sqlite:PATH, or a path.")
    return option(passphrase_options(function))


@click.group()
def wallet() -> None:
    """Keep credentials encrypted, show chosen claims, see what was shown to whom."""


@wallet.command("new-key")
@click.option("--curve", type=click.Choice(["P-256", "P-384", "Ed25519"]), default="P-256", show_default=True)
@wallet_options
@action
async def new_key(session: Session, where: str | None, curve: str) -> Answer:
    """Make a key to be issued a credential to, and print it as a did:jwk. Use a new one for each credential."""
    from ssi.did.methods.jwk import did_jwk
    from ssi.keys import Curve

    opened = await _open(session, where, create=True)
    key = await opened.new_key(Curve(curve))
    did = did_jwk(key.to_jwk())
    return Answer(document={"key": did, "jwk": key.to_jwk(), "thumbprint": key.thumbprint()}, raw=did)


@wallet.command()
@click.argument("file")
@click.option("--unverified", is_flag=True, help="Keep it without verifying who issued it.")
@click.option("--issuance-proof", "proof", metavar="FILE", help="The issuer's proof of when it was issued.")
@wallet_options
@ledger_options
@action
async def add(session: Session, where: str | None, file: str, unverified: bool, proof: str | None) -> Answer:
    """Keep the credential in FILE (- for standard input), once its issuer's signature holds."""
    credential = read_input(file, max_bytes=MAX_CREDENTIAL_BYTES)
    resolver = None if unverified else await session.resolver()
    opened = await _open(session, where, create=True, resolver=resolver)
    card = await opened.add(credential)
    if proof is not None:
        await opened.keep_proof(card.id, read_input(proof))
    said = _described(card)
    return Answer(document=said, tables=[facts("kept", said)])


@wallet.command("keep-proof")
@click.argument("card")
@click.argument("file")
@wallet_options
@action
async def keep_proof(session: Session, where: str | None, card: str, file: str) -> Answer:
    """Keep the issuer's proof of issuance in FILE beside CARD, for verifiers after the issuer's key was stolen."""
    opened = await _open(session, where)
    card_id = await _card_id(opened, card)
    await opened.keep_proof(card_id, read_input(file))
    return Answer(document={"card": card_id}, tables=[facts("kept beside the card", {"card": card_id})])


_language_option = click.option(
    "--language", "languages", metavar="TAG", multiple=True, help="A language to name cards in; repeatable, best first."
)


@wallet.command("list")
@_language_option
@wallet_options
@action
async def list_cards(session: Session, where: str | None, languages: tuple[str, ...]) -> Answer:
    """List the credentials in the wallet."""
    opened = await _open(session, where)
    return _cards(await opened.list(), languages)


@wallet.command()
@click.argument("card")
@_language_option
@wallet_options
@action
async def show(session: Session, where: str | None, card: str, languages: tuple[str, ...]) -> Answer:
    """Show a credential with its claims, and which of them can be withheld."""
    opened = await _open(session, where)
    content = await opened.get(await _card_id(opened, card))
    said = _described(content.card, languages)
    can = [_path_text(path) for path in content.card.withholdable]
    return Answer(
        document={**said, "claims": content.claims, "credential": content.credential},
        tables=[
            facts("card", said),
            facts("claims", content.claims),
            Table("claims that can be withheld", [[path] for path in can], ("path",)),
        ],
    )


@wallet.command()
@click.option("--type", "type", metavar="TYPE", help="A credential type.")
@click.option("--claims", metavar="FILE", help='Claims to look for: a JSON object of path and value, "a.b": "c".')
@wallet_options
@action
async def search(session: Session, where: str | None, type: str | None, claims: str | None) -> Answer:
    """Find credentials by type and by the values of claims, which come from a file."""
    from ssi.encoding.gate import parse_object

    opened = await _open(session, where)
    wanted = {} if claims is None else parse_object(read_input(claims))
    found = await opened.search(type=type, claims={parse_path(name): value for name, value in wanted.items()})
    return _cards(found)


@wallet.command()
@click.argument("card")
@click.option(
    "--claim", "claims", metavar="PATH", multiple=True, help="A claim to show: address.locality; may be repeated."
)
@click.option("--nested", is_flag=True, help="Show also what lies in the claims that are named.")
@click.option("--whole", is_flag=True, help="Agree to show a credential of W3C, which has no parts.")
@click.option("--audience", required=True, help="Whom it is for, as the verifier calls itself.")
@click.option("--nonce", required=True, help="The nonce of the verifier's request.")
@click.option("--out", metavar="FILE", help="Write the presentation to a file.")
@click.option("--proof-out", metavar="FILE", help="Write the card's proof of issuance, to go along with it.")
@wallet_options
@action
async def present(
    session: Session,
    where: str | None,
    card: str,
    claims: tuple[str, ...],
    nested: bool,
    whole: bool,
    audience: str,
    nonce: str,
    out: str | None,
    proof_out: str | None,
) -> Answer:
    """Make a presentation of a credential that shows the claims that are named, and no others.

    CARD is an id of `ssi wallet list`, or the beginning of one. What was shown to whom is kept in the history.
    """
    if whole and claims:
        raise InvalidInputError("either the whole credential is shown, or the claims that are named")
    opened = await _open(session, where)
    card_id = await _card_id(opened, card)
    proof = await opened.issuance_proof(card_id)
    if proof_out and proof is None:
        raise NotFoundError("there is no proof of issuance beside this card")
    text = await opened.present(
        card_id,
        None if whole else [parse_path(path) for path in claims],
        audience=audience,
        nonce=nonce,
        nested=nested,
    )
    if out:
        write_output(out, text.encode(), private=True)
    if proof_out and proof is not None:
        write_output(proof_out, proof, private=True)
    said: JsonObject = {"audience": audience, "shown": "the whole" if whole else list(claims)}
    along = {} if proof is None else {"issuance_proof": proof.decode("ascii")}
    return Answer(
        document={**said, "presentation": text, **along}, raw=None if out else text, tables=[facts("presented", said)]
    )


@wallet.command()
@click.argument("card", required=False)
@click.option("--forget-before", type=TIME, help="Erase what the history says of before this time.")
@wallet_options
@action
async def history(session: Session, where: str | None, card: str | None, forget_before: int | None) -> Answer:
    """Show what was shown to whom: paths of claims, never their values."""
    opened = await _open(session, where)
    if forget_before is not None:
        await opened.forget_history(before=forget_before)
    shown = await opened.history(None if card is None else await _card_id(opened, card))
    rows: list[JsonObject] = [
        {
            "when": format_seconds(each.when),
            "audience": each.audience,
            "card": each.card_id,
            "type": each.type,
            "paths": [_path_text(path) for path in each.paths],
        }
        for each in shown
    ]
    lines = [[row["when"], row["audience"], row["type"], ", ".join(row["paths"])] for row in rows]
    table = Table(f"{len(rows)} times", lines, ("when", "audience", "type", "paths"))
    return Answer(document={"history": rows}, tables=[table])


@wallet.command()
@click.argument("card")
@click.option("--yes", is_flag=True, help="Do not ask.")
@wallet_options
@action
async def delete(session: Session, where: str | None, card: str, yes: bool) -> Answer:
    """Erase a credential and its key. The history stays."""
    opened = await _open(session, where)
    card_id = await _card_id(opened, card)
    if not yes:
        click.confirm(f"Erase card {card_id} for good?", abort=True, err=True)
    await opened.delete(card_id)
    return Answer(document={"deleted": card_id}, tables=[facts("erased", {"card": card_id})])


def file_passphrase_options(function: Any) -> Any:
    """Add the options that say where the passphrase of an exported file is."""
    for option in (
        click.option(
            "--file-passphrase-file", "file_from", metavar="FILE", help="A file with the export's passphrase."
        ),
        click.option("--file-passphrase-env", "file_env", metavar="NAME", help="The variable with it."),
    ):
        function = option(function)
    return function


@wallet.command("export")
@click.argument("file")
@file_passphrase_options
@wallet_options
@action
async def export_wallet(
    session: Session, where: str | None, file: str, file_from: str | None, file_env: str | None
) -> Answer:
    """Write all cards, keys and the history to FILE, sealed with a passphrase of its own."""
    opened = await _open(session, where)
    sealed = await opened.export(read_passphrase("the exported file", file=file_from, env=file_env, confirm=True))
    write_output(file, sealed, private=True)
    cards, keys, history = await opened.list(), await opened.kms.labels(), await opened.history()
    said = {"cards": len(cards), "keys": len(keys), "history": len(history)}
    return Answer(document=said, tables=[facts("exported", said)])


@wallet.command("import")
@click.argument("file")
@file_passphrase_options
@wallet_options
@action
async def import_wallet(
    session: Session, where: str | None, file: str, file_from: str | None, file_env: str | None
) -> Answer:
    """Take what `ssi wallet export` wrote into this wallet, which is made if it is absent; all of it or nothing."""
    from .portable import MAX_FILE_BYTES

    sealed = read_input(file, max_bytes=MAX_FILE_BYTES)
    passphrase = read_passphrase("the exported file", file=file_from, env=file_env)
    opened = await _open(session, where, create=True)
    said: JsonObject = msgspec.to_builtins(await opened.import_file(sealed, passphrase))
    return Answer(document=said, tables=[facts("new in this wallet", said)])


async def _open(
    session: Session, where: str | None, *, create: bool = False, resolver: Resolver | None = None
) -> Wallet:
    from ssi.encoding.jsonld import pinned_contexts, pins_of

    from .wallet import Wallet

    settings = session.project.section("wallet", WalletSettings)
    if where is not None:
        url, name = where if ":" in where else f"sqlite:{where}", "default"
        given = KeyStore()
    elif settings is not None:
        url, name = session.project.url(settings.store), settings.name
        given = KeyStore(passphrase_file=settings.passphrase_file, passphrase_env=settings.passphrase_env)
    else:
        raise InvalidInputError("no wallet: name one by --wallet, or in the project file")
    new = not is_there(url)
    if new and not create:
        raise NotFoundError("there is no wallet where it was said to be")
    passphrase = session.passphrase("the wallet", session.opened_by(given), confirm=new)
    pins = () if settings is None else pins_of(list(settings.context), beside=session.project.path)
    opened = await Wallet.open(
        url,
        passphrase=passphrase,
        wallet=name,
        create=create,
        resolver=resolver,
        now=session.now,
        contexts=pinned_contexts(pins),
    )
    session.closing(opened.close)
    return opened


async def _card_id(opened: Wallet, beginning: str) -> str:
    """Return the id of the one card whose id begins so. Raises NotFoundError, InvalidInputError."""
    found = [card.id for card in await opened.list() if card.id.startswith(beginning)]
    if beginning in found:
        return beginning
    if len(found) > 1:
        raise InvalidInputError("several cards have ids that begin so")
    if not found:
        raise NotFoundError("the wallet has no such card")
    return found[0]


def parse_path(text: str) -> tuple[str | int | None, ...]:
    """Return the claim path that ``text`` writes: names and indexes with dots, ``*`` for every element, or JSON."""
    if text.startswith("["):
        steps = parse_json(text)
        if not steps or not all(step is None or type(step) in (str, int) for step in steps):
            raise InvalidInputError("expected a claim path of names, indexes and null")
        return tuple(steps)
    return tuple(_step(step) for step in text.split("."))


def _step(step: str) -> str | int | None:
    if step == "*":
        return None
    if not step:
        raise InvalidInputError("expected a claim path without empty names; write one with dots in it as JSON")
    return int(step) if step.isascii() and step.isdecimal() and len(step) < 9 else step


def _path_text(path: Sequence[str | int | None]) -> str:
    if all(type(step) is int or (type(step) is str and step and not set(step) & set(".*[")) for step in path):
        return ".".join(str(step) for step in path)
    return json.dumps(list(path))


def _described(card: Card, languages: Sequence[str] = ()) -> JsonObject:
    name = card.title(languages)
    return {
        "card": card.id,
        "name": name.value,
        "name's language": name.language,
        "name's direction": name.direction,
        "type": card.type,
        "issuer": card.issuer,
        "format": card.format,
        "added": format_seconds(card.added_at),
        "issuer verified": None if card.verified_at is None else format_seconds(card.verified_at),
        "valid until": _time(card.valid_until),
        "can be withheld": [_path_text(path) for path in card.withholdable],
    }


def _time(value: JsonValue) -> str | None:
    return None if value is None else format_seconds(int(value))


def _cards(cards: Sequence[Card], languages: Sequence[str] = ()) -> Answer:
    rows = [_described(card, languages) for card in cards]
    columns = ("card", "name", "issuer", "valid until")
    table = Table(f"{len(rows)} cards", [[row[name] or "" for name in columns] for row in rows], columns)
    return Answer(document={"cards": rows}, tables=[table])
