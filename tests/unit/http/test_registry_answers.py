"""Answers of the registry over HTTP: what is served is what verifies; everything else has its status."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from ssi.errors import InclusionProofError, UnavailableError
from ssi.http.registry_answers import answer, create_app
from ssi.ports import Fetched
from ssi.protocols.http import HttpRequest
from ssi.registry.answer import verify_answer
from ssi.registry.answers_view import AnswersSource
from tests.unit.registry.answering import Operated
from tests.unit.registry.world import World


@pytest.fixture
async def town() -> AsyncIterator[Operated]:
    world = World()
    made = await Operated.start(world)
    await made.registry.submit(world.agency.commit(world.URI, 1))
    await made.epoch()
    yield made
    await made.close()


def path(kind: str, name: str) -> str:
    return f"/answers/{kind}/{quote(name, safe='')}"


async def test_an_answer_is_served_and_holds(town: Operated) -> None:
    uri = town.world.URI
    async with TestClient(TestServer(create_app(town.desk))) as client:
        response = await client.get(URL(path("list", uri), encoded=True))
        assert response.status == 200
        assert response.headers["Cache-Control"] == "public, max-age=30"
        data = await response.read()
        verify_answer(data, log_keys=town.keys, roots=town.roots, expected=("list", uri))
        assert (await client.get(URL(path("nothing", uri), encoded=True))).status == 400
        assert (await client.post(URL(path("list", uri), encoded=True))).status == 405


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (HttpRequest("POST", "/answers/list/x"), 400),
        (HttpRequest("GET", "/answers/list/x", "a=b"), 400),
        (HttpRequest("GET", "/answers/list/"), 400),
        (HttpRequest("GET", "/answers/list/%ff"), 400),
        (HttpRequest("GET", "/answers/list/" + "x" * 3_000), 400),
        (HttpRequest("GET", "/elsewhere"), 400),
        (HttpRequest("GET", "/answers/list/https%3A%2F%2Fnowhere.example"), 200),
    ],
)
async def test_what_is_no_question(town: Operated, request_: HttpRequest, status: int) -> None:
    assert (await answer(request_, desk=town.desk)).status == status


async def test_a_map_that_cannot_answer_is_503_and_says_no_more(town: Operated) -> None:
    await town.map.commit(await town.map.plan({("list", "x"): b"{}"}), size=5)
    response = await answer(HttpRequest("GET", path("list", town.world.URI)), desk=town.desk)
    assert (response.status, response.body) == (503, b'{"error":"no answer at the moment"}')


async def test_a_source_asks_the_web_and_believes_what_it_asked_for(town: Operated) -> None:
    asked: list[str] = []

    async def fetch(url: str, *, accept: str = "", max_bytes: int = 0) -> Fetched:
        asked.append(url)
        place = url.removeprefix("https://ledger.example")
        if "twisted" in place:  # a server that answers another question
            place = path("list", town.world.URI)
        response = await answer(HttpRequest("GET", place), desk=town.desk)
        return Fetched(url, response.status, response.content_type, response.body)

    source = AnswersSource(log_keys=town.keys, roots=town.roots)
    with pytest.raises(UnavailableError):
        source.view()
    await source.ask(fetch, "https://ledger.example/", "list", town.world.URI)
    assert asked == [f"https://ledger.example{path('list', town.world.URI)}"]
    assert source.view().newest_commitment(town.world.URI) is not None
    with pytest.raises(InclusionProofError):
        await source.ask(fetch, "https://ledger.example", "list", "https://twisted.example/1")
