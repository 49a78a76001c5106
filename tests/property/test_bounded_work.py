"""Hostile input costs bounded work: bytes, members, hash and signature calls are counted, not timed."""

from __future__ import annotations

import contextlib
import tracemalloc
from typing import Any

import pytest

from ssi.credentials.sd_jwt import hashing
from ssi.did.resolver import default_resolver
from ssi.errors import SsiError
from ssi.keys import KeyPurpose, PublicKey
from ssi.testing import TestFormat, TestWorld, broken_presentations
from ssi.testing.clock import EPOCH
from ssi.testing.forge import decode_jws, disclosure, encode_part, join_sd_jwt, split_sd_jwt
from ssi.testing.world import CLAIMS
from tests.flows.offices import policy, verifier
from verifier import Refused, Verifier


class Counts:
    """How often the costly things were done."""

    def __init__(self) -> None:
        self.signatures = 0
        self.hashes = 0

    def clear(self) -> None:
        self.signatures = self.hashes = 0


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counts:
    found = Counts()
    verify, digests = PublicKey.verify, dict(hashing._HASHES)

    def counted_verify(self: PublicKey, signature: bytes, message: bytes) -> None:
        found.signatures += 1
        verify(self, signature, message)

    def counted(name: str) -> Any:
        def new(data: bytes = b"") -> Any:
            found.hashes += 1
            return digests[name](data)

        return new

    monkeypatch.setattr(PublicKey, "verify", counted_verify)
    monkeypatch.setattr(hashing, "_HASHES", {name: counted(name) for name in digests})
    return found


async def test_no_broken_presentation_costs_more_than_a_good_one_may(counts: Counts) -> None:
    """One signature for the credential, one for the holder, two for lists, and one hash for each disclosure."""
    world = await TestWorld.open()
    office = verifier(world)
    async for broken in broken_presentations(world):
        with contextlib.suppress(SsiError):  # the issuer's log is resolved once and stays in the cache
            await office.verify(broken.text, nonce=world.nonce)
        counts.clear()
        world.lists.requests.clear()
        with pytest.raises(SsiError):
            await office.verify(broken.text, nonce=world.nonce)
        assert counts.signatures <= 4, broken.name
        assert counts.hashes <= broken.text.count("~") + 1, broken.name
        assert len(world.lists.requests) <= 2, broken.name


async def test_what_is_not_accepted_is_not_even_verified(counts: Counts) -> None:
    world = await TestWorld.open()
    stranger = await world.issuer("unknown", accredited=False)
    shown = await world.shown("dc+sd-jwt", by=stranger)
    counts.clear()
    with pytest.raises(SsiError):
        await verifier(world).verify(shown, nonce=world.nonce)
    assert (counts.signatures, counts.hashes) == (0, 0)


async def test_disclosures_are_hashed_only_once_the_issuer_signed(counts: Counts) -> None:
    world = await TestWorld.open()
    shown = await world.shown("dc+sd-jwt")
    jws, _, binding = split_sd_jwt(shown)
    many = [disclosure(f"salt-{number}", f"n{number}", number) for number in range(1000)]
    altered = jws[:-4] + ("AAAA" if not jws.endswith("AAAA") else "BBBB")
    counts.clear()
    with pytest.raises(SsiError):
        await verifier(world).verify(join_sd_jwt(altered, many, binding), nonce=world.nonce)
    assert counts.hashes == 0
    with pytest.raises(SsiError):
        await verifier(world).verify(join_sd_jwt(jws, many, binding), nonce=world.nonce)
    assert counts.hashes <= 1001


@pytest.mark.parametrize("length", [(1 << 20) + 1, 8 << 20])
async def test_what_is_too_long_is_not_parsed(length: int, counts: Counts) -> None:
    world = await TestWorld.open()
    office = verifier(world)
    counts.clear()
    head = encode_part({"alg": "ES256", "typ": "vc+jwt"})
    for text in ("x" * length, "~" * length, "." * length, f"{head}.{'A' * length}.AAAA", f"{head}." + "A~" * length):
        tracemalloc.start()
        with pytest.raises(SsiError):
            await office.verify(text, nonce=world.nonce)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4 * len(text) + (1 << 20)
        assert (counts.signatures, counts.hashes) == (0, 0)


async def test_a_list_that_expands_is_stopped_at_the_bound() -> None:
    world = await TestWorld.open()
    bombs = [case async for case in broken_presentations(world) if "list-bomb" in case.name]
    assert len(bombs) == 2
    for bomb in bombs:
        tracemalloc.start()
        with pytest.raises(SsiError, match="at most"):
            await verifier(world).verify(bomb.text, nonce=world.nonce)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 48 << 20


async def test_a_payload_of_many_members_is_read_once() -> None:
    world = await TestWorld.open()
    claims = {**CLAIMS, "list": list(range(50_000))}
    credential = await world.town.issue(claims, format="dc+sd-jwt", holder=world.holder.key, disclosable=())
    text = await world.holder.show(credential, nonce=world.nonce, audience=world.audience)
    shown = await verifier(world).verify(text, nonce=world.nonce)
    assert len(shown.claims["list"]) == 50_000


@pytest.mark.parametrize("form", ["dc+sd-jwt", "vc+jwt"])
async def test_times_that_a_forger_chooses_cause_no_fetch_each(form: TestFormat) -> None:
    """The key is looked up before any signature can hold, by a time that stands in an unverified payload."""
    world = await TestWorld.open()
    town, asked = world.town.organisation, 0
    old = await world.town.issue(CLAIMS, format=form, holder=world.holder.key)
    for _ in range(3):
        await town.rotate(KeyPurpose.CREDENTIAL, registry=world.federation.registry, now=world.clock.advance(1000))
    world.clock.advance(1000)

    class Log:
        async def did_log(self, did: str) -> bytes:
            nonlocal asked
            asked += 1
            return await world.federation.registry.did_log(did)

    office = Verifier(
        policy(world, accept_superseded_keys_until=world.clock() + 1, status="when-present"),
        resolver=default_resolver(log_source=Log(), now=world.clock),
        lists=world.lists,
        registry=world.federation.registry,
        now=world.clock,
    )
    jws, tilde, rest = old.partition("~")
    header, claims = decode_jws(jws)
    tail = jws.rpartition(".")[2]
    for offset in range(-400, 4400, 37):
        forged = f"{encode_part(header)}.{encode_part({**claims, 'iat': EPOCH + offset})}.{tail}{tilde}{rest}"
        text = await world.holder.show(forged, nonce=world.nonce, audience=world.audience)
        with pytest.raises(Refused):
            await office.verify(text, nonce=world.nonce)
    assert asked <= 1 + 4 * 2
