"""``ssi ceremony prepare``: one command for each root operation; each writes a request.

I/O:     the project, its ledger, the coordinator's key store. Keys that work online are made here; root keys never.
Errors:  see ``ssi.cli.exits``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ssi.cli.command import action, key_options, ledger_options
from ssi.cli.files import read_input, write_output
from ssi.cli.organisations import kept
from ssi.cli.output import Answer, facts
from ssi.cli.session import Session
from ssi.cli.witness_options import witness_options, witness_rule
from ssi.errors import ConflictError, InvalidInputError
from ssi.types import JsonObject

if TYPE_CHECKING:
    from ssi.ceremony import Charter, CheckpointKey, FirstLine, NextLine, Paper, Turn

Function = TypeVar("Function", bound=Callable[..., Any])
MAX_PAPER_BYTES = 6 << 20


class Papers:
    """The charter and the turn of a request that is being prepared, and where it goes."""

    def __init__(self, session: Session, *, charter_file: str, after: str | None, days: int, who: str, out: str):
        from ssi.ceremony import Charter, Turn, read_paper, read_transcript, verify_transcript

        self.session = session
        self.charter: Paper[Charter] = read_paper(read_input(charter_file), Charter)
        self.turn: Turn = Turn()
        if after is not None:
            transcript = read_transcript(read_input(after, max_bytes=MAX_PAPER_BYTES))
            self.turn = verify_transcript(transcript, charter=self.charter, now=session.now()).turn
        self._days, self._who, self._out = days, who, out

    @property
    def name(self) -> str:
        """The organisation's name in the project."""
        return self.charter.body.organisation

    async def write(self, operation: FirstLine | NextLine | CheckpointKey) -> Answer:
        """Sign the request and write it."""
        from ssi.ceremony import prepare as prepare_request
        from ssi.ceremony.rules import check_turn
        from ssi.cli.ceremony import described

        request = await prepare_request(
            operation,
            charter=self.charter,
            turn=self.turn,
            kms=self.session.kms(),
            label=f"ceremony/{self._who}",
            now=self.session.now(),
            lifetime_seconds=self._days * 86_400,
        )
        # Refused here, and not by the machine after everybody approved: the last line may wait for its witnesses.
        check_turn(request.body, self.turn)
        write_output(self._out, request.data)
        document: JsonObject = {**described(request.body), "digest": request.digest, "request": self._out}
        return Answer(document=document, tables=[facts("prepared", document)])


def request_options(function: Function) -> Function:
    """Add the options of every request."""
    for option in (
        click.option("--charter", "charter_file", required=True, metavar="FILE", help="The coordinator's copy."),
        click.option("--after", metavar="FILE", help="The transcript of the ceremony before; the first has none."),
        click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="How long it is good."),
        click.option("--as", "who", default="coordinator", show_default=True, metavar="NAME"),
        click.option("--out", required=True, metavar="FILE"),
    ):
        function = option(function)
    return function


@click.group()
def prepare() -> None:
    """Write the request for a root operation of the charter's organisation."""


@prepare.command("first-line")
@click.option("--domain", required=True, help="The domain that serves the DID's log.")
@click.option("--port", type=click.IntRange(1, 65_535), help="A port other than 443.")
@click.option("--path", "paths", multiple=True, help="A path segment below the domain; may be repeated.")
@witness_options
@request_options
@key_options
@action
async def first(
    session: Session, domain: str, port: int | None, paths: tuple[str, ...], ids: tuple[str, ...],
    threshold: int | None, **more: Any,
) -> Answer:  # fmt: skip
    """Make the DID. The keys that its document lists are made here, its update keys on the signing machine."""
    from ssi.ceremony import first_line
    from ssi.registry.organisation import first_keys

    papers = Papers(session, **more)
    if papers.name in session.project.organisations:
        raise ConflictError(f"the project has an organisation {papers.name} already")
    keys = await first_keys(papers.name, kms=session.kms())
    operation = first_line(
        domain=domain, port=port, path=paths, keys=keys, witness=witness_rule(ids, threshold) if ids else None
    )
    return await papers.write(operation)


@prepare.command("next-key")
@request_options
@ledger_options
@key_options
@action
async def next_key(session: Session, **more: Any) -> Answer:
    """Replace the update key by the one that was committed to, and commit to the next."""
    from ssi.ceremony import next_line

    papers = Papers(session, **more)
    return await papers.write(next_line((await kept(session, papers.name)).log))


@prepare.command()
@click.option("--purpose", type=click.Choice(["credential", "list", "statement"]), required=True, help="Which key.")
@request_options
@ledger_options
@key_options
@action
async def rotate(session: Session, purpose: str, **more: Any) -> Answer:
    """Replace a key that signs for the organisation: a new one is made here and enters the DID document."""
    from ssi.ceremony import next_line
    from ssi.keys import KeyPurpose
    from ssi.registry import Organisation

    papers = Papers(session, **more)
    log = (await kept(session, papers.name)).log
    organisation = Organisation(name=papers.name, kms=session.kms(), log=log)
    document = await organisation.document_with_new_key(KeyPurpose(purpose))
    return await papers.write(next_line(log, document=document))


@prepare.command()
@witness_options
@request_options
@ledger_options
@key_options
@action
async def witnesses(session: Session, ids: tuple[str, ...], threshold: int | None, **more: Any) -> Answer:
    """Set who must approve the DID's next lines.

    The first witnesses approve the line that names them, others are approved by those before them. On a ledger the line
    waits until `ssi ledger witness` has brought enough approvals; until then no other line of the DID can be prepared.
    """
    from ssi.ceremony import next_line

    papers = Papers(session, **more)
    return await papers.write(next_line((await kept(session, papers.name)).log, witness=witness_rule(ids, threshold)))


@prepare.command("checkpoint-key")
@click.option("--label", required=True, help="The key's label in the operator's key store.")
@click.option("--replaces", metavar="VKEY", multiple=True, help="A key that signs nothing new from now on.")
@request_options
@key_options
@action
async def checkpoint(session: Session, label: str, replaces: tuple[str, ...], **more: Any) -> Answer:
    """Have the key LABEL certified for the checkpoints of the project's ledger. It is made if it is not there."""
    import contextlib

    from ssi.ceremony import checkpoint_key
    from ssi.keys import Curve, KeyPurpose

    papers, origin = Papers(session, **more), session.project.ledger.origin
    if origin is None:
        raise InvalidInputError("no origin of the ledger: it stands in the project file")
    with contextlib.suppress(ConflictError):
        await session.kms().generate(label, curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    operation = await checkpoint_key(
        origin=origin,
        kms=session.kms(),
        label=label,
        charter=papers.charter,
        number=papers.turn.number + 1,
        replaces=replaces,
    )
    return await papers.write(operation)
