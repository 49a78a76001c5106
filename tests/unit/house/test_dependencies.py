"""The table of dependencies says what is locked and declared: no more, no less, and which of them stay unloaded."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.unit.import_cost import loaded_modules

REPOSITORY = Path(__file__).resolve().parents[3]
TABLE = REPOSITORY / "docs" / "adr" / "0002-dependencies.md"
OF_DEVELOPERS = {"dev", "interop"}
NUMBERS = ("None", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven", "Twelve")


class Row(NamedTuple):
    """One line of the table."""

    package: str
    version: str
    licence: str
    cost: str
    why: str

    @property
    def extra(self) -> str | None:
        """The extra that brings the package, None for one that always comes."""
        found = re.search(r"extra `([a-z0-9]+)`", self.cost)
        return found[1] if found else None

    @property
    def lazy(self) -> bool:
        return ", lazy" in self.cost


@lru_cache
def rows() -> tuple[Row, ...]:
    """Return the lines of the table, its head left out."""
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return tuple(Row(*(cell.strip() for cell in line.strip("|").split(" | "))) for line in lines[1:])


@lru_cache
def project() -> dict[str, Any]:
    read: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return read


def name_of(requirement: str) -> str:
    """Return the name in a requirement such as ``py-x[y]>=1,<2``."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None
    return found[0].lower().replace("_", "-")


def declared() -> dict[str, str | None]:
    """Return what users may install, with the extra that brings it."""
    found: dict[str, str | None] = {name_of(one): None for one in project()["dependencies"]}
    for extra, requirements in project()["optional-dependencies"].items():
        if extra not in OF_DEVELOPERS:
            found |= {name_of(one): extra for one in requirements}
    return found


def test_each_dependency_has_its_row_and_no_other_has_one() -> None:
    assert {row.package: row.extra for row in rows()} == declared()
    assert len({row.package for row in rows()}) == len(rows())


def test_the_title_counts_those_that_always_come() -> None:
    title = TABLE.read_text(encoding="utf-8").partition("\n")[0]
    assert title == f"# 2. {NUMBERS[len(project()['dependencies'])]} run-time dependencies, and why each"


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.package)
def test_a_row_is_complete_and_names_the_locked_version(row: Row) -> None:
    version, _, date = row.version.partition(", ")
    lock = (REPOSITORY / "requirements-dev.lock").read_text(encoding="utf-8")
    assert f"\n{row.package}=={version} \\\n" in f"\n{lock}"
    assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", date), "when the version was published"
    assert re.match(r"(\d+|< 1) ms", row.cost)
    assert len(row.why) > 20
    assert row.licence


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.package)
def test_what_is_called_lazy_is_not_loaded_by_a_verifier(row: Row) -> None:
    files = metadata.files(row.package) or []
    modules = {file.parts[0].partition(".")[0] for file in files if file.suffix in {".py", ".so", ".pyd"}}
    assert modules
    assert bool(modules & loaded_modules("import verifier")) is not row.lazy
