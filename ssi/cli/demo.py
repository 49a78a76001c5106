"""``ssi demo``: the whole story in a terminal, as ``make demo`` runs it.

The story is a program over all four packages (``examples/quickstart.py``), which the core does not import; it is run as
a program of its own, from the source tree or from where the distribution packed it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

import ssi
from ssi.cli.exits import BAD_INPUT, COULD_NOT_CHECK, OK

STORY = Path("examples") / "quickstart.py"
PLACES = (Path(ssi.__file__).parent / "testing", Path(ssi.__file__).parent.parent)


@click.command()
@click.argument("folder", default=".demo")
def command(folder: str) -> None:
    """Issue, hold, present, verify, rotate, revoke, refuse: once through, on this machine, with no network.

    FOLDER is emptied first, and holds the files that the story made afterwards.
    """
    place = next((place for place in PLACES if (place / STORY).exists()), None)
    if place is None:
        raise click.ClickException("this installation has no examples: run `make demo` in the source tree")
    target = Path(folder)
    if target.exists() and any(target.iterdir()) and not (target / "ledger.db").exists():
        click.echo(f"bad input: {target.name} is not empty and holds no earlier demo", err=True)
        raise click.exceptions.Exit(BAD_INPUT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(place), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, str(place / STORY), folder], env=environment, check=False)  # noqa: S603
    raise click.exceptions.Exit(OK if done.returncode == 0 else COULD_NOT_CHECK)
