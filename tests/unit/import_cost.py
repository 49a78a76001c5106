"""What an import loads and how long it takes, measured in a fresh interpreter.

Source:  none.
Input:   a statement such as "import verifier".
Shapes:  milliseconds of wall clock; the lowest of several runs, because other work only ever adds.
I/O:     starts Python processes, without user site-packages, with this repository on the path.
Errors:  CalledProcessError if the statement fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import lru_cache
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def run_fresh(statement: str) -> str:
    """Run ``statement`` in a fresh interpreter and return what it printed."""
    command = [sys.executable, "-s", "-c", statement]
    # Byte code is cached as on a user's machine; a test runner may have switched that off.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


@lru_cache
def loaded_modules(statement: str) -> frozenset[str]:
    """Return the top-level names in ``sys.modules`` after ``statement``."""
    report = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    return frozenset(run_fresh(report).split())


def milliseconds(statement: str, *, rounds: int = 5) -> float:
    """Return the time that ``statement`` takes inside a fresh interpreter, its own start-up left out."""
    timed = f"import time\nt = time.perf_counter()\n{statement}\nprint((time.perf_counter() - t) * 1000)"
    return min(float(run_fresh(timed)) for _ in range(rounds))


def process_milliseconds(statement: str, *, rounds: int = 5) -> float:
    """Return the time from starting an interpreter to its end, with ``statement`` run between."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        run_fresh(statement)
        best = min(best, (time.perf_counter() - start) * 1000)
    return best
