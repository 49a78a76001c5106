"""``examples.crash_and_reconcile``: killed at four chosen moments and at others, the agency goes on without a hand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from examples.crash_and_reconcile import main
from ssi.ledger.backends.evm.contract import Mode
from tests import needs
from tests.contracts.postgres import server
from tests.evm import ledger as on_chain
from tests.evm.node import KEPT, node

FINALITY = 6


def tells_its_story(capfd: pytest.CaptureFixture[str], *arguments: str) -> None:
    needs.fork()
    main(["--kills", "1", *arguments])
    lines = capfd.readouterr().out.splitlines()
    assert [line.partition(": ")[2] for line in lines[:4]] == [
        "would be submitted; submitted",
        "stands on the ledger: would be confirmed; confirmed in its place",
        "stands on the ledger: would be confirmed; confirmed in its place",
        "stands on the ledger: would be confirmed; confirmed in its place",
    ]
    assert "all are settled" in lines[4]
    assert lines[5].endswith("none lost; the audit holds")
    assert " 0 revocations told" not in lines[5]


def test_in_a_file(capfd: pytest.CaptureFixture[str]) -> None:
    tells_its_story(capfd)


@pytest.mark.slow
def test_on_a_postgresql_server(capfd: pytest.CaptureFixture[str]) -> None:
    tells_its_story(capfd, "--ledger", server().url())


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(Mode))
def test_on_a_chain_whose_newest_blocks_are_replaced(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, mode: Mode
) -> None:
    with forking_chain(tmp_path, mode) as (url, forks):
        tells_its_story(capfd, "--ledger", url)
        assert len(forks) > 10


@contextmanager
def forking_chain(folder: Path, mode: Mode) -> Iterator[tuple[str, list[int]]]:
    """Run a node that replaces up to FINALITY - 1 blocks again and again; yield a URL, and each depth."""
    rng, forks = Random(1), list[int]()
    with node(*KEPT) as chain:
        address = asyncio.run(on_chain.deployed(chain, mode))
        chain.mine(2 * FINALITY)
        chain.rpc("evm_setAutomine", False)

        def step() -> None:
            if rng.random() < 0.15:
                forks.append(rng.randint(1, FINALITY - 1))
                chain.rpc("anvil_reorg", forks[-1], [])
            else:
                chain.mine(2)

        with chain.mining(step=step):
            yield on_chain.url(chain, folder, address, mode, finality=FINALITY, stuck=0.5), forks
