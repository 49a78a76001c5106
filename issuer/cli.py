"""``ssi issue``, ``revoke``, ``suspend``, ``reissue``, ``publish``, ``runbook``: the acts of an issuing agency.

Input:   the table ``issuer`` of the project file; claims come from files, never from the command line.
I/O:     the issuer's store, the key store, the ledger.
Errors:  see ``ssi.cli.exits``. Every act is by the agency's own reference and may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from ssi.cli.command import action, key_options
from ssi.cli.files import make_folder, read_input, write_output
from ssi.cli.output import Answer, Table, facts
from ssi.cli.session import Session
from ssi.encoding.gate import parse_object
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidInputError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.keys import PublicKey

    from .issuer import IssuedCredential, Issuer, StatusChange
    from .runbook import Progress, Runbook

Function = TypeVar("Function", bound=Callable[..., Any])
MAX_CLAIMS_BYTES: Final = 1 << 20
_MULTIKEYS: Final = ("z6Mk", "zDn", "z82", "zQ3s")
"""How Multikeys of Ed25519, P-256, P-384 and secp256k1 begin; no file of that name is looked for."""


class IssuerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table ``issuer`` of a project file."""

    organisation: str
    """Which organisation of the project issues."""
    store: str
    """``sqlite:PATH``, or the URL of a plug-in."""
    catalogue: tuple[str, ...]
    """The files of the credential types."""
    status_base: str
    """The https URL under which the status lists are served."""
    list_entries: int | None = None
    list_ttl_seconds: int | None = None
    list_lifetime_seconds: int | None = None
    list_embedded_proof: bool | None = None
    """Whether bitstring lists have an embedded proof instead of being ``vc+jwt``."""
    list_cryptosuite: str | None = None


def selection_options(function: Function) -> Function:
    """Add the options that select credentials."""
    for option in (
        click.option("--reference", help="The case's own number."),
        click.option("--type", "type", metavar="NAME", help="All credentials of a type of the catalogue."),
        click.option("--key", "key", metavar="LABEL", help="All credentials that this key signed."),
    ):
        function = option(function)
    return function


def reason_options(function: Function) -> Function:
    """Add the options that say why and by whom; both stay in the issuer's store."""
    for option in (
        click.option("--reason", default="", help="Why; stays in the issuer's store."),
        click.option("--by", default="", help="Which unit decided; stays in the issuer's store."),
    ):
        function = option(function)
    return function


@click.command()
@click.argument("type")
@click.option("--claims", required=True, metavar="FILE", help="The claims, a JSON object (- for standard input).")
@click.option("--reference", required=True, help="The case's own number; asked again, it gives the same credential.")
@click.option(
    "--format",
    "format",
    type=click.Choice(["dc+sd-jwt", "vc+jwt", "ldp_vc"]),
    help="The format (default: the type's); an ldp_vc is JSON with an embedded proof.",
)
@click.option("--holder", metavar="KEY", help="The holder's key: did:jwk, did:key, Multikey, or a file with a JWK.")
@click.option("--out", metavar="FILE", help="Write the credential to a file.")
@key_options
@action
async def issue(
    session: Session, type: str, claims: str, reference: str, format: Any, holder: str | None, out: str | None
) -> Answer:
    """Issue a credential of TYPE, a name of the catalogue."""
    wanted = parse_object(read_input(claims, max_bytes=MAX_CLAIMS_BYTES))
    issuer = await _open(session)
    issued = await issuer.issue(type, wanted, reference=reference, format=format, holder=await _holder(session, holder))
    if out:
        write_output(out, issued.credential.encode(), private=True)
    said = _described(issued)
    return Answer(
        document={**said, "credential": issued.credential},
        raw=None if out else issued.credential,
        tables=[facts("issued", said)],
    )


@click.command()
@selection_options
@reason_options
@key_options
@action
async def revoke(session: Session, reason: str, by: str, **selection: str | None) -> Answer:
    """Revoke credentials for good, by reference, type or key."""
    issuer = await _open(session)
    return _changed("revoked", await issuer.revoke(**selection, reason=reason, by=by))


@click.command()
@selection_options
@reason_options
@key_options
@action
async def suspend(session: Session, reason: str, by: str, **selection: str | None) -> Answer:
    """Suspend credentials until `ssi unsuspend`."""
    issuer = await _open(session)
    return _changed("suspended", await issuer.suspend(**selection, reason=reason, by=by))


