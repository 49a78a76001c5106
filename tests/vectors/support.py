"""Where the published vectors are, and how many of them ran.

Source:  none; the folders below the root are described by the SOURCES.md that lies beside them.
Input:   COUNTERSIGNED_VECTORS, a directory; by default ../shared/vectors beside the repository.
Shapes:  a folder is named relative to that root, with slashes: "ietf/jcs".
I/O:     reads files; ``opened_files`` is fed by an audit hook, so that a test need not count its files.
Errors:  an absent folder skips the test and says so; under CI (CI=true) it fails, for a run that
         replays nothing must not look like one that replayed everything.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from tests.needs import absent

REPOSITORY = Path(__file__).resolve().parents[2]


def vectors_root() -> Path:
    """Return the directory that holds the published vectors; it may be absent."""
    named = os.environ.get("COUNTERSIGNED_VECTORS")
    return Path(named).resolve() if named else (REPOSITORY.parent / "shared" / "vectors").resolve()


def vectors_dir(folder: str) -> Path:
    """Return ``folder`` of the vectors; skip (in CI: fail) the test or module that asks if it is absent.

    Module level and parametrisation may call it too.
    """
    path = vectors_root() / folder
    if not path.is_dir():
        absent(f"vectors {folder!r} are absent (COUNTERSIGNED_VECTORS, by default ../shared/vectors)")
    return path


def load_json(folder: str, name: str) -> Any:
    """Return the parsed JSON file ``name`` of ``folder``; absence as in ``vectors_dir``."""
    return json.loads((vectors_dir(folder) / name).read_text(encoding="utf-8"))


def current_test() -> str:
    """Return the node id of the running test, or "" while modules are collected."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]


class VectorCount:
    """Counts the cases of one folder: call ``ran`` once a case has held, ``left_out`` with the reason otherwise.

    Any number of instances may share a folder. A test that fails counts as one failed case of its folder.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.module = Path(sys._getframe(1).f_code.co_filename).name
        tallies.setdefault(folder, Tally()).modules.add(self.module)

    def ran(self, n: int = 1, *, kind: str = "") -> None:
        """Record that ``n`` cases ran and held; cases of a ``kind`` are counted apart as well."""
        tally = tallies[self.folder]
        tally.passed += n
        if kind:
            tally.kinds[kind] += n
        tally.tests.add(current_test())

    def left_out(self, reason: str, n: int = 1) -> None:
        """Record that ``n`` cases were not run, and why."""
        tally = tallies[self.folder]
        tally.left_out[reason] += n
        tally.tests.add(current_test())


class Tally:
    """What happened to the cases of one folder."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self.kinds: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()
        self.tests: set[str] = set()
        self.modules: set[str] = set()

    @property
    def cases(self) -> int:
        return self.passed + self.failed + sum(self.left_out.values())


tallies: dict[str, Tally] = {}
opened_files: set[str] = set()


def record_failure(nodeid: str) -> None:
    """Count a failed test as one failed case of the folder that it, or else its module, belongs to."""
    module = Path(nodeid.partition("::")[0]).name
    for tally in tallies.values():
        if nodeid in tally.tests:
            tally.failed += 1
            return
    for tally in tallies.values():
        if module in tally.modules:
            tally.failed += 1
            return
    tallies.setdefault(module, Tally()).failed += 1


def watch_opened_files() -> None:
    """Remember from now on every file below the vectors' root that this process opens."""
    root = str(vectors_root()) + os.sep

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[0], str) and args[0].startswith(root):
            opened_files.add(args[0])

    sys.addaudithook(hook)


def files_of(folder: str) -> int:
    """Return how many distinct files of ``folder`` were opened, but of no folder in it that is counted for itself."""
    root = vectors_root()
    inner = [str(root / other) + os.sep for other in tallies if other.startswith(f"{folder}/")]
    here = str(root / folder) + os.sep
    return sum(1 for name in opened_files if name.startswith(here) and not any(name.startswith(i) for i in inner))


def summary() -> str:
    """Return the counts of all folders together, as one line of text."""
    passed, failed = sum(t.passed for t in tallies.values()), sum(t.failed for t in tallies.values())
    left = sum(sum(t.left_out.values()) for t in tallies.values())
    return f"{passed} cases passed, {failed} failed, {left} left out"


def table() -> list[str]:
    """Return the counts per folder as lines of text, in the order of the folders."""
    lines = [f"{'folder':<40} {'files':>6} {'cases':>7} {'passed':>7} {'failed':>7} {'left out':>9}"]
    for folder, tally in sorted(tallies.items()):
        numbers = (files_of(folder), tally.cases, tally.passed, tally.failed, sum(tally.left_out.values()))
        lines.append("{:<40} {:>6} {:>7} {:>7} {:>7} {:>9}".format(folder, *numbers))
        lines += [f"    {n} passed: {kind}" for kind, n in sorted(tally.kinds.items())]
        lines += [f"    {n} left out: {reason}" for reason, n in sorted(tally.left_out.items())]
    total = [sum(column) for column in zip(*[(t.cases, t.passed, t.failed) for t in tallies.values()], strict=True)]
    if total:
        left = sum(sum(t.left_out.values()) for t in tallies.values())
        files = sum(files_of(folder) for folder in tallies)
        lines.append("{:<40} {:>6} {:>7} {:>7} {:>7} {:>9}".format("all", files, *total, left))
    return lines
