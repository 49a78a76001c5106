"""The outbound door against a live TLS server on loopback: whom it connects to, and what it sends and keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from ssi.errors import ForbiddenUrlError, InvalidInputError, UnavailableError
from ssi.net import HttpDoor
from tests.unit.net.doors import HOST, Names, door, url
from tests.unit.net.tls_server import Authority, TlsServer, make_authority


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