@click.command()
@selection_options
@reason_options
@key_options
@action
async def unsuspend(session: Session, reason: str, by: str, **selection: str | None) -> Answer:
    """End a suspension."""
    issuer = await _open(session)
    return _changed("unsuspended", await issuer.unsuspend(**selection, reason=reason, by=by))


@click.command()
@selection_options
@click.option("--claims", metavar="FILE", help="The claims for a single case, where the type keeps none.")
@click.option("--holder", metavar="KEY", help="The new key of a single case's holder.")
@click.option("--out", metavar="DIR", help="Write each credential into this folder.")
@key_options
@action
async def reissue(
    session: Session, claims: str | None, holder: str | None, out: str | None, **selection: str | None
) -> Answer:
    """Issue new credentials in place of those selected, which are revoked by it."""
    if (claims or holder) and not selection["reference"]:
        raise InvalidInputError("claims and a holder belong to a single case: name its --reference")
    if not selection["reference"] and not out:
        raise InvalidInputError("many credentials are written into a folder: name it by --out")
    wanted = None if claims is None else parse_object(read_input(claims, max_bytes=MAX_CLAIMS_BYTES))
    issuer, key = await _open(session), await _holder(session, holder)
    source = None if wanted is None else lambda _: wanted
    made: list[JsonObject] = []
    text: str | None = None
    if out:
        make_folder(out)
    async for issued in issuer.reissue(**selection, claims=source, holder=key):
        said = _described(issued)
        if out:
            suffix = "json" if issued.format == "ldp_vc" else "jwt"
            file = Path(out) / f"{issued.id.rpartition(':')[2]}.{suffix}"
            write_output(file, issued.credential.encode(), private=True)
            said["file"] = str(file)
        else:
            text = issued.credential
            said["credential"] = text
        made.append(said)
    columns = ("reference", "type", "format", "id")
    table = Table(f"{len(made)} reissued", [[row[name] for name in columns] for row in made], columns)
    return Answer(document={"reissued": made}, raw=text, tables=[table])


@click.command()
@click.option("--everything", is_flag=True, help="Sign all lists again, also those that did not change.")
@click.option("--out", metavar="DIR", help="Write the lists with their receipts into this folder.")
@key_options
@action
async def publish(session: Session, everything: bool, out: str | None) -> Answer:
    """Sign and anchor every status list that changed or is about to expire. To be run on a schedule.

    Exit 3: a list is not anchored yet; run it again.
    """
    from ssi.cli.exits import COULD_NOT_CHECK, OK, OUTCOMES
    from ssi.status.folder import write_lists

    issuer = await _open(session)
    anchored = await issuer.publish(everything=everything)
    lists = await issuer.status_lists()
    if out:
        write_lists(Path(out), lists)
    rows: list[JsonObject] = [
        {"uri": each.uri, "bytes": len(each.body), "anchored": each.receipt is not None} for each in lists
    ]
    code = OK if anchored else COULD_NOT_CHECK
    columns = ("uri", "bytes", "anchored")
    return Answer(
        document={"lists": rows},
        tables=[Table(f"{len(rows)} lists", [[row[name] for name in columns] for row in rows], columns)],
        exit_code=code,
        outcome=OUTCOMES[code],
    )


@click.group()
def runbook() -> None:
    """Replace a credential key and issue again what it signed: in steps that may be stopped and taken up again.

    A run keeps its state in a folder: the plan, a journal, the new credentials. It keeps no claims.
    """


def run_options(function: Function) -> Function:
    """Add the options of whatever carries a run on."""
    for option in (
        click.option("--claims", "claims_file", metavar="FILE", help='Lines {"reference": …, "claims": {…}}.'),
        click.option("--limit", type=click.IntRange(0), help="Stop after this many cases."),
    ):
        function = option(function)
    return function


@runbook.command("rotate-key")
@click.argument("folder")
@click.option("--key", metavar="LABEL", help="The key to replace (default: the one that signs credentials now).")
@run_options
@key_options
@action
async def rotate_key(session: Session, folder: str, key: str | None, **more: Any) -> Answer:
    """Replace the credential key, sign the lists again, and issue again what the old key signed."""
    return await _start(session, folder, "rotate-key", key, **more)


@runbook.command("compromised-key")
@click.argument("folder")
@click.option("--key", metavar="LABEL", help="The stolen key (default: the one that signs credentials now).")
@run_options
@key_options
@action
async def compromised_key(session: Session, folder: str, key: str | None, **more: Any) -> Answer:
    """As rotate-key for a key in other hands: list all that it signed, and declare it compromised on the ledger."""
    return await _start(session, folder, "compromised-key", key, **more)


