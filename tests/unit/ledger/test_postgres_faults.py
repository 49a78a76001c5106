"""Connections cut at any byte, servers killed, networks that say nothing: asked again, an entry keeps its index."""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections.abc import Iterator

import pytest

from ssi.errors import InclusionProofError, UnavailableError
from ssi.ledger import Ledger, open_ledger
from ssi.ledger.storage import verify_storage
from tests.contracts.postgres import Server, server
from tests.tools.proxy import Direction, Proxy
from tests.unit.ledger.heads import put_head
from tests.unit.ledger.postgres_log import Log


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy(server().port) as running:
        yield running


def through(proxy: Proxy, log: Log, *, timeout: float = 5) -> Ledger:
    """Open ``log`` by way of the proxy."""
    return open_ledger(server().url(log.schema, port=proxy.port, options=f"&timeout={timeout}"))


async def until_acknowledged(ledger: Ledger, entries: list[bytes], *, expected_size: int | None = None) -> list[int]:
    """Ask until the answer is in, as a caller does."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            return list(await ledger.append(entries, expected_size=expected_size))
        except UnavailableError:
            await asyncio.sleep(0.01)
    raise AssertionError("never acknowledged")


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("expecting", [False, True])
async def test_a_connection_cut_at_any_byte_writes_nothing_twice(
    proxy: Proxy, direction: Direction, expecting: bool
) -> None:
    log = Log(server())
    ledger = through(proxy, log)
    # One answer has about 85 bytes; the wider steps reach into the start of the next connection.
    places = [*range(0, 160, 7), *range(200, 1500, 150)]
    for number, after in enumerate(places):
        proxy.cut(direction, after)
        entries = [b"%d/%d" % (number, i) for i in range(2)]
        size = 2 * number if expecting else None
        assert await until_acknowledged(ledger, entries, expected_size=size) == [2 * number, 2 * number + 1]
    assert proxy.cuts >= 10
    await ledger.close()
    direct = open_ledger(log.url)
    assert list(await direct.read(0, 2 * len(places))) == [
        b"%d/%d" % (n, i) for n in range(len(places)) for i in (0, 1)
    ]
    assert await direct.size() == 2 * len(places)
    await verify_storage(direct)
    await direct.close()


async def test_an_acknowledgement_that_is_lost_is_asked_for_again(proxy: Proxy) -> None:
    log = Log(server())
    ledger = through(proxy, log)
    assert list(await ledger.append([b"a"])) == [0]
    # The server commits, the answer is cut off, and nobody takes the next connection.
    proxy.cut("down", 0)
    proxy.refuse()
    with pytest.raises(UnavailableError):
        await ledger.append([b"b"])
    assert [row[0] for row in await log.sql("SELECT size FROM S.log")] == [2]
    with pytest.raises(UnavailableError):
        await ledger.append([b"b"])
    proxy.refuse(False)
    assert list(await ledger.append([b"b"])) == [1]
    assert list(await ledger.append([b"c"], expected_size=2)) == [2]
    await ledger.close()


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_head_is_swapped_once_wherever_the_connection_is_cut(proxy: Proxy, direction: Direction) -> None:
    log = Log(server())
    ledger = through(proxy, log)
    for number in range(24):
        await until_acknowledged(ledger, [b"%d" % number])
        proxy.cut(direction, number * 60)
        for _ in range(20):
            try:
                note = await put_head(ledger)
                break
            except UnavailableError:
                continue
        assert await ledger.checkpoint() == note == log.head.read_bytes()
    await ledger.close()
    await open_ledger(log.url).close()


async def test_a_network_that_says_nothing_is_unavailable_after_the_time_limit(proxy: Proxy) -> None:
    log = Log(server())
    ledger = through(proxy, log, timeout=0.2)
    await ledger.append([b"a"])
    proxy.stall()
    with pytest.raises(UnavailableError):
        await ledger.append([b"b"])
    with pytest.raises(UnavailableError):
        await ledger.size()
    proxy.stall(False)
    assert await until_acknowledged(ledger, [b"b"]) == [1]
    assert await ledger.size() == 2
    await ledger.close()


async def test_what_is_asked_of_a_ledger_that_is_closed_meanwhile_ends(
    proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = through(proxy, Log(server()), timeout=60)
    assert await ledger.size() == 0
    proxy.stall()
    asked = [asyncio.create_task(work) for work in (*(ledger.size() for _ in range(6)), ledger.checkpoint())]
    await asyncio.sleep(0.2)
    await asyncio.wait_for(ledger.close(), 10)
    for task in asked:
        with pytest.raises(UnavailableError):
            await asyncio.wait_for(task, 5)
    proxy.stall(False)
    gc.collect()
    assert "destroyed" not in caplog.text


@pytest.fixture
def own_server() -> Iterator[Server]:
    server()  # or skip
    own = Server()
    yield own
    own.remove()


@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGKILL])
async def test_a_server_that_is_killed_loses_nothing_acknowledged(own_server: Server, how: signal.Signals) -> None:
    log = Log(own_server)
    ledger = open_ledger(log.url)
    acknowledged: dict[int, bytes] = {}

    async def write(writer: int) -> None:
        for number in range(60):
            entry = b"%d/%d" % (writer, number)
            (index,) = await until_acknowledged(ledger, [entry])
            assert acknowledged.setdefault(index, entry) == entry

    async def kill() -> None:
        for _ in range(3):
            await asyncio.sleep(0.05)
            await asyncio.to_thread(own_server.stop, how)
            await asyncio.to_thread(own_server.start)

    await asyncio.gather(kill(), *(write(i) for i in range(8)))
    note = await put_head(ledger)
    assert list(await ledger.read(0, 480)) == [acknowledged[i] for i in range(480)]
    assert (await verify_storage(ledger)).size == 480
    await ledger.close()
    ledger = open_ledger(log.url)
    assert await ledger.checkpoint() == note
    await ledger.close()


async def test_a_server_restored_from_an_older_copy_is_noticed_while_running(own_server: Server) -> None:
    log = Log(own_server)
    ledger = open_ledger(log.url)
    await ledger.append([b"a", b"b"])
    await put_head(ledger)
    await log.sql("CREATE TABLE S.copy AS SELECT * FROM S.entries")
    await ledger.append([b"c"])
    await put_head(ledger)
    await log.sql("DELETE FROM S.entries WHERE idx = 2", "UPDATE S.log SET size = 2")
    own_server.stop()
    own_server.start()
    # The new connection holds the database against the head file before anything is sent.
    with pytest.raises(InclusionProofError, match="the database is older than the"):
        await ledger.append([b"d"])
    await ledger.close()
    log.refused("the database is older than the")


async def test_a_server_that_may_lose_what_it_acknowledged_is_refused() -> None:
    server()  # or skip
    careless = Server(settings=("fsync=off",))
    with pytest.raises(Exception, match="fsync=off"):
        open_ledger(careless.url())
    careless.remove()
