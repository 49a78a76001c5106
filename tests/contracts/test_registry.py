"""What a registry does over every ledger backend; a backend supplies only the ``ledger`` fixture."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ssi.did.methods.webvh import DidWebvh
from ssi.errors import (
    ConflictError,
    DidNotFoundError,
    GuardError,
    InclusionProofError,
    InvalidInputError,
    UnavailableError,
)
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import Ledger, Withheld, open_ledger
from ssi.ledger.checkpoint import verify_note
from ssi.ledger.receipt import verify_receipt
from ssi.registry.audit import audit
from ssi.registry.follower import RegistryFollower
from ssi.registry.registry import Registry, Submitted
from ssi.registry.statement import parse_envelope, statement_id
from tests.contracts.postgres import server
from tests.unit.registry.world import NOW, Organisation, Witness, World, approval, witnessed_by

ORIGIN = "ledger.example/registry"


class Faults:
    """A ledger that fails as it is told, before or after it has done what was asked."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.before: list[Exception] = []
        self.after: list[Exception] = []
        self.puts: list[Exception] = []
        self.appends = 0

    async def append(self, entries: Sequence[bytes], *, expected_size: int | None = None) -> Sequence[int]:
        self.appends += 1
        if self.before:
            raise self.before.pop(0)
        indexes = await self.ledger.append(entries, expected_size=expected_size)
        if self.after:
            raise self.after.pop(0)
        return indexes

    async def size(self) -> int:
        return await self.ledger.size()

    async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
        return await self.ledger.read(start, stop)

    async def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        return await self.ledger.hashes(level, start, stop)

    async def checkpoint(self) -> bytes | None:
        return await self.ledger.checkpoint()

    async def put_checkpoint(self, old: bytes | None, new: bytes) -> None:
        if self.puts:
            raise self.puts.pop(0)
        await self.ledger.put_checkpoint(old, new)

    async def close(self) -> None:
        await self.ledger.close()


@pytest.fixture(scope="module")
def world() -> World:
    return World()


