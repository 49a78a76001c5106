"""``ssi ledger verify-fork``: confirm that a log signed two histories, from one file and nothing else.

Source:  ``ssi.ledger.fork``.
I/O:     reads one file. No ledger, no key store, no project file is needed.
Errors:  see ``ssi.cli.exits``. 0: the fork is proved. 1: it is not.
"""

from __future__ import annotations

import click

from ssi.cli.command import action
from ssi.cli.files import read_input
from ssi.cli.output import Answer, facts
from ssi.cli.session import Session
from ssi.errors import InvalidInputError, VerificationError
from ssi.types import JsonObject


@click.command(name="verify-fork")
@click.argument("file")
@click.option("--vkey", "trusted", metavar="VKEY", multiple=True, help="The key that you know the log by.")
@action
async def command(session: Session, file: str, trusted: tuple[str, ...]) -> Answer:
    """Confirm the fork proof in FILE: both checkpoints are signed by one log, and no log has both.

    Without --vkey the signatures are held against the keys in the file, which are printed: compare them with the key
    that you know the log by.
    """
    from ssi.encoding.timestamps import format_seconds
    from ssi.ledger.fork import MAX_PROOF_BYTES, parse_fork_proof, verify_fork
    from ssi.ledger.note import parse_vkey

    proof = parse_fork_proof(read_input(file, max_bytes=MAX_PROOF_BYTES))
    try:
        found = verify_fork(proof, keys=[parse_vkey(text) for text in trusted or proof.vkeys])
    except InvalidInputError as exc:
        raise VerificationError(str(exc)) from exc  # a fork proof by its shape that proves nothing
    times = [each.cosigned_at for each in (found.first, found.second)]
    first, second = (None if time is None else format_seconds(time) for time in times)
    document: JsonObject = {
        "origin": found.origin,
        "first": {"size": found.first.size, "root": found.first.root.hex(), "time": first},
        "second": {"size": found.second.size, "root": found.second.root.hex(), "time": second},
        "root in second": found.root_in_second.hex(),
        "keys": [key.vkey for key in found.keys],
        "keys from": "--vkey" if trusted else "the file: compare them with the key that you know the log by",
    }
    said: JsonObject = {
        "log": found.origin,
        "signed at one time": _head(found.first.size, found.first.root, first),
        "signed at another": _head(found.second.size, found.second.root, second),
        f"root of size {found.first.size} in the second": found.root_in_second.hex(),
        "signed by": " ".join(key.vkey for key in found.keys),
        "keys from": document["keys from"],
    }
    return Answer(document=document, tables=[facts("the log is forked", said)], outcome="proved")


def _head(size: int, root: bytes, time: str | None) -> str:
    return f"size {size}, root {root.hex()}{'' if time is None else f', {time}'}"
