"""A disk that is really full: a clear error, nothing lost, and safe to repeat once there is room."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ssi.ledger.backends.evm.contract import Mode
from tests import needs
from tests.contracts.full_disk import BODY
from tests.evm.ledger import deployed, url
from tests.evm.node import Node, node


@pytest.fixture(scope="module")
def chain_node() -> Iterator[Node]:
    with node() as running, running.mining():
        yield running


def namespaces() -> None:
    """Need a system that gives a process a view of its own on file systems."""
    needs.programs("unshare", "mount")
    if subprocess.run(["unshare", "--map-root-user", "--mount", "true"], capture_output=True, check=False).returncode:
        needs.absent("this system gives no mount namespaces")


def full(kind: str, folder: Path, *rest: str) -> None:
    namespaces()
    place = folder / "small"
    place.mkdir()
    program = [sys.executable, "-m", "tests.contracts.full_disk", kind, str(place), *rest]
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", *program], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["acknowledged"] > 3, found
    assert "full" in found["words"] or "cannot be written" in found["words"], found
    assert BODY.decode()[:20] not in found["words"], found


def test_a_ledger_in_a_file(tmp_path: Path) -> None:
    full("sqlite", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(Mode))
def test_the_mirror_of_a_chain(tmp_path: Path, chain_node: Node, mode: Mode) -> None:
    address = asyncio.run(deployed(chain_node, mode))
    named = url(chain_node, tmp_path, address, mode, mirror="unused", wait=10)
    full("evm", tmp_path, named.replace(f"&mirror={tmp_path}/unused", ""))


def test_a_folder_of_tiles(tmp_path: Path) -> None:
    full("tiles", tmp_path)