class RegistryContract:
    """One suite for all backends."""

    @pytest.fixture
    async def kms(self) -> MemoryKms:
        kms = MemoryKms()
        await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
        return kms

    def open(self, ledger: Ledger, world: World, kms: MemoryKms, *, now: int = NOW) -> Registry:
        return Registry(ledger, roots=[world.root.did], kms=kms, checkpoint_label="log", origin=ORIGIN, now=lambda: now)

    @pytest.fixture
    async def registry(self, ledger: Ledger, world: World, kms: MemoryKms) -> Registry:
        registry = self.open(ledger, world, kms)
        for entry in world.entries:
            await registry.submit(entry)
        return registry

    async def test_what_is_submitted_stands_there_with_its_proof(
        self, ledger: Ledger, registry: Registry, world: World
    ) -> None:
        entry = world.agency.commit(world.URI, 1)
        submitted = await registry.submit(entry)
        assert submitted.index == 4
        assert submitted.id == statement_id(entry)
        assert list(await ledger.read(4, 5)) == [entry]
        head = verify_receipt(submitted.receipt, entry, keys=[await registry.note_key()])
        assert (head.size, head.cosigned_at, head.origin) == (5, NOW, ORIGIN)
        found = registry.view().newest_commitment(world.URI)
        assert found is not None
        assert (found.epoch, found.entry, found.issuer) == (1, 4, world.agency.did)
        assert registry.view().checkpoint_time == NOW
        for index in range(5):
            verify_receipt(
                await registry.receipt(index),
                (await ledger.read(index, index + 1))[0],
                keys=[await registry.note_key()],
            )

    async def test_asking_again_gives_the_same_index(self, ledger: Ledger, registry: Registry, world: World) -> None:
        entry = world.agency.commit(world.URI, 1)
        first, second = await asyncio.gather(registry.submit(entry), registry.submit(entry.decode()))
        third = await registry.submit(entry + b"\n")
        assert first.index == second.index == third.index == 4
        assert await ledger.size() == 5
        line = await registry.submit(world.agency.lines[0])
        assert (line.index, line.entry) == (2, world.agency.lines[0])

    async def test_another_signature_over_a_known_statement_adds_nothing(
        self, ledger: Ledger, registry: Registry, world: World
    ) -> None:
        again = world.root.sign(parse_envelope(world.issuer).payload)
        submitted = await registry.submit(again)
        assert (submitted.index, submitted.entry) == (3, world.issuer)
        assert await ledger.size() == 4
        verify_receipt(submitted.receipt, submitted.entry, keys=[await registry.note_key()])

    async def test_what_is_refused_leaves_no_trace(self, ledger: Ledger, registry: Registry, world: World) -> None:
        note = await ledger.checkpoint()
        for entry in (b"", b"{}", world.agency.commit("https://agency.example/?q", 0), world.root.commit(world.URI, 0)):
            with pytest.raises(GuardError):
                await registry.submit(entry)
        with pytest.raises(InvalidInputError):
            await registry.submit("\ud800")
        assert (await ledger.size(), await ledger.checkpoint()) == (4, note)
        assert registry.state.size == 4

    async def test_many_writers_share_appends_and_heads(self, ledger: Ledger, world: World, kms: MemoryKms) -> None:
        counted = Faults(ledger)
        registry = self.open(counted, world, kms)
        for entry in world.entries:
            await registry.submit(entry)
        counted.appends = 0
        entries = [world.agency.commit(f"https://agency.example/status/{i}", 0) for i in range(64)]
        bad = world.agency.commit("https://agency.example/?q", 0)
        results = await asyncio.gather(*map(registry.submit, [*entries, bad]), return_exceptions=True)
        assert isinstance(results.pop(), GuardError)
        submitted = [result for result in results if isinstance(result, Submitted)]
        assert [result.index for result in submitted] == list(range(4, 68))
        assert counted.appends <= 2
        for result in submitted:
            verify_receipt(result.receipt, result.entry, keys=[await registry.note_key()])

    async def test_a_did_counts_once_its_witnesses_have_submitted(
        self, ledger: Ledger, registry: Registry, world: World, kms: MemoryKms
    ) -> None:
        seats = [Witness(), Witness()]
        body = Organisation("witnessed.example", witness=witnessed_by(2, *seats), portable=True)
        await registry.submit(world.root.accredit(body.did, "organisation"))
        await registry.submit(body.lines[0])
        with pytest.raises(GuardError, match="G10"):
            await registry.submit(approval(body.version_id, Witness()))
        with pytest.raises(DidNotFoundError):
            await registry.did_log(body.did)
        first = body.version_id
        await asyncio.gather(*[registry.submit(approval(first, seat)) for seat in seats])
        old = body.did
        await asyncio.gather(
            registry.submit(body.move("moved.example")), registry.submit(approval(body.version_id, *seats))
        )
        follower = RegistryFollower(ledger, roots=[world.root.did], keys=[await registry.note_key()])
        for source in (registry, follower, self.open(ledger, world, kms)):
            method = DidWebvh(log_source=source, now=lambda: NOW)
            for name in (old, body.did):
                assert (await method.resolve(name)).metadata.version_id == body.version_id
        report = await audit(ledger, roots=[world.root.did], keys=[await registry.note_key()])
        assert report.ok
        assert report.counts["DidWitnessProofs"] == 3

    async def test_a_batch_is_checked_in_order(self, ledger: Ledger, registry: Registry, world: World) -> None:
        one, two = world.agency.commit(world.URI, 1), world.agency.commit(world.URI, 2)
        late = world.agency.commit(world.URI, 1, digest=b"other")
        results = await asyncio.gather(*map(registry.submit, (one, two, late)), return_exceptions=True)
        assert [type(result).__name__ for result in results] == ["Submitted", "Submitted", "GuardError"]
        body = Organisation("new.example")
        chain = [world.root.accredit(body.did, "organisation"), body.lines[0], world.root.accredit(body.did, "issuer")]
        await asyncio.gather(*map(registry.submit, [*chain, body.commit("https://new.example/1", 0)]))
        assert await ledger.size() == 10

    async def test_two_writers_check_against_each_other(
        self, ledger: Ledger, registry: Registry, world: World, kms: MemoryKms
    ) -> None:
        other = self.open(ledger, world, kms)
        lists = [f"https://agency.example/status/{i}" for i in range(20)]
        entries = [world.agency.commit(uri, epoch) for uri in lists for epoch in (1, 2)]
        results = await asyncio.gather(
            *(registry.submit(entry) for entry in entries[::2]),
            *(other.submit(entry) for entry in entries[1::2]),
            return_exceptions=True,
        )
        # Epoch 1 may come too late, then it is refused; epoch 2 always stands. Whatever stands is in order.
        assert all(isinstance(result, Submitted) for result in results[20:])
        assert {getattr(result, "code", "G11") for result in results[:20]} == {"G11"}
        views = [await each.refresh() for each in (registry, other)]
        follower = RegistryFollower(ledger, roots=[world.root.did], keys=[await registry.note_key()])
        views.append(await follower.refresh())
        assert {view.size for view in views} == {await ledger.size()}
        assert not follower.state.refusals
        for uri in lists:
            assert {getattr(view.newest_commitment(uri), "epoch", None) for view in views} == {2}

    async def test_a_lost_answer_is_repaired_by_asking_again(
        self, ledger: Ledger, world: World, kms: MemoryKms
    ) -> None:
        faults = Faults(ledger)
        registry = self.open(faults, world, kms)
        for entry in world.entries:
            await registry.submit(entry)
        entry = world.agency.commit(world.URI, 1)
        faults.before = [UnavailableError("disk")]
        with pytest.raises(UnavailableError):
            await registry.submit(entry)
        assert registry.view().newest_commitment(world.URI) is None
        faults.after = [UnavailableError("lost answer")]
        with pytest.raises(UnavailableError):
            await registry.submit(entry)
        faults.puts = [UnavailableError("no head")]
        with pytest.raises(UnavailableError):
            await registry.submit(entry)
        assert (await registry.submit(entry)).index == 4
        faults.before = [ConflictError("busy")] * 3
        assert (await registry.submit(world.agency.commit(world.URI, 2))).index == 5
        faults.before = [ConflictError("busy")] * 99
        with pytest.raises(UnavailableError):
            await registry.submit(world.agency.commit(world.URI, 3))
        faults.before = []
        faults.puts = [ConflictError("busy")] * 3
        assert (await registry.submit(world.agency.commit(world.URI, 3))).index == 6

    async def test_what_somebody_wrote_past_submit_has_no_effect_for_ever(
        self, ledger: Ledger, registry: Registry, world: World
    ) -> None:
        body = Organisation("early.example")
        early = body.commit("https://early.example/1", 0)
        await ledger.append([early, b"noise"])
        view = await registry.refresh()
        assert view.newest_commitment("https://early.example/1") is None
        assert registry.state.counts["refused"] == 2
        setup = [world.root.accredit(body.did, "organisation"), body.lines[0], world.root.accredit(body.did, "issuer")]
        for entry in setup:
            await registry.submit(entry)
        with pytest.raises(GuardError, match="sign the statement anew"):
            await registry.submit(early)
        anew = body.commit("https://early.example/1", 0, iat=NOW + 1)
        assert (await registry.submit(anew)).index == 9

    async def test_a_reader_believes_signed_heads_only(
        self, ledger: Ledger, registry: Registry, world: World, kms: MemoryKms
    ) -> None:
        key = await registry.note_key()
        await ledger.append([world.agency.commit(world.URI, 1)])
        reader = RegistryFollower(ledger, roots=[world.root.did], keys=[key])
        view = await reader.refresh()
        assert (view.size, view.checkpoint_time) == (4, NOW)
        assert view.newest_commitment(world.URI) is None
        assert (await RegistryFollower(ledger, roots=[world.root.did]).refresh()).newest_commitment(world.URI)
        later = self.open(ledger, world, kms, now=NOW + 60)
        note = await later.sign_checkpoint()
        assert verify_note(note, keys=[key]).cosigned_at == NOW + 60
        view = await reader.refresh()
        assert (view.size, view.checkpoint_time) == (5, NOW + 60)
        assert view.newest_commitment(world.URI)

    async def test_the_log_of_a_did_comes_from_the_ledger(self, registry: Registry, world: World) -> None:
        body = Organisation("log.example")
        second = body.next_line()
        for entry in (world.root.accredit(body.did, "organisation"), *body.lines):
            await registry.submit(entry)
        assert await registry.did_log(body.did) == body.lines[0] + b"\n" + second + b"\n"
        assert registry.view().document(body.did).id == body.did
        with pytest.raises(DidNotFoundError):
            await registry.did_log("did:webvh:QmNone:nowhere.example")

    async def test_many_readers_of_one_follower_fold_every_entry_once(
        self, ledger: Ledger, registry: Registry, world: World
    ) -> None:
        reader = RegistryFollower(ledger, roots=[world.root.did], keys=[await registry.note_key()])
        await asyncio.gather(*(reader.did_log(world.agency.did) for _ in range(8)))
        assert reader.state.size == await ledger.size()
        assert not reader.state.refusals

    async def test_cancelled_callers_do_not_stop_the_others(
        self, ledger: Ledger, registry: Registry, world: World
    ) -> None:
        entries = [world.agency.commit(f"https://agency.example/status/{i}", 0) for i in range(8)]
        tasks = [asyncio.ensure_future(registry.submit(entry)) for entry in entries]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(result, Submitted) for result in results) == 4
        assert (await registry.refresh()).size == await ledger.size()


