"""The outbound door and what comes back: limits on bytes and time, and everything that is no answer."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from typing import Any

import pytest
from aiohttp import web

from ssi.errors import ForbiddenUrlError, NotFoundError, UnavailableError
from ssi.net import HttpDoor
from tests.unit.net.doors import HOST, Names, door, url
from tests.unit.net.tls_server import Authority, TlsServer, server_context


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(authority: Authority, server: TlsServer, status: int) -> None:
    server.reply = web.Response(status=status, headers={"Location": url(server, "/elsewhere")})
    with pytest.raises(UnavailableError):
        await door(authority, server)(url(server))
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, NotFoundError),
        (410, NotFoundError),
        (201, UnavailableError),
        (206, UnavailableError),
        (403, UnavailableError),
        (500, UnavailableError),
    ],
)
async def test_only_200_is_an_answer(
    authority: Authority, server: TlsServer, status: int, error: type[Exception]
) -> None:
    server.reply = web.Response(status=status, body=b"{}")
    with pytest.raises(error):
        await door(authority, server)(url(server))


async def test_a_body_of_exactly_the_limit_is_read_and_one_byte_more_is_not(
    authority: Authority, server: TlsServer
) -> None:
    server.reply = web.Response(body=b"a" * 1000)
    assert len((await door(authority, server)(url(server), max_bytes=1000)).body) == 1000
    server.reply = web.Response(body=b"a" * 1001)
    with pytest.raises(UnavailableError, match="announces 1001"):
        await door(authority, server)(url(server), max_bytes=1000)


class Endless(web.StreamResponse):
    """A chunked body that never ends; counts the bytes that it could send."""

    sent = 0

    async def prepare(self, request: web.BaseRequest) -> Any:
        self.enable_chunked_encoding()
        writer = await super().prepare(request)
        try:
            while True:
                await self.write(b"a" * 65536)
                self.sent += 65536
        except (ConnectionError, asyncio.CancelledError):
            pass
        return writer


async def test_an_endless_body_is_cut_off(authority: Authority, server: TlsServer) -> None:
    server.reply = endless = Endless()
    with pytest.raises(UnavailableError, match="more than 100000 bytes"):
        await door(authority, server)(url(server), max_bytes=100_000)
    await asyncio.sleep(0.05)
    assert endless.sent < 16 << 20


async def test_a_compressed_body_is_refused_and_never_inflated(authority: Authority, server: TlsServer) -> None:
    server.reply = web.Response(body=gzip.compress(b"a" * 10_000_000), headers={"Content-Encoding": "gzip"})
    with pytest.raises(UnavailableError, match="compressed"):
        await door(authority, server)(url(server))


class Slow(web.StreamResponse):
    """A body that comes one byte at a time, for longer than anybody waits."""

    async def prepare(self, request: web.BaseRequest) -> Any:
        writer = await super().prepare(request)
        try:
            for _ in range(1000):
                await self.write(b" ")
                await asyncio.sleep(0.02)
        except (ConnectionError, asyncio.CancelledError):
            pass
        return writer


async def test_the_time_out_covers_the_whole_answer(authority: Authority, server: TlsServer) -> None:
    server.reply = Slow()
    started = asyncio.get_running_loop().time()
    with pytest.raises(UnavailableError, match="within"):
        await door(authority, server, timeout_seconds=0.3)(url(server))
    assert asyncio.get_running_loop().time() - started < 1.5


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"garbage\r\n\r\n",
        b"\x00" * 1000,
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1e3\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nBad Header\x00: a\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nLong: " + b"a" * 100_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ],
)
async def test_an_answer_that_is_not_http_is_an_error_of_ours(authority: Authority, reply: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply)
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_context(authority))
    port = listening.sockets[0].getsockname()[1]
    client = HttpDoor(ca_file=authority.ca_file, look_up=Names(), loopback=[(HOST, port)])
    try:
        with pytest.raises(UnavailableError):
            await client(f"https://{HOST}:{port}/")
    finally:
        listening.close()


async def test_a_server_that_speaks_no_tls_is_an_error_of_ours(authority: Authority) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    client = HttpDoor(ca_file=authority.ca_file, look_up=Names(), loopback=[(HOST, port)])
    with pytest.raises(UnavailableError):
        await client(f"https://{HOST}:{port}/")
    listening.close()


async def test_a_post_returns_every_answer_but_a_redirect(authority: Authority, server: TlsServer) -> None:
    for status in (200, 404, 409, 422, 500):
        server.reply = web.Response(status=status, body=b"8\n", content_type="text/x.tlog.size")
        found = await door(authority, server).post(url(server), b"body", content_type="text/plain")
        assert (found.status, found.content_type, found.body) == (status, "text/x.tlog.size", b"8\n")
    for refused in (
        web.Response(status=302, headers={"Location": "https://inner.example/"}),
        web.Response(body=b"123"),
    ):
        server.reply = refused
        with pytest.raises(UnavailableError):
            await door(authority, server).post(url(server), b"body", content_type="text/plain", max_bytes=2)
    with pytest.raises(ForbiddenUrlError):
        await door(authority, server, loopback=[]).post(url(server), b"", content_type="text/plain")
