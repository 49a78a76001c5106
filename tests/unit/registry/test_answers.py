"""One answer with one proof: what the whole log says, a view over answers says."""

from __future__ import annotations

import pytest

from ssi.encoding.base64url import b64url_encode
from ssi.errors import DidNotFoundError, InclusionProofError, InvalidInputError, NotFoundError, UnavailableError
from ssi.registry.answers_view import AnswersView
from ssi.registry.audit import audit
from ssi.registry.guard import parse_entry
from ssi.registry.state_records import KINDS, changes, record_of, things_of
from ssi.registry.statement import statement_id
from tests.unit.registry.answering import ABSENT, EPOCH, Operated
from tests.unit.registry.world import NOW, Organisation, Witness, World, approval, witnessed_by


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
