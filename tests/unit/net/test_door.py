"""The outbound door against a live TLS server on loopback, with name servers that lie."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from ssi.errors import ForbiddenUrlError, InvalidInputError, NotFoundError, UnavailableError
from ssi.net import HttpDoor
from tests.unit.net.tls_server import Authority, TlsServer, make_authority, server_context

HOST = "agency.example"


class Names:
    """A name server whose answers change with every question."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = answers or (["127.0.0.1"],)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers[(self.asked - 1) % len(self.answers)]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tls"), names=[HOST, "localhost"], addresses=["127.0.0.1"])


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[TlsServer]:
    async with TlsServer(authority) as running:
        yield running


def door(authority: Authority, server: TlsServer, names: Names | None = None, **options: Any) -> HttpDoor:
    options.setdefault("loopback", [(HOST, server.port)])
    return HttpDoor(ca_file=authority.ca_file, look_up=names or Names(), **options)


def url(server: TlsServer, path: str = "/did.json", host: str = HOST) -> str:
    return f"https://{host}:{server.port}{path}"


async def test_a_page_is_read_under_the_names_own_certificate(authority: Authority, server: TlsServer) -> None:
    server.reply = web.Response(body=b'{"id":1}', content_type="application/did+json")
    names = Names()
    fetched = await door(authority, server, names)(url(server, "/a%20b?c=%2F"), accept="application/did+json")
    assert (fetched.status, fetched.content_type, fetched.body) == (200, "application/did+json", b'{"id":1}')
    assert fetched.url == url(server, "/a%20b?c=%2F")
    assert names.asked == 1
    (request,) = server.seen
    assert request.method == "GET"
    assert request.raw_path == "/a%20b?c=%2F"
    assert request.headers["Host"] == f"{HOST}:{server.port}"
    assert request.headers["Accept"] == "application/did+json"
    assert request.headers["Accept-Encoding"] == "identity"
    assert "Cookie" not in request.headers


async def test_loopback_is_closed_unless_the_pair_is_listed(authority: Authority, server: TlsServer) -> None:
    for allowed in ([], [(HOST, server.port + 1)], [("other.example", server.port)]):
        with pytest.raises(ForbiddenUrlError):
            await door(authority, server, loopback=allowed)(url(server))
    with pytest.raises(ForbiddenUrlError):
        await door(authority, server, Names(["10.0.0.1"]))(url(server))
    assert server.seen == []


async def test_addresses_as_hosts_open_only_from_the_list(authority: Authority, server: TlsServer) -> None:
    names = Names()
    listed = door(authority, server, names, loopback=[("127.0.0.1", server.port)])
    assert (await listed(url(server, host="127.0.0.1"))).body == b"{}"
    for host in ("127.0.0.2", "8.8.8.8", "[::1]"):
        with pytest.raises(ForbiddenUrlError):
            await listed(url(server, host=host))
    assert names.asked == 0


async def test_the_certificate_must_be_of_the_name_and_of_the_authority(
    authority: Authority, server: TlsServer, tmp_path: Path
) -> None:
    wrong_name = door(authority, server, loopback=[("other.example", server.port)])
    with pytest.raises(UnavailableError):
        await wrong_name(url(server, host="other.example"))
    stranger = make_authority(tmp_path, names=[HOST])
    with pytest.raises(UnavailableError):
        await door(stranger, server)(url(server))
    with pytest.raises(UnavailableError):
        await HttpDoor(loopback=[(HOST, server.port)], look_up=Names())(url(server))
    assert server.seen == []


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


async def test_the_time_out_covers_the_name_server(authority: Authority, server: TlsServer) -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(60)
        return []

    slow = HttpDoor(ca_file=authority.ca_file, look_up=never, timeout_seconds=0.1)
    with pytest.raises(UnavailableError):
        await slow(url(server))


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


async def test_cookies_are_not_kept(authority: Authority, server: TlsServer) -> None:
    server.reply = web.Response(body=b"{}", headers={"Set-Cookie": "id=1; Path=/"})
    client = door(authority, server)
    await client(url(server))
    server.reply = None
    await client(url(server))
    assert all("Cookie" not in request.headers for request in server.seen)


async def test_nothing_is_read_from_the_environment(
    authority: Authority, server: TlsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    key_log = tmp_path / "keys.log"
    monkeypatch.setenv("SSLKEYLOGFILE", str(key_log))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text(f"machine {HOST} login a password b\n")
    assert (await door(authority, server)(url(server))).body == b"{}"
    assert "Authorization" not in server.seen[0].headers
    assert not key_log.exists()
    # The authority that SSL_CERT_FILE names is not believed.
    with pytest.raises(UnavailableError):
        await HttpDoor(loopback=[(HOST, server.port)], look_up=Names())(url(server))


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


async def test_an_error_tells_neither_the_query_nor_the_proxys_password(authority: Authority) -> None:
    client = HttpDoor(ca_file=authority.ca_file, proxy="http://user:hunter2@127.0.0.1:9")
    with pytest.raises(UnavailableError) as caught:
        await client(f"https://{HOST}/path?state=secret")
    assert "hunter2" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_door_is_built_from_sound_settings(tmp_path: Path, authority: Authority) -> None:
    (tmp_path / "bad.pem").write_text("not a certificate")
    for options in (
        {"ca_file": tmp_path / "absent.pem"},
        {"ca_file": tmp_path / "bad.pem"},
        {"ca_file": authority.ca_file, "timeout_seconds": 0},
        {"ca_file": authority.ca_file, "proxy": "socks5://127.0.0.1:9"},
    ):
        with pytest.raises(InvalidInputError):
            HttpDoor(**options)


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
