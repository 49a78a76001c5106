"""A log's files over HTTP: types, caching, compression, and nothing outside the log."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ssi.errors import NotFoundError, UnavailableError
from ssi.http.tiles import answer, create_app
from ssi.ledger.backends.tile_folder import TileFolder
from ssi.ledger.backends.tile_source import FolderTiles, WebTiles
from ssi.ledger.backends.tiles import TilesLedger
from ssi.ledger.storage import verify_storage
from ssi.ports import Fetched
from ssi.protocols.http import HttpRequest
from tests.contracts.tiles import Publisher


@pytest.fixture
async def publisher(tmp_path: Path) -> Publisher:
    publisher = Publisher(folder=TileFolder(tmp_path / "log"))
    await publisher.ledger.append([b"entry %d" % index for index in range(300)])
    await publisher.publish()
    (tmp_path / "secret").write_text("not of the log")
    return publisher


async def test_types_and_caching(publisher: Publisher, tmp_path: Path) -> None:
    for source in (FolderTiles(tmp_path / "log"), publisher.live()):
        found = {
            path: await answer(HttpRequest("GET", f"/{path}"), source=source)
            for path in ("checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44")
        }
        assert {response.status for response in found.values()} == {200}
        assert found["checkpoint"].content_type == "text/plain; charset=utf-8"
        assert found["checkpoint"].headers["Cache-Control"] == "public, max-age=2"
        for path in set(found) - {"checkpoint"}:
            assert found[path].content_type == "application/octet-stream"
            assert "immutable" in found[path].headers["Cache-Control"]
        assert len(found["tile/0/000"].body) == 8192


async def test_bundles_are_compressed_for_who_takes_it(publisher: Publisher) -> None:
    request = HttpRequest("GET", "/tile/entries/000", headers={"accept-encoding": "gzip, identity"})
    packed = await answer(request, source=publisher.live())
    plain = await answer(HttpRequest("GET", "/tile/entries/000"), source=publisher.live())
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert "Content-Encoding" not in plain.headers
    assert len(packed.body) < len(plain.body) // 2


@pytest.mark.parametrize(
    "path",
    [
        "/tile/0/001",
        "/tile/0/001.p/45",
        "/tile/0/002",
        "/tile/2/000.p/1",
        "/tile/entries/001",
        "/tile/entries/002.p/1",
        "/withheld/000",
        "/withheld/002",
        "/secret",
        "/../secret",
        "/tile/../../secret",
        "/tile/%2e%2e/secret",
        "/.lock",
        "/",
        "/checkpoint/",
    ],
)
async def test_nothing_else_is_served(publisher: Publisher, tmp_path: Path, path: str) -> None:
    for source in (FolderTiles(tmp_path / "log"), publisher.live()):
        assert (await answer(HttpRequest("GET", path), source=source)).status == 404
    assert (await answer(HttpRequest("POST", path), source=publisher.live())).status == 405


async def test_a_ledger_without_checkpoint_or_answer() -> None:
    class Silent:
        async def get(self, path: str, *, max_bytes: int) -> bytes:
            raise UnavailableError("no answer")

    assert (await answer(HttpRequest("GET", "/checkpoint"), source=Publisher().live())).status == 404
    assert (await answer(HttpRequest("GET", "/checkpoint"), source=Silent())).status == 503


async def test_served_mounted_and_read_over_the_fetch_port(publisher: Publisher) -> None:
    from aiohttp import web
    from aiohttp.test_utils import TestClient, TestServer

    outer = web.Application()
    outer.add_subapp("/logs/town", create_app(publisher.live()))
    async with TestClient(TestServer(outer)) as client:

        async def fetch(url: str, *, accept: str = "", max_bytes: int = 1 << 20) -> Fetched:
            response = await client.get(url.removeprefix("https://log.example"))
            if response.status == 404:
                raise NotFoundError("404")
            assert response.status == 200
            return Fetched(url, 200, response.content_type, await response.read())

        ledger = TilesLedger(WebTiles("https://log.example/logs/town/", fetch), keys=[await publisher.key()])
        assert await ledger.size() == 300
        assert (await ledger.read(299, 300))[0] == b"entry 299"
        assert (await verify_storage(ledger)).size == 300
        assert (await client.head("/logs/town/checkpoint")).status == 200