@runbook.command()
@click.argument("folder")
@run_options
@key_options
@action
async def resume(session: Session, folder: str, **more: Any) -> Answer:
    """Go on with the run in FOLDER, after a pause or a crash."""
    from .runbook import Runbook

    return await _run(session, Runbook.open(Path(folder)), await _open(session), **more)


@runbook.command()
@click.argument("folder")
@action
async def pause(session: Session, folder: str) -> Answer:
    """Have the run in FOLDER stop after the case that it is at."""
    from .runbook import Runbook

    found = Runbook.open(Path(folder))
    found.pause()
    return _progress("paused", found.progress)


@runbook.command()
@click.argument("folder")
@action
async def show(session: Session, folder: str) -> Answer:
    """Say how far the run in FOLDER is."""
    from .runbook import Runbook

    return _progress("run", Runbook.open(Path(folder)).progress)


async def _start(session: Session, folder: str, kind: Any, key: str | None, **more: Any) -> Answer:
    from .runbook import Runbook

    issuer = await _open(session)
    return await _run(
        session, await Runbook.start(Path(folder), issuer, kind=kind, now=session.now(), key=key), issuer, **more
    )


async def _run(
    session: Session, book: Runbook, issuer: Issuer, *, claims_file: str | None, limit: int | None
) -> Answer:
    from .runbook import read_claims

    claims = None if claims_file is None else read_claims(Path(claims_file))
    progress = book.progress
    with session.output.progress("reissued", progress.total or 0) as advance:
        progress = await book.run(issuer, claims=claims, limit=limit, advance=advance)
    return _progress("done" if progress.step == "done" else "stopped: resume it", progress)


def _progress(title: str, progress: Progress) -> Answer:
    """Say how far a run is; a case that was left out is a finding, for a person to look at."""
    from msgspec.structs import asdict

    document: JsonObject = asdict(progress)
    left_out = [[number, reason] for number, reason in progress.left_out.items()]
    tables = [facts(title, {**document, "left_out": len(left_out)})]
    if left_out:
        tables.append(Table("left out", left_out, ("row", "reason")))
    return Answer(document=document, tables=tables)


async def _open(session: Session) -> Issuer:
    """Return the issuer that the project file describes."""
    from .catalogue import CredentialType
    from .issuer import Issuer
    from .publishing import StatusSettings

    settings = session.project.section("issuer", IssuerSettings)
    if settings is None:
        raise InvalidInputError(f"no issuer: {session.project.path.name} has no table issuer")
    given: dict[str, Any] = {
        "entries": settings.list_entries,
        "ttl_seconds": settings.list_ttl_seconds,
        "lifetime_seconds": settings.list_lifetime_seconds,
        "embedded_proof": settings.list_embedded_proof,
        "cryptosuite": settings.list_cryptosuite,
    }
    issuer = await Issuer.open(
        await session.organisation(settings.organisation),
        store=session.project.url(settings.store),
        registry=await session.registry(),
        catalogue=[CredentialType.load(session.project.file(name)) for name in settings.catalogue],
        status_base=settings.status_base,
        status=StatusSettings(**{name: value for name, value in given.items() if value is not None}),
        now=session.now,
    )
    session.closing(issuer.close)
    return issuer


async def _holder(session: Session, holder: str | None) -> PublicKey | None:
    """Return the key that ``holder`` names. Raises InvalidInputError."""
    from ssi.did.resolver import default_resolver
    from ssi.keys import PublicKey

    if holder is None:
        return None
    if holder.startswith("did:"):
        keys = (await default_resolver(now=session.now).resolve(holder)).document.keys("authentication")
        if len(keys) != 1:
            raise InvalidInputError("expected the holder's DID to have one key that signs presentations")
        return next(iter(keys.values()))
    if holder.startswith(_MULTIKEYS):
        return PublicKey.from_multikey(holder)
    return PublicKey.from_jwk(parse_object(read_input(holder)))


def _described(issued: IssuedCredential) -> JsonObject:
    return {
        "reference": issued.reference,
        "type": issued.type,
        "format": issued.format,
        "id": issued.id,
        "issued_at": format_seconds(issued.issued_at),
        "valid_until": format_seconds(issued.valid_until),
    }


def _changed(title: str, change: StatusChange) -> Answer:
    """Say what changed. A list that is not anchored yet is published all the same, and `ssi publish` tries again."""
    document: JsonObject = {"references": list(change.references), "anchored": change.anchored}
    return Answer(document=document, tables=[facts(title, document)])
