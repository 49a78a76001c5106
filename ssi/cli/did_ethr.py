"""``ssi did ethr``: the did:ethr of an organisation, changed from the account that controls it.

Source:  ETHR DID Method Specification, "Create (Register)", "Update", "Delete (Revoke)".
Input:   an ``[[ethr]]`` table of the project file with ``key_file``; nodes may be named by ``--evm-node`` instead.
Shapes:  validity is in days; an answer has the block that the change is in, which is the version's id.
I/O:     project file, key file, nodes. A command returns when its change is final.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from ssi.cli.command import action
from ssi.cli.files import read_input
from ssi.cli.networks import connect, network_of, settings_of
from ssi.cli.output import Answer, facts
from ssi.cli.passphrase import read_passphrase
from ssi.cli.program import CommandTree
from ssi.cli.session import Session
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.cli.project import EthrSettings
    from ssi.did.ethr.changes import Change
    from ssi.net.evm.signer import LocalSigner

Function = TypeVar("Function", bound=Callable[..., Any])

DAY: Final = 86_400
MAX_DAYS: Final = 36_500


@click.group(cls=CommandTree, place="did.ethr")
def command() -> None:
    """Make and change did:ethr DIDs of organisations, on EVM chains.

    Nothing that is written to a chain is ever erased: persons have no place there.
    """


def account_options(function: Function) -> Function:
    """Add the options that say which nodes are asked, and where the account's key is."""
    for option in (
        click.option("--evm-node", "nodes", metavar="URL", multiple=True, help="A node; of several, all must agree."),
        click.option("--key-file", metavar="FILE", help="The key of the account that controls the DID, and pays."),
        click.option("--passphrase-file", "account_file", metavar="FILE", help="The file with the key's passphrase."),
        click.option("--passphrase-env", "account_env", metavar="NAME", help="The variable with the key's passphrase."),
    ):
        function = option(function)
    return function


def days_option(function: Function) -> Function:
    """Add how long an entry is valid, and the switch that takes it back."""
    for option in (
        click.option("--days", type=click.IntRange(1, MAX_DAYS), default=365, show_default=True, help="Validity."),
        click.option("--revoke", is_flag=True, help="Take it back; all else as it was published."),
    ):
        function = option(function)
    return function


@command.command()
@click.option("--network", required=True, help="The network: a name, or 0x and a chain id.")
@account_options
@action
async def create(session: Session, network: str, **account: Any) -> Answer:
    """Show the DID of the account in the key file. Nothing is written: whoever has the key has the DID."""
    from ssi.did.ethr.identifier import ethr_did

    known = next((each for each in session.project.ethr if each.network == network), None)
    signer = _signer(session, known, account)
    document: JsonObject = {"did": ethr_did(signer.address, network=network)}
    return Answer(document=document, tables=[facts("an organisation's DID", document)])


@command.command("publish-key")
@click.argument("did")
@click.option("--multikey", metavar="TEXT", help="The public key as a Multikey (z…).")
@click.option("--jwk", "file", metavar="FILE", help="The public key as a JWK.")
@click.option("--purpose", type=click.Choice(["veriKey", "sigAuth"]), default="veriKey", show_default=True)
@days_option
@account_options
@action
async def publish_key(
    session: Session,
    did: str,
    multikey: str | None,
    file: str | None,
    purpose: Any,
    days: int,
    revoke: bool,
    **account: Any,
) -> Answer:
    """Publish a key of DID that signs credentials (veriKey), or authenticates too (sigAuth)."""
    from ssi.did.ethr import publish_key as build
    from ssi.keys import PublicKey

    if (multikey is None) == (file is None):
        raise InvalidInputError("expected --multikey or --jwk")
    if multikey is not None:
        key = PublicKey.from_multikey(multikey)
    else:
        key = PublicKey.from_jwk(parse_object(read_input(str(file))))
    change = build(key, seconds=days * DAY, purpose=purpose)
    return await _apply(session, did, change.undone if revoke else change, account)


