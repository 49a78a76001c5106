"""``ssi ledger deploy-contract``, ``contract``, ``set-writer`` and ``set-owner``: the contract of a log on a chain.

Source:  ``ssi.ledger.backends.evm``; docs/ledgers-evm.md.
I/O:     a node, and the key file of the account that pays.
Errors:  see ``ssi.cli.exits``. Neither messages nor output hold a key or a passphrase.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from ssi.cli.command import action, ledger_options, passphrase_options
from ssi.cli.output import Answer, facts
from ssi.cli.passphrase import read_passphrase
from ssi.cli.session import Session
from ssi.errors import InvalidInputError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.ledger.backends.evm.url import EvmOptions
    from ssi.net.evm.signer import LocalSigner

NOBODY = "nobody"
Function = TypeVar("Function", bound=Any)
_KEY = "The account that pays: a Web3 Secret Storage file, or 64 hexadecimal digits in a file with mode 600."
_URL_OPTIONS = ("finality", "key_file", "passphrase_file", "ca_file", "max_fee_gwei")


@click.command()
@click.option("--node", required=True, metavar="URL", help="A node of the chain: https, or http on this machine.")
@click.option("--chain-id", required=True, type=click.IntRange(1), metavar="N", help="Another chain is refused.")
@click.option("--key-file", required=True, metavar="FILE", help=_KEY)
@click.option("--mode", type=click.Choice(["leaves", "entries"]), default="leaves", show_default=True)
@click.option("--owner", metavar="ADDRESS", help="Who names writers (default: the account that pays).")
@click.option("--writer", "writers", metavar="ADDRESS", multiple=True, help="Who may append (default: the same one).")
@click.option("--mirror", default="mirror.db", show_default=True, metavar="FILE", help="For the URL: the local mirror.")
@click.option("--finality", metavar="TEXT", help="For the URL: finalized, safe, or how many blocks.")
@click.option("--ca-file", metavar="FILE", help="The only certificate authorities to believe.")
@click.option("--max-fee-gwei", type=click.IntRange(1, 10**9), metavar="N", help="The most that is paid for gas.")
@click.option("--dry-run", is_flag=True, help="Send nothing; say what it would cost at most.")
@passphrase_options
@action
async def deploy_contract(
    session: Session,
    node: str,
    chain_id: int,
    mode: str,
    owner: str | None,
    writers: tuple[str, ...],
    mirror: str,
    dry_run: bool,
    **given: Any,
) -> Answer:
    """Make the contract of a new log, and print the URL that names it: for `ssi ledger found --ledger`.

    With --mode leaves only leaf hashes are on the chain, and bodies in the mirror; with entries everything is. The
    command ends when the contract is in a block. If it is interrupted, look for the address that it printed first: run
    again, it makes another contract.
    """
    from ssi.ledger.backends.evm import deploy
    from ssi.ledger.backends.evm.contract import Mode, artefact
    from ssi.ledger.backends.evm.url import format_url, parse_url
    from ssi.net.evm.values import format_address, parse_address

    signer = _signer(session, given["key_file"])
    given["passphrase_file"] = session.options.passphrase_file
    kept = {name: given[name] for name in _URL_OPTIONS}

    def url(contract: bytes) -> str:
        return format_url(node, contract, chain_id=chain_id, mirror=mirror, mode=Mode(mode), **kept)

    planned = parse_url(url(bytes(20)))  # what is wrong with it is said before anything is paid
    named = [parse_address(each) for each in writers] or [signer.address]
    owned_by = signer.address if owner is None else parse_address(owner)
    terms: dict[str, Any] = {
        "chain_id": chain_id,
        "mode": planned.mode,
        "owner": owned_by,
        "writers": named,
        "ca_file": planned.ca_file,
        "max_fee": planned.max_fee,
    }
    said: JsonObject = {
        "chain": chain_id,
        "mode": mode,
        "code": artefact(planned.mode).code_hash.hex(),
        "account": format_address(signer.address),
        "owner": format_address(owned_by),
        "writers": [format_address(each) for each in named],
    }
    if dry_run:
        cost = await deploy.cost(planned.endpoints[0], account=signer.address, **terms)
        said |= {"gas": cost.gas, "wei at most": cost.at_most, "wei of the account": cost.balance}
        return _answer("nothing was sent", said)
    address = await deploy.deploy(planned.endpoints[0], signer=signer, sent=_under_way, **terms)
    return _answer("deployed", {"contract": format_address(address), **said, "url": url(address)})


def owner_options(function: Function) -> Function:
    """Add the options that name the owner's account."""
    text = f"{_KEY} Default: that of the ledger's URL."
    return passphrase_options(click.option("--key-file", metavar="FILE", help=text)(function))


