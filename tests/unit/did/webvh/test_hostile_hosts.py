"""A host that may serve whatever it likes, asked through the method: nothing false comes of it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.did.methods.webvh import DidWebvh
from ssi.did.resolver import Resolver
from ssi.errors import InvalidDidError, InvalidInputError, SsiError, VerificationError
from tests.unit.did.webvh.author import NOW, Author, did_key, key
from tests.unit.did.webvh.test_method import URL, WITNESS_URL, Web
from tests.unit.did.webvh.test_moved import NEW_URL, move, publish

A, THIEF, W1, W2 = key(1), key(2), key(11), key(12)
RULE = {"threshold": 1, "witnesses": [{"id": did_key(W1)}]}


async def resolve(did: str, pages: dict[str, bytes], **asked: Any) -> Any:
    return await Resolver([DidWebvh(fetch=Web(pages), now=lambda: NOW)], now=lambda: NOW).resolve(did, **asked)


def witnessed() -> Author:
    return Author().first(A, witness=RULE).next(A).next(A)


@pytest.mark.parametrize(
    ("proofs", "reason"),
    [
        ([(1, W1)], "log entry 2: 0 witnesses approved, 1 must"),
        ([(1, W1), (2, W1)], "log entry 3: 0 witnesses approved, 1 must"),
        ([(3, W2)], "log entry 1: 0 witnesses approved, 1 must"),
        ([], "log entry 1: 0 witnesses approved, 1 must"),
    ],
)
async def test_witness_proofs_from_the_wrong_version_or_witness(proofs: list[Any], reason: str) -> None:
    author = witnessed()
    with pytest.raises(VerificationError, match=reason):
        await resolve(author.did, {URL: author.log, WITNESS_URL: author.witnessed(*proofs)})


async def test_witness_proofs_put_under_another_version() -> None:
    author = witnessed()
    (item,) = json.loads(author.witnessed((1, W1)))
    moved_up = json.dumps([{**item, "versionId": author.entries[2]["versionId"]}]).encode()
    with pytest.raises(VerificationError, match="log entry 1: 0 witnesses"):
        await resolve(author.did, {URL: author.log, WITNESS_URL: moved_up})


async def test_witness_proofs_replayed_from_another_did() -> None:
    author, other = witnessed(), Author().first(A, witness=RULE, ttl=5).next(A).next(A)
    with pytest.raises(VerificationError, match="log entry 1: 0 witnesses"):
        await resolve(author.did, {URL: author.log, WITNESS_URL: other.witnessed((3, W1))})


async def test_a_version_is_given_out_once_it_is_witnessed_whatever_comes_after() -> None:
    author = witnessed()
    pages = {URL: author.log, WITNESS_URL: author.witnessed((2, W1))}
    found = await resolve(author.did, pages, version_number=2)
    assert found.metadata.version_number == 2
    with pytest.raises(VerificationError, match="log entry 3"):
        await resolve(author.did, pages, version_number=3)


async def test_a_log_that_gives_itself_out_as_another() -> None:
    victim = Author().first(A, change=publish)

    def claim(entry: Any) -> None:
        entry["state"]["id"] = victim.did

    # The thief's own log may say what it likes of its document: the SCID in the id is not that of the log.
    for forged in (Author().first(THIEF, portable=True), Author().first(THIEF)):
        forged.next(THIEF, change=claim)
        with pytest.raises((InvalidInputError, VerificationError), match="SCID"):
            await resolve(victim.did, {URL: forged.log})
    # The first line of the victim, and then a line of the thief.
    for line in (1, 2):
        stolen = Author().first(A, change=publish)
        for _ in range(line - 1):
            stolen.next(A)
        stolen.next(THIEF)
        with pytest.raises(VerificationError, match=f"log entry {line + 1}: expected a proof by an active update key"):
            await resolve(stolen.did, {URL: stolen.log})


async def test_a_log_of_the_same_scid_that_was_never_at_this_place() -> None:
    author = Author().first(A, portable=True).next(A, change=move)
    elsewhere = ":".join([*author.did.split(":")[:3], "third.example"])
    third = "https://third.example/.well-known/did.jsonl"
    with pytest.raises(VerificationError, match="no entry of the log is one of the DID"):
        await resolve(elsewhere, {third: author.log, NEW_URL: author.log})


_TRICKS = [
    "..",
    ".",
    "%2e%2e",
    "%2E",
    "%2f",
    "%5c",
    "%00",
    "%5B",
    "%3A",
    "%3a80",
    "%40",
    "%25",
    "2e",
    "@",
    "#",
    "?",
    ":",
]
_PARTS = ["127.0.0.1", "::1", "0x7f", "1", "a", "b.example"]
_PLACES = st.lists(st.sampled_from([*_TRICKS, *_PARTS]), max_size=6).map("".join)


@settings(max_examples=300, deadline=None)
@given(_PLACES)
async def test_any_place_leads_below_its_own_host_or_nowhere(place: str) -> None:
    asked: list[str] = []

    async def fetch(url: str, *, accept: str = "", max_bytes: int = 0) -> Any:
        asked.append(url)
        raise InvalidDidError("stop")

    with pytest.raises(SsiError):
        await DidWebvh(fetch=fetch, now=lambda: NOW).resolve(
            f"did:webvh:QmdmPkUdYzbr9txmx8gM2rsHPgr5L6m3gHjJGAf4vUFoGE:{place}"
        )
    for url in asked:
        scheme, _, rest = url.partition("://")
        host, *path = rest.split("/")
        assert scheme == "https"
        assert path[-1] == "did.jsonl"
        assert not {"..", ".", ""} & set(path)
        # A last label that is a number makes an IPv4 address of a name.
        assert not re.fullmatch("[0-9]+|0x[0-9a-f]*", host.partition(":")[0].rpartition(".")[2])
        assert not any(sign in url for sign in "@#?\\\0")
