"""Laws of the registry: submit is never laxer than the fold, the past never changes, nothing but our errors."""

from __future__ import annotations

import asyncio
from functools import cache
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.did.webvh import verify_log
from ssi.errors import InvalidInputError, SsiError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import open_ledger
from ssi.registry.fold import RegistryState, fold_ledger
from ssi.registry.guard import CheckedStatement, check_entry, parse_entry
from ssi.registry.registry import Registry
from ssi.registry.statement import parse_statement
from ssi.registry.view import RegistrySnapshot
from tests.unit.registry.world import NOW, Organisation, Witness, World, approval, witnessed_by

NAMES = 24


@cache
def world() -> World:
    return World()


@cache
def pool() -> list[bytes]:
    """Entries of every kind, good in some orders and not in others, and a few that never are."""
    w = world()
    other = Organisation("other.example")
    given_accreditor = w.root.accredit(other.did, "accreditor")
    later = Organisation("later.example", curve=Curve.ED25519)
    entries = [
        *w.entries,
        w.root.accredit(other.did, "organisation"),
        other.lines[0],
        given_accreditor,
        other.accredit(later.did, "organisation", by=given_accreditor),
        other.accredit(later.did, "issuer", by=given_accreditor),
        later.lines[0],
        later.commit("https://later.example/1", 1),
        later.commit(w.URI, 5),
        w.agency.commit(w.URI, 1),
        w.agency.commit(w.URI, 2),
        w.agency.commit(w.URI, 3),
    ]
    revoked = w.root.end(w.issuer, "revoked")
    entries += [
        revoked,
        w.root.end(revoked, "overturned"),
        w.root.end(given_accreditor, "revoked"),
        w.agency.end(entries[13], "retired"),
        w.agency.end(parse_entry(w.agency.lines[0]).id, "compromised", kid=w.agency.kid),
        w.root.commit(w.URI, 9),
        b"noise",
    ]
    later.keys["key-1"] = PrivateKey.generate(Curve.ED25519)
    entries += [later.next_line(), later.commit("https://later.example/1", 2)]
    assert len(entries) == NAMES
    return entries


orders = st.lists(st.integers(0, NAMES - 1), max_size=40).map(lambda picks: [*range(4), *picks])


def answers(view: RegistrySnapshot) -> dict[str, Any]:
    """Everything that a view says about the world of the pool."""
    w = world()
    dids = sorted(view.dids())
    return {
        "size": view.size,
        "logs": {did: view.did_log(did) for did in dids},
        "lists": {uri: view.newest_commitment(uri) for uri in (w.URI, "https://later.example/1")},
        "issue": {did: view.may_issue(did, w.TYPE, at=NOW + 1) for did in dids},
        "compromised": view.compromised_since(w.agency.kid, at=NOW),
    }


@settings(max_examples=40, deadline=None)
@given(orders)
def test_the_past_never_changes(order: list[int]) -> None:
    entries = [pool()[pick] for pick in order]
    state = RegistryState([world().root.did])
    said = [answers(state.at())]
    for entry in entries:
        state.apply(entry)
        said.append(answers(state.at()))
    assert [answers(state.at(size)) for size in range(len(entries) + 1)] == said


@settings(max_examples=30, deadline=None)
@given(orders)
def test_what_is_taken_back_leaves_no_trace(order: list[int]) -> None:
    state = RegistryState([world().root.did])
    for pick in order[:8]:
        state.apply(pool()[pick])
    before, counts = answers(state.at()), state.counts
    state.begin()
    for pick in order[8:]:
        try:
            state.admit(state.check(parse_entry(pool()[pick]), now=None))
        except SsiError:
            continue
    state.rollback()
    assert answers(state.at()) == before
    assert {name: count for name, count in state.counts.items() if count} == counts


@settings(max_examples=40, deadline=None)
@given(orders, st.integers(1, 8))
def test_the_fold_admits_whatever_submit_admitted(order: list[int], width: int) -> None:
    async def run() -> None:
        kms = MemoryKms()
        await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
        ledger = open_ledger("memory:")
        roots = [world().root.did]
        registry = Registry(ledger, roots=roots, kms=kms, checkpoint_label="log", origin="log", now=lambda: NOW)
        for start in range(0, len(order), width):
            batch = [registry.submit(pool()[pick]) for pick in order[start : start + width]]
            for result in await asyncio.gather(*batch, return_exceptions=True):
                assert not isinstance(result, BaseException) or isinstance(result, SsiError)
        state = await fold_ledger(ledger, roots)
        assert not state.refusals
        assert state.size == await ledger.size()
        assert answers(state.at()) == answers(registry.view())

    asyncio.run(run())


