"""`python -m tests.bench`: measure every row, print the table, write docs/benchmarks.md."""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
import time

import tests.bench.suites
from tests.bench.report import DOCUMENT, document
from tests.bench.rows import ROWS, Absent, Effort, Line


def load_rows() -> None:
    """Import every module of tests/bench/suites, which registers its rows."""
    for module in pkgutil.iter_modules(tests.bench.suites.__path__):
        importlib.import_module(f"tests.bench.suites.{module.name}")


def main() -> int:
    """Return 0 when every row ran; a target that is missed is reported, not an error."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="interleaved rounds of each comparison")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that every row runs")
    parser.add_argument("--full", action="store_true", help="the largest sizes too, which take minutes to prepare")
    parser.add_argument("--only", default="", metavar="TEXT", help="rows whose name contains TEXT; writes no file")
    arguments = parser.parse_args()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    load_rows()
    effort = Effort(5 if arguments.quick else arguments.rounds, arguments.quick, arguments.full)
    lines: list[Line] = []
    for name, measure in ROWS.items():
        if arguments.only not in name:
            continue
        begun = time.perf_counter()
        try:
            found = list(measure(effort))
        except Absent as absent:
            found = [Line(name, "–", f"not measured: {absent}", None, "")]
        for line in found:
            print(f"{line.operation}\n    target {line.target}\n    measured {line.measured}")
            print(f"    met {line.met}\n    {line.others}", flush=True)
        print(f"    ({time.perf_counter() - begun:.1f} s)")
        lines += found
    page = document(lines, rounds=effort.rounds, load=load)
    if not arguments.only and not arguments.quick:
        DOCUMENT.write_text(page, encoding="utf-8")
        print(f"written: {DOCUMENT.relative_to(DOCUMENT.parents[1])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
