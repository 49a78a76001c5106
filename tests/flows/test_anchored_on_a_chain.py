"""A SQLite ledger whose heads are said on an EVM chain, by a program that runs on while the chain is away."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from time import monotonic
from typing import Any

import pytest

from ssi.cli.session import Options, Session
from ssi.ledger import open_ledger
from ssi.ledger.backends.evm.contract import Mode
from ssi.registry import open_registry
from tests.evm.ledger import deployed, url
from tests.evm.node import Node, node
from tests.evm.proxy import Lost, Proxy, proxy
from tests.unit.cli.program import Town

PERIOD = 3
SECONDS = 90


@pytest.fixture
def chain_node() -> Iterator[Node]:
    with node() as running, running.mining():
        yield running


@pytest.fixture
def town(tmp_path: Path) -> Town:
    made = Town(tmp_path / "town")
    made.folder.mkdir()
    (made / "passphrase").write_text("of the keys\n")
    made.ok(
        *("ledger", "found", "--origin", "log.example", "--name", "ministry", "--domain", "ministry.example"),
        *("--keys", made / "keys.json", "--passphrase-file", made / "passphrase"),
    )
    return made


def found_public(town: Town, public: str) -> None:
    """Put the ministry on the other ledger, whose root it is, and name that in the project file."""

    async def found() -> None:
        session = Session(Options(project=str(town / "ssi.toml")))
        ministry = await session.organisation("ministry")
        ledger = open_ledger(public)
        kms = session.kms()
        registry = await open_registry(ledger, origin="public.example", roots=[ministry.did], kms=kms, now=session.now)
        await ministry.publish(registry)
        await ledger.close()
        await session.close()

    asyncio.run(found())
    table = (
        f'[anchor]\ninto = "{public}"\norigin = "public.example"\nroots = ["{town.did("ministry")}"]\nby = "ministry"\n'
    )
    with (town / "ssi.toml").open("a") as file:
        file.write("\n" + table)


class Anchoring:
    """`ssi ledger anchor --every` as a process of its own; its lines as they come."""

    def __init__(self, town: Town) -> None:
        command = [sys.executable, "-u", "-m", "ssi.cli", "ledger", "anchor", "--period", str(PERIOD), "--every", "1"]
        self.process = subprocess.Popen(
            [*command, "--project", str(town / "ssi.toml"), "--json"], stdout=subprocess.PIPE, text=True
        )
        self.lines: Queue[dict[str, Any]] = Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def until(self, outcome: str, count: int) -> list[dict[str, Any]]:
        """Wait for ``count`` lines of this outcome, others aside; return them."""
        found: list[dict[str, Any]] = []
        deadline = monotonic() + SECONDS
        while len(found) < count:
            try:
                line = self.lines.get(timeout=max(0.1, deadline - monotonic()))
            except Empty:
                raise AssertionError(f"{len(found)} lines of {outcome}, {count} were expected") from None
            if line["outcome"] == outcome:
                found.append(line)
        return found

    def end(self) -> int:
        self.process.terminate()
        code = self.process.wait(SECONDS)
        self.reader.join(SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def lost(proxied: Proxy) -> None:
    def answer(*_: object) -> Any:
        raise Lost

    proxied.answer = answer


@pytest.mark.slow
def test_every_epoch_is_on_the_chain_whatever_is_away_in_between(town: Town, tmp_path: Path, chain_node: Node) -> None:
    with proxy(chain_node) as proxied:
        address = asyncio.run(deployed(chain_node, Mode.ENTRIES))
        found_public(town, url(proxied, tmp_path, address, Mode.ENTRIES))
        running = Anchoring(town)
        before = running.until("ok", 2)  # two epochs, and nothing happened between them
        assert [each["size"] for each in before] == [1, 1]
        assert before[1]["epoch"] == before[0]["epoch"] + 1
        lost(proxied)  # the chain is away; the log goes on
        town.ok("did", "create", "village", "--domain", "village.example")
        town.ok("ledger", "enrol", "village", "--by", "ministry")
        waited = running.until("could not check", 1)
        while waited[-1]["waiting"] < 2:
            waited += running.until("could not check", 1)
        assert running.end() == 3
        running = Anchoring(town)  # what waited in the first is not lost with it
        running.until("could not check", 1)
        proxied.answer = lambda method, params, forward: forward()
        after = running.until("ok", waited[-1]["waiting"] + 1)
        assert running.end() == 0
    said = [*before, *after]
    epochs = [each["epoch"] for each in said]
    assert epochs == list(range(epochs[0], epochs[0] + len(epochs)))
    assert all(each["new"] for each in said)
    assert after[-1]["size"] == town.ok("ledger", "show")["size"] > 1


@pytest.mark.slow
def test_the_chain_holds_the_log_to_what_it_was(town: Town, tmp_path: Path, chain_node: Node) -> None:
    address = asyncio.run(deployed(chain_node, Mode.LEAVES))
    public = url(chain_node, tmp_path, address, Mode.LEAVES)
    found_public(town, public)
    first = town.ok("ledger", "anchor")
    assert (first["new"], town.ok("ledger", "anchor")["new"]) == (True, False)
    held = ("--anchored-in", public, "--anchor-root", town.did("ministry"))
    assert town.ok("ledger", "audit", *held)["anchored"]["anchors that hold"] == 1
    assert town.ok("ledger", "watch", *held, "--anchor-freeze", 3600)["alarms"] == []
