"""Excerpts: some entries under the root of the whole log."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.errors import EntryNotFoundError, InvalidInputError
from ssi.ledger import Withheld, merkle
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.excerpt import LeftOut, RootBuilder, aligned, build_line, excerpt_lines, parse_line, whole_lines


async def log_of(size: int) -> MemoryLedger:
    ledger = MemoryLedger()
    await ledger.append([b"entry %d" % number for number in range(size)])
    return ledger


@given(st.integers(0, 70), st.sets(st.integers(0, 69)))
async def test_an_excerpt_has_the_root_of_its_log(size: int, wanted: set[int]) -> None:
    ledger = await log_of(size)
    kept = {index for index in wanted if index < size}
    tree = RootBuilder()
    seen = set()
    count = 0
    async for line in excerpt_lines(ledger, kept, size):
        assert parse_line(build_line(line)) == line
        if not isinstance(line, LeftOut):
            seen.add(tree.size)
            assert line == b"entry %d" % tree.size
        tree.add(line)
        count += 1
    assert (tree.size, seen) == (size, kept)
    assert tree.root() == await merkle.root(ledger, size)
    assert count <= (len(kept) + 1) * 2 * max(size.bit_length(), 1)


async def test_a_whole_log_leaves_nothing_out() -> None:
    ledger = await log_of(9)
    await ledger.withhold(4, order="order 7")
    lines = [line async for line in whole_lines(ledger, 9)]
    assert isinstance(lines[4], Withheld)
    assert [parse_line(build_line(line)) for line in lines] == lines


@given(st.integers(0, 500), st.integers(0, 500))
def test_gaps_are_cut_into_complete_subtrees(start: int, length: int) -> None:
    position = start
    for level, number in aligned(start, start + length):
        assert number << level == position
        position += 1 << level
    assert position == start + length


def test_a_subtree_stands_where_it_is_complete() -> None:
    tree = RootBuilder()
    tree.add(b"one")
    with pytest.raises(InvalidInputError, match="complete"):
        tree.add(LeftOut(1, bytes(32)))


@pytest.mark.parametrize(
    "line",
    [b"", b"7", b'{"hash":"AA","level":0}', b'{"hash":1,"level":0}', b'{"level":1}', b"[]", b'"a b"']
    + [build_line(LeftOut(0, bytes(32))).replace(b"0}", level + b"}") for level in (b"-1", b"49", b"1.0", b"true")],
)
def test_other_lines_are_refused(line: bytes) -> None:
    with pytest.raises(InvalidInputError):
        parse_line(line)


async def test_beyond_the_log_is_nothing() -> None:
    ledger = await log_of(4)
    with pytest.raises(InvalidInputError):
        [line async for line in excerpt_lines(ledger, [4], 4)]
    with pytest.raises(EntryNotFoundError):
        [line async for line in excerpt_lines(ledger, [3], 9)]
