"""One answer with one proof: what the whole log says, a view over answers says; and nothing forged passes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.jcs import jcs
from ssi.errors import (
    DidNotFoundError,
    GuardError,
    InclusionProofError,
    InvalidInputError,
    InvalidSignatureError,
    NotFoundError,
    UnavailableError,
    VerificationError,
)
from ssi.ledger.port import WithholdingLedger
from ssi.ledger.sparse_map import find_way, make_proof, map_key, map_root, value_hash
from ssi.registry.answer import VerifiedAnswer, verify_answer
from ssi.registry.answers_view import AnswersSource, AnswersView
from ssi.registry.audit import audit
from ssi.registry.guard import parse_entry
from ssi.registry.state_records import KINDS, changes, record_of, things_of
from ssi.registry.statement import statement_id
from ssi.registry.types import StateRoot
from tests.unit.registry.answering import EPOCH, Operated
from tests.unit.registry.world import NOW, Organisation, Witness, World, approval, witnessed_by

ABSENT = "https://agency.example/status/none"


@pytest.fixture
async def town(world: World) -> AsyncIterator[Operated]:
    made = await Operated.start(world)
    for epoch in range(3):
        await made.registry.submit(world.agency.commit(world.URI, epoch))
    await made.epoch()
    yield made
    await made.close()


def refuses(town: Operated, document: dict[str, Any]) -> None:
    with pytest.raises((VerificationError, InvalidInputError)):
        verify_answer(jcs(document), log_keys=town.keys, roots=town.roots)


async def test_the_newest_commitment_with_its_proof(town: Operated, world: World) -> None:
    answer = await town.answer("list", world.URI)
    view = AnswersView([answer])
    assert view.newest_commitment(world.URI) == town.registry.view().newest_commitment(world.URI)
    assert (answer.size, answer.entries_since, view.size) == (7, 0, 7)
    assert view.checkpoint_time == NOW + EPOCH
    nothing = await town.answer("list", ABSENT)
    assert nothing.record is None
    assert AnswersView([nothing]).newest_commitment(ABSENT) is None


async def test_every_kind_says_what_the_fold_says(town: Operated, world: World) -> None:
    revoked = world.root.end(world.issuer, "revoked", iat=NOW + 100, effective=NOW + 50)
    lifted = world.root.end(revoked, "overturned", iat=NOW + 110, effective=NOW + 60)
    line = parse_entry(world.agency.lines[0]).id
    stolen = world.root.end(line, "compromised", kid=world.agency.kid, iat=NOW + 120, effective=NOW + 70)
    for entry in (revoked, lifted, stolen):
        await town.registry.submit(entry)
    await town.epoch()
    view, digest = town.registry.view(), b64url_encode(b"list".ljust(32, b"\0"))
    asked = {
        "did": world.agency.did,
        "list": world.URI,
        "issuance": f"{world.URI} {digest}",
        "accredited": world.agency.did,
        "accreditation": statement_id(world.issuer),
        "ending": statement_id(world.issuer),
        "compromised": world.agency.kid,
    }
    assert asked.keys() == KINDS.keys()
    answers = [await town.answer(kind, name) for kind, name in asked.items()]
    for answer in answers:
        assert answer.record == record_of(answer.kind, answer.name, view)
    seen = AnswersView(answers)
    assert seen.did_log(world.agency.did) == view.did_log(world.agency.did)
    assert seen.newest_commitment(world.URI) == view.newest_commitment(world.URI)
    for at in range(NOW, NOW + 200, 5):
        assert seen.may_issue(world.agency.did, world.TYPE, at=at) == view.may_issue(
            world.agency.did, world.TYPE, at=at
        )
        assert seen.compromised_since(world.agency.kid, at=at) == view.compromised_since(world.agency.kid, at=at)
    before = [
        each.commitment_before_compromise(world.agency.kid, uri=world.URI, digest=digest) for each in (seen, view)
    ]
    assert before[0] == before[1]
    # Everything of the log is in the map, as the fold has it.
    for found in view.entries_since(0):
        for kind, name in things_of(found, view):
            assert (await town.answer(kind, name)).record == record_of(kind, name, view)


async def test_what_no_answer_is_about_is_not_known(town: Operated, world: World) -> None:
    view = AnswersView([await town.answer("list", world.URI)])
    for ask in (
        lambda: view.newest_commitment(ABSENT),
        lambda: view.did_log(world.agency.did),
        lambda: view.compromised_since(world.agency.kid, at=NOW),
        lambda: view.may_issue(world.agency.did, world.TYPE, at=NOW),
        lambda: view.commitment_before_compromise(world.agency.kid, uri=world.URI, digest="x"),
    ):
        with pytest.raises(UnavailableError):
            ask()
    # These can stand on no ledger.
    assert view.compromised_since("did:key:z6Mk#z6Mk", at=NOW) is None
    with pytest.raises(DidNotFoundError):
        view.did_log("did:key:z6Mk")
    absent = AnswersView([await town.answer("did", "did:webvh:none:nobody.example")])
    with pytest.raises(DidNotFoundError):
        absent.did_log("did:webvh:none:nobody.example")


async def test_a_did_that_moved_and_has_witnesses(world: World) -> None:
    witnesses = [Witness(), Witness()]
    organisation = Organisation("old.example", portable=True, witness=witnessed_by(1, *witnesses))
    old = organisation.did
    town = await Operated.start(world, entries=False)
    try:
        await town.registry.submit(world.root.lines[0])
        await town.registry.submit(world.root.accredit(old, "organisation"))
        await town.registry.submit(organisation.lines[0])
        await town.registry.submit(approval(organisation.version_id, witnesses[0]))
        await town.registry.submit(organisation.move("new.example"))
        await town.epoch()
        waiting = AnswersView([await town.answer("did", old)])
        assert waiting.did_log(old) == town.registry.view().did_log(old)
        assert (await town.answer("did", organisation.did)).record is None
        await town.registry.submit(approval(organisation.version_id, witnesses[1]))
        await town.epoch()
        for name in (old, organisation.did):
            view = AnswersView([await town.answer("did", name)])
            assert view.did_log(name) == town.registry.view().did_log(name)
            assert view.did_witness(name) == town.registry.view().did_witness(name)
            for did in (old, organisation.did):
                assert view.compromised_since(f"{did}#key-1", at=NOW) is None
        report = await audit(town.registry.ledger, roots=town.roots, keys=town.keys)
        assert report.ok
        assert report.state_roots.held == 2
    finally:
        await town.close()


async def test_empty_epochs_have_a_root_and_no_epoch_two(town: Operated) -> None:
    first = await town.keeper.log(now=town.now)
    again = await town.keeper.log(now=town.now + 1)
    assert (again.index, again.id) == (first.index, first.id)
    empty = await town.epoch()
    assert empty.index == first.index + 1
    bodies = [found.body for found in town.registry.view().state_roots()]
    assert [body.size for body in bodies] == [first.index, empty.index]
    assert bodies[0].root == bodies[1].root


async def test_the_guard_takes_a_root_of_the_operator_at_its_place_only(town: Operated, world: World) -> None:
    size, root = town.registry.state.size, b64url_encode(b"r" * 32)

    async def submit(organisation: Organisation, **more: Any) -> str:
        members: dict[str, Any] = {"iat": town.now + EPOCH, "size": size, "root": root, **more}
        body = StateRoot(iss=organisation.did, **members)
        town.now += EPOCH
        try:
            await town.registry.submit(organisation.sign(body))
        except GuardError as exc:
            return exc.code
        return ""

    assert await submit(world.agency) == "G10"
    assert await submit(world.root, size=size - 1) == "G11"
    assert await submit(world.root, size=size + 1) == "G11"
    assert await submit(world.root, iat=NOW + EPOCH) == "G11"
    assert await submit(world.root, iat=NOW + 10 * EPOCH) == "G13"
    with pytest.raises(InvalidInputError):
        world.root.sign(StateRoot(iss=world.root.did, iat=NOW, size=size, root="short"))
    assert await submit(world.root) == ""


async def test_a_wrong_root_is_an_alarm(town: Operated, world: World) -> None:
    town.now += EPOCH
    size = town.registry.state.size
    wrong = StateRoot(iss=world.root.did, iat=town.now, size=size, root=b64url_encode(b"w" * 32))
    await town.registry.submit(world.root.sign(wrong))
    report = await audit(town.registry.ledger, roots=town.roots, keys=town.keys)
    assert [(each.index, each.kind) for each in report.broken] == [(size, "state root")]
    # The keeper does not believe its map either, and the next root is right again.
    await town.epoch()
    report = await audit(town.registry.ledger, roots=town.roots, keys=town.keys)
    assert (len(report.broken), report.state_roots.held) == (1, 2)


async def test_a_map_of_another_ledger_is_made_anew(town: Operated, world: World) -> None:
    other = await Operated.start(world)
    plan = await other.map.plan({("list", "https://elsewhere.example/1"): b"{}"})
    await other.map.commit(plan, size=3)
    done = await other.epoch()
    assert (await other.answer("list", "https://elsewhere.example/1")).record is None
    report = await audit(other.registry.ledger, roots=other.roots, keys=other.keys)
    assert report.ok
    assert done.index == 4
    await other.close()


async def test_a_crash_before_the_map_moved_on_is_made_good(town: Operated, world: World) -> None:
    class Cut(Exception):
        pass

    async def cut(*_: object, **__: object) -> None:
        raise Cut

    await town.registry.submit(world.agency.commit(world.URI, 9, iat=town.now))
    kept, town.map.commit = town.map.commit, cut  # type: ignore[method-assign]
    with pytest.raises(Cut):
        await town.epoch()
    town.map.commit = kept  # type: ignore[method-assign]
    assert (await town.answer("list", world.URI)).size == 7  # as of the root before
    again = await town.keeper.log(now=town.now)
    assert (await town.answer("list", world.URI)).size == again.index == 9
    report = await audit(town.registry.ledger, roots=town.roots, keys=town.keys)
    assert (report.ok, report.state_roots.held) == (True, 2)


async def test_the_entries_that_others_wrote_meanwhile_are_in_the_root(town: Operated, world: World) -> None:
    other = town.registry
    writer = type(other)(
        other.ledger,
        roots=town.roots,
        kms=other._kms,
        checkpoint_label="log",
        origin=other._origin,
        now=lambda: town.now,
    )
    plan = town.map.plan
    wrote: list[int] = []

    async def slow(records: Any) -> Any:
        made = await plan(records)
        if len(wrote) < 2:
            epoch = 20 + len(wrote)
            wrote.append((await writer.submit(world.agency.commit(world.URI, epoch, iat=town.now))).index)
        return made

    town.map.plan = slow  # type: ignore[method-assign]
    done = await town.epoch()
    assert wrote == [8, 9]
    assert done.index == 10
    assert (await town.answer("list", world.URI)).record is not None
    report = await audit(other.ledger, roots=town.roots, keys=town.keys)
    assert (report.ok, report.state_roots.held) == (True, 2)


async def test_a_withheld_body_makes_older_roots_uncheckable_not_wrong(town: Operated, world: World) -> None:
    ledger = town.registry.ledger
    assert isinstance(ledger, WithholdingLedger)
    await ledger.withhold(5, order="court 1")
    with pytest.raises(NotFoundError):
        await town.desk.answer("issuance", f"{world.URI} {b64url_encode(b'list'.ljust(32, bytes(1)))}")
    report = await audit(ledger, roots=town.roots, keys=town.keys)
    assert [each.kind for each in report.broken if each.kind == "state root"] == []
    assert report.state_roots.summary() == {"held": 0, "uncheckable": 1}


async def test_what_is_logged_since_is_told(town: Operated, world: World) -> None:
    await town.registry.submit(world.agency.commit(world.URI, 9, iat=town.now))
    answer = await town.answer("list", world.URI)
    assert (answer.size, answer.entries_since) == (7, 1)
    assert answer.as_of == "newest as of entry 7 of a log of 9; 1 logged since"
    newest = AnswersView([answer]).newest_commitment(world.URI)
    assert newest is not None
    assert newest.epoch == 2
    # A checkpoint signed anew makes the state no fresher.
    town.now += 1_000
    await town.registry.sign_checkpoint()
    assert (await town.answer("list", world.URI)).time == NOW + EPOCH


async def test_a_map_that_stands_at_no_state_root_gives_no_answers(town: Operated, world: World) -> None:
    view = town.registry.view()
    plan = await town.map.plan({thing: value for part in changes(view, 0) for thing, value in part.items()})
    await town.map.commit(plan, size=view.size)
    with pytest.raises(UnavailableError):
        await town.desk.answer("list", world.URI)
    await town.map.commit(await town.map.plan({("list", "x"): b"{}"}), size=7)
    with pytest.raises(InclusionProofError):
        await town.desk.answer("list", world.URI)
    for kind, name in (("nothing", "x"), ("list", ""), ("list", "x" * 3_000)):
        with pytest.raises(InvalidInputError):
            await town.desk.answer(kind, name)
    empty = await Operated.start(world)
    with pytest.raises((UnavailableError, NotFoundError)):
        await empty.desk.answer("list", world.URI)
    await empty.close()


# --- hostile answers ----------------------------------------------------------------------------------------------


async def test_keys_and_roots_of_others_are_not_believed(town: Operated, world: World) -> None:
    data = await town.desk.answer("list", world.URI)
    other = await Operated.start(world)
    with pytest.raises(InvalidSignatureError):
        verify_answer(data, log_keys=other.keys, roots=town.roots)
    with pytest.raises(InclusionProofError):
        verify_answer(data, log_keys=town.keys, roots=[world.agency.did])
    with pytest.raises(InclusionProofError):
        verify_answer(data, log_keys=town.keys, roots=town.roots, expected=("list", ABSENT))
    await other.close()


async def test_absence_of_what_is_there_cannot_be_claimed(town: Operated, world: World) -> None:
    document = json.loads(await town.desk.answer("list", world.URI))
    nothing = json.loads(await town.desk.answer("list", ABSENT))
    claimed = {**document, "items": [{k: v for k, v in item.items() if k != "record"} for item in document["items"]]}
    refuses(town, claimed)
    without = json.loads(jcs(nothing))
    without["items"][0]["name"] = world.URI  # the proof for another key
    refuses(town, without)
    for proof in (b"\2", b"\0" * 33, b"\1" + b"\0" * 96):
        without["items"][0]["proof"] = b64url_encode(proof)
        refuses(town, without)


async def test_a_record_that_was_newest_once_is_refused(town: Operated, world: World) -> None:
    old = json.loads(await town.desk.answer("list", world.URI))
    await town.registry.submit(world.agency.commit(world.URI, 9, iat=town.now))
    await town.epoch()
    new = json.loads(await town.desk.answer("list", world.URI))
    assert old["items"][0]["record"] != new["items"][0]["record"]
    refuses(town, {**new, "items": [old["items"][0], *new["items"][1:]]})
    refuses(town, {**new, "checkpoint": old["checkpoint"]})
    refuses(town, {**old, "checkpoint": new["checkpoint"]})
    refuses(town, {**new, "state_root": old["state_root"]})
    source = AnswersSource(log_keys=town.keys, roots=town.roots)
    source.take(jcs(new))
    with pytest.raises(InclusionProofError, match="as of entry"):
        source.take(jcs(old))


async def test_parts_left_out_added_or_moved_are_refused(town: Operated, world: World) -> None:
    document = json.loads(await town.desk.answer("accredited", world.agency.did))
    other = json.loads(await town.desk.answer("list", world.URI))
    for index in range(len(document["entries"])):
        refuses(town, {**document, "entries": document["entries"][:index] + document["entries"][index + 1 :]})
    for item in document["items"][1:]:
        if item["kind"] in ("did", "compromised"):  # without the operator's keys nothing holds
            refuses(town, {**document, "items": [each for each in document["items"] if each != item]})
    added = {entry["index"]: entry for entry in (*document["entries"], *other["entries"])}
    refuses(town, {**document, "entries": [added[index] for index in sorted(added)]})
    refuses(town, {**document, "entries": list(reversed(document["entries"]))})
    refuses(town, {**document, "items": [*document["items"], document["items"][0]]})
    refuses(town, {**document, "more": 1})
    refuses(town, {**document, "format": "registry-answer/2"})
    with pytest.raises(InvalidInputError, match="canonical"):
        verify_answer(json.dumps(document).encode(), log_keys=town.keys, roots=town.roots)


class Liar:
    """An operator who makes a map as it pleases, and signs its root."""

    def __init__(self, town: Operated) -> None:
        self.town = town

    async def answer(self, kind: str, name: str, change: Callable[[dict[tuple[str, str], Any]], None]) -> bytes:
        view = self.town.registry.view()
        records = {thing: json.loads(value) for part in changes(view, 0) for thing, value in part.items()}
        change(records)
        plan = await self.town.map.plan({thing: jcs(record) for thing, record in records.items()})
        self.town.now += EPOCH
        root = self.town.world.root
        size = self.town.registry.state.size
        body = StateRoot(iss=root.did, iat=self.town.now, size=size, root=b64url_encode(plan.root))
        await self.town.registry.submit(root.sign(body))
        await self.town.map.commit(plan, size=size)
        return await self.town.desk.answer(kind, name)


@pytest.mark.parametrize("entries", [[], [0], [4, 5], [6, 5], [5.5], "5", [99]])
async def test_even_the_operator_cannot_give_a_record_that_its_entries_do_not_bear(
    town: Operated, world: World, entries: object
) -> None:
    def change(records: dict[tuple[str, str], Any]) -> None:
        records["list", world.URI]["entries"] = entries

    try:
        data = await Liar(town).answer("list", world.URI, change)
    except (InvalidInputError, NotFoundError, TypeError):
        return  # not even the desk can make it
    with pytest.raises((InclusionProofError, InvalidInputError)):
        verify_answer(data, log_keys=town.keys, roots=town.roots)


async def test_a_did_whose_newest_line_is_hidden_by_the_record_is_refused(town: Operated, world: World) -> None:
    def change(records: dict[tuple[str, str], Any]) -> None:
        records["did", world.agency.did]["versionId"] = "1-Qm"

    data = await Liar(town).answer("did", world.agency.did, change)
    with pytest.raises(InclusionProofError):
        verify_answer(data, log_keys=town.keys, roots=town.roots)


async def test_of_several_answers_the_newer_counts_and_the_oldest_says_how_fresh(town: Operated, world: World) -> None:
    old, beside = await town.answer("list", world.URI), await town.answer("did", world.agency.did)
    await town.registry.submit(world.agency.commit(world.URI, 9, iat=town.now))
    await town.epoch()
    new = await town.answer("list", world.URI)
    for answers in ([old, beside, new], [new, beside, old]):
        view = AnswersView(answers)
        newest = view.newest_commitment(world.URI)
        assert newest is not None
        assert newest.epoch == 9
        assert (view.size, view.checkpoint_time) == (old.size, old.time)
        assert view.did_log(world.agency.did) == town.registry.view().did_log(world.agency.did)
    assert (AnswersView([new]).size, AnswersView([new]).checkpoint_time) == (new.size, new.time)


async def test_a_great_many_changes_are_taken_in_part_by_part(
    town: Operated, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssi.registry.state_root.STEP", 3)
    for epoch in range(10, 20):
        await town.registry.submit(world.agency.commit(f"https://agency.example/status/{epoch - 10}", epoch))
    done = await town.epoch()
    assert (await town.map.head())[0] == done.index
    report = await audit(town.registry.ledger, roots=town.roots, keys=town.keys)
    assert (report.ok, report.state_roots.held) == (True, 2)


async def test_two_checkpoints_of_one_size_are_a_fork(town: Operated, world: World) -> None:
    import msgspec

    answer = await town.answer("list", world.URI)
    head = msgspec.structs.replace(answer.checkpoint, root=b"f" * 32)
    forked: VerifiedAnswer = msgspec.structs.replace(answer, checkpoint=head, name=ABSENT)
    with pytest.raises(InclusionProofError, match="forked"):
        AnswersView([answer, forked])
    with pytest.raises(InvalidInputError):
        AnswersView([])


async def test_every_hash_of_the_map_is_the_one_of_the_pure_functions(town: Operated, world: World) -> None:
    view = town.registry.view()
    size, root = await town.map.head()
    records = {thing: value for part in changes(view.until(size), 0, step=2) for thing, value in part.items()}
    leaves = sorted((map_key(*thing), value_hash(value)) for thing, value in records.items())
    assert map_root(leaves) == root
    key = map_key("list", world.URI)
    proved = await town.map.prove([("list", world.URI)])
    assert proved.answers[0][1] == make_proof(*find_way(leaves, key), key)
    assert b64url_decode(view.state_roots()[0].body.root) == root
