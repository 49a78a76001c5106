"""``ssi takeover``: take over a running issuer from another system, step by step, with a way back.

Input:   the table ``issuer`` of the project file; a folder that the other system exported: ``keys.json`` with its
         private keys, ``did.json`` if its DID is a did:web, ``families.json`` as ``issuer.takeover`` reads it.
Shapes:  accepted differences are kept in ``takeover/accepted.jsonl`` beside the project file.
I/O:     the issuer's store, the key store; the other system's lists and DID document from the web, or from files.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from ssi.cli.command import action, key_options
from ssi.cli.files import make_folder, read_input, write_output
from ssi.cli.output import Answer, Table, facts
from ssi.cli.session import Session
from ssi.encoding.gate import parse_object
from ssi.errors import ConflictError, InvalidInputError, VerificationError
from ssi.ports import Fetched
from ssi.types import JsonObject

from .care import published_lists
from .settings import open_with_store, read_settings

if TYPE_CHECKING:
    from ssi.did.document import DidDocument

    from ..acceptance import Acceptances
    from ..documents import DocumentDifference
    from ..store import AdoptedFamily
    from ..takeover import Comparison, Takeover


class ExportedKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A private key of the other system."""

    id: str
    """The verification method."""
    uses: tuple[str, ...]
    """``credential``, ``list``, or both."""
    jwk: JsonObject


class ExportedKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file ``keys.json``."""

    did: str
    keys: tuple[ExportedKey, ...]


@click.group()
def takeover() -> None:
    """Take over an issuer from another system: same DID, same keys, same status lists.

    In order: import, compare as often as wanted, load, switch. Until the switch the other system issues and revokes.
    """


def source_options(function: Any) -> Any:
    """Add the options that say where the other system's lists and DID document are."""
    for option in (
        click.option("--lists", metavar="DIR", help="The lists that are published now (default: fetch them)."),
        click.option("--document", metavar="FILE", help="The did.json that is published now (default: resolve it)."),
    ):
        function = option(function)
    return key_options(function)


@takeover.command("import")
@click.argument("folder")
@click.option("--name", required=True, help="What the key store calls the issuer's keys.")
@key_options
@action
async def import_identity(session: Session, folder: str, name: str) -> Answer:
    """Take the keys and the DID from the export in FOLDER, if the DID document has these keys.

    The project file gets the table issuer.outside, and a did.json that says what the exported one says.
    """
    from ssi.cli.organisations import check_name
    from ssi.did.document import parse_document
    from ssi.did.resolver import default_resolver
    from ssi.keys import KeyPurpose, PrivateKey

    from ..identity import OutsideIdentity

    place = Path(folder)
    exported = _keys(read_input(str(place / "keys.json")))
    if "outside" in session.project.tables.get("issuer", {}):
        raise ConflictError("the project file has a table issuer.outside already")
    web = exported.did.startswith("did:web:")
    if web:
        document = parse_document(parse_object(read_input(str(place / "did.json"))), did=exported.did)
    else:
        document = (await default_resolver(now=session.now).resolve(exported.did)).document
    kms, purposes = session.kms(create=True), {"credential": KeyPurpose.CREDENTIAL, "list": KeyPurpose.LIST}
    labels: dict[str, list[str]] = {}
    for key in exported.keys:
        private = PrivateKey.from_jwk(key.jwk)
        for use in key.uses:
            if use not in purposes or use in labels:
                raise InvalidInputError("expected one key for credentials and one for status lists")
            if document.key(key.id, "assertionMethod") != private.public_key:
                raise VerificationError(f"the DID document lists another key than the one exported as {key.id}")
            labels[use] = [f"{check_name(name)}/{use}", key.id]
            await _add(kms, labels[use][0], private, purposes[use])
    if labels.keys() != purposes.keys():
        raise InvalidInputError("expected one key for credentials and one for status lists")
    keys = {purposes[use]: (label, method) for use, (label, method) in labels.items()}
    await OutsideIdentity.of(document, kms=kms, keys=keys)
    members: JsonObject = {"did": exported.did, **labels}
    if web:
        write_output(session.project.file("did.json"), document.to_json())
        members["document"] = "did.json"
    session.project.append("issuer.outside", members)
    said = {"did": exported.did, "credential": labels["credential"][1], "list": labels["list"][1]}
    return Answer(document=said, tables=[facts("imported", said)])


