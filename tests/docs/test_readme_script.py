"""The script in README.md is examples/twenty_lines.py, and it does what it says."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.docs.commands import REPOSITORY, blocks

EXAMPLE = REPOSITORY / "examples" / "twenty_lines.py"


def test_readme_shows_the_example_as_it_is() -> None:
    (shown,) = [block for block in blocks((REPOSITORY / "README.md").read_text("utf-8")) if block.language == "python"]
    assert EXAMPLE.read_text("utf-8").partition("# fmt: off\n")[2].strip() == "\n".join(shown.lines).strip()


def test_the_example_shows_one_claim_and_is_refused_after_revocation() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    first, second = done.stdout.splitlines()
    assert first == "{'town': 'Kerava'}"
    assert second.startswith("status - ")
    assert second.endswith("revoked")
