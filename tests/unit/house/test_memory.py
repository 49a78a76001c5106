"""The whole story under Python's debugging allocator, which ends a process that frees what it does not own.

msgspec 0.22 does so for a union of a text with a pattern and an array; nothing else notices until a process ends badly.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("example", ["twenty_lines", "auditor"])
def test_memory_is_freed_by_whom_it_belongs_to(example: str) -> None:
    command = [sys.executable, "-m", f"examples.{example}"]
    environment = {**os.environ, "PYTHONMALLOC": "debug"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
