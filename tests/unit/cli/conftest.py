"""One town for all tests of the program, and copies of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.cli.program import Town


@pytest.fixture(scope="session")
def built_town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A town with two credentials issued, one of them shown, and an offline folder. Not to be changed."""
    return Town(tmp_path_factory.mktemp("town")).build().shown()


@pytest.fixture
def town(built_town: Town, tmp_path: Path) -> Town:
    """A copy of the town."""
    shutil.copytree(built_town.folder, tmp_path / "town")
    return Town(tmp_path / "town")