class TestMemory(RegistryContract):
    @pytest.fixture
    async def ledger(self) -> AsyncIterator[Ledger]:
        ledger = open_ledger("memory:")
        yield ledger
        await ledger.close()

    async def test_a_log_that_is_not_what_was_signed_is_refused(
        self, ledger: Ledger, registry: Registry, world: World
    ) -> None:
        key = await registry.note_key()

        class Forked(Faults):
            async def read(self, start: int, stop: int) -> Any:
                found = list(await super().read(start, stop))
                return [
                    world.root.accredit(world.agency.did, "supervisor") if i == 0 else e for i, e in enumerate(found)
                ]

        with pytest.raises(InclusionProofError):
            await RegistryFollower(Forked(ledger), roots=[world.root.did], keys=[key]).refresh()

        class Shorter(Faults):
            async def size(self) -> int:
                return 2

        with pytest.raises(InclusionProofError):
            await RegistryFollower(Shorter(ledger), roots=[world.root.did], keys=[key]).refresh()


class TestSqlite(RegistryContract):
    @pytest.fixture
    async def ledger(self, tmp_path: Path) -> AsyncIterator[Ledger]:
        ledger = open_ledger(f"sqlite://{tmp_path}/ledger.db")
        yield ledger
        await ledger.close()

    async def test_a_new_process_continues(
        self, tmp_path: Path, registry: Registry, world: World, kms: MemoryKms
    ) -> None:
        await registry.submit(world.agency.commit(world.URI, 1))
        again = open_ledger(f"sqlite://{tmp_path}/ledger.db")
        try:
            fresh = self.open(again, world, kms)
            assert (await fresh.submit(world.agency.commit(world.URI, 2))).index == 5
        finally:
            await again.close()
        assert getattr((await registry.refresh()).newest_commitment(world.URI), "epoch", None) == 2


