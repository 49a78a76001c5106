"""The public interface changes only on purpose: ``make api`` writes it anew, and a reviewer sees the difference."""

from __future__ import annotations

from difflib import unified_diff
from enum import Enum

import msgspec
import pytest

from tests.unit import api_snapshot
from tests.unit.api_snapshot import FILE, snapshot


def test_the_public_interface_is_as_recorded() -> None:
    recorded, found = FILE.read_text(encoding="utf-8"), snapshot()
    difference = "".join(unified_diff(recorded.splitlines(True), found.splitlines(True), "recorded", "found", n=0))
    assert not difference, f"see docs/deprecation.md, then run `make api`:\n{difference}"


def test_the_snapshot_does_not_depend_on_the_run() -> None:
    assert snapshot() == snapshot()
    assert " at 0x" not in snapshot()


class Example(msgspec.Struct, frozen=True):
    name: str
    count: int = 3

    async def act(self, reason: str = "") -> int:
        return self.count

    @property
    def title(self) -> str:
        return self.name

    def _hidden(self) -> None:
        return None


class Colour(Enum):
    RED = "red"


def test_each_kind_of_member_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_snapshot, "PACKAGES", ("tests",))
    assert list(api_snapshot._of("C", Colour)) == ["C: class(Enum)", "C.RED = 'red'"]
    assert list(api_snapshot._of("E", Example)) == [
        "E: class(Struct)(name, count=3)",
        "E.act: async def(self, reason: 'str' = '') -> 'int'",
        "E.count: int",
        "E.name: str",
        "E.title: property -> str",
    ]
