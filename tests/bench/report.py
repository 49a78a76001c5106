"""Write the table and say on what machine it was measured.

Source:  none.
Input:   the lines of the rows that ran.
Shapes:  Markdown; one table, preceded by the machine and the versions.
I/O:     reads /proc and the versions of the installed distributions; writes docs/benchmarks.md.
Errors:  none.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from tests.bench.rows import Line

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
COMPARED = ("cryptography", "joserfc", "openvc-core", "sd-jwt", "PyLD", "pymerkle")


def machine() -> str:
    """Return one sentence about processor, cores, memory, operating system and Python."""
    model = _field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    kilobytes = (_field("/proc/meminfo", "MemTotal") or "0 kB").split()[0]
    memory = f"{int(kilobytes) / 2**20:.0f} GiB" if kilobytes != "0" else "unknown memory"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{model}, {cores} cores, {memory}; {platform.system()}; {python}."


def versions() -> str:
    """Return the versions of what we compare with."""
    found = []
    for name in COMPARED:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(found)


def document(lines: Sequence[Line], *, rounds: int, load: float) -> str:
    """Return the whole page."""
    head = [
        "# Benchmarks",
        "",
        "Written by `make bench`; do not edit. Each ratio is taken within one process and one round, in processor",
        "time, against the bare primitive of that round; the number is the median over the rounds, the quartiles are",
        "in brackets. Absolute times depend on the machine and on what else it does, the ratios much less.",
        "",
        f"Machine: {machine()} Load when started: {load:.1f}. Rounds: {rounds}. Versions: {versions()}.",
        "",
        "| operation | target | measured | met | primitive and peers |",
        "|---|---|---|---|---|",
    ]
    marks = {True: "yes", False: "**no**", None: "–"}
    body = [f"| {x.operation} | {x.target} | {x.measured} | {marks[x.met]} | {x.others} |" for x in lines]
    return "\n".join([*head, *body, ""])


def _field(path: str, name: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            for text in file:
                key, _, value = text.partition(":")
                if key.strip() == name:
                    return value.strip()
    except OSError:
        pass
    return ""
