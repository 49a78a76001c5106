from __future__ import annotations

import asyncio
import json

import pytest

from ssi.encoding.base64url import b64url_decode
from ssi.errors import NotFoundError, StatusError, UnavailableError, VerificationError
from ssi.keys import PublicKey
from ssi.ports import Fetched, PublishedList
from ssi.status import StatusListCache, StatusPolicy, UnverifiedStatusList, VerifiedStatusList, check_status
from ssi.status.lists import CredentialState
from ssi.status.reference import StatusFormat
from ssi.status.source import FetchedLists, StatusLists
from tests.unit.status.lists import ISSUER, KEY, NOW, URI, family, sign, signed_lists

REFERENCE = family(StatusFormat.TOKEN).references(5)[0]
COMPACT = signed_lists(StatusFormat.TOKEN)[0].encode()


class Served:
    """A source that serves what the test puts there and counts how often it is asked."""

    def __init__(self, body: bytes = COMPACT, error: Exception | None = None) -> None:
        self.body, self.error, self.asked = body, error, 0

    async def status_list(self, uri: str) -> PublishedList:
        self.asked += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return PublishedList(uri, self.body, "application/statuslist+jwt", b"receipt")


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


async def resolve_key(unverified: UnverifiedStatusList, issuer: str) -> PublicKey:
    assert issuer == ISSUER
    return KEY.public_key


def lists(source: Served, clock: Clock | None = None, *, max_age_seconds: int = 300) -> StatusLists:
    return StatusLists(
        source=source,
        resolve_key=resolve_key,
        cache=StatusListCache(max_age_seconds=max_age_seconds),
        clock=clock or Clock(),
    )


async def test_a_list_is_asked_for_once_until_it_is_stale() -> None:
    source, clock = Served(COMPACT + b"\n"), Clock()
    at_hand = lists(source, clock)
    assert at_hand.cached(REFERENCE) is None
    assert at_hand.receipt(REFERENCE) is None
    first = await at_hand.get(REFERENCE, issuers=[ISSUER])
    assert await at_hand.get(REFERENCE, issuers=[ISSUER]) is first is at_hand.cached(REFERENCE)
    assert at_hand.receipt(REFERENCE) == b"receipt"
    assert source.asked == 1
    clock.now += 300
    await at_hand.get(REFERENCE, issuers=[ISSUER])
    assert source.asked == 2


async def test_many_askers_share_one_answer_and_one_failure() -> None:
    source = Served()
    at_hand = lists(source)
    got = await asyncio.gather(*(at_hand.get(REFERENCE, issuers=[ISSUER]) for _ in range(50)))
    assert source.asked == 1
    assert len({id(item) for item in got}) == 1
    failing = Served(error=UnavailableError("down"))
    at_hand = lists(failing)
    failed = await asyncio.gather(
        *(at_hand.get(REFERENCE, issuers=[ISSUER]) for _ in range(50)), return_exceptions=True
    )
    assert all(isinstance(item, UnavailableError) for item in failed)
    assert failing.asked == 1
    failing.error = None  # a failure is not kept
    assert isinstance(await at_hand.get(REFERENCE, issuers=[ISSUER]), VerifiedStatusList)


async def test_who_gives_up_takes_the_list_from_nobody() -> None:
    source = Served()
    at_hand = lists(source)
    impatient = asyncio.ensure_future(at_hand.get(REFERENCE, issuers=[ISSUER]))
    patient = asyncio.ensure_future(at_hand.get(REFERENCE, issuers=[ISSUER]))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).uri == URI
    assert source.asked == 1


@pytest.mark.parametrize("error", [NotFoundError("404"), UnavailableError("500")])
async def test_a_list_that_is_not_to_be_had_is_unknown_and_not_valid(error: Exception) -> None:
    with pytest.raises(UnavailableError):
        await lists(Served(error=error)).get(REFERENCE, issuers=[ISSUER])


async def test_a_list_of_another_issuer_or_format_is_refused_before_any_key_is_looked_up() -> None:
    for issuers in ([], ["did:example:other"]):
        with pytest.raises(VerificationError):
            await lists(Served()).get(REFERENCE, issuers=issuers)
    header, claims = (json.loads(b64url_decode(part)) for part in COMPACT.decode().split(".")[:2])
    claims.pop("iss")
    anonymous = sign({"typ": header["typ"]}, claims).encode()
    with pytest.raises(VerificationError):
        await lists(Served(anonymous)).get(REFERENCE, issuers=[])
    assert (await lists(Served(anonymous)).get(REFERENCE, issuers=[ISSUER])).issuer == ISSUER
    bitstring = signed_lists(StatusFormat.BITSTRING)[0].encode()
    with pytest.raises(VerificationError, match="format"):
        await lists(Served(bitstring)).get(REFERENCE, issuers=[ISSUER])


async def test_an_older_list_played_back_is_refused() -> None:
    source, clock = Served(), Clock()
    at_hand = lists(source, clock)
    await at_hand.get(REFERENCE, issuers=[ISSUER])
    clock.now += 400
    source.body = signed_lists(StatusFormat.TOKEN, now=NOW - 10)[0].encode()
    with pytest.raises(StatusError):
        await at_hand.get(REFERENCE, issuers=[ISSUER])


async def test_lists_from_the_web_come_with_their_receipt_if_asked() -> None:
    asked: list[str] = []

    async def fetch(url: str, *, accept: str = "application/json", max_bytes: int = 1 << 20) -> Fetched:
        asked.append(url)
        if url.endswith(".receipt"):
            if "without" in url:
                raise NotFoundError("no receipt")
            return Fetched(url, 200, "application/json", b"{}")
        assert "application/statuslist+jwt" in accept
        return Fetched(url, 200, "application/statuslist+jwt", COMPACT)

    assert (await FetchedLists(fetch).status_list(URI)).receipt is None
    assert asked == [URI]
    source = FetchedLists(fetch, receipts=True)
    assert (await source.status_list(URI)).receipt == b"{}"
    assert (await source.status_list(URI + "/without")).receipt is None


async def test_the_time_from_a_revocation_to_its_refusal_is_bounded() -> None:
    """A thousand checks a second while a revocation is published: none is accepted max_age_seconds later."""
    clock, source = Clock(), Served()
    at_hand = lists(source, clock, max_age_seconds=5)
    policy = StatusPolicy(max_age_seconds=3_600)
    revoked_at, accepted_at, reasons = NOW + 7, [0], set()
    for second in range(20):
        clock.now = NOW + second
        if clock.now == revoked_at:
            states = {REFERENCE.index: CredentialState.REVOKED}
            source.body = signed_lists(StatusFormat.TOKEN, states, now=clock.now)[0].encode()
        for _ in range(1_000):
            status_list = await at_hand.get(REFERENCE, issuers=[ISSUER])
            try:
                check_status(REFERENCE, status_list, issuers=(ISSUER,), now=clock.now, policy=policy)
            except StatusError as exc:
                reasons.add(exc.reason)
            else:
                accepted_at.append(clock.now)
    assert reasons == {"revoked"}
    assert revoked_at <= max(accepted_at) < revoked_at + 5
    assert source.asked == 4