@takeover.command()
@click.argument("file", required=False)
@click.option("--report", metavar="FILE", help="Write the whole comparison to a file.")
@source_options
@action
async def compare(
    session: Session, file: str | None, report: str | None, lists: str | None, document: str | None
) -> Answer:
    """Compare the export in FILE, or what was loaded, with what the other system publishes: the shadow run.

    Exit 1 while there is a difference that nobody has accepted by its name (see `ssi takeover accept`).
    """
    run = await _Run.open(session, lists)
    found = await (run.takeover.examine(_families(file)) if file else run.takeover.compare())
    answer = await run.answer(found, document)
    if report:
        write_output(report, msgspec.json.format(msgspec.json.encode(answer.document)) + b"\n")
    return answer


@takeover.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why the difference is right.")
@click.option("--by", required=True, help="Who accepts it.")
@action
async def accept(session: Session, names: tuple[str, ...], reason: str, by: str) -> Answer:
    """Accept differences by the names that `compare` gives them; the next run asks for these and no others."""
    made = _acceptances(session).accept(names, by=by, reason=reason, at=session.now())
    document: JsonObject = {"accepted": [msgspec.to_builtins(each) for each in made]}
    return Answer(document=document, tables=[Table(f"{len(made)} accepted", [[each.name] for each in made], ("name",))])


@takeover.command()
@click.argument("file")
@source_options
@action
async def load(session: Session, file: str, lists: str | None, document: str | None) -> Answer:
    """Take the lists, indexes and credentials of the export in FILE, if they agree with what is published now."""
    run = await _Run.open(session, lists)
    await run.require_document(document)
    await run.takeover.load(_families(file), accepted=run.acceptances.names)
    loaded = [family for family in await run.families() if family.held]
    said = {"families": len(loaded)}
    return Answer(document=said, tables=[facts("loaded; the other system goes on until the switch", said)])


@takeover.command()
@click.option("--out", metavar="DIR", help="Write the lists, and the did.json, into this folder, to be served.")
@source_options
@action
async def switch(session: Session, out: str | None, lists: str | None, document: str | None) -> Answer:
    """Compare once more, then publish here. The other system must have stopped before."""
    run = await _Run.open(session, lists)
    await run.require_document(document)
    found = await run.takeover.switch(accepted=run.acceptances.names)
    written = await run.issuer.status_lists()
    if out:
        from ssi.status.folder import write_lists

        write_lists(Path(out), written)
        outside = read_settings(session).outside
        if outside is not None and outside.document is not None:
            make_folder(out)
            write_output(Path(out) / "did.json", run.document().to_json())
    said = {"lists": len(written), "accepted differences": len(found.differences)}
    return Answer(document=said, tables=[facts("published here from now on", said)])


@takeover.command()
@key_options
@action
async def abandon(session: Session) -> Answer:
    """Undo the load, as long as nothing was published here."""
    said = {"credentials forgotten": await (await _Run.open(session, None)).takeover.abandon()}
    return Answer(document=said, tables=[facts("as before the load", said)])


@takeover.command("carry-over")
@key_options
@action
async def carry_over(session: Session) -> Answer:
    """List what the other system must learn before it could go on: the way back after the switch."""
    carried = await (await _Run.open(session, None)).takeover.carry_over()
    rows = [[each.reference, each.uri or "", each.index, each.state.name] for each in carried]
    return Answer(
        document={"credentials": [msgspec.to_builtins(each) for each in carried]},
        tables=[Table(f"{len(rows)} to carry over", rows, ("reference", "list", "index", "state"))],
    )


