"""The kit for tests does what its users rely on: fakes that count, credentials that hold, forgeries that do not."""

from __future__ import annotations

import pytest

import ssi.testing
from ssi.credentials.jose import read_vc_jwt, verify_vc_jwt
from ssi.credentials.sd_jwt import read_sd_jwt_vc, verify_sd_jwt_vc
from ssi.errors import InvalidInputError, InvalidSignatureError, NotFoundError, SsiError, UnavailableError
from ssi.keys import KeyPurpose
from ssi.keys.jws import parse_jws, verify_jws
from ssi.ports import PublishedList
from ssi.status.lists import CredentialState
from ssi.status.verify import parse_status_list, status_list_digest, verify_status_list
from ssi.testing import MemoryFetch, MemoryLists, TestClock, TestFederation, TestHolder, TestWorld, broken_presentations
from ssi.testing.broken import CATALOGUE
from ssi.testing.clock import EPOCH
from ssi.testing.forge import changed, decode_jws, mac_anything, sign_anything
from ssi.testing.issuer import FORMATS, JOSE_FORMATS, SUITES
from ssi.testing.world import CLAIMS


def test_what_the_package_says_it_has() -> None:
    assert all(hasattr(ssi.testing, name) and name in (ssi.testing.__doc__ or "") for name in CORE)
    assert set(CORE) <= set(ssi.testing.__all__)


CORE = (
    *("TestWorld", "TestFederation", "TestIssuer", "TestHolder", "TestClock"),
    *("MemoryLists", "MemoryFetch", "broken_presentations"),
)


def test_the_clock_stands_still_until_it_is_moved() -> None:
    clock = TestClock()
    assert clock() == clock() == EPOCH
    assert clock.advance(5) == clock() == EPOCH + 5
    clock.now = 7
    assert clock() == 7


async def test_the_web_of_a_dictionary() -> None:
    fetch = MemoryFetch({"https://a.example/x": b"body"})
    assert (await fetch("https://a.example/x")).body == b"body"
    with pytest.raises(NotFoundError):
        await fetch("https://a.example/y")
    with pytest.raises(UnavailableError):
        await fetch("https://a.example/x", max_bytes=3)
    fetch.down = True
    with pytest.raises(UnavailableError):
        await fetch("https://a.example/x")
    assert fetch.requests == [
        "https://a.example/x",
        "https://a.example/y",
        "https://a.example/x",
        "https://a.example/x",
    ]


async def test_lists_of_a_dictionary() -> None:
    lists = MemoryLists()
    published = PublishedList("https://a.example/1", b"list", "application/statuslist+jwt", None)
    lists.serve(published)
    lists.serve(published, at="https://a.example/2")
    lists.serve_text("https://a.example/3", "text")
    assert await lists.status_list("https://a.example/1") is await lists.status_list("https://a.example/2")
    assert (await lists.status_list("https://a.example/3")).body == b"text"
    with pytest.raises(NotFoundError):
        await lists.status_list("https://a.example/4")
    lists.down = True
    with pytest.raises(UnavailableError):
        await lists.status_list("https://a.example/1")
    assert len(lists.requests) == 5


async def test_a_federation_accredits_whom_it_enrols() -> None:
    federation = await TestFederation.found()
    town = await federation.enrol("town", types=["https://town.example/t"])
    outsider = await federation.organisation("outsider")
    view = federation.view()
    assert view.may_issue(town.did, "https://town.example/t", at=federation.clock())
    assert not view.may_issue(town.did, "https://town.example/other", at=federation.clock())
    assert not view.may_issue(outsider.did, "https://town.example/t", at=federation.clock())
    assert (await federation.resolver().resolve(town.did)).document.id == town.did
    with pytest.raises(SsiError):
        await federation.resolver().resolve(outsider.did)


async def test_credentials_hold_under_the_key_in_the_did_document() -> None:
    world = await TestWorld.open()
    key = (await world.town.organisation.key(KeyPurpose.CREDENTIAL)).public_key
    now = world.clock()
    vc = await world.town.issue(CLAIMS, format="vc+jwt", holder=world.holder.key)
    verified = verify_vc_jwt(read_vc_jwt(vc), key, now=now, contexts=world.type.contexts)
    assert verified.credential.subjects[0] == CLAIMS
    assert verified.holder_key() == world.holder.key
    sd = await world.town.issue(CLAIMS, format="dc+sd-jwt", holder=None, references=())
    found = verify_sd_jwt_vc(read_sd_jwt_vc(sd), key, now=now, key_binding=None)
    assert (found.claims["given_name"], found.status) == ("Aino", None)


async def test_what_is_revoked_shows_once_it_is_published_and_anchored() -> None:
    world = await TestWorld.open()
    key = (await world.town.organisation.key(KeyPurpose.LIST)).public_key
    for form in FORMATS:
        world.town.set_state(form, 3, CredentialState.REVOKED)
    await world.town.publish()
    for form in FORMATS:
        uri = world.town.family(form).list_uris[0][1]
        body = world.lists.lists[uri].body
        listed = verify_status_list(
            parse_status_list(body), key, expected_uri=uri, issuer=world.town.did, now=world.clock()
        )
        assert listed.data[0] == (0b01000000 if form == "dc+sd-jwt" else 0b00010000)
        newest = world.view().newest_commitment(uri)
        assert newest is not None
        assert newest.digest == status_list_digest(body)


async def test_the_holder_shows_chosen_claims() -> None:
    world = await TestWorld.open()
    credential = await world.town.issue(CLAIMS, format="dc+sd-jwt", holder=world.holder.key)
    shown = await world.holder.show(credential, nonce="n", audience="a", paths=[("given_name",)])
    assert (shown.count("~"), credential.count("~")) == (2, 3)
    header, claims = decode_jws(shown.rpartition("~")[2])
    assert (header["typ"], claims["nonce"], claims["aud"]) == ("kb+jwt", "n", "a")


def test_changes_replace_add_and_remove() -> None:
    assert changed({"a": 1, "b": 2}, {"b": None, "c": 3}) == {"a": 1, "c": 3}
    assert changed({"a": 1}, None) == {"a": 1}


async def test_forgeries_are_what_they_are_called() -> None:
    clock = TestClock()
    holder = await TestHolder.create(clock=clock)
    header = {"alg": "ES256", "typ": "x"}
    made = await sign_anything(header, {"a": 1}, kms=holder.kms, label="holder", purpose=KeyPurpose.HOLDER)
    assert verify_jws(parse_jws(made), holder.key, typ=("x",)).claims == {"a": 1}
    other = await TestHolder.create(clock=clock)
    with pytest.raises(InvalidSignatureError):
        verify_jws(parse_jws(made), other.key, typ=("x",))
    with pytest.raises(InvalidInputError):
        parse_jws(mac_anything({"alg": "HS256"}, {}, b"secret"))


async def test_every_part_of_the_catalogue_has_cases_for_every_format_it_is_about() -> None:
    world = await TestWorld.open()
    names = [case.name async for case in broken_presentations(world)]
    assert len(names) == len(set(names))
    topics = {name.partition("/")[0] for name in names}
    assert topics == {"envelope", "cose", "proof", "binding", "disclosure", "validity", "status", "issuer"}
    assert len(CATALOGUE) == len(topics)
    for topic, kinds in {
        "envelope": JOSE_FORMATS,
        "proof": SUITES,
        **dict.fromkeys(("binding", "validity", "status", "issuer"), FORMATS),
    }.items():
        for kind in kinds:
            assert sum(name.startswith(topic) and name.endswith(kind) for name in names) > 3