@command.command("publish-service")
@click.argument("did")
@click.argument("type")
@click.argument("url")
@days_option
@account_options
@action
async def publish_service(
    session: Session, did: str, type: str, url: str, days: int, revoke: bool, **account: Any
) -> Answer:
    """Publish that a service of TYPE of the organisation DID is at URL."""
    from ssi.did.ethr import publish_service as build

    change = build(type, url, seconds=days * DAY)
    return await _apply(session, did, change.undone if revoke else change, account)


@command.command()
@click.argument("did")
@click.argument("address")
@click.option("--kind", type=click.Choice(["veriKey", "sigAuth"]), default="veriKey", show_default=True)
@days_option
@account_options
@action
async def delegate(
    session: Session, did: str, address: str, kind: str, days: int, revoke: bool, **account: Any
) -> Answer:
    """Let the account ADDRESS sign for DID."""
    from ssi.did.ethr import AddDelegate, RevokeDelegate
    from ssi.net.evm.values import parse_address

    other = parse_address(address)
    change = RevokeDelegate(kind, other) if revoke else AddDelegate(kind, other, days * DAY)
    return await _apply(session, did, change, account)


@command.command()
@click.argument("did")
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_options
@action
async def rotate(session: Session, did: str, address: str, yes: bool, **account: Any) -> Answer:
    """Hand DID over to the account ADDRESS, whose key controls it from then on."""
    from ssi.did.ethr import ChangeOwner
    from ssi.did.ethr.identifier import NO_ADDRESS
    from ssi.net.evm.values import parse_address

    heir = parse_address(address)
    if heir == NO_ADDRESS:
        raise InvalidInputError("nobody has the zero address: a DID is ended by `ssi did ethr deactivate`")
    if not yes:
        click.confirm(f"Hand {did} over to {address}?", abort=True, err=True)
    return await _apply(session, did, ChangeOwner(heir), account)


@command.command()
@click.argument("did")
@click.option("--yes", is_flag=True, help="Do not ask.")
@account_options
@action
async def deactivate(session: Session, did: str, yes: bool, **account: Any) -> Answer:
    """Deactivate DID for good: all its keys are revoked, in all its versions."""
    from ssi.did.ethr import DEACTIVATE

    if not yes:
        click.confirm(f"Deactivate {did} for good?", abort=True, err=True)
    return await _apply(session, did, DEACTIVATE, account)


async def _apply(session: Session, did: str, change: Change, account: JsonObject) -> Answer:
    from ssi.did.backends.ethr_controller import EthrController
    from ssi.net.evm.account import Account

    nodes: Sequence[str] = account["nodes"]
    settings = settings_of(session, did, nodes=nodes)
    registry = connect(session, settings)
    signer = _signer(session, settings, account)
    made = await EthrController(registry, Account(registry.chain, signer)).apply(did, change)
    document: JsonObject = {
        "did": did,
        "versionId": made.version_id,
        "gas": made.gas_used,
        "chain": network_of(settings).chain_id,
    }
    return Answer(document=document, tables=[facts("changed", document)])


def _signer(session: Session, settings: EthrSettings | None, account: JsonObject) -> LocalSigner:
    """Return the account of the options, else that of the table."""
    from ssi.net.evm.signer import load_key_file

    file, env, key = account["account_file"], account["account_env"], account["key_file"]
    if settings is not None:
        file = file or (None if settings.passphrase_file is None else session.project.file(settings.passphrase_file))
        env = env or settings.passphrase_env
        key = key or (None if settings.key_file is None else session.project.file(settings.key_file))
    if key is None:
        raise InvalidInputError("no account: name its key by --key-file, or in the project file")
    said = file is not None or env is not None
    passphrase = read_passphrase("the account's key", file=file, env=env) if said else None
    return load_key_file(key, passphrase=passphrase)
