"""The tree of commands: those of the core, and those that installed packages add.

Input:   entry points of the group ``countersigned.commands``. A name is a place in the tree, its parts joined by dots:
         ``verify`` is a command of ``ssi``, ``ledger.export`` one of ``ssi ledger``. The value is a click command.
I/O:     imports a command's module when the command is called, or when help lists it.
Errors:  whatever happens, ``run`` returns an exit code: see ``ssi.cli.exits``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import click

from ssi.cli.exits import BAD_INPUT, COULD_NOT_CHECK, INTERRUPTED
from ssi.cli.output import Output

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

ENTRY_POINTS: Final = "countersigned.commands"

_CORE: Final = {
    "backup": "ssi.cli.backup",
    "ceremony": "ssi.cli.ceremony",
    "demo": "ssi.cli.demo",
    "did": "ssi.cli.did",
    "jose-cose": "ssi.cli.jose_cose",
    "ledger": "ssi.cli.ledger",
    "restore": "ssi.cli.restore",
    "vcapi": "ssi.cli.vcapi",
    "witness": "ssi.cli.witness",
}


class CommandTree(click.Group):
    """A group that knows its commands by name before their modules are loaded."""

    def __init__(self, *args: Any, place: str = "", modules: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        """``place`` is the group's own name in the tree; ``modules`` hold commands called ``command``, or
        as is said after a colon.
        """
        super().__init__(*args, **kwargs)
        self._place = place
        self._modules = dict(modules or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*super().list_commands(ctx), *self._modules, *self._added()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, loaded now. The core's own cannot be replaced by a plug-in."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        if cmd_name in self._modules:
            module, _, name = self._modules[cmd_name].partition(":")
            loaded: click.Command = getattr(import_module(module), name or "command")
            return loaded
        added = self._added().get(cmd_name)
        return None if added is None else _load(cmd_name, added)

    def _added(self) -> dict[str, EntryPoint]:
        prefix = f"{self._place}." if self._place else ""
        found = {}
        for name, entry_point in _entry_points().items():
            if name.startswith(prefix) and "." not in name[len(prefix) :]:
                found[name[len(prefix) :]] = entry_point
        return found


@functools.lru_cache(1)
def _entry_points() -> dict[str, EntryPoint]:
    from importlib.metadata import entry_points

    return {entry_point.name: entry_point for entry_point in entry_points(group=ENTRY_POINTS)}


def _load(name: str, entry_point: EntryPoint) -> click.Command:
    """Return a plug-in's command; one that cannot be loaded says so when it is called, and stops no other."""
    try:
        loaded = entry_point.load()
    except Exception as exc:
        reason = f"{entry_point.value} cannot be loaded: {exc}"
    else:
        if isinstance(loaded, click.Command):
            return loaded
        reason = f"{entry_point.value} is no command"

    def fail() -> None:
        raise click.ClickException(reason)

    return click.Command(name, callback=fail, help=f"({reason})", context_settings={"ignore_unknown_options": True})


@click.group(cls=CommandTree, modules=_CORE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="countersigned", prog_name="ssi")
def program() -> None:
    """Issue, hold, present and verify credentials; look after the ledger that anchors them.

    Every command ends with 0 (accepted, done), 1 (refused, with the check that failed), 2 (bad input) or 3 (could not
    check); --json prints one JSON object. Ledger, keys and stores are named by options or by the file ssi.toml.
    """


def run(arguments: Sequence[str]) -> int:
    """Run the program and return its exit code."""
    as_json = "--json" in arguments
    try:
        result = program.main(list(arguments), prog_name="ssi", standalone_mode=False)
    except click.UsageError as exc:
        if as_json:
            Output(as_json=True).failure({"outcome": "bad input", "reason": exc.format_message()})
        else:
            exc.show()
        return BAD_INPUT
    except click.ClickException as exc:
        exc.show()
        return BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):
        # Nobody reads what is printed. click leaves with 1 then, which would say "refused".
        _forget_output()
        return COULD_NOT_CHECK
    except Exception as exc:
        # A defect of ours must not look like a verdict: exit code 1 would say "refused".
        import traceback

        traceback.print_exc()
        Output(as_json=as_json).failure(
            {
                "outcome": "could not check",
                "check": "program",
                "reason": f"a defect of this program: {type(exc).__name__}",
            }
        )
        return COULD_NOT_CHECK
    return result if isinstance(result, int) else 0


def _forget_output() -> None:
    """Keep the interpreter from failing again when it flushes a pipe that nobody reads."""
    import os
    import sys

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
