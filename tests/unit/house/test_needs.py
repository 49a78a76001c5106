"""Nothing is left out unseen: what a machine lacks skips a test at home and fails it under CI."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests import needs

TESTS = Path(__file__).resolve().parents[2]
WAYS_OUT = {"skip", "skipif", "importorskip", "xfail", "SkipTest", "skipIf", "skipUnless"}


@pytest.mark.parametrize(("in_ci", "outcome"), [(False, pytest.skip.Exception), (True, pytest.fail.Exception)])
def test_what_is_absent_skips_at_home_and_fails_under_ci(
    monkeypatch: pytest.MonkeyPatch, in_ci: bool, outcome: type[BaseException]
) -> None:
    monkeypatch.setattr(needs, "IN_CI", in_ci)
    with pytest.raises(outcome, match="not installed here: no-such-program"):
        needs.programs(sys.executable, "no-such-program")
    with pytest.raises(outcome, match="module no_such_module"):
        needs.module("no_such_module")
    monkeypatch.delattr("os.fork", raising=False)
    with pytest.raises(outcome, match="does not fork"):
        needs.fork()


def test_a_module_that_is_there_but_lacks_another_is_no_absence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "half_installed.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError):
        needs.module("half_installed")
    assert needs.module("json").loads("1") == 1


def test_no_test_has_another_way_out() -> None:
    found = []
    for path in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in WAYS_OUT:
                found.append(f"{path.relative_to(TESTS)}:{node.lineno}")
    own = {"needs.py", f"unit/house/{Path(__file__).name}"}
    assert [one for one in found if one.partition(":")[0] not in own] == []
