"""Taking over an issuer: what is refused, what a comparison finds, and what can be undone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer import CredentialType, Issuer, StatusSettings
from issuer.identity import OutsideIdentity
from issuer.store import AdoptedCredential, AdoptedFamily, IssuerStore
from issuer.stores import open_issuer_store
from issuer.takeover import Takeover, compare_list, parse_takeover
from ssi.did.methods.key import did_key
from ssi.did.resolver import default_resolver
from ssi.errors import (
    ConflictError,
    InvalidInputError,
    InvalidSignatureError,
    KeyNotFoundError,
    NotFoundError,
    SsiError,
    UnavailableError,
    VerificationError,
)
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.ports import Fetched
from ssi.status import StatusFormat, VerifiedStatusList
from ssi.status.lists import CredentialState, StatusArray, StatusFamily
from ssi.status.publish import publish_lists
from ssi.testing import TestClock

VALID, REVOKED, SUSPENDED = CredentialState
URI, ENTRIES = "https://town.example/status/1", 1 << 17
OLD = [(1, VALID), (2, REVOKED), (3, SUSPENDED)]
RESIDENCE = CredentialType(
    name="residence",
    vct="https://town.example/residence",
    types=("Residence",),
    schema={"type": "object", "properties": {"name": {}}},
    validity_days=365,
)


class Town:
    """An issuer by did:key, the lists that its old system publishes, and the new one."""

    store: IssuerStore
    issuer: Issuer
    takeover: Takeover

    def __init__(self) -> None:
        self.clock, self.kms, self.private = TestClock(), MemoryKms(), PrivateKey.generate(Curve.P256)
        self.did = did_key(self.private.public_key)
        self.kid = f"{self.did}#{self.did.removeprefix('did:key:')}"
        self.pages: dict[str, bytes] = {}

    async def open(self) -> None:
        await self.kms.add("credential", self.private, purpose=KeyPurpose.CREDENTIAL)
        await self.kms.add("list", self.private, purpose=KeyPurpose.LIST)
        self.store = await open_issuer_store("memory:")
        self.issuer = await Issuer.open(
            await self.identity(),
            store=self.store,
            registry=None,
            catalogue=[RESIDENCE],
            status_base="https://town.example/status",
            now=self.clock,
            status=StatusSettings(entries=ENTRIES),
        )
        self.takeover = Takeover(self.issuer, store=self.store, fetch=self.fetch, now=self.clock)

    async def identity(self, *, kid: str | None = None, label: str = "list") -> OutsideIdentity:
        keys = {KeyPurpose.CREDENTIAL: ("credential", self.kid), KeyPurpose.LIST: (label, kid or self.kid)}
        return await OutsideIdentity.open(self.did, kms=self.kms, keys=keys, resolver=default_resolver(now=self.clock))

    async def fetch(self, url: str, *, accept: str = "", max_bytes: int = 0) -> Fetched:
        if url not in self.pages:
            raise NotFoundError("there is nothing at this address")
        return Fetched(url, 200, accept, self.pages[url])

    async def publish(
        self,
        states: Sequence[tuple[int, CredentialState]],
        format: StatusFormat = StatusFormat.TOKEN,
        *,
        entries: int = ENTRIES,
        kms: MemoryKms | None = None,
    ) -> None:
        family = StatusFamily(format=format, issuer=self.did, uri=URI, entries=entries)
        kms = kms or self.kms
        array = StatusArray(entries, states)
        for made in await publish_lists(family, array, kms=kms, label="list", kid=self.kid, now=self.clock()):
            self.pages[made.uri] = made.compact.encode("ascii")


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    made = Town()
    await made.open()
    await made.publish(OLD)
    yield made
    await made.issuer.close()
    await made.store.close()


def credential(index: int, state: CredentialState, **changes: object) -> AdoptedCredential:
    plain = AdoptedCredential(
        reference=f"case-{index}",
        type="residence",
        format="dc+sd-jwt",
        id=f"urn:uuid:{index}",
        key="credential",
        issued_at=1,
        valid_until=2_000_000_000,
        index=index,
        state=state,
    )
    return msgspec.structs.replace(plain, **changes)


def family(**changes: object) -> AdoptedFamily:
    plain = AdoptedFamily(
        format=StatusFormat.TOKEN,
        uri=URI,
        entries=ENTRIES,
        credentials=tuple(credential(index, state) for index, state in OLD),
    )
    return msgspec.structs.replace(plain, **changes)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"taken": ((1, VALID),)}, InvalidInputError),
        ({"taken": ((ENTRIES, VALID),)}, InvalidInputError),
        ({"taken": ((-1, VALID),)}, InvalidInputError),
        ({"taken": ((9, 3),)}, InvalidInputError),
        ({"taken": ((9, REVOKED),)}, VerificationError),
        ({"credentials": ()}, VerificationError),
        ({"capacity": ENTRIES}, InvalidInputError),
        ({"entries": 4096}, InvalidInputError),
        ({"uri": "https://town.example/status/2"}, NotFoundError),
        ({"credentials": (credential(1, VALID, type="unknown"),)}, NotFoundError),
        ({"credentials": (credential(1, VALID, format="vc+jwt"),)}, InvalidInputError),
        ({"credentials": (credential(1, VALID, reference=""),)}, InvalidInputError),
        ({"credentials": (credential(1, VALID, valid_until=0),)}, InvalidInputError),
    ],
)
async def test_what_cannot_be_right_is_refused_and_nothing_kept(
    town: Town, wrong: dict[str, object], error: type[SsiError]
) -> None:
    with pytest.raises(error):
        await town.takeover.load([family(**wrong)])
    assert await town.store.families() == []


async def test_a_list_that_the_key_taken_over_did_not_sign_is_refused(town: Town) -> None:
    other = MemoryKms()
    await other.generate("list", curve=Curve.P256, purpose=KeyPurpose.LIST)
    await town.publish(OLD, kms=other)
    with pytest.raises(InvalidSignatureError):
        await town.takeover.load([family()])


async def test_an_accepted_difference_is_published_as_the_new_system_has_it(town: Town) -> None:
    wrong = family(credentials=(*family().credentials[:2], credential(3, VALID)))
    await town.takeover.load([wrong], accepted=[(URI, 3)])
    town.clock.advance(1)
    with pytest.raises(VerificationError, match="index 3"):
        await town.takeover.switch()
    assert await town.issuer.status_lists() == []
    found = await town.takeover.switch(accepted={(URI, 3)})
    assert [(each.index, each.published, each.ours) for each in found.differences] == [(3, 2, 0)]
    assert not found.clean
    assert [each.uri for each in await town.issuer.status_lists()] == [URI]


async def test_nothing_adopted_is_published_or_changed_before_the_switch(town: Town) -> None:
    assert (await town.takeover.load([family(capacity=100)])).clean
    await town.issuer.publish(everything=True)
    assert await town.issuer.status_lists() == []
    with pytest.raises(ConflictError):
        await town.issuer.revoke(reference="case-1")
    with pytest.raises(ConflictError):
        await town.issuer.issue("residence", {"name": "A"}, reference="new")
    await town.issuer.publish()
    assert await town.issuer.status_lists() == []
    with pytest.raises(UnavailableError, match="not older"):
        await town.takeover.switch()
    town.clock.advance(1)
    await town.takeover.switch()
    assert (await town.takeover.compare()).lists == ()
    assert (await town.takeover.switch()).clean
    made = await town.issuer.issue("residence", {"name": "A"}, reference="new")
    assert await town.issuer.state(made.reference) is VALID


async def test_a_bitstring_family_is_compared_list_by_list(town: Town) -> None:
    await town.publish(OLD, StatusFormat.BITSTRING)
    rows = tuple(credential(index, state, format="vc+jwt") for index, state in OLD)
    theirs = family(format=StatusFormat.BITSTRING, credentials=rows)
    found = await town.takeover.load([theirs])
    assert [each.uri for each in found.lists] == [f"{URI}/revocation", f"{URI}/suspension"]
    await town.publish([*OLD, (1, SUSPENDED)], StatusFormat.BITSTRING)
    (difference,) = (await town.takeover.compare()).differences
    assert (difference.place, difference.published, difference.ours) == ((f"{URI}/suspension", 1), 1, 0)


async def test_a_load_is_undone_until_something_was_published(town: Town) -> None:
    await town.takeover.load([family()])
    assert await town.takeover.abandon() == 3
    await town.takeover.load([family()])
    assert await town.takeover.carry_over() == ()
    town.clock.advance(1)
    await town.takeover.switch()
    with pytest.raises(ConflictError):
        await town.takeover.abandon()
    await town.issuer.revoke(reference="case-1")
    await town.issuer.issue("residence", {"name": "A"}, reference="new")
    found = [(each.reference, each.uri, each.before, each.state) for each in await town.takeover.carry_over()]
    own = "https://town.example/status/2"
    assert found == [("case-1", URI, VALID, REVOKED), ("new", own, None, VALID)]


async def test_where_only_indexes_were_adopted_all_that_was_issued_here_is_carried_over(town: Town) -> None:
    await town.takeover.load([family(credentials=(), taken=tuple(OLD))])
    town.clock.advance(1)
    await town.takeover.switch()
    await town.issuer.issue("residence", {"name": "A"}, reference="new")
    assert [each.reference for each in await town.takeover.carry_over()] == ["new"]


async def test_an_identity_without_ledger_signs_and_has_no_acts_on_the_ledger(town: Town) -> None:
    with pytest.raises(InvalidInputError):
        await town.issuer.rotate_key()
    with pytest.raises(InvalidInputError):
        await town.issuer.declare_compromised(town.kid)
    with pytest.raises(InvalidInputError):
        _ = town.issuer.organisation
    with pytest.raises(KeyNotFoundError):
        await town.issuer.identity.key(KeyPurpose.STATEMENT)
    await town.kms.generate("other", curve=Curve.P256, purpose=KeyPurpose.LIST)
    with pytest.raises(VerificationError):
        await town.identity(label="other")
    with pytest.raises(SsiError):
        await town.identity(kid=f"{town.did}#other")


def test_a_takeover_file_is_read_and_has_no_room_for_claims() -> None:
    text = msgspec.json.encode({"families": [family(taken=((9, REVOKED),))]})
    assert parse_takeover(text) == (family(taken=((9, REVOKED),)),)
    for wrong in (
        text.replace(b'"state":2', b'"state":4'),
        text.replace(b'"reference":', b'"claims":{},"reference":', 1),
        text.replace(b'"families"', b'"family"'),
        b"[]",
    ):
        with pytest.raises(InvalidInputError):
            parse_takeover(wrong)


def published(data: bytes, size: int) -> VerifiedStatusList:
    return VerifiedStatusList(
        format=StatusFormat.TOKEN,
        uri=URI,
        issuer="did:example:town",
        data=data,
        size=size,
        purposes=(),
        issued_at=1,
        expires_at=None,
        ttl_seconds=None,
        digest="",
    )


def test_lists_of_other_lengths_agree_only_where_nothing_is_lost() -> None:
    ours = StatusArray(16, [(1, REVOKED)]).token_list()
    assert compare_list(published(b"\x02", 1), ours).differences == ()
    assert [each.published for each in compare_list(published(b"", 1), ours).differences] == [None]
    longer = compare_list(published(b"\x02\x00\x80", 1), ours)
    assert [(each.index, each.published, each.ours) for each in longer.differences] == [(16, 0, None), (23, 1, None)]


@given(st.lists(st.sampled_from(CredentialState), min_size=16, max_size=16), st.integers(0, 15), st.data())
def test_a_comparison_finds_exactly_the_entries_that_differ(
    states: list[CredentialState], index: int, data: st.DataObject
) -> None:
    other = data.draw(st.sampled_from(CredentialState))
    ours = StatusArray(16, enumerate(states))
    theirs = StatusArray(16, enumerate(states))
    theirs.set(index, other)
    found = compare_list(published(theirs.token_list(), 2), ours.token_list()).differences
    assert [each.index for each in found] == ([index] if other is not states[index] else [])
