"""The program ``ssi``; role packages add their commands through the entry-point group ``countersigned.commands``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the program with the arguments of this process and leave with its exit code."""
    from ssi.cli.program import run

    raise SystemExit(run(sys.argv[1:]))