class TestPostgres(RegistryContract):
    @pytest.fixture
    async def ledger(self) -> AsyncIterator[Ledger]:
        ledger = open_ledger(server().url())
        yield ledger
        await ledger.close()

    async def test_registries_of_several_writers_take_turns(self, world: World, kms: MemoryKms) -> None:
        url = server().url()
        ledgers = [open_ledger(url) for _ in range(3)]
        try:
            registries = [self.open(ledger, world, kms) for ledger in ledgers]
            for entry in world.entries:
                await registries[0].submit(entry)
            start = await ledgers[0].size()

            async def write(number: int) -> list[int]:
                uri = f"https://agency.example/status/{number}"
                answers = [await registries[number % 3].submit(world.agency.commit(uri, epoch)) for epoch in range(8)]
                for answer in answers:
                    verify_receipt(answer.receipt, answer.entry, keys=[await registries[0].note_key()])
                return [answer.index for answer in answers]

            indexes = [index for part in await asyncio.gather(*map(write, range(12))) for index in part]
            assert sorted(indexes) == list(range(start, start + 96))
            report = await audit(
                ledgers[0], checkpoint=None, keys=[await registries[0].note_key()], roots=[world.root.did]
            )
            assert report.ok
        finally:
            for ledger in ledgers:
                await ledger.close()
