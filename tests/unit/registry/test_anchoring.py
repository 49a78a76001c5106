"""Heads of one log in another: one in each epoch, admitted by rule, and held against the log."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.errors import ConflictError, EntryNotFoundError, GuardError, UnavailableError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import Ledger, Withheld, merkle
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.checkpoint import Checkpoint, add_signature, build_note, checkpoint_text, sign_checkpoint
from ssi.ledger.excerpt import RootBuilder, build_line, parse_line, whole_lines
from ssi.ledger.note import NoteKey
from ssi.ledger.receipt import verify_receipt
from ssi.registry import Organisation, RegistryFollower, audit, fold_ledger, found_registry
from ssi.registry.anchoring import (
    MAX_WAITING,
    Anchored,
    AnchorSchedule,
    anchor,
    build_anchor,
    by_operator,
    by_writer,
    check_anchors,
    newest_anchor,
    own_note,
)
from ssi.registry.withholding import withhold
from ssi.testing import TestFederation
from ssi.testing.faulty_ledger import Fault, FaultyLedger

HOUR = 3_600
TYPE = "https://town.example/residence"


class Two:
    """A federation's log, and a public log in which its ministry is accredited."""

    def __init__(self, federation: TestFederation, public: Any, root: Organisation) -> None:
        self.federation, self.public, self.root = federation, public, root
        self.clock = federation.clock
        self.ministry = federation.ministry

    @classmethod
    async def make(cls, ledger: Ledger | None = None) -> Two:
        federation = await TestFederation.found()
        public, root = await found_registry(
            ledger or MemoryLedger(),
            origin="public.example",
            root_name="state",
            root_domain="state.example",
            kms=federation.kms,
            now=federation.clock,
        )
        await root.enrol_issuer(federation.ministry, types=[TYPE], registry=public, now=federation.clock())
        return cls(federation, public, root)

    async def anchor(self, note: bytes | None = None, **more: Any) -> Any:
        note = note or self.federation.registry.checkpoint
        assert note is not None
        given = {"organisation": self.ministry, "into": self.public, "submit": by_operator(self.public)}
        return await anchor(note, **{**given, **more}, now=self.clock())

    async def report(self, ledger: Ledger | None = None) -> Any:
        registry = self.federation.registry
        view = await self.public.refresh()
        return await check_anchors(
            ledger or registry.ledger, view.anchors("log.example"), keys=[await registry.note_key()]
        )


@pytest.fixture
async def two() -> Two:
    return await Two.make()


async def test_each_epoch_has_one_anchor_also_an_empty_one(two: Two) -> None:
    first = await two.anchor()
    again = await two.anchor()
    assert (first.new, again.new, again.entry) == (True, False, first.entry)
    two.clock.advance(HOUR)
    empty = await two.anchor()  # nothing happened, and it is said all the same
    assert (empty.new, empty.body.size, empty.body.root) == (True, first.body.size, first.body.root)
    await two.federation.enrol("town", types=[TYPE])
    two.clock.advance(2 * HOUR)
    grown = await two.anchor()
    assert grown.body.size == await two.federation.ledger.size()
    report = await two.report()
    assert report.ok
    assert (report.anchors, report.newest, report.missing, report.strangers) == (3, grown.body, 1, 0)
    assert (await audit(two.public.ledger, roots=[two.root.did])).ok


