"""What commands are made of: shared options, a session, and an end that always has one of four exit codes.

A command is an async function of a ``Session`` and its own options that returns an ``Answer``; ``action`` turns it into
what click calls. ``ledger_options`` and ``key_options`` add the options that the session itself understands.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeAlias, TypeVar

import click

from ssi.cli.exits import exit_code, failure
from ssi.cli.output import Answer
from ssi.cli.session import Options, Session
from ssi.encoding.timestamps import parse_seconds
from ssi.errors import InvalidInputError, SsiError

Action: TypeAlias = Callable[..., Awaitable[Answer]]
Function = TypeVar("Function", bound=Callable[..., Any])

# No option is as long as an id, a SHA-256 of 43 characters.
_HYPHENED_ID: Final = re.compile("-[A-Za-z0-9_-]{42}")
_GUARD: Final = "\0"
_SESSION_OPTIONS: Final = frozenset(Options.__struct_fields__)


class StatementCommand(click.Command):
    """A command whose arguments may be ids of statements: base64url, so that one in 64 begins with a hyphen."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what has the form of an id for an argument, never for options."""
        rest = super().parse_args(ctx, [_GUARD + text if _HYPHENED_ID.fullmatch(text) else text for text in args])
        ctx.params = {name: _unguarded(value) for name, value in ctx.params.items()}
        return rest


def _unguarded(value: object) -> object:
    return value.removeprefix(_GUARD) if isinstance(value, str) else value


def founding_action(function: Action) -> Callable[..., None]:
    """As ``action``, for a command that makes the project file if it is absent."""
    return action(function, may_found=True)


def action(function: Action, *, may_found: bool = False) -> Callable[..., None]:
    """Return ``function`` as a click callback with ``--json`` and ``--project``."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object, also about a failure.")
    @click.option("--project", metavar="FILE", help="The project file (default: ssi.toml, if it is there).")
    @functools.wraps(function)
    def run(**values: Any) -> None:
        options = Options(**{name: values.pop(name) for name in _SESSION_OPTIONS & values.keys()})
        _finish(options, functools.partial(_run, options, function, values, may_found))

    return run


def _finish(options: Options, work: Callable[[], Coroutine[Any, Any, Answer]]) -> None:
    import asyncio

    from ssi.cli.output import Output

    output = Output(as_json=options.as_json)
    try:
        answer = asyncio.run(work())
    except SsiError as exc:
        output.failure(failure(exc))
        raise click.exceptions.Exit(exit_code(exc)) from exc
    output.answer(answer)
    raise click.exceptions.Exit(answer.exit_code)


async def _run(options: Options, function: Action, values: dict[str, Any], may_found: bool) -> Answer:
    session = Session(options, may_found=may_found)
    try:
        return await function(session, **values)
    finally:
        await session.close()


def ledger_options(function: Function) -> Function:
    """Add the options that say which ledger, and what is believed of it."""
    for option in (
        click.option("--ledger", metavar="URL", help="The ledger: sqlite:PATH, or the path of a SQLite file."),
        click.option("--root", "roots", metavar="DID", multiple=True, help="A root accreditor; may be repeated."),
        click.option("--vkey", "vkeys", metavar="VKEY", multiple=True, help="A key that may sign checkpoints."),
    ):
        function = option(function)
    return function


def passphrase_options(function: Function) -> Function:
    """Add the options that say where a passphrase is; never the passphrase itself."""
    for option in (
        click.option("--passphrase-file", metavar="FILE", help="A file that holds the passphrase."),
        click.option("--passphrase-env", metavar="NAME", help="The environment variable that holds the passphrase."),
    ):
        function = option(function)
    return function


def key_options(function: Function) -> Function:
    """Add the options that say where keys are and how their store is opened."""
    option = click.option("--keys", metavar="URL", help="The key store: file:PATH, or a path.")
    return option(passphrase_options(function))


class TimeType(click.ParamType):  # type: ignore[type-arg]  # generic only in later versions of click
    """A time: Unix seconds, or a date and time with a zone."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return Unix seconds."""
        if isinstance(value, int):
            return value
        text = str(value)
        if text.isascii() and text.isdecimal() and len(text) <= 12:
            return int(text)
        try:
            return parse_seconds(text)
        except InvalidInputError as exc:
            self.fail(f"{exc}, or Unix seconds", param, ctx)


TIME: Final = TimeType()
