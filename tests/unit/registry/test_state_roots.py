"""State roots: one an epoch over all entries before it, made good after a crash, and an alarm where it is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.errors import GuardError, InvalidInputError, NotFoundError
from ssi.ledger.port import WithholdingLedger
from ssi.ledger.sparse_map import find_way, make_proof, map_key, map_root, value_hash
from ssi.registry.audit import audit
from ssi.registry.state_records import changes
from ssi.registry.types import StateRoot
from tests.unit.registry.answering import EPOCH, Operated
from tests.unit.registry.world import NOW, Organisation, World


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