@click.command()
@ledger_options
@action
async def contract(session: Session) -> Answer:
    """Show the contract of the ledger: its owner, who may append, and its head at the newest final block."""
    from ssi.ledger.backends.evm.manage import NOBODY as ZERO
    from ssi.ledger.backends.evm.manage import describe
    from ssi.net.evm.values import format_address

    options = _options(session)
    found = await describe(options)
    document: JsonObject = {
        "contract": format_address(options.contract),
        "chain": options.chain_id,
        "mode": options.mode.value,
        "owner": NOBODY if found.owner == ZERO else format_address(found.owner),
        "writers": [format_address(each) for each in found.writers],
        "size": found.head.size,
        "root": found.head.root.hex(),
        "block": found.block,
    }
    return _answer("contract", document)


@click.command()
@click.argument("address")
@click.option("--remove", is_flag=True, help="Dismiss the writer instead of naming it.")
@owner_options
@ledger_options
@action
async def set_writer(session: Session, address: str, remove: bool, key_file: str | None) -> Answer:
    """Name the account ADDRESS as a writer of the ledger, or dismiss it. The contract's owner does that.

    What a dismissed writer sent before stays. Safe to repeat.
    """
    from ssi.ledger.backends.evm.manage import set_writer
    from ssi.net.evm.values import format_address, parse_address

    options, writer = _options(session), parse_address(address)
    signer = _signer(session, key_file or options.key_file, options)
    changed = await set_writer(options, writer, allowed=not remove, signer=signer)
    title = ("dismissed" if remove else "named") if changed else "was so already"
    return _answer(title, {"writer": format_address(writer), "may append": not remove, "changed": changed})


@click.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Do not ask.")
@owner_options
@ledger_options
@action
async def set_owner(session: Session, address: str, yes: bool, key_file: str | None) -> Answer:
    """Hand the ledger's contract over to the account ADDRESS; the word `nobody` fixes its writers for ever."""
    from ssi.ledger.backends.evm.manage import NOBODY as ZERO
    from ssi.ledger.backends.evm.manage import set_owner
    from ssi.net.evm.values import format_address, parse_address

    options = _options(session)
    owner = ZERO if address == NOBODY else parse_address(address)
    if owner == ZERO and address != NOBODY:
        raise InvalidInputError(f"the zero address owns nothing: say {NOBODY}, if that is meant")
    signer = _signer(session, key_file or options.key_file, options)
    if not yes:
        click.confirm(f"Hand the contract over to {address}? Only the new owner can undo it.", abort=True, err=True)
    changed = await set_owner(options, owner, signer=signer)
    said = NOBODY if owner == ZERO else format_address(owner)
    return _answer("handed over" if changed else "was so already", {"owner": said, "changed": changed})


def _options(session: Session) -> EvmOptions:
    from ssi.ledger.backends.evm.url import parse_url

    url = session.ledger_url()
    if not url.startswith("evm+"):
        raise InvalidInputError("this ledger is on no chain: it has no contract")
    return parse_url(url)


def _signer(session: Session, key_file: str | None, options: EvmOptions | None = None) -> LocalSigner:
    """Return the account of a key file; the passphrase is asked for only if the file needs one."""
    from ssi.net.evm.signer import load_key_file

    if key_file is None:
        raise InvalidInputError("no account: name its key by --key-file, or in the ledger's URL")
    given = session.options
    file = given.passphrase_file
    if file is None and options is not None and key_file == options.key_file:
        file = options.passphrase_file
    return load_key_file(
        key_file, passphrase=lambda: read_passphrase("the account's key", file=file, env=given.passphrase_env)
    )


def _under_way(address: bytes) -> None:
    from ssi.net.evm.values import format_address

    click.echo(f"on its way: the contract {format_address(address)}", err=True)


def _answer(title: str, document: JsonObject) -> Answer:
    return Answer(document=document, tables=[facts(title, document)])
