"""Every rule of the guard, with an entry that passes and entries that do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ssi.encoding.base64url import b64url_encode
from ssi.errors import GuardError, InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys import PublicKey
from ssi.registry.guard import check_entry, parse_entry
from ssi.registry.history import DidVersion
from ssi.registry.statement import statement_id
from tests.unit.registry.guarding import PERSON, code_of, folded, parse_payload
from tests.unit.registry.world import DAY, NOW, Organisation, World


def accreditation(world: World, **changes: Any) -> bytes:
    members = {"subject": world.agency.did, "role": "supervisor", **changes}
    return world.root.accredit(members.pop("subject"), members.pop("role"), **members)


ADMITTED: dict[str, Callable[[World], bytes]] = {
    "accreditation": accreditation,
    "subject without a log": lambda w: accreditation(w, subject="did:web:agency.example"),
    "commitment": lambda w: w.agency.commit(w.URI, 0),
    "commitment of a first epoch above 0": lambda w: w.agency.commit(w.URI, 7),
    "port in the url": lambda w: w.agency.commit("https://agency.example:8443/status/2026-11-22", 0),
    "ending by the signer": lambda w: w.root.end(w.issuer, "revoked"),
    "line": lambda w: Organisation("other.example").lines[0],
}


@pytest.mark.parametrize("name", [name for name in ADMITTED if name != "line"])
def test_what_keeps_the_rules_is_admitted_with_and_without_a_clock(world: World, name: str) -> None:
    entry = ADMITTED[name](world)
    assert code_of(entry, world=world) == ""
    assert code_of(entry, world=world, now=None) == ""


REFUSED: list[tuple[str, str, Callable[[World], bytes]]] = [
    ("G01", "unknown type", lambda w: w.root.sign({"v": 1, "type": "UsePromise", "iss": w.root.did, "iat": NOW})),
    ("G01", "no type", lambda w: w.root.sign({"v": 1, "iss": w.root.did, "iat": NOW})),
    ("G02", "not a JWS", lambda w: b"hello"),
    ("G02", "empty", lambda w: b""),
    ("G02", "not UTF-8", lambda w: b"\xff.\xff.\xff"),
    ("G02", "large", lambda w: w.issuer + b"A" * 9000),
    ("G02", "line feed", lambda w: w.issuer + b"\n"),
    ("G02", "holder's header", lambda w: w.root.sign({"iss": w.root.did}, kid=None, jwk={"kty": "OKP"})),
    ("G02", "types of a role without", lambda w: accreditation(w, types=(w.TYPE,))),
    ("G02", "kid without compromised", lambda w: w.root.end(w.issuer, "revoked", kid=w.root.kid)),
    ("G02", "compromised without kid", lambda w: w.root.end(w.issuer, "compromised")),
    ("G02", "succeeded without successor", lambda w: w.root.end(w.issuer, "succeeded")),
    ("G02", "another's key", lambda w: w.root.end(w.issuer, "compromised", kid="did:web:x.example#k")),
    ("G02", "an accreditation is not lifted", lambda w: w.root.end(w.issuer, "lifted")),
    ("G03", "stranger", lambda w: Organisation("x.example").commit("https://x.example/1", 0)),
    ("G03", "stranger's line", lambda w: Organisation("x.example").lines[0]),
    ("G04", "person", lambda w: accreditation(w, subject=PERSON)),
    ("G04", "jwk", lambda w: accreditation(w, subject="did:jwk:eyJrdHkiOiJPS1AifQ")),
    ("G04", "peer", lambda w: accreditation(w, subject="did:peer:0z6Mk")),
    ("G04", "unknown method", lambda w: accreditation(w, subject="did:example:abc")),
    ("G04", "person answers", lambda w: accreditation(w, answerable_to=(PERSON,))),
    ("G04", "mail in a path", lambda w: w.agency.commit("https://agency.example/jane@agency.example", 0)),
    ("G04", "thumbprint type", lambda w: accreditation(w, role="issuer", types=("urn:ietf:params:jwk-thumbprint:x",))),
    ("G05", "number in a path", lambda w: w.agency.commit("https://agency.example/status/19900131", 0)),
    ("G05", "number, escaped", lambda w: w.agency.commit("https://agency.example/%31%39%39%30%30%31", 0)),
    ("G05", "telephone", lambda w: w.agency.commit("https://agency.example/06-12-34-56-78", 0)),
    ("G05", "telephone with plus", lambda w: w.agency.commit("https://agency.example/+31-6", 0)),
    ("G05", "prose", lambda w: accreditation(w, role="issuer", types=("Jane Doe of Main Street",))),
    ("G05", "long name", lambda w: accreditation(w, role="issuer", types=("a" * 301,))),
    ("G05", "number in a DID", lambda w: accreditation(w, subject="did:web:agency.example:people:123456")),
    ("G04", "words in a did:ethr", lambda w: accreditation(w, subject="did:ethr:jane.doe")),
    ("G04", "an account and more", lambda w: accreditation(w, subject=f"did:ethr:0x{'ab' * 20}:jane")),
    ("G04", "thumbprint, shouted", lambda w: accreditation(w, role="issuer", types=("urn:JWK-THUMBPRINT:x",))),
    ("G04", "mail, escaped twice", lambda w: w.agency.commit("https://agency.example/jane%2540town.example", 0)),
    ("G04", "mail in a DID, escaped twice", lambda w: accreditation(w, subject="did:web:town.example:jane%2540x")),
    ("G05", "number, escaped twice", lambda w: w.agency.commit("https://a.example/%2531%2539%2539%2530%2530%2531", 0)),
    ("G05", "telephone with dots", lambda w: w.agency.commit("https://agency.example/06.12.34.56.78", 0)),
    ("G05", "prose in a kid", lambda w: w.root.end(w.issuer, "compromised", kid=f"{w.agency.did}#Jane,Doe")),
    ("G05", "mail in a kid", lambda w: w.root.end(w.issuer, "compromised", kid=f"{w.agency.did}#jane@town.example")),
    ("G05", "number in a kid", lambda w: w.root.end(w.issuer, "compromised", kid=f"{w.agency.did}#key-19900131")),
    ("G06", "hexadecimal hash", lambda w: w.agency.commit(f"https://agency.example/{'ab12' * 5}", 0)),
    ("G06", "base64url hash", lambda w: w.agency.commit("https://agency.example/x-Yz_1aB-cD_2eF-gH_3iJ", 0)),
    ("G06", "UUID", lambda w: w.agency.commit("https://agency.example/0a1b2c3d-1a2b-3c4d-5e6f-00aa11bb22cc", 0)),
    ("G06", "token in a type", lambda w: accreditation(w, role="issuer", types=("a1b2c3d4e5f6g7h8i9j0k",))),
    ("G07", "by nobody", lambda w: accreditation(w, by=w.agency.commit(w.URI, 3))),
    ("G07", "ends nothing", lambda w: w.root.end("A" * 43, "revoked")),
    ("G10", "no accreditor", lambda w: w.agency.accredit(w.agency.did, "issuer")),
    ("G10", "by an accreditation of another role", lambda w: w.agency.accredit(w.agency.did, "issuer", by=w.issuer)),
    ("G10", "root is no issuer", lambda w: w.root.commit(w.URI, 0)),
    ("G10", "subject ends its own", lambda w: w.agency.end(w.issuer, "retired")),
    ("G10", "unlisted key", lambda w: w.root.sign(parse_payload(w.issuer, iat=NOW + 1), kid=f"{w.root.did}#key-2")),
    ("G12", "query", lambda w: w.agency.commit("https://agency.example/1?person=1", 0)),
    ("G12", "fragment", lambda w: w.agency.commit("https://agency.example/1#jane", 0)),
    ("G12", "user part", lambda w: w.agency.commit("https://jane@agency.example/1", 0)),
    ("G12", "http", lambda w: w.agency.commit("http://agency.example/1", 0)),
    ("G12", "data", lambda w: w.agency.commit("data:text/plain,jane", 0)),
    ("G12", "not ASCII", lambda w: w.agency.commit("https://agency.example/ж", 0)),
    ("G12", "broken escape", lambda w: w.agency.commit("https://agency.example/%zz", 0)),
    ("G13", "ends before it begins", lambda w: w.agency.commit(w.URI, 0, valid_from=NOW + 9, valid_until=NOW + 9)),
    ("G13", "over already", lambda w: w.agency.commit(w.URI, 0, valid_from=NOW - 9, valid_until=NOW)),
    ("G13", "too long a list", lambda w: w.agency.commit(w.URI, 0, valid_until=NOW + 367 * DAY)),
    ("G13", "too long an accreditation", lambda w: accreditation(w, valid_until=NOW + 4000 * DAY)),
    ("G13", "from the future", lambda w: w.agency.commit(w.URI, 0, iat=NOW + 61)),
    ("G13", "from the past", lambda w: w.agency.commit(w.URI, 0, iat=NOW - DAY - 1)),
    ("G13", "key compromised later on", lambda w: w.root.end(
        w.organisation, "compromised", kid=w.agency.kid, effective=NOW + 61)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "name", "make"), REFUSED, ids=[f"{code} {name}" for code, name, _ in REFUSED])
def test_what_breaks_a_rule_is_refused_with_its_code(
    world: World, code: str, name: str, make: Callable[[World], bytes]
) -> None:
    assert code_of(make(world), world=world) == code, name


def test_times_are_judged_at_submission_only(world: World) -> None:
    old = world.agency.commit(world.URI, 0, iat=NOW - DAY - 1)
    assert code_of(old, world=world, now=None) == ""


def test_epochs_of_a_list_only_grow_and_belong_to_who_began(world: World) -> None:
    first = world.agency.commit(world.URI, 5)
    other = Organisation("other.example")
    setup = (world.root.accredit(other.did, "organisation"), other.lines[0], world.root.accredit(other.did, "issuer"))
    assert code_of(world.agency.commit(world.URI, 6), first, world=world) == ""
    assert code_of(world.agency.commit(world.URI, 5, digest=b"other"), first, world=world) == "G11"
    assert code_of(world.agency.commit(world.URI, 4), first, world=world) == "G11"
    assert code_of(other.commit(world.URI, 6), first, *setup, world=world) == "G10"
    freed = world.root.end(first, "revoked")
    assert code_of(other.commit(world.URI, 6), first, *setup, freed, world=world) == ""
    assert code_of(other.commit(world.URI, 5), first, *setup, freed, world=world) == "G11"


def test_a_statement_stands_once_whatever_its_signature(world: World) -> None:
    payload = parse_payload(world.issuer)
    again = world.root.sign(payload)
    assert again != world.issuer
    assert statement_id(again) == statement_id(world.issuer)
    assert code_of(again, world=world) == "G11"


def test_a_signature_of_another_key_does_not_hold(world: World) -> None:
    stranger = Organisation("stranger.example")
    stranger.did = world.agency.did
    state = folded(world=world)
    with pytest.raises(InvalidSignatureError):
        check_entry(stranger.sign(parse_payload(world.agency.commit(world.URI, 0)), alg="Ed25519"), state.at(), now=NOW)
    altered = bytearray(world.agency.commit(world.URI, 0))
    altered[-3] ^= 1
    with pytest.raises((InvalidSignatureError, InvalidInputError)):
        check_entry(bytes(altered), state.at(), now=NOW)


class TestChains:
    """Accreditors accredit accreditors, at most four deep, each within its own types."""

    def test_an_accreditor_hands_on_what_it_has(self, world: World) -> None:
        body = Organisation("accreditor.example")
        given = world.root.accredit(body.did, "accreditor", types=(world.TYPE,))
        setup = (world.root.accredit(body.did, "organisation"), body.lines[0], given)
        good = body.accredit(world.agency.did, "issuer", by=given, types=(world.TYPE,))
        assert code_of(good, *setup, world=world) == ""
        state = folded(*setup, good, world=world)
        found = state.at().may_issue(world.agency.did, world.TYPE, at=NOW)
        assert found is not None
        assert found.path == (statement_id(given), statement_id(good))
        assert found.accreditor == body.did
        for bad in (
            body.accredit(world.agency.did, "issuer", by=given),
            body.accredit(world.agency.did, "issuer", by=given, types=(world.TYPE, "https://credentials.example/x")),
            body.accredit(world.agency.did, "issuer", types=(world.TYPE,)),
            body.accredit(world.agency.did, "issuer", by=world.issuer, types=(world.TYPE,)),
        ):
            assert code_of(bad, *setup, world=world) == "G10"

    def test_chains_end_after_four(self, world: World) -> None:
        entries: list[bytes] = []
        above, by = world.root, None
        for depth in range(5):
            body = Organisation(f"level-{depth}.example")
            entries += [world.root.accredit(body.did, "organisation"), body.lines[0]]
            given = above.accredit(body.did, "accreditor", by=by)
            assert code_of(given, *entries, world=world) == ("" if depth < 4 else "G10")
            entries.append(given)
            above, by = body, given

    def test_an_ended_accreditor_cannot_go_on_even_back_dated(self, world: World) -> None:
        body = Organisation("accreditor.example")
        given = world.root.accredit(body.did, "accreditor")
        setup = [world.root.accredit(body.did, "organisation"), body.lines[0], given]
        before = body.accredit(world.agency.did, "issuer", by=given, iat=NOW - 5, types=("https://t.example/before",))
        ended = world.root.end(given, "revoked", effective=NOW)
        back_dated = body.accredit(world.agency.did, "issuer", by=given, iat=NOW - 5)
        assert code_of(back_dated, *setup, world=world) == ""
        assert code_of(back_dated, *setup, before, ended, world=world) == "G10"
        assert code_of(back_dated, *setup, before, ended, world=world, now=None) == "G10"
        # What it did before stays.
        view = folded(*setup, before, ended, world=world).at()
        assert view.may_issue(world.agency.did, "https://t.example/before", at=NOW + 10) is not None


class TestEndings:
    """Who may end what, and what an ending of an ending does."""

    def test_an_ended_accreditation_no_longer_entitles(self, world: World) -> None:
        ended = world.root.end(world.issuer, "revoked", effective=NOW + 10)
        view = folded(ended, world=world).at()
        assert view.may_issue(world.agency.did, world.TYPE, at=NOW + 9) is not None
        assert view.may_issue(world.agency.did, world.TYPE, at=NOW + 10) is None

    def test_an_ended_organisation_neither_speaks_nor_issues(self) -> None:
        world = World()
        ended = world.root.end(world.organisation, "revoked", effective=NOW)
        assert code_of(world.agency.commit(world.URI, 0), ended, world=world) == "G03"
        assert code_of(world.agency.commit(world.URI, 0, iat=NOW - 60), ended, world=world) == "G03"
        assert code_of(world.agency.next_line(), ended, world=world) == "G03"
        assert folded(ended, world=world).at().may_issue(world.agency.did, world.TYPE, at=NOW) is None

    def test_an_appeal_body_overturns(self, world: World) -> None:
        court = Organisation("court.example")
        setup = [
            world.root.accredit(court.did, "organisation"),
            court.lines[0],
            world.root.accredit(world.agency.did, "register", answerable_to=(court.did,)),
        ]
        ended = world.root.end(world.issuer, "revoked", effective=NOW)
        overturned = court.end(ended, "overturned", effective=NOW + 5)
        assert code_of(overturned, *setup, ended, world=world) == "G10"
        setup.append(world.root.accredit(court.did, "appeal"))
        assert code_of(overturned, *setup, ended, world=world) == ""
        view = folded(*setup, ended, overturned, world=world).at()
        assert view.may_issue(world.agency.did, world.TYPE, at=NOW + 4) is None
        assert view.may_issue(world.agency.did, world.TYPE, at=NOW + 5) is not None

    def test_endings_do_not_nest_for_ever(self, world: World) -> None:
        entries = [world.root.end(world.issuer, "revoked")]
        for depth in range(2, 6):
            entry = world.root.end(entries[-1], "overturned")
            assert code_of(entry, *entries, world=world) == ("" if depth <= 4 else "G02")
            entries.append(entry)

    def test_an_ended_commitment_never_revives_the_one_before(self, world: World) -> None:
        first, second = world.agency.commit(world.URI, 1), world.agency.commit(world.URI, 2)
        view = folded(first, second, world.agency.end(second, "retired"), world=world).at()
        assert view.newest_commitment(world.URI) is None

    def test_a_compromised_key_no_longer_speaks(self, world: World) -> None:
        line = world.agency.lines[0]
        own = parse_entry(line).id
        compromised = world.agency.end(own, "compromised", kid=world.agency.kid, effective=NOW - 100)
        assert code_of(compromised, world=world) == ""
        assert code_of(world.agency.commit(world.URI, 0), compromised, world=world) == "G10"
        assert code_of(world.agency.commit(world.URI, 0, iat=NOW - 200), compromised, world=world) == "G10"
        view = folded(compromised, world=world).at()
        assert view.compromised_since(world.agency.kid, at=NOW) == NOW - 100
        assert view.compromised_since(world.root.kid, at=NOW) is None


def test_hostile_bytes_raise_only_our_errors(world: World) -> None:
    view = folded(world=world).at()
    line, statement = world.agency.lines[0], world.agency.commit(world.URI, 0)
    deep = b"[" * 100_000
    for entry in (
        b"{",
        b"{}",
        b"{" + deep,
        b'{"versionId":' + deep,
        b".".join([b64url_encode(deep).encode()] * 3),
        line[:-1],
        line + b" ",
        b" " + line,
        json.dumps({**json.loads(line), "proof": []}).encode(),
        json.dumps({**json.loads(line), "versionId": 1}).encode(),
        statement.replace(b".", b"", 1),
        statement.upper(),
    ):
        with pytest.raises((InvalidInputError, VerificationError)):
            check_entry(entry, view, now=NOW)
    assert isinstance(view.entry(parse_entry(line).id), DidVersion)


def test_a_stranger_costs_no_signature_check(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = Organisation("stranger.example")
    entries = [stranger.lines[0], stranger.commit("https://stranger.example/1", 0)]
    state = folded(world=world)
    checks: list[int] = []
    monkeypatch.setattr(PublicKey, "verify", lambda *_: checks.append(1))
    for entry in entries:
        with pytest.raises(GuardError, match="G03"):
            check_entry(entry, state.at(), now=NOW)
    assert not checks
    check_entry(world.agency.commit(world.URI, 0), state.at(), now=NOW)
    assert len(checks) == 1