async def test_every_epoch_is_anchored_also_those_of_an_outage(two: Two) -> None:
    schedule, away = AnchorSchedule(period_seconds=HOUR), False

    async def put(note: bytes, epoch: int) -> Anchored:
        if away:
            raise UnavailableError("the other ledger is away")
        made: Anchored = await two.anchor(note, epoch=epoch, period_seconds=HOUR)
        return made

    def take() -> None:
        note = two.federation.registry.checkpoint
        assert note is not None
        schedule.take(note, now=two.clock())

    take()
    (first,) = await schedule.settle(put)
    take()
    assert schedule.waiting == ()  # this epoch has its anchor
    away = True
    for _ in range(2):
        two.clock.advance(HOUR)
        take()
        with pytest.raises(UnavailableError):
            await schedule.settle(put)
    await two.federation.enrol("town", types=[TYPE])
    two.clock.advance(2 * HOUR)  # nobody looked in the hour between
    take()
    assert schedule.waiting == tuple(range(first[0] + 1, first[0] + 5))
    away = False
    made = [each for _, each in await schedule.settle(put) if isinstance(each, Anchored)]
    assert [each.body.epoch for each in made] == list(range(first[0] + 1, first[0] + 5))
    # Each epoch has the head that it had, and says when it was said.
    assert [each.body.size for each in made] == [*[made[0].body.size] * 3, await two.federation.ledger.size()]
    assert {each.body.iat for each in made} == {two.clock()}
    report = await two.report()
    assert (report.ok, report.anchors, report.missing) == (True, 5, 0)
    assert await schedule.settle(put) == []


async def test_who_starts_anew_fills_in_what_passed_meanwhile(two: Two) -> None:
    before = await two.anchor(period_seconds=HOUR)
    await two.federation.enrol("town", types=[TYPE])
    two.clock.advance(3 * HOUR)
    note = two.federation.registry.checkpoint
    assert note is not None
    iss, origin = before.body.iss, before.body.origin
    assert await newest_anchor(two.public, origin=origin, iss=two.root.did) is None
    standing = await newest_anchor(two.public, origin=origin, iss=iss)
    assert standing is not None
    schedule = AnchorSchedule(period_seconds=HOUR)
    schedule.take(note, now=two.clock())
    schedule.resume(standing.body)

    async def put(note: bytes, epoch: int) -> Anchored:
        made: Anchored = await two.anchor(note, epoch=epoch, period_seconds=HOUR)
        return made

    made = [each.body for _, each in await schedule.settle(put) if isinstance(each, Anchored)]
    assert [each.epoch - before.body.epoch for each in made] == [1, 2, 3]
    assert [each.size for each in made] == [before.body.size, before.body.size, await two.federation.ledger.size()]
    report = await two.report()
    assert (report.ok, report.anchors, report.missing) == (True, 4, 0)
    schedule.resume(standing.body)
    assert schedule.waiting == ()


