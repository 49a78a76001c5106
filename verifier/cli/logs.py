"""Logs of did:webvh DIDs that are not on the ledger, for bundles and offline folders: from files, or from the web.

I/O:     files; for ``--fetch-log`` the web, as the project says.
Errors:  see ``ssi.cli.exits``. That the logs verify is for whoever writes them down.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
import msgspec

from ssi.cli.files import read_input
from ssi.cli.session import Session
from ssi.errors import InvalidInputError

MAX_LOG_BYTES = 4 << 20

Function = TypeVar("Function", bound=Callable[..., Any])


class TakenLogs(msgspec.Struct, frozen=True):
    """The did.jsonl and did-witness.json of DIDs, by DID."""

    logs: dict[str, bytes]
    witness_proofs: dict[str, bytes]


def log_options(function: Function) -> Function:
    """Add the options that name logs to take along."""
    for option in (
        click.option("--fetch-log", "fetched", metavar="DID", multiple=True, help="Fetch its log from the web."),
        click.option(
            "--did-witness", "proofs", metavar="DID=FILE", multiple=True, help="The did-witness.json of such a log."
        ),
        click.option("--did-log", "logs", metavar="DID=FILE", multiple=True, help="A log that is not on the ledger."),
    ):
        function = option(function)
    return function


async def taken_logs(
    session: Session, logs: tuple[str, ...], proofs: tuple[str, ...], fetched: tuple[str, ...]
) -> TakenLogs:
    """Return the logs that the options name."""
    taken = TakenLogs(_files(logs), _files(proofs))
    if fetched:
        from ssi.did.methods.webvh import DidWebvh

        web = DidWebvh(fetch=session.fetch(), now=session.now)
        for did in fetched:
            found = await web.published(did)
            taken.logs[did] = found.log
            if found.witness_proofs is not None:
                taken.witness_proofs[did] = found.witness_proofs
    return taken


def name_and_file(text: str) -> tuple[str, str]:
    """Return the parts of NAME=FILE. Raises InvalidInputError."""
    name, separator, file = text.rpartition("=")
    if not separator or not name:
        raise InvalidInputError("expected NAME=FILE")
    return name, file


def _files(named: tuple[str, ...]) -> dict[str, bytes]:
    return {did: read_input(file, max_bytes=MAX_LOG_BYTES) for did, file in map(name_and_file, named)}
