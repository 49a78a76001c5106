"""What every ledger backend must do; a backend supplies only the ``ledger`` fixture, and ``kms`` comes from here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256

import pytest

from ssi.errors import ConflictError, EntryNotFoundError, InclusionProofError, InvalidInputError
from ssi.keys import Curve, KeyPurpose, Kms
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import MAX_ENTRY_BYTES, Ledger, Withheld, WithholdingLedger, merkle, stream
from ssi.ledger.checkpoint import Checkpoint, NoteKey, add_signature, build_note, checkpoint_text, sign_checkpoint
from ssi.ledger.storage import verify_storage

ORIGIN = "ledger.example/log"
LABEL = "checkpoint"


def reference_root(entries: list[bytes]) -> bytes:
    """The definition of RFC 6962, 2.1, word for word: what every shortcut is held against."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return sha256(b"\x01" + reference_root(entries[:split]) + reference_root(entries[split:])).digest()


def unsigned(size: int, root: bytes, key: NoteKey, *, origin: str = ORIGIN, mark: int = 0) -> bytes:
    """A note with the shape of a checkpoint: a backend does not look at the signature."""
    return build_note(checkpoint_text(Checkpoint(origin, size, root)), [(key, bytes([mark]) * 64)])


class ReadingContract:
    """Order, idempotence, hashes, proofs; also of a log that others sign. Each test starts with an empty ledger."""

    @pytest.fixture
    async def kms(self) -> Kms:
        kms = MemoryKms()
        await kms.generate(LABEL, curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
        return kms

    @pytest.fixture
    async def key(self, kms: Kms) -> NoteKey:
        return NoteKey(ORIGIN, await kms.public_key(LABEL))

    async def test_indexes_start_at_zero_and_keep_order(self, ledger: Ledger) -> None:
        assert await ledger.size() == 0
        assert list(await ledger.append([b"a", b"b"])) == [0, 1]
        assert list(await ledger.append([b"b"])) == [1]  # asked again, not written again
        assert list(await ledger.read(0, 2)) == [b"a", b"b"]
        with pytest.raises(EntryNotFoundError):
            await ledger.read(0, 3)

    async def test_one_call_may_hold_old_new_and_repeated_entries(self, ledger: Ledger) -> None:
        await ledger.append([b"a"])
        assert list(await ledger.append([b"b", b"a", b"b", b"c", b"b"])) == [1, 0, 1, 2, 1]
        assert await ledger.size() == 3
        assert list(await ledger.append([])) == []

    async def test_expected_size_is_compared_only_if_something_is_new(self, ledger: Ledger) -> None:
        assert list(await ledger.append([b"a"], expected_size=0)) == [0]
        with pytest.raises(ConflictError):
            await ledger.append([b"a", b"b"], expected_size=0)
        assert await ledger.size() == 1
        assert list(await ledger.append([b"a"], expected_size=0)) == [0]
        assert list(await ledger.append([b"b"], expected_size=1)) == [1]

    async def test_of_many_who_expect_one_size_one_wins(self, ledger: Ledger) -> None:
        calls = [ledger.append([b"%d" % i], expected_size=0) for i in range(20)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(result, ConflictError) for result in results) == 19
        assert await ledger.size() == 1

    async def test_many_writers_get_each_index_once(self, ledger: Ledger) -> None:
        async def write(writer: int) -> list[tuple[int, bytes]]:
            acknowledged = []
            for number in range(10):
                entry = b"%d/%d" % (writer, number)
                (index,) = await ledger.append([entry])
                acknowledged.append((index, entry))
            return acknowledged

        answers = [pair for answer in await asyncio.gather(*(write(i) for i in range(16))) for pair in answer]
        stored = list(await ledger.read(0, 160))
        assert sorted(index for index, _ in answers) == list(range(160))
        assert all(stored[index] == entry for index, entry in answers)
        await verify_storage(ledger)

    @pytest.mark.parametrize("entry", [b"", b"\x00", b"x" * MAX_ENTRY_BYTES], ids=["empty", "zero", "longest"])
    async def test_any_bytes_are_an_entry(self, ledger: Ledger, entry: bytes) -> None:
        await ledger.append([entry])
        assert list(await ledger.read(0, 1)) == [entry]

    @pytest.mark.parametrize("entry", [b"x" * (MAX_ENTRY_BYTES + 1), "text", None, bytearray(b"x")])
    async def test_what_is_no_entry_changes_nothing(self, ledger: Ledger, entry: bytes) -> None:
        with pytest.raises(InvalidInputError):
            await ledger.append([b"a", entry])
        assert await ledger.size() == 0

    @pytest.mark.parametrize(("start", "stop"), [(-1, 1), (1, 0), (0, 1 << 40)])
    async def test_what_is_no_range_is_refused(self, ledger: Ledger, start: int, stop: int) -> None:
        await ledger.append([b"a", b"b"])
        with pytest.raises(InvalidInputError):
            await ledger.read(start, stop)
        with pytest.raises(InvalidInputError):
            await ledger.hashes(0, start, stop)

    async def test_hashes_are_those_of_the_complete_subtrees(self, ledger: Ledger) -> None:
        entries = [b"%d" % i for i in range(45)]
        # In pieces of different lengths, so that rows begin and end at every kind of place.
        for start, stop in [(0, 1), (1, 2), (2, 7), (7, 20), (20, 21), (21, 45)]:
            await ledger.append(entries[start:stop])
        for level in range(6):
            complete = len(entries) >> level
            expected = [reference_root(entries[i << level : (i + 1) << level]) for i in range(complete)]
            assert list(await ledger.hashes(level, 0, complete)) == expected
            assert list(await ledger.hashes(level, complete, complete)) == []
            assert list(await ledger.hashes(level, complete // 2, complete)) == expected[complete // 2 :]
            with pytest.raises(EntryNotFoundError):
                await ledger.hashes(level, 0, complete + 1)
        with pytest.raises(InvalidInputError):
            await ledger.hashes(-1, 0, 1)
        with pytest.raises(InvalidInputError):
            await ledger.hashes(63, 0, 0)

    async def test_every_proof_of_every_size_holds(self, ledger: Ledger) -> None:
        entries = [b"entry %d" % i for i in range(19)]
        await ledger.append(entries)
        roots = [await merkle.root(ledger, size) for size in range(20)]
        assert roots == [reference_root(entries[:size]) for size in range(20)]
        for size in range(1, 20):
            for index, path in enumerate(await merkle.inclusion_proofs(ledger, range(size), size)):
                merkle.verify_inclusion(index, size, merkle.leaf_hash(entries[index]), path, roots[size])
                assert path == await merkle.inclusion_proof(ledger, index, size)
            for old in range(1, size + 1):
                path = await merkle.consistency_proof(ledger, old, size)
                merkle.verify_consistency(old, size, path, roots[old], roots[size])

    async def test_no_proof_is_made_past_the_end(self, ledger: Ledger) -> None:
        await ledger.append([b"a", b"b"])
        with pytest.raises(EntryNotFoundError):
            await merkle.inclusion_proof(ledger, 2, 2)
        with pytest.raises(EntryNotFoundError):
            await merkle.inclusion_proof(ledger, 2, 3)
        with pytest.raises(EntryNotFoundError):
            await merkle.consistency_proof(ledger, 1, 3)
        with pytest.raises(EntryNotFoundError):
            await merkle.consistency_proof(ledger, 3, 3)
        with pytest.raises(EntryNotFoundError):
            await merkle.root(ledger, 3)
        with pytest.raises(InvalidInputError):
            await merkle.consistency_proof(ledger, 0, 2)

    async def test_stream_reads_in_steps(self, ledger: Ledger) -> None:
        entries = [b"%d" % i for i in range(10)]
        await ledger.append(entries)
        assert [item async for item in stream(ledger, step=3)] == list(enumerate(entries))
        assert [item async for item in stream(ledger, 4, 6, step=3)] == [(4, b"4"), (5, b"5")]

    async def test_storage_is_held_against_a_trusted_checkpoint(self, ledger: Ledger) -> None:
        await ledger.append([b"a", b"b", b"c"])
        root = await merkle.root(ledger, 2)
        await verify_storage(ledger, checkpoint=Checkpoint(ORIGIN, 2, root))
        for size in (1, 3, 4):
            with pytest.raises(InclusionProofError):
                await verify_storage(ledger, checkpoint=Checkpoint(ORIGIN, size, root))


class LedgerContract(ReadingContract):
    """What a backend must do that takes the checkpoints of its own log, besides."""

    async def test_a_checkpoint_is_compared_and_swapped(self, ledger: Ledger, kms: Kms) -> None:
        assert await ledger.checkpoint() is None
        await ledger.append([b"a"])
        first = await sign_checkpoint(ledger, kms=kms, label=LABEL, origin=ORIGIN)
        await ledger.put_checkpoint(None, first)
        await ledger.append([b"b"])
        second = await sign_checkpoint(ledger, kms=kms, label=LABEL, origin=ORIGIN, now=1_700_000_000)
        with pytest.raises(ConflictError):
            await ledger.put_checkpoint(None, second)
        assert await ledger.checkpoint() == first
        await ledger.put_checkpoint(first, second)
        await ledger.put_checkpoint(first, second)  # asked again, as after a lost answer
        assert await ledger.checkpoint() == second
        await verify_storage(ledger)

    async def test_of_many_who_swap_one_wins(self, ledger: Ledger, key: NoteKey) -> None:
        await ledger.append([b"a"])
        root = await merkle.root(ledger, 1)
        notes = [unsigned(1, root, key, mark=i) for i in range(8)]
        results = await asyncio.gather(*(ledger.put_checkpoint(None, n) for n in notes), return_exceptions=True)
        assert sum(result is None for result in results) == 1
        assert sum(isinstance(result, ConflictError) for result in results) == 7
        assert await ledger.checkpoint() == notes[results.index(None)]

    async def test_a_checkpoint_may_gain_signatures(self, ledger: Ledger, kms: Kms, key: NoteKey) -> None:
        await ledger.append([b"a"])
        note = await sign_checkpoint(ledger, kms=kms, label=LABEL, origin=ORIGIN)
        await ledger.put_checkpoint(None, note)
        cosigned = add_signature(note, NoteKey("witness.example", key.public_key, 4), b"s" * 72)
        await ledger.put_checkpoint(note, cosigned)
        assert await ledger.checkpoint() == cosigned

    async def test_a_checkpoint_never_shrinks_forks_or_runs_ahead(self, ledger: Ledger, key: NoteKey) -> None:
        await ledger.append([b"a", b"b"])
        roots = [await merkle.root(ledger, size) for size in range(3)]
        stored = unsigned(2, roots[2], key)
        with pytest.raises(InclusionProofError):
            await ledger.put_checkpoint(None, unsigned(2, roots[1], key))
        with pytest.raises(InclusionProofError):
            await ledger.put_checkpoint(None, unsigned(3, roots[2], key))
        await ledger.put_checkpoint(None, stored)
        for refused in (unsigned(1, roots[1], key), unsigned(2, roots[2], key, origin="other.example")):
            with pytest.raises(ConflictError):
                await ledger.put_checkpoint(stored, refused)
        for text in (b"", b"no note", stored[:-1], stored.replace(b"\n2\n", b"\n02\n")):
            with pytest.raises(InvalidInputError):
                await ledger.put_checkpoint(stored, text)
        assert await ledger.checkpoint() == stored


class WithheldContract:
    """What a backend must do that can erase a body."""

    async def test_a_withheld_body_is_gone_and_every_proof_holds(self, ledger: Ledger) -> None:
        assert isinstance(ledger, WithholdingLedger)
        entries = [b"%d" % i for i in range(5)]
        await ledger.append(entries)
        root = await merkle.root(ledger, 5)
        await ledger.withhold(2, order="court order 7/2026")
        await ledger.withhold(2, order="another")
        gone = Withheld(merkle.leaf_hash(b"2"), "court order 7/2026")
        assert list(await ledger.read(0, 5)) == [b"0", b"1", gone, b"3", b"4"]
        merkle.verify_inclusion(2, 5, gone.leaf_hash, await merkle.inclusion_proof(ledger, 2, 5), root)
        assert list(await ledger.append([b"2"])) == [2]  # nor does it come back by being sent again
        report = await verify_storage(ledger, checkpoint=Checkpoint(ORIGIN, 5, root))
        assert (report.size, report.root, report.withheld) == (5, root, (2,))
        with pytest.raises(EntryNotFoundError):
            await ledger.withhold(5, order="order")


class WithholdingContract(WithheldContract, LedgerContract):
    """What a backend that can erase a body must do."""


async def closing(ledger: Ledger) -> AsyncIterator[Ledger]:
    """Yield a ledger to a fixture and close it afterwards."""
    try:
        yield ledger
    finally:
        await ledger.close()
        await ledger.close()