@pytest.mark.parametrize("period", [60, 24 * HOUR])
async def test_periods_of_another_length_fill_in_nothing(two: Two, period: int) -> None:
    standing = (await two.anchor(period_seconds=HOUR)).body
    two.clock.advance(3 * HOUR)
    schedule = AnchorSchedule(period_seconds=period)
    schedule.take(b"a head", now=two.clock())
    schedule.resume(standing)
    assert schedule.waiting == (two.clock() // period,)


async def test_no_more_is_filled_in_than_may_wait(two: Two) -> None:
    standing = (await two.anchor(period_seconds=HOUR)).body
    two.clock.advance(3 * MAX_WAITING * HOUR)
    schedule = AnchorSchedule(period_seconds=HOUR)
    schedule.take(b"a head", now=two.clock())
    schedule.resume(standing)
    assert len(schedule.waiting) == MAX_WAITING


async def test_what_the_rules_refuse_waits_no_more(two: Two) -> None:
    schedule = AnchorSchedule(period_seconds=HOUR)
    note = two.federation.registry.checkpoint
    assert note is not None
    for _ in range(3):
        schedule.take(note, now=two.clock())
        two.clock.advance(HOUR)

    first = schedule.waiting[0]

    async def put(_: bytes, epoch: int) -> Anchored:
        if epoch == first:
            raise GuardError("G11", "an order of epochs")
        raise UnavailableError("away")

    ((epoch, outcome),) = await schedule.settle(put)
    assert isinstance(outcome, GuardError)
    assert len(schedule.waiting) == 2
    assert epoch not in schedule.waiting
    two.clock.advance(2 * MAX_WAITING * HOUR)
    schedule.take(note, now=two.clock())
    assert len(schedule.waiting) == MAX_WAITING


async def test_a_lost_answer_makes_no_second_anchor(two: Two) -> None:
    two.public._ledger = FaultyLedger(two.public.ledger, faults=[Fault.LOST_ACKNOWLEDGEMENT], seed=1, rate=1)
    with pytest.raises(Exception, match="lost"):
        await two.anchor()
    two.public._ledger = two.public._ledger.ledger
    assert not (await two.anchor()).new
    assert (await two.report()).anchors == 1


async def test_a_writer_who_does_not_sign_the_heads_anchors_too(two: Two) -> None:
    follower = RegistryFollower(two.public.ledger, roots=[two.root.did])
    made = await two.anchor(into=follower, submit=by_writer(follower, two.clock))
    assert made.new
    assert not (await two.anchor(into=follower, submit=by_writer(follower, two.clock))).new
    await two.public.sign_checkpoint()
    assert (await two.report()).ok
    with pytest.raises(GuardError):
        await by_writer(follower, two.clock)(b"personal data")


async def test_a_rewritten_log_contradicts_its_anchor(two: Two) -> None:
    await two.anchor()
    registry = two.federation.registry
    entries = await registry.ledger.read(0, await registry.ledger.size())
    other = MemoryLedger()
    await other.append([b"another first entry", *[bytes(entry) for entry in entries[1:]]])  # type: ignore[arg-type]
    report = await two.report(other)
    assert not report.ok
    assert "another root" in report.broken[0][1]
    short = await two.report(MemoryLedger())
    assert "0 entries" in short.broken[0][1]


async def test_anchors_that_the_log_did_not_sign_say_nothing_of_it(two: Two) -> None:
    kms = MemoryKms()
    await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
    false = await sign_checkpoint(two.public.ledger, kms=kms, label="log", origin="log.example")
    await two.anchor(false)
    report = await two.report()
    assert (report.ok, report.strangers, report.broken) == (False, 1, ())


async def test_signatures_of_witnesses_do_not_ride_along(two: Two) -> None:
    note = two.federation.registry.checkpoint
    assert note is not None
    key = await two.federation.registry.note_key()
    cosigned = add_signature(note, NoteKey("witness.example", key.public_key, 4), b"s" * 72)
    assert own_note(cosigned) == note
    made = await two.anchor(cosigned)
    assert b64url_decode(made.body.note) == note


async def test_what_the_guard_refuses(two: Two) -> None:
    await two.anchor()
    note = two.federation.registry.checkpoint
    assert note is not None
    key = await two.federation.registry.note_key()
    good = build_anchor(note, iss=two.ministry.did, epoch=two.clock() // HOUR + 1, now=two.clock())
    other = good.root[:-1] + ("A" if good.root[-1] != "A" else "Q")

    def said(origin: str, size: int, *lines: str) -> str:
        text = checkpoint_text(Checkpoint(origin, size, b"r" * 32, lines))
        return b64url_encode(build_note(text, [(NoteKey(origin, key.public_key), bytes(64))]))

    root = b64url_encode(b"r" * 32)
    cases: list[tuple[str, dict[str, Any]]] = [
        ("G02", {"root": other}),
        ("G02", {"size": good.size + 1}),
        ("G02", {"note": b64url_encode(b"Aino Virtanen")}),
        ("G02", {"origin": "log.example", "size": 9, "root": root, "note": said("log.example", 9, "Aino Virtanen")}),
        ("G05", {"origin": "p130245-123456", "size": 9, "root": root, "note": said("p130245-123456", 9)}),
        ("G11", {"epoch": good.epoch - 2}),
        ("G11", {"size": 0, "root": root, "note": said("log.example", 0)}),
        ("G11", {"size": good.size, "root": root, "note": said("log.example", good.size)}),
    ]
    import msgspec

    for code, changes in cases:
        with pytest.raises(GuardError) as refused:
            await two.public.submit(await two.ministry.sign(msgspec.structs.replace(good, **changes)))
        assert refused.value.code == code, changes
    cosigned = add_signature(note, NoteKey("witness.example", key.public_key, 4), b"s" * 72)
    with pytest.raises(GuardError, match="G06"):
        await two.public.submit(await two.ministry.sign(msgspec.structs.replace(good, note=b64url_encode(cosigned))))
    with pytest.raises(GuardError, match="G10"):
        await two.public.submit(await two.root.sign(msgspec.structs.replace(good, iss=two.root.did)))


async def test_a_body_is_withheld_and_everything_else_holds(two: Two) -> None:
    federation, registry = two.federation, two.federation.registry
    given = await two.ministry.accredit(two.ministry.did, role="supervisor", registry=registry, now=two.clock())
    town = await federation.enrol("town", types=[TYPE])
    receipt = await registry.receipt(given.index)
    before = await registry.ledger.read(0, await registry.ledger.size())
    done = await withhold(given.index, order=b"order 7", organisation=two.ministry, registry=registry, now=two.clock())
    gone = Withheld(merkle.leaf_hash(given.entry), done.order)
    assert list(await registry.ledger.read(given.index, given.index + 1)) == [gone]
    verify_receipt(receipt, gone, keys=registry.keys)
    again = await withhold(given.index, order=b"order 7", organisation=two.ministry, registry=registry, now=two.clock())
    assert again == done
    size = await registry.ledger.size()
    assert size == len(before) + 1
    report = await audit(registry.ledger, roots=[two.ministry.did], keys=registry.keys)
    assert report.ok
    assert report.counts["withheld"] == 1
    state = await fold_ledger(registry.ledger, [two.ministry.did])
    found = state.at().withholding(given.index)
    assert found is not None
    assert (found.id, found.index) == (done.order, done.ordered_at)
    assert state.at().may_issue(town.did, TYPE, at=two.clock()) is not None
    lines = [parse_line(build_line(line)) async for line in whole_lines(registry.ledger, size)]
    assert lines[given.index] == gone
    follower = RegistryFollower(registry.ledger, roots=[two.ministry.did], keys=registry.keys)
    view = await follower.refresh()
    excerpt = RootBuilder()
    async for line in follower.excerpt(view, dids=[town.did]):
        excerpt.add(line)
    assert (excerpt.size, excerpt.root()) == (size, report.root)


async def test_what_others_rest_on_is_not_withheld_unasked(two: Two) -> None:
    federation, registry = two.federation, two.federation.registry
    town = await federation.enrol("town", types=[TYPE])
    view = await registry.refresh()
    index = view.accreditations(town.did)[0].index
    arguments: dict[str, Any] = {"organisation": two.ministry, "registry": registry, "now": two.clock()}
    size = await registry.ledger.size()
    with pytest.raises(ConflictError, match="rest on this one"):
        await withhold(index, order=b"order", **arguments)
    with pytest.raises(EntryNotFoundError):
        await withhold(size, order=b"order", **arguments)
    assert await registry.ledger.size() == size
    with pytest.raises(GuardError, match="G10"):
        await withhold(index, order=b"order", **{**arguments, "organisation": town}, anyway=True)
    assert not isinstance((await registry.ledger.read(index, index + 1))[0], Withheld)
    await withhold(index, order=b"order", **arguments, anyway=True)
    assert isinstance((await registry.ledger.read(index, index + 1))[0], Withheld)


async def test_a_crash_between_order_and_erasure_is_gone_on_from(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = two.federation.registry
    given = await two.ministry.accredit(two.ministry.did, role="supervisor", registry=registry, now=two.clock())

    async def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(registry.ledger, "withhold", crash)
        with pytest.raises(RuntimeError):
            await withhold(given.index, order=b"o", organisation=two.ministry, registry=registry, now=two.clock())
    size = await registry.ledger.size()
    done = await withhold(given.index, order=b"o", organisation=two.ministry, registry=registry, now=two.clock())
    assert await registry.ledger.size() == size
    assert done.ordered_at == size - 1
