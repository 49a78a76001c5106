"""What a command answers, printed as tables for people or as one JSON object for programs.

Shapes:  ``Answer.raw`` is an artefact (a credential, a note): it goes to standard output alone, so that it can be
         piped, and the tables then go to standard error.
I/O:     standard output and standard error. rich is loaded only when a table is printed.
Errors:  none.

What is printed may come from strangers: control and direction characters are shown as escapes and reach no terminal.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeAlias

import click
import msgspec

from ssi.cli.exits import OK
from ssi.types import JsonObject, JsonValue

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

Advance: TypeAlias = Callable[[int], None]
"""Called with how much more is done."""

_LONG: Final = re.compile(r"\b([A-Za-z0-9]{8})[A-Za-z0-9]{24,}\b")
"""Identifiers and hashes are cut in tables of many rows; `--json` has them whole."""
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Table(msgspec.Struct, frozen=True):
    """Rows under column names; without column names each row is a name and its value."""

    title: str
    rows: Sequence[Sequence[JsonValue]]
    columns: Sequence[str] = ()


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a command found or did."""

    document: JsonObject
    """For programs; ``outcome`` is added."""
    tables: Sequence[Table] = ()
    raw: str | None = None
    exit_code: int = OK
    outcome: str = "ok"


def announce(url: str) -> None:
    """Tell that a server takes requests at ``url``, on standard error."""
    click.echo(f"listening on {url}", err=True)


def facts(title: str, values: Mapping[str, JsonValue]) -> Table:
    """Return a table of names and values; None is left out."""
    return Table(title, [(name, value) for name, value in values.items() if value is not None])


def plain(value: JsonValue) -> str:
    """Return a value as text that a terminal shows and does not obey."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(char if unicodedata.category(char) not in _UNPRINTABLE else _escape(char) for char in text)


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}"


class Output:
    """Where the answers go."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json: Final = as_json

    def answer(self, answer: Answer) -> None:
        """Print an answer."""
        if self.as_json:
            self.document({"outcome": answer.outcome, **answer.document})
            return
        if answer.raw is not None:
            click.echo(answer.raw, nl=not answer.raw.endswith("\n"))
        self.tables(answer.tables, err=answer.raw is not None)

    def failure(self, document: JsonObject) -> None:
        """Print why a command failed: the reason on standard error, or the object on standard output."""
        if self.as_json:
            self.document(document)
            return
        check, reason = document.get("check"), document["reason"]
        if check and reason.startswith(f"{check}: "):
            check = None  # an error with a code begins with it
        words = [document["outcome"], check, reason]
        click.echo(": ".join(plain(word) for word in words if word), err=True)
        report = document.get("report")
        if isinstance(report, dict):
            self.tables([checks(report)], err=True)

    def document(self, document: JsonObject) -> None:
        """Print one JSON object."""
        click.echo(json.dumps(document, indent=2))

    def tables(self, tables: Sequence[Table], *, err: bool = False) -> None:
        """Print tables."""
        if not tables:
            return
        console = _console(err=err)
        for table in tables:
            console.print(_title(table.title), soft_wrap=True)
            if table.columns:
                console.print(_grid(table))
            else:
                for line in _lines(table):
                    console.print(line, soft_wrap=True)  # a terminal wraps it, and what is copied stays whole

    @contextmanager
    def progress(self, description: str, total: int) -> Iterator[Advance]:
        """Show how far long work has come, if a person is looking."""
        if self.as_json or not sys.stderr.isatty():
            yield lambda _: None
            return
        from rich.progress import Progress

        with Progress(console=_console(err=True), transient=True) as bar:
            task = bar.add_task(description, total=total)
            yield lambda done: bar.advance(task, done)


def checks(report: JsonObject) -> Table:
    """Return the checks of a verifier's report as a table."""
    rows = [
        (check["name"], check["outcome"], check.get("source", ""), check.get("detail", ""))
        for check in report.get("checks", ())
    ]
    return Table("checks", rows, ("check", "outcome", "source", "detail"))


def _title(text: str) -> Text:
    from rich.text import Text

    return Text(plain(text), style="bold")


def _lines(table: Table) -> Iterator[Text]:
    from rich.text import Text

    rows = [(plain(name), plain(value)) for name, value in table.rows]
    width = max((len(name) for name, _ in rows), default=0)
    for name, value in rows:
        yield Text.assemble("  ", (name.ljust(width), "dim"), "  ", value)


def _grid(table: Table) -> RichTable:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable(box=box.SIMPLE_HEAD)
    for column in table.columns:
        grid.add_column(Text(plain(column)), overflow="fold")
    for row in table.rows:
        grid.add_row(*(Text(_LONG.sub(r"\1…", plain(value))) for value in row))
    return grid


def _console(*, err: bool) -> Console:
    from rich.console import Console

    return Console(stderr=err, highlight=False, markup=False, emoji=False)
