"""did:webvh from a ledger, from the web, and from both."""

from __future__ import annotations

import pytest

from ssi.did.methods.webvh import DidWebvh
from ssi.did.resolver import Resolver
from ssi.errors import (
    DidNotFoundError,
    InvalidDidError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
    VerificationError,
)
from ssi.ports import Fetched
from tests.unit.did.webvh.author import DAY, NOW, START, Author, did_key, key, multikey

A, W = key(1), key(11)


class Web:
    """A web that serves what it was given and remembers what it was asked."""

    def __init__(self, pages: dict[str, bytes]) -> None:
        self.pages = pages
        self.asked: list[str] = []

    async def __call__(self, url: str, *, accept: str = "application/json", max_bytes: int = 1 << 20) -> Fetched:
        self.asked.append(url)
        if url not in self.pages:
            raise NotFoundError("404")
        assert len(self.pages[url]) <= max_bytes
        return Fetched(url, 200, accept, self.pages[url])


class Logs:
    """A ledger's answers; None means that it does not answer."""

    def __init__(self, logs: dict[str, bytes] | None) -> None:
        self.logs = logs

    async def did_log(self, did: str) -> bytes:
        if self.logs is None:
            raise UnavailableError("ledger")
        if did not in self.logs:
            raise DidNotFoundError("unknown")
        return self.logs[did]


URL = "https://agency.example/.well-known/did.jsonl"
WITNESS_URL = "https://agency.example/.well-known/did-witness.json"


def method(*, web: Web | None = None, logs: Logs | None = None) -> DidWebvh:
    return DidWebvh(fetch=web, log_source=logs, now=lambda: NOW)


async def test_ledger_and_web_give_the_same_document() -> None:
    author = Author().first(A).next(A)
    web, logs = Web({URL: author.log}), Logs({author.did: author.log})
    from_web = await method(web=web).resolve(author.did)
    from_ledger = await method(logs=logs).resolve(author.did)
    assert from_web.document == from_ledger.document
    assert (from_web.metadata.source, from_ledger.metadata.source) == ("https", "ledger")
    assert from_web.metadata.version_id == from_ledger.metadata.version_id
    assert web.asked == [URL]


async def test_the_ledger_comes_first_and_the_web_only_for_what_it_does_not_have() -> None:
    author = Author().first(A).next(A)
    shorter = author.log.splitlines()[0]
    web = Web({URL: shorter})
    both = method(web=web, logs=Logs({author.did: author.log}))
    assert (await both.resolve(author.did)).metadata.version_id == author.entries[1]["versionId"]
    assert web.asked == []
    assert (await method(web=web, logs=Logs({})).resolve(author.did)).metadata.source == "https"
    # A ledger that does not answer must not be got round by whoever runs the web server.
    with pytest.raises(UnavailableError):
        await method(web=web, logs=Logs(None)).resolve(author.did)


async def test_what_is_not_found() -> None:
    author = Author().first(A)
    for nowhere in (method(web=Web({})), method(logs=Logs({})), method(web=Web({}), logs=Logs({}))):
        with pytest.raises(DidNotFoundError):
            await nowhere.resolve(author.did)
    with pytest.raises(DidNotFoundError):
        await method(logs=Logs({author.did: author.log})).resolve(author.did, version_id="9-Qm")
    with pytest.raises(DidNotFoundError):
        await method(logs=Logs({author.did: author.log})).resolve(author.did, version_time=START - 1)
    with pytest.raises(InvalidInputError):
        DidWebvh()


async def test_historic_versions() -> None:
    author = Author().first(A).next(A)
    resolver = Resolver([method(logs=Logs({author.did: author.log}))], now=lambda: NOW)
    old = await resolver.resolve(author.did, version_time=START + DAY - 1)
    assert old.metadata.version_id == author.entries[0]["versionId"]
    assert old.metadata.next_update == START + DAY
    assert (await resolver.resolve(author.did)).metadata.version_time == START + DAY


async def test_another_log_is_not_believed_wherever_it_comes_from() -> None:
    author, other = Author().first(A), Author().first(key(2))
    for hostile in (method(web=Web({URL: other.log})), method(logs=Logs({author.did: other.log}))):
        with pytest.raises(VerificationError, match="another SCID"):
            await hostile.resolve(author.did)


@pytest.mark.parametrize(
    "place", ["127.0.0.1", "localhost", "127%2E0%2E0%2E1", "agency.example:..", "agency.example%3A0", "x.example#y"]
)
async def test_nothing_is_asked_for_a_did_that_is_none(place: str) -> None:
    web = Web({})
    with pytest.raises(InvalidDidError):
        await method(web=web).resolve(f"did:webvh:{'QmdmPkUdYzbr9txmx8gM2rsHPgr5L6m3gHjJGAf4vUFoGE'}:{place}")
    assert web.asked == []


async def test_witness_proofs_are_fetched_where_a_log_asks_for_them() -> None:
    author = Author().first(A, witness={"threshold": 1, "witnesses": [{"id": did_key(W)}]})
    proofs = author.witnessed((1, W))
    web = Web({URL: author.log, WITNESS_URL: proofs})
    assert (await method(web=web).resolve(author.did)).metadata.source == "https"
    assert web.asked == [URL, WITNESS_URL]
    both = method(web=Web({WITNESS_URL: proofs}), logs=Logs({author.did: author.log}))
    assert (await both.resolve(author.did)).metadata.source == "ledger"
    for unwitnessed in (method(web=Web({URL: author.log})), method(logs=Logs({author.did: author.log}))):
        with pytest.raises(VerificationError, match="0 witnesses approved"):
            await unwitnessed.resolve(author.did)


async def test_the_document_gives_its_keys() -> None:
    vm = {"id": "#k", "type": "Multikey", "controller": "did:webvh:{SCID}:agency.example"}
    vm["publicKeyMultibase"] = multikey(W)
    author = Author().first(A, change=lambda e: e["state"].update(verificationMethod=[vm], assertionMethod=["#k"]))
    resolution = await method(logs=Logs({author.did: author.log})).resolve(author.did)
    assert resolution.key("#k", "assertionMethod") == W.public_key


async def test_a_verification_method_without_controller_gives_no_key() -> None:
    vm = {"id": "#k", "type": "Multikey", "publicKeyMultibase": multikey(W)}
    author = Author().first(A, change=lambda e: e["state"].update(verificationMethod=[vm], assertionMethod=["#k"]))
    resolution = await method(logs=Logs({author.did: author.log})).resolve(author.did)
    assert resolution.document.raw["verificationMethod"] == [vm]
    with pytest.raises(VerificationError, match="does not control"):
        resolution.key("#k", "assertionMethod")
