"""The kept map: interrupted, damaged, read by another process, of another kind of file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from ssi.errors import ConflictError, InclusionProofError, InvalidInputError, UnavailableError
from ssi.ledger.sparse_map import EMPTY_ROOT, map_key, map_root, value_hash, verify_presence
from ssi.registry.backends.state_map_sqlite import SqliteStateMap
from ssi.registry.state_map import UNFINISHED
from ssi.registry.state_records import Thing

RECORDS: dict[Thing, bytes] = {("list", f"https://lists.example/{number}"): b"%d" % number for number in range(300)}
ROOT = map_root(sorted((map_key(*thing), value_hash(value)) for thing, value in RECORDS.items()))


async def test_what_is_loaded_in_parts_is_the_whole(tmp_path: Path) -> None:
    state_map = await SqliteStateMap.open(tmp_path / "map.db")
    assert await state_map.head() == (0, EMPTY_ROOT)
    items = list(RECORDS.items())
    parts = [dict(items[:100]), dict(items[50:200]), dict(items[200:])]
    assert await state_map.load(parts, size=7, keep=False) == ROOT
    assert await state_map.load([{("list", "more"): b"1"}], size=8, keep=True) != ROOT
    assert await state_map.load([RECORDS], size=9, keep=False) == ROOT
    await state_map.close()
    again = await SqliteStateMap.open(tmp_path / "map.db")
    assert await again.head() == (9, ROOT)
    await again.close()


async def test_an_interrupted_load_gives_no_answers(tmp_path: Path) -> None:
    def cut() -> Iterator[dict[Thing, bytes]]:
        yield RECORDS
        raise UnavailableError("the ledger does not answer")

    state_map = await SqliteStateMap.open(tmp_path / "map.db")
    await state_map.load([RECORDS], size=5, keep=False)
    for keep in (True, False):
        with pytest.raises(UnavailableError):
            await state_map.load(cut(), size=9, keep=keep)
        assert await state_map.head() == (UNFINISHED, EMPTY_ROOT)
        with pytest.raises(UnavailableError, match="being built"):
            await state_map.prove([("list", "x")])
    assert await state_map.load([RECORDS], size=9, keep=False) == ROOT
    await state_map.close()


async def test_a_plan_for_another_map_is_not_made(tmp_path: Path) -> None:
    state_map = await SqliteStateMap.open(tmp_path / "map.db")
    one, other = [await state_map.plan({("list", name): b"1"}) for name in ("one", "other")]
    await state_map.commit(one, size=1)
    with pytest.raises(ConflictError):
        await state_map.commit(other, size=1)
    assert await state_map.head() == (1, one.root)
    await state_map.close()


async def test_another_process_sees_what_is_committed(tmp_path: Path) -> None:
    writer, reader = [await SqliteStateMap.open(tmp_path / "map.db") for _ in range(2)]
    await writer.load([RECORDS], size=3, keep=False)
    thing = next(iter(RECORDS))
    for size in (4, 5):
        plan = await writer.plan({thing: b"new %d" % size})
        await writer.commit(plan, size=size)
        proved = await reader.prove([thing])
        assert (proved.size, proved.root) == (size, plan.root)
        value, proof = proved.answers[0]
        assert value is not None
        assert verify_presence(plan.root, map_key(*thing), value, proof) == b"new %d" % size
    await writer.close()
    await reader.close()


async def test_damage_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "map.db"
    state_map = await SqliteStateMap.open(path)
    await state_map.load([RECORDS], size=3, keep=False)
    await state_map.close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE buckets SET hash = zeroblob(32) WHERE number = (SELECT min(number) FROM buckets)")
    connection.commit()
    connection.close()
    damaged = await SqliteStateMap.open(path)
    with pytest.raises(InclusionProofError, match="damaged"):
        await damaged.prove([("list", "x")])
    assert await damaged.load([RECORDS], size=3, keep=False) == ROOT
    await damaged.close()


async def test_another_file_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE other (a)")
    connection.commit()
    connection.close()
    with pytest.raises(InvalidInputError):
        await SqliteStateMap.open(tmp_path / "other.db")
