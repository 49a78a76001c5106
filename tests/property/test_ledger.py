"""Laws of the ledger: what holds for every tree, every note and every order of operations."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ssi.errors import ConflictError, InclusionProofError, InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys import Curve, PrivateKey
from ssi.ledger import Ledger, Withheld, merkle
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.backends.sqlite import SqliteLedger
from ssi.ledger.checkpoint import Checkpoint, NoteKey, checkpoint_text, parse_checkpoint
from ssi.ledger.note import COSIGNATURE_V1, ED25519, build_note, open_note, parse_note, parse_vkey
from ssi.ledger.receipt import Receipt, build_receipt, parse_receipt
from ssi.ledger.storage import verify_storage
from tests.contracts.ledger import reference_root, unsigned

HASHES = st.binary(min_size=32, max_size=32)
PRIVATE = PrivateKey.from_raw(Curve.ED25519, bytes(range(32)))
KEY = NoteKey("ledger.example/log", PRIVATE.public_key)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"], exclude_characters="+"), min_size=1)
LINES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)


async def _ledger(entries: list[bytes]) -> MemoryLedger:
    ledger = MemoryLedger()
    await ledger.append(entries)
    return ledger


@given(st.integers(1, 200), st.data())
async def test_every_leaf_of_every_tree_is_provable_at_its_place_only(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    ledger = await _ledger([b"%d" % i for i in range(size + data.draw(st.integers(0, 20)))])
    root, path = await merkle.root(ledger, size), await merkle.inclusion_proof(ledger, index, size)
    leaf = merkle.leaf_hash(b"%d" % index)
    merkle.verify_inclusion(index, size, leaf, path, root)
    assert len(path) <= size.bit_length()
    # (Another size with the same path may be a true statement about the same root, so size is not altered here.)
    other = data.draw(st.integers(0, size - 1))
    if other != index:
        with pytest.raises(InclusionProofError):
            merkle.verify_inclusion(other, size, leaf, path, root)
    position = data.draw(st.integers(0, len(path) * 32 + 31))
    altered = bytearray(b"".join([leaf, *path]))
    altered[position] ^= 1 << data.draw(st.integers(0, 7))
    pieces = [bytes(altered[i : i + 32]) for i in range(0, len(altered), 32)]
    with pytest.raises(InclusionProofError):
        merkle.verify_inclusion(index, size, pieces[0], pieces[1:], root)


@given(st.integers(1, 200), st.integers(0, 200), st.data())
async def test_every_tree_extends_every_earlier_one(old: int, more: int, data: st.DataObject) -> None:
    new = old + more
    ledger = await _ledger([b"%d" % i for i in range(new)])
    roots = await merkle.root(ledger, old), await merkle.root(ledger, new)
    path = await merkle.consistency_proof(ledger, old, new)
    merkle.verify_consistency(old, new, path, *roots)
    altered = bytearray(b"".join([*roots, *path]))
    position = data.draw(st.integers(0, len(altered) - 1))
    altered[position] ^= 1 << data.draw(st.integers(0, 7))
    pieces = [bytes(altered[i : i + 32]) for i in range(0, len(altered), 32)]
    with pytest.raises(InclusionProofError):
        merkle.verify_consistency(old, new, pieces[2:], pieces[0], pieces[1])


@given(st.integers(2, 60), st.data())
async def test_a_fork_is_never_consistent(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, old - 1))
    honest = await _ledger([b"%d" % i for i in range(size)])
    forked = await _ledger([b"fork" if i == changed else b"%d" % i for i in range(size)])
    path = data.draw(st.sampled_from([honest, forked]))
    with pytest.raises(InclusionProofError):
        merkle.verify_consistency(
            old,
            size,
            await merkle.consistency_proof(path, old, size),
            await merkle.root(honest, old),
            await merkle.root(forked, size),
        )


@given(
    st.integers(-2, 1 << 70),
    st.integers(-2, 1 << 70),
    st.lists(st.binary(max_size=40), max_size=80),
    st.binary(),
    HASHES,
)
def test_any_proof_holds_or_is_refused(a: int, b: int, path: list[bytes], odd: bytes, root: bytes) -> None:
    for leaf in (odd, root):
        with contextlib.suppress(InclusionProofError):
            merkle.verify_inclusion(a, b, leaf, path, root)
        with contextlib.suppress(InclusionProofError):
            merkle.verify_consistency(a, b, path, leaf, root)


@given(st.lists(st.integers(0, 40), max_size=8))
async def test_the_pieces_of_a_log_do_not_matter(pieces: list[int]) -> None:
    entries: list[bytes] = []
    ledger = MemoryLedger()
    for count in pieces:
        new = [b"%d" % i for i in range(len(entries), len(entries) + count)]
        await ledger.append(new)
        entries += new
    assert await merkle.root(ledger, len(entries)) == reference_root(entries)
    report = await verify_storage(ledger)
    assert (report.size, report.root) == (len(entries), reference_root(entries))


@given(st.binary(max_size=400))
def test_any_bytes_parse_or_are_invalid_input(data: bytes) -> None:
    for parse in (parse_note, parse_checkpoint, parse_receipt):
        with contextlib.suppress(InvalidInputError):
            parse(data)
    with contextlib.suppress(InvalidInputError):
        parse_vkey(data.decode(errors="surrogateescape"))


@given(NAMES, st.sampled_from([ED25519, COSIGNATURE_V1]))
def test_a_vkey_reads_back(name: str, algorithm: int) -> None:
    key = NoteKey(name, PRIVATE.public_key, algorithm)
    assert parse_vkey(key.vkey) == key


@given(LINES, st.integers(0, merkle.MAX_SIZE), HASHES, st.lists(LINES, max_size=3))
def test_a_checkpoint_reads_back(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert parse_checkpoint(checkpoint_text(checkpoint)) == checkpoint


@given(st.lists(LINES | st.just(""), max_size=6), st.data())
def test_a_note_reads_back_and_no_altered_text_is_believed(lines: list[str], data: st.DataObject) -> None:
    text = "".join(f"{line}\n" for line in [*lines, "end"]).encode()
    note = build_note(text, [(KEY, PRIVATE.sign(text))])
    assert open_note(note, keys=[KEY]).text == text
    position = data.draw(st.integers(0, len(note) - 1))
    altered = note[:position] + bytes([note[position] ^ 1 << data.draw(st.integers(0, 7))]) + note[position + 1 :]
    with pytest.raises((InvalidInputError, InvalidSignatureError)):
        open_note(altered, keys=[KEY])


@given(st.integers(0, 1 << 50), st.integers(0, 1 << 50), st.lists(HASHES, max_size=63))
def test_a_receipt_reads_back(index: int, size: int, path: list[bytes]) -> None:
    receipt = Receipt(index, size, tuple(path), unsigned(size, sha256(b"").digest(), KEY))
    assert parse_receipt(build_receipt(receipt)) == receipt


ENTRY = st.integers(0, 60).map(lambda i: b"entry %d" % i)


class LedgersAgree(RuleBasedStateMachine):
    """Two backends and the plainest model of a log: a list without repetitions."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.directory = Path(tempfile.mkdtemp())
        self.model: list[bytes] = []
        self.gone: set[int] = set()
        self.note: bytes | None = None

    @initialize()
    def open(self) -> None:
        self.memory = MemoryLedger()
        self.file = SqliteLedger(self.directory / "log.db")

    def teardown(self) -> None:
        self.loop.run_until_complete(self.file.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        shutil.rmtree(self.directory)

    def each(self, call: Any) -> list[Any]:
        """Run ``call`` on both ledgers; errors of our tree are answers, too, compared by their type."""

        async def answer(ledger: Ledger) -> Any:
            try:
                return await call(ledger)
            except (ConflictError, VerificationError) as exc:
                return type(exc)

        return [self.loop.run_until_complete(answer(ledger)) for ledger in (self.memory, self.file)]

    @rule(entries=st.lists(ENTRY, max_size=6), expected=st.none() | st.integers(0, 40))
    def append(self, entries: list[bytes], expected: int | None) -> None:
        new = [entry for entry in dict.fromkeys(entries) if entry not in self.model]
        answers = self.each(lambda ledger: ledger.append(entries, expected_size=expected))
        if new and expected is not None and expected != len(self.model):
            assert answers == [ConflictError, ConflictError]
            return
        self.model += new
        assert answers == [[self.model.index(entry) for entry in entries]] * 2

    @rule(size=st.integers(0, 60), stale=st.booleans())
    def put_checkpoint(self, size: int, stale: bool) -> None:
        root = reference_root(self.model[:size])
        note = unsigned(size, root, KEY)
        old = b"another" if stale else self.note
        answers = self.each(lambda ledger: ledger.put_checkpoint(old, note))
        assert answers[0] == answers[1]
        if answers[0] is None:
            assert size <= len(self.model)
            self.note = note

    @rule(index=st.integers(0, 60))
    def withhold(self, index: int) -> None:
        if index < len(self.model):
            self.each(lambda ledger: ledger.withhold(index, order="order"))
            self.gone.add(index)

    @rule()
    def restart(self) -> None:
        self.loop.run_until_complete(self.file.close())
        self.file = SqliteLedger(self.directory / "log.db")

    @invariant()
    def they_agree(self) -> None:
        size = len(self.model)
        stored = [
            Withheld(merkle.leaf_hash(entry), "order") if i in self.gone else entry
            for i, entry in enumerate(self.model)
        ]
        assert self.each(lambda ledger: ledger.size()) == [size, size]
        assert self.each(lambda ledger: ledger.read(0, size)) == [stored, stored]
        assert self.each(lambda ledger: merkle.root(ledger, size)) == [reference_root(self.model)] * 2
        assert self.each(lambda ledger: ledger.checkpoint()) == [self.note, self.note]
        reports = self.each(verify_storage)
        assert reports[0] == reports[1]


TestLedgersAgree = LedgersAgree.TestCase
TestLedgersAgree.settings = settings(
    max_examples=30, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