class _Run:
    """One command's takeover, and what it compares with."""

    def __init__(self, session: Session, opened: Any, takeover: Takeover) -> None:
        self._session = session
        self._opened = opened
        self.issuer = opened.issuer
        self.takeover = takeover
        self.acceptances = _acceptances(session)

    @classmethod
    async def open(cls, session: Session, lists: str | None) -> _Run:
        """Open the issuer; the other system's lists come from a folder, or from their addresses."""
        from ..takeover import Takeover

        source = published_lists(session, lists)

        async def fetch(url: str, *, accept: str = "", max_bytes: int = 0) -> Fetched:
            found = await source.status_list(url)
            return Fetched(url, 200, found.media_type, found.body)

        opened = await open_with_store(session)
        return cls(session, opened, Takeover(opened.issuer, store=opened.store, fetch=fetch, now=session.now))

    async def families(self) -> Any:
        """Return the families of the store."""
        return await self._opened.store.families()

    def document(self) -> DidDocument:
        """Return the DID document that is served from here. Raises InvalidInputError if none is."""
        from ssi.did.document import parse_document

        outside = read_settings(self._session).outside
        if outside is None or outside.document is None:
            raise InvalidInputError("no DID document is served from here")
        raw = parse_object(read_input(str(self._session.project.file(outside.document))))
        return parse_document(raw, did=outside.did)

    async def documents(self, file: str | None) -> tuple[DocumentDifference, ...]:
        """Return where the published DID document and ours differ; a DID that needs none has no differences."""
        from ssi.did.document import parse_document

        from ..documents import compare_documents

        outside = read_settings(self._session).outside
        if outside is None or outside.document is None:
            return ()
        if file is None:
            published = (await (await self._session.resolver()).resolve(outside.did)).document
        else:
            published = parse_document(parse_object(read_input(file)), did=outside.did)
        return compare_documents(published, self.document())

    async def require_document(self, file: str | None) -> None:
        """Raise VerificationError unless every difference of the DID documents is accepted."""
        left = [each for each in await self.documents(file) if each.name not in self.acceptances.names]
        if left:
            raise VerificationError(f"the DID documents differ in {len(left)} statements, the first: {left[0].name}")

    async def answer(self, found: Comparison, document: str | None) -> Answer:
        """Say what differs, and whether it was accepted."""
        from ssi.cli.exits import OK, OUTCOMES, REFUSED

        said = {each.name: each for each in self.acceptances.read()}
        names = [each.name for each in await self.documents(document)] + [each.name for each in found.differences]
        rows = [[name, said[name].by if name in said else ""] for name in names]
        left = [name for name in names if name not in said]
        code = REFUSED if left else OK
        body: JsonObject = {
            "at": found.at,
            "lists": [{"uri": each.uri, "entries": each.entries} for each in found.lists],
            "differences": [
                {"name": name, "accepted": msgspec.to_builtins(said[name]) if name in said else None} for name in names
            ],
        }
        counts = {"lists": len(found.lists), "differences": len(names), "not accepted": len(left)}
        tables = [facts("compared", counts)]
        if rows:
            tables.append(Table("differences: published > ours", rows, ("name", "accepted by")))
        return Answer(document=body, tables=tables, exit_code=code, outcome=OUTCOMES[code])


def _acceptances(session: Session) -> Acceptances:
    from ..acceptance import Acceptances

    return Acceptances(session.project.file("takeover") / "accepted.jsonl")


def _families(file: str) -> tuple[AdoptedFamily, ...]:
    from ..takeover import MAX_TAKEOVER_BYTES, parse_takeover

    return parse_takeover(read_input(file, max_bytes=MAX_TAKEOVER_BYTES))


def _keys(data: bytes) -> ExportedKeys:
    try:
        return msgspec.convert(parse_object(data), ExportedKeys)
    except msgspec.ValidationError as exc:
        # Its own message may quote what it found.
        raise InvalidInputError("expected keys.json with did and keys (id, uses, jwk)") from exc


async def _add(kms: Any, label: str, private: Any, purpose: Any) -> None:
    """Add a key to the key store, unless it is there since an import that did not end."""
    from ssi.errors import KeyNotFoundError

    if not hasattr(kms, "add"):
        raise InvalidInputError("keys cannot be imported into this key store: bring them there by its own means")
    try:
        known = await kms.public_key(label)
    except KeyNotFoundError:
        await kms.add(label, private, purpose=purpose)
        return
    if known != private.public_key:
        raise ConflictError(f"the key store has another key under the label {label}")
