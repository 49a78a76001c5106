"""Other append-only logs doing what the rows of the log measure, in the same rounds and on the same disk.

Source:  pymerkle (PyPI), its tree over SQLite; Tessera (transparency.dev), its driver for files (POSIX).
Input:   pymerkle is a development dependency. Tessera is written in Go and is neither fetched nor built here: the
         variable COUNTERSIGNED_TESSERA names a program that is run as PROGRAM DIRECTORY WRITERS ENTRIES BYTES. It makes
         a new log there, appends that many random entries from so many writers, each of which waits until its entry is
         durable and integrated, and prints one JSON object with the members ``name``, ``entries_per_second``,
         ``p99_ms`` (of that wait) and ``published_p99_ms`` (until a signed checkpoint covers the entry).
I/O:     files below the given directory; that program.
Errors:  ``subprocess.CalledProcessError`` and ``ValueError`` if the program fails or says something else.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

from ssi.ledger import open_ledger
from ssi.ledger.merkle import inclusion_proof
from tests.bench.harness import Spread

TESSERA = "COUNTERSIGNED_TESSERA"
MOST_OF_TESSERA = 10_000
_CALL = 2_000

_Peer: TypeAlias = Callable[[Path], tuple[str, float, str]]
"""One round of a peer in a new directory: its name, entries per second, and what else is worth saying."""


class Appends:
    """The peers of an append row, and what they did in each round."""

    def __init__(self, bodies: Sequence[bytes], writers: int) -> None:
        self._rates: dict[str, list[float]] = {}
        self._notes: dict[str, str] = {}
        self._absent: list[str] = []
        self._peers: list[_Peer] = []
        if pymerkle() is None:
            self._absent.append("pymerkle: not installed here")
        else:
            self._peers.append(lambda place: _pymerkle_appends(place, bodies[:500]))
        program = os.environ.get(TESSERA)
        if program:
            self._peers.append(lambda place: _tessera_appends(program, place, writers, bodies))
        else:
            self._absent.append(f"Tessera: not run here ({TESSERA} names no program)")

    def measure(self, place: Path) -> None:
        """Run each peer once in a new directory."""
        place.mkdir()
        for number, peer in enumerate(self._peers):
            name, rate, note = peer(place / str(number))
            self._rates.setdefault(name, []).append(rate)
            self._notes[name] = note

    def __str__(self) -> str:
        """Return the part of a line that names them."""
        found = [f"{name}: {statistics.median(rates):,.0f}/s{self._notes[name]}" for name, rates in self._rates.items()]
        return "; ".join([*found, *self._absent])


def pymerkle() -> Any:
    """Return the module, or None where it is not installed."""
    try:
        import pymerkle as module
    except ImportError:
        return None
    return module


def _pymerkle_appends(place: Path, bodies: Sequence[bytes]) -> tuple[str, float, str]:
    place.mkdir()
    with closing(pymerkle().SqliteTree(str(place / "tree.db"))) as tree:
        begun = time.perf_counter()
        for body in bodies:
            tree.append_entry(body)
        rate = len(bodies) / (time.perf_counter() - begun)
    return f"pymerkle {metadata.version('pymerkle')}, one writer on SQLite, a transaction each", rate, ""


def _tessera_appends(program: str, place: Path, writers: int, bodies: Sequence[bytes]) -> tuple[str, float, str]:
    command = [program, str(place), str(writers), str(min(len(bodies), MOST_OF_TESSERA)), str(len(bodies[0]))]
    found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    note = f" with p99 {found['p99_ms']:.1f} ms, and {found['published_p99_ms']:.0f} ms until a checkpoint covers it"
    return str(found["name"]), float(found["entries_per_second"]), note


def proofs_beside_pymerkle(url: str, path: str, count: int, rounds: int, body: Callable[[int], bytes]) -> str:
    """Return how long pymerkle takes for proofs out of as many entries, and ours in the same rounds."""
    module = pymerkle()
    if module is None:
        return "pymerkle: not installed here"

    async def work(tree: Any) -> tuple[list[float], list[float]]:
        ledger, draw = open_ledger(url), random.Random(count)
        ours, theirs = [], []
        try:
            for _ in range(rounds):
                index = draw.randrange(count)
                begun = time.perf_counter()
                await inclusion_proof(ledger, index, count)
                between = time.perf_counter()
                tree.prove_inclusion(index + 1, count)
                ours.append((between - begun) * 1000)
                theirs.append((time.perf_counter() - between) * 1000)
            return ours, theirs
        finally:
            await ledger.close()

    with closing(module.SqliteTree(path)) as tree:
        for start in range(0, count, _CALL):
            tree.append_entries([body(number) for number in range(start, min(start + _CALL, count))])
        ours, theirs = (Spread.of(times) for times in asyncio.run(work(tree)))
    name = f"pymerkle {metadata.version('pymerkle')}, {count:,} entries on SQLite"
    return (
        f"{name}: {theirs.median:.1f} ({theirs.low:.1f} to {theirs.high:.1f}) ms, ours beside it {ours.median:.2f} ms"
    )
