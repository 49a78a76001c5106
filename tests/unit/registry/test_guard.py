"""Every rule of the guard, with an entry that passes and entries that do not."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from ssi.encoding.base64url import b64url_encode
from ssi.errors import GuardError, InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys import PublicKey
from ssi.registry.guard import check_entry, parse_entry
from ssi.registry.history import DidVersion
from ssi.registry.statement import statement_id
from tests.unit.registry.guarding import code_of, folded, parse_payload
from tests.unit.registry.refused_entries import REFUSED, accreditation
from tests.unit.registry.world import DAY, NOW, Organisation, World

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
