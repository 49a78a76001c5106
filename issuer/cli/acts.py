"""``ssi issue``, ``revoke``, ``suspend``, ``unsuspend``, ``reissue``, ``publish``: the acts of an issuing agency.

Input:   the table ``issuer`` of the project file; claims come from files, never from the command line.
I/O:     the issuer's store, the key store, the ledger.
Errors:  see ``ssi.cli.exits``. Every act is by the agency's own reference and may be repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from ssi.cli.command import action, key_options
from ssi.cli.files import make_folder, read_input, write_output
from ssi.cli.output import Answer, Table, facts
from ssi.cli.session import Session
from ssi.encoding.gate import parse_object
from ssi.encoding.timestamps import format_seconds
from ssi.errors import InvalidInputError
from ssi.types import JsonObject

from .settings import open_issuer

if TYPE_CHECKING:
    from ssi.keys import PublicKey

    from ..issuer import IssuedCredential, StatusChange

Function = TypeVar("Function", bound=Callable[..., Any])
MAX_CLAIMS_BYTES: Final = 1 << 20
_MULTIKEYS: Final = ("z6Mk", "zDn", "z82", "zQ3s")
"""How Multikeys of Ed25519, P-256, P-384 and secp256k1 begin; no file of that name is looked for."""


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
    type=click.Choice(["dc+sd-jwt", "vc+jwt", "vc+cose", "ldp_vc"]),
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
    issuer = await open_issuer(session)
    issued = await issuer.issue(type, wanted, reference=reference, format=format, holder=await _holder(session, holder))
    if out:
        write_output(out, issued.credential.encode(), private=True)
    said = _described(issued)
    return Answer(
        document={**said, "credential": issued.credential},
        raw=None if out else issued.credential,
        tables=[facts("issued", said)],
    )


def _status_command(name: str, done: str, text: str) -> click.Command:
    """Return the command that does the façade's act ``name`` to what is selected."""

    async def act(session: Session, reason: str, by: str, **selection: str | None) -> Answer:
        issuer = await open_issuer(session)
        change: StatusChange = await getattr(issuer, name)(**selection, reason=reason, by=by)
        # A list that is not anchored yet is published all the same, and `ssi publish` tries again.
        document: JsonObject = {"references": list(change.references), "anchored": change.anchored}
        return Answer(document=document, tables=[facts(done, document)])

    return click.command(name, help=text)(selection_options(reason_options(key_options(action(act)))))


revoke: Final = _status_command("revoke", "revoked", "Revoke credentials for good, by reference, type or key.")
suspend: Final = _status_command("suspend", "suspended", "Suspend credentials until `ssi unsuspend`.")
unsuspend: Final = _status_command("unsuspend", "unsuspended", "End a suspension.")


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
    issuer, key = await open_issuer(session), await _holder(session, holder)
    source = None if wanted is None else lambda _: wanted
    made: list[JsonObject] = []
    text: str | None = None
    if out:
        make_folder(out)
    async for issued in issuer.reissue(**selection, claims=source, holder=key):
        said = _described(issued)
        if out:
            suffix = {"ldp_vc": "json", "vc+cose": "b64"}.get(issued.format, "jwt")
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

    issuer = await open_issuer(session)
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
