"""The counts of `make vectors` are right, and a run without vectors does not pass for one with them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vectors import support
from tests.vectors.support import VectorCount

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _empty_tallies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "tallies", {})
    monkeypatch.setattr(support, "opened_files", set())


def run_without_vectors(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/vectors/test_jcs.py"]
    env = {name: value for name, value in os.environ.items() if name not in {"CI", "PYTEST_CURRENT_TEST"}}
    env |= {"COUNTERSIGNED_VECTORS": str(tmp_path / "absent"), **environment}
    return subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_absent_vectors_are_skipped_with_the_reason(tmp_path: Path) -> None:
    done = run_without_vectors(tmp_path)
    assert done.returncode == 0
    assert "COUNTERSIGNED_VECTORS" in done.stdout
    assert "skipped" in done.stdout.splitlines()[-1]


def test_absent_vectors_fail_in_ci(tmp_path: Path) -> None:
    done = run_without_vectors(tmp_path, CI="true")
    assert done.returncode == 1
    assert "are absent" in done.stdout


def test_cases_are_counted_by_folder_and_reason() -> None:
    first, second = VectorCount("x/y"), VectorCount("x/y")
    first.ran()
    second.ran(2)
    second.left_out("not for us", 4)
    VectorCount("a").ran()
    lines = support.table()
    assert lines[1].split() == ["a", "0", "1", "1", "0", "0"]
    assert lines[2].split() == ["x/y", "0", "7", "3", "0", "4"]
    assert lines[3].strip() == "4 left out: not for us"
    assert lines[4].split() == ["all", "0", "8", "4", "0", "4"]


def test_a_failed_test_is_a_failed_case_of_the_folder_it_counted_for() -> None:
    VectorCount("other").ran()
    VectorCount("x").ran()
    support.tallies["other"].tests.clear()
    support.record_failure(support.current_test())
    assert (support.tallies["x"].passed, support.tallies["x"].failed) == (1, 1)
    support.record_failure("tests/vectors/test_unknown.py::test_x")
    assert support.tallies["test_unknown.py"].failed == 1


def test_a_file_counts_for_the_innermost_counted_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COUNTERSIGNED_VECTORS", str(tmp_path))
    VectorCount("x")
    VectorCount("x/inner")
    support.opened_files |= {str(tmp_path / name) for name in ("x/1", "x/deep/2", "x/inner/3", "y/4")}
    assert (support.files_of("x"), support.files_of("x/inner")) == (2, 1)
