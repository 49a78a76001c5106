"""The resolver and its cache."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest

from ssi.did.document import parse_document
from ssi.did.methods.key import did_key
from ssi.did.resolver import Resolution, ResolutionCache, ResolutionMetadata, Resolver, default_resolver
from ssi.errors import (
    DidNotFoundError,
    InvalidDidError,
    InvalidInputError,
    ProofPurposeError,
    SsiError,
    UnavailableError,
    UnsupportedDidMethodError,
    VerificationError,
)
from ssi.ports import Fetched
from tests.unit.did.documents import DID, document, fresh, multikey

KEY = fresh()


class Example:
    """A method that counts its questions and can be told to fail, to wait or to answer otherwise."""

    method = "example"

    def __init__(self) -> None:
        self.asked = 0
        self.answer_as: str | None = None
        self.ttl_seconds: int | None = None
        self.deactivated = False
        self.fail: SsiError | None = None
        self.gate: asyncio.Event | None = None
        self.metadata: dict[str, object] = {}

    async def resolve(self, did: str, *, version_id: str | None = None, version_time: int | None = None) -> Resolution:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.fail is not None:
            raise self.fail
        found = self.answer_as or did
        raw = document(multikey(KEY, did=found), did=found, assertionMethod=["#key-1"])
        metadata = ResolutionMetadata(
            source="example", version_id=version_id, deactivated=self.deactivated, ttl_seconds=self.ttl_seconds
        )
        metadata = msgspec.structs.replace(metadata, **self.metadata)
        return Resolution(parse_document(raw, did=found), metadata)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def method() -> Example:
    return Example()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def resolver(method: Example, clock: Clock) -> Resolver:
    return Resolver([method], cache=ResolutionCache(max_entries=3, ttl_seconds=60), now=clock)


async def test_an_answer_is_kept_for_its_time(resolver: Resolver, method: Example, clock: Clock) -> None:
    first = await resolver.resolve(DID)
    clock.now += 59
    assert await resolver.resolve(DID) is first
    clock.now += 1
    assert await resolver.resolve(DID) is not first
    assert method.asked == 2


async def test_the_methods_own_time_is_kept_if_it_is_shorter(resolver: Resolver, method: Example, clock: Clock) -> None:
    method.ttl_seconds = 10
    await resolver.resolve(DID)
    clock.now += 10
    await resolver.resolve(DID)
    assert method.asked == 2
    method.ttl_seconds = 0
    clock.now += 10
    await resolver.resolve(DID)
    await resolver.resolve(DID)
    assert method.asked == 4


async def test_a_clock_that_runs_backwards_keeps_nothing_alive(
    resolver: Resolver, method: Example, clock: Clock
) -> None:
    await resolver.resolve(DID)
    clock.now -= 1
    await resolver.resolve(DID)
    assert method.asked == 2


async def test_the_age_of_an_answer_counts_from_the_question(resolver: Resolver, method: Example, clock: Clock) -> None:
    method.gate = asyncio.Event()
    waiting = asyncio.ensure_future(resolver.resolve(DID))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.now += 60
    method.gate.set()
    await waiting
    await resolver.resolve(DID)
    assert method.asked == 2


async def test_the_cache_is_bounded_and_drops_the_least_used(method: Example, clock: Clock) -> None:
    cache = ResolutionCache(max_entries=3, ttl_seconds=60)
    resolver = Resolver([method], cache=cache, now=clock)
    for name in "abc":
        await resolver.resolve(f"did:example:{name}")
    await resolver.resolve("did:example:a")
    await resolver.resolve("did:example:d")
    assert len(cache) == 3
    assert method.asked == 4
    await resolver.resolve("did:example:a")
    assert method.asked == 4
    await resolver.resolve("did:example:b")
    assert method.asked == 5
    cache.forget("did:example:b")
    await resolver.resolve("did:example:b")
    assert method.asked == 6


async def test_versions_are_kept_apart(resolver: Resolver) -> None:
    newest = await resolver.resolve(DID)
    named = await resolver.resolve(DID, version_id="2-x")
    assert (newest.metadata.version_id, named.metadata.version_id) == (None, "2-x")
    assert (await resolver.resolve(DID)) is newest
    with pytest.raises(InvalidInputError):
        await resolver.resolve(DID, version_id="2-x", version_time=5)


@pytest.mark.parametrize("error", [DidNotFoundError("none"), UnavailableError("down"), VerificationError("forged")])
async def test_a_failure_is_not_kept(resolver: Resolver, method: Example, error: SsiError) -> None:
    method.fail = error
    for _ in range(2):
        with pytest.raises(type(error)):
            await resolver.resolve(DID)
    method.fail = None
    assert (await resolver.resolve(DID)).document.id == DID
    assert method.asked == 3


async def test_an_answer_about_another_did_is_refused(resolver: Resolver, method: Example) -> None:
    method.answer_as = "did:example:other"
    with pytest.raises(VerificationError):
        await resolver.resolve(DID)
    method.answer_as = None
    assert (await resolver.resolve(DID)).document.id == DID


async def test_questions_at_the_same_time_share_one_answer(resolver: Resolver, method: Example) -> None:
    method.gate = asyncio.Event()
    waiting = [asyncio.ensure_future(resolver.resolve(DID)) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    method.gate.set()
    answers = await asyncio.gather(*waiting[1:])
    assert method.asked == 1
    assert len({id(answer) for answer in answers}) == 1


async def test_a_failure_that_nobody_waits_for_is_silent(resolver: Resolver, method: Example) -> None:
    method.gate = asyncio.Event()
    method.fail = UnavailableError("down")
    waiting = asyncio.ensure_future(resolver.resolve(DID))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    method.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)
    method.fail = method.gate = None
    assert (await resolver.resolve(DID)).document.id == DID


def test_a_resolver_serves_several_event_loops(resolver: Resolver, clock: Clock) -> None:
    assert asyncio.run(resolver.resolve(DID)).document.id == DID
    clock.now += 60
    assert asyncio.run(resolver.resolve(DID)).document.id == DID


async def test_methods_that_are_not_there_are_named(resolver: Resolver) -> None:
    with pytest.raises(UnsupportedDidMethodError, match="did:web"):
        await resolver.resolve("did:web:agency.example")
    for text in ("not-a-did", "did:example", f"{DID}#key-1"):
        with pytest.raises(InvalidDidError):
            await resolver.resolve(text)
    with pytest.raises(InvalidInputError):
        Resolver([Example(), Example()])


async def test_a_deactivated_did_gives_no_keys(resolver: Resolver, method: Example) -> None:
    method.deactivated = True
    resolution = await resolver.resolve(DID)
    assert resolution.metadata.deactivated
    with pytest.raises(VerificationError, match="deactivated"):
        resolution.key("#key-1", "assertionMethod")
    with pytest.raises(VerificationError, match="deactivated"):
        await resolver.key(f"{DID}#key-1", "assertionMethod")


async def test_a_key_is_found_by_its_did_url(resolver: Resolver) -> None:
    assert await resolver.key(f"{DID}#key-1", "assertionMethod") == KEY
    with pytest.raises(ProofPurposeError):
        await resolver.key(f"{DID}#key-1", "authentication")
    for url in (DID, f"{DID}?versionId=1#key-1", f"{DID}/a#key-1", "#key-1"):
        with pytest.raises(InvalidDidError):
            await resolver.key(url, "assertionMethod")


async def test_the_default_resolver_needs_no_network_for_key_based_dids() -> None:
    resolver = default_resolver()
    assert resolver.methods == ("key", "jwk", "peer")
    did = did_key(KEY)
    assert await resolver.key(f"{did}#{KEY.to_multikey()}", "assertionMethod") == KEY


async def _nothing(url: str, *, accept: str = "application/json", max_bytes: int = 1 << 20) -> Fetched:
    raise UnavailableError(f"{url} {accept} {max_bytes}")


def test_the_default_resolver_has_the_methods_of_its_ports() -> None:
    assert default_resolver(fetch=_nothing).methods == ("key", "jwk", "peer", "web", "webvh")


@pytest.mark.parametrize("build", [lambda: ResolutionCache(max_entries=0), lambda: ResolutionCache(ttl_seconds=-1)])
def test_a_cache_has_room_and_time(build: Callable[[], ResolutionCache]) -> None:
    with pytest.raises(InvalidInputError):
        build()


async def test_a_method_vouches_for_the_names_of_its_own(resolver: Resolver, method: Example) -> None:
    method.answer_as, method.metadata = "did:example:new", {"equivalent_id": (DID,), "canonical_id": "did:example:new"}
    found = await resolver.resolve(DID)
    assert (found.document.id, found.is_about(DID)) == ("did:example:new", True)
    assert found.key(f"{DID}#key-1", "assertionMethod") == KEY
    refused: list[dict[str, object]] = [
        {"equivalent_id": ("did:example:third",)},
        {"equivalent_id": (DID, "did:other:x")},
        {"equivalent_id": (DID,), "canonical_id": "did:example:third"},
        {"canonical_id": DID},
    ]
    for number, metadata in enumerate(refused):
        method.metadata = metadata
        with pytest.raises(VerificationError):
            await resolver.resolve(DID, version_id=str(number))


async def test_version_numbers_are_for_methods_that_count(resolver: Resolver) -> None:
    with pytest.raises(InvalidInputError, match="does not number"):
        await resolver.resolve(DID, version_number=1)
    with pytest.raises(InvalidInputError, match="not for several"):
        await resolver.resolve(DID, version_number=1, version_id="1")