@cache
def view() -> RegistrySnapshot:
    state = RegistryState([world().root.did])
    for entry in world().entries:
        assert state.apply(entry) is None
    return state.at()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300) | st.sampled_from([b"{", b"a.b.c"]).flatmap(lambda a: st.binary().map(lambda b: a + b)))
def test_any_bytes_are_refused_with_our_errors(data: bytes) -> None:
    try:
        check_entry(data, view(), now=NOW)
    except (InvalidInputError, VerificationError):
        return
    raise AssertionError("admitted")


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 3), st.integers(0, 10**6), st.integers(1, 255), st.sampled_from(["flip", "cut", "double"]))
def test_no_altered_byte_is_admitted_with_another_meaning(pick: int, place: int, mask: int, how: str) -> None:
    w = world()
    entry = (fresh(), w.agency.lines[0], w.root.lines[0], w.issuer)[pick]
    place %= len(entry)
    altered = {
        "flip": entry[:place] + bytes([entry[place] ^ mask]) + entry[place + 1 :],
        "cut": entry[:place] + entry[place + 1 :],
        "double": entry[:place] + entry[place : place + 1] + entry[place:],
    }[how]
    state = RegistryState([w.root.did])
    if pick < 2:
        for given_entry in w.entries[: 4 if pick == 0 else 2]:
            state.apply(given_entry)
    elif pick == 3:
        for given_entry in w.entries[:3]:
            state.apply(given_entry)
    try:
        checked = check_entry(altered, state.at(), now=None)
    except (InvalidInputError, VerificationError):
        return
    # A DID line may be spelled in other bytes (white space) and mean the same; a statement may not.
    assert not isinstance(checked, CheckedStatement) or parse_statement(entry).body == checked.statement.body
    if not isinstance(checked, CheckedStatement):
        assert parse_entry(entry).raw == checked.line.raw  # type: ignore[union-attr]


@cache
def fresh() -> bytes:
    return world().agency.commit(world().URI, 1)


@cache
def witnessed_pool() -> tuple[str, list[bytes]]:
    """A DID with witnesses: rivals, lines after each of them, a move, a change of witnesses, and approvals of all."""
    w = world()
    seats = [Witness(), Witness(), Witness()]
    body = Organisation("witnessed.example", witness=witnessed_by(2, *seats), portable=True)
    first = body.version_id
    entries = [w.root.lines[0], w.root.accredit(body.did, "organisation"), body.lines[0]]
    ids = [first]
    for words in ("one", "two"):
        state = body.document(alsoKnownAs=[f"https://{words}.example/"])
        entries.append(body.next_line(state=state, parameters={"witness": witnessed_by(1, seats[2])}))
        ids.append(body.version_id)
        entries.append(body.move(f"{words}.example"))
        ids.append(body.version_id)
        body.did = body.did.replace(f"{words}.example", "witnessed.example")
        body.back(first)
        body.back(first)
    entries += [approval(version_id, seat) for version_id in ids for seat in seats]
    entries.append(approval(ids[0], Witness()))
    return body.did, entries


POOL = 23


@settings(max_examples=60, deadline=None)
@given(st.permutations(range(3, POOL)), st.integers(0, 3))
def test_what_counts_is_what_a_resolver_verifies_at_every_index(order: list[int], rounds: int) -> None:
    did, entries = witnessed_pool()
    assert len(entries) == POOL
    state = RegistryState([world().root.did])
    chosen = [entries[pick] for pick in [0, 1, 2, *order, *order[: rounds * 5]]]
    said: list[tuple[bytes, bytes]] = []
    for entry in chosen:
        state.apply(entry)
        said.append(_log_and_proofs(state.at(), did))
    replayed = [_log_and_proofs(state.at(size), did) for size in range(1, len(chosen) + 1)]
    assert replayed == said
    for earlier, later in pairwise(said):
        assert later[0].startswith(earlier[0])  # what counts once counts for ever
    for log, proofs in set(said):
        if log:
            assert verify_log(log, did=did, now=NOW, witness_proofs=proofs).log == log


def _log_and_proofs(view: RegistrySnapshot, did: str) -> tuple[bytes, bytes]:
    return (view.did_log(did), view.did_witness(did)) if view.did_version(did) else (b"", b"")
