"""The outbound door and names: who resolves them, with name servers that lie, and where the connection goes."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from ssi.errors import ForbiddenUrlError, InvalidInputError, UnavailableError
from ssi.net import HttpDoor
from tests.unit.net.doors import HOST, Names, door, url
from tests.unit.net.tls_server import Authority, TlsServer


async def test_the_time_out_covers_the_name_server(authority: Authority, server: TlsServer) -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    slow = HttpDoor(ca_file=authority.ca_file, look_up=never, timeout_seconds=0.1)
    with pytest.raises(UnavailableError):
        await slow(url(server))


async def test_the_connection_goes_where_the_check_looked(authority: Authority, server: TlsServer) -> None:
    """The second answer of the name server is a dead loopback address; it is never asked for."""
    names = Names(["127.0.0.1"], ["127.0.0.9"])
    assert (await door(authority, server, names)(url(server))).body == b"{}"
    assert names.asked == 1


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record every address that a connection is begun to, and begin none."""
    seen: list[str] = []

    async def start_connection(addr_infos: Sequence[Any], **_: Any) -> socket.socket:
        seen.extend(info[4][0] for info in addr_infos)
        raise OSError("not connected in this test")

    monkeypatch.setattr("aiohttp.connector.aiohappyeyeballs.start_connection", start_connection)
    return seen


async def _rebind(authority: Authority, dialled: list[str], tries: int) -> None:
    names = Names(["8.8.8.8"], ["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::ffff:10.0.0.1"], ["169.254.169.254"], [])
    client = HttpDoor(ca_file=authority.ca_file, look_up=names)
    refused = unavailable = 0
    for _ in range(tries):
        try:
            await client(f"https://{HOST}/latest/meta-data")
        except ForbiddenUrlError:
            refused += 1
        except UnavailableError:
            unavailable += 1
    assert names.asked == tries == refused + unavailable
    assert refused == 4 * tries // 6
    assert dialled == ["8.8.8.8"] * (tries // 6)


async def test_a_name_server_that_alternates_gets_no_inner_connection(authority: Authority, dialled: list[str]) -> None:
    await _rebind(authority, dialled, 600)


@pytest.mark.slow
async def test_ten_thousand_alternating_answers(authority: Authority, dialled: list[str]) -> None:
    await _rebind(authority, dialled, 10_002)


async def test_refused_urls_are_neither_resolved_nor_dialled(authority: Authority, dialled: list[str]) -> None:
    names = Names(["8.8.8.8"])
    client = HttpDoor(ca_file=authority.ca_file, look_up=names)
    for text in (
        "http://agency.example/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://u@agency.example/",
        "file:///etc",
    ):
        with pytest.raises(ForbiddenUrlError):
            await client(text)
    with pytest.raises(InvalidInputError):
        await client("https://agency.example/", accept="a\r\nHost: b")
    assert names.asked == 0
    assert dialled == []


async def test_what_the_name_server_says_is_an_error_of_ours(authority: Authority) -> None:
    async def broken(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(UnavailableError):
        await HttpDoor(ca_file=authority.ca_file, look_up=broken)(f"https://{HOST}/")
    with pytest.raises(UnavailableError):
        await HttpDoor(ca_file=authority.ca_file, look_up=Names([]))(f"https://{HOST}/")
    with pytest.raises(ForbiddenUrlError):
        await HttpDoor(ca_file=authority.ca_file, look_up=Names(["not an address"]))(f"https://{HOST}/")


async def test_the_systems_name_server_is_asked_by_default(authority: Authority, server: TlsServer) -> None:
    client = HttpDoor(ca_file=authority.ca_file, loopback=[("localhost", server.port)])
    assert (await client(url(server, host="localhost"))).body == b"{}"
    with pytest.raises(ForbiddenUrlError):
        await HttpDoor(ca_file=authority.ca_file)(url(server, host="localhost"))


class Proxy:
    """An egress proxy that tunnels every CONNECT to one port of loopback and remembers what was asked."""

    def __init__(self, port: int) -> None:
        self._target = port
        self.seen: list[str] = []

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.seen.append(head.split(b"\r\n")[0].decode())
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            except ConnectionError:
                pass
            finally:
                sink.close()

        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))


async def test_an_egress_proxy_resolves_the_name(authority: Authority, server: TlsServer) -> None:
    names = Names()
    async with Proxy(server.port) as proxy:
        client = HttpDoor(ca_file=authority.ca_file, look_up=names, proxy=f"http://127.0.0.1:{proxy.port}")
        assert (await client(f"https://{HOST}/x")).body == b"{}"
        assert proxy.seen == [f"CONNECT {HOST}:443 HTTP/1.1"]
        for text in ("https://127.0.0.1/", "https://localhost/", "https://db.internal/", "https://printer.local/"):
            with pytest.raises(ForbiddenUrlError):
                await client(text)
        assert len(proxy.seen) == 1
    assert names.asked == 0
    assert server.seen[0].headers["Host"] == HOST


async def test_the_loopback_pairs_do_not_pass_through_the_proxy(authority: Authority, server: TlsServer) -> None:
    assert (await door(authority, server, proxy="http://127.0.0.1:9")(url(server))).body == b"{}"
