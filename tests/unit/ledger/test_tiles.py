"""Tiles: paths, coordinates, the folder of files, and reading somebody else's log from them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ssi.errors import (
    BrokenEntryError,
    ConflictError,
    ForkError,
    InclusionProofError,
    InvalidInputError,
    InvalidSignatureError,
    UnavailableError,
)
from ssi.ledger import Ledger, Withheld, merkle, open_ledger, tiles
from ssi.ledger.backends.memory import MemoryLedger
from ssi.ledger.backends.tile_folder import TileFolder
from ssi.ledger.backends.tile_source import FolderTiles
from ssi.ledger.backends.tiles import TilesLedger
from ssi.ledger.fork import parse_fork_proof, verify_fork
from ssi.ledger.storage import verify_storage
from ssi.ledger.tiles import Bundle, Tile, WithheldNote, parse_path
from tests.contracts.ledger import ReadingContract, WithheldContract, reference_root
from tests.contracts.tiles import AlteredSource, PublishedLedger, Publisher

ENTRIES = [b"entry %d" % index for index in range(700)]


class TestTilesOfAFolder(WithheldContract, ReadingContract):
    @pytest.fixture
    async def ledger(self, tmp_path: Path) -> Ledger:
        publisher = Publisher(folder=TileFolder(tmp_path / "log"))
        return PublishedLedger(publisher, TilesLedger(FolderTiles(tmp_path / "log"), keys=[await publisher.key()]))


class TestTilesOfALedger(WithheldContract, ReadingContract):
    @pytest.fixture
    async def ledger(self) -> Ledger:
        publisher = Publisher()
        return PublishedLedger(publisher, TilesLedger(publisher.live(), keys=[await publisher.key()]))


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 1234067), "tile/0/x001/x234/067"),
        (Tile(3, 999, 255), "tile/3/999.p/255"),
        (Tile(7, 1000, 1), "tile/7/x001/000.p/1"),
        (Bundle(1234067), "tile/entries/x001/x234/067"),
        (Bundle(0, 112), "tile/entries/000.p/112"),
        (WithheldNote(273), "withheld/273"),
    ],
)
def test_paths(resource: tiles.Resource, path: str) -> None:
    assert resource.path == path
    assert parse_path(path) == resource


@pytest.mark.parametrize(
    "path",
    [
        "tile/00/000",
        "tile/0/0",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/8/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/../000",
        "tile/0/000\n",
        "tile/0/\u0660\u0660\u0660",
        "tile/entries/000.p/",
        "checkpoint",
        "withheld/000.p/3",
        "/tile/0/000",
        "",
    ],
)
def test_other_paths_name_nothing(path: str) -> None:
    with pytest.raises(InvalidInputError):
        parse_path(path)


def test_the_tiles_of_70_000_entries() -> None:
    # The example in the C2SP text.
    found = list(tiles.grown(0, 70_000))
    full, partial = [tile for tile in found if tile.width == 256], [tile for tile in found if tile.width < 256]
    assert [sum(tile.level == level for tile in full) for level in range(3)] == [273, 1, 0]
    assert partial == [Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1)] == tiles.edge(70_000)
    assert list(tiles.grown(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert len(list(tiles.bundles(0, 70_000))) == 274


@pytest.mark.parametrize(("old", "new"), [(0, 1), (255, 256), (256, 257), (255, 700), (300, 66_000), (65_536, 65_537)])
def test_what_grew_is_what_is_new_or_wider(old: int, new: int) -> None:
    def every(size: int) -> set[Tile]:
        rows = [(level, -(-(size >> 8 * level) // 256)) for level in range(4)]
        return {Tile(level, i, tiles.width_at(level, i, size)) for level, count in rows for i in range(count)}

    assert set(tiles.grown(old, new)) == every(new) - every(old)


def test_bundles_and_tiles_are_read_in_their_exact_length() -> None:
    data = tiles.build_bundle([b"", b"a", b"x" * 65_535])
    assert tiles.parse_bundle(data, 3) == [b"", b"a", b"x" * 65_535]
    for broken, width in [(data[:-1], 3), (data + b"\0", 3), (data, 2), (data, 4), (b"", 1)]:
        with pytest.raises(InvalidInputError):
            tiles.parse_bundle(broken, width)
    for length, width in [(31, 1), (64, 1), (0, 1), (8191, 256)]:
        with pytest.raises(InvalidInputError):
            tiles.parse_tile(bytes(length), width)
    assert len(tiles.parse_tile(bytes(8192), 7)) == 7
    for text in (b"{}", b"[]", b'{"format":"log-withheld/1","orders":{"256":"x"}}', b'{"format":"x","orders":{}}'):
        with pytest.raises(InvalidInputError):
            tiles.parse_withheld(text)
    assert tiles.parse_withheld(tiles.build_withheld({255: "order 1", 0: "x"})) == {0: "x", 255: "order 1"}


async def _published(tmp_path: Path, count: int = 700) -> tuple[Publisher, AlteredSource, TilesLedger]:
    publisher = Publisher(folder=TileFolder(tmp_path / "log"))
    await publisher.ledger.append(ENTRIES[:count])
    await publisher.publish()
    source = AlteredSource(FolderTiles(tmp_path / "log"))
    return publisher, source, TilesLedger(source, keys=[await publisher.key()])


async def test_a_log_of_three_levels_is_read_back(tmp_path: Path) -> None:
    publisher = Publisher(folder=TileFolder(tmp_path))
    entries = [b"%d" % index for index in range(66_000)]
    await publisher.ledger.append(entries)
    await publisher.publish()
    reader = TilesLedger(FolderTiles(tmp_path), keys=[await publisher.key()], cached_tiles=16)
    assert await reader.size() == 66_000
    assert list(await reader.read(65_500, 65_600)) == entries[65_500:65_600]
    for level in range(17):
        count = min(66_000 >> level, 3_000)
        assert await reader.hashes(level, 0, count) == await publisher.ledger.hashes(level, 0, count)
    root = await merkle.root(publisher.ledger, 66_000)
    for index in (0, 255, 256, 65_535, 65_536, 65_999):
        path = await merkle.inclusion_proof(reader, index, 66_000)
        merkle.verify_inclusion(index, 66_000, merkle.leaf_hash(entries[index]), path, root)
    assert len(reader._head[2].kept) <= 16  # type: ignore[index]


async def test_an_altered_byte_of_any_tile_is_refused(tmp_path: Path) -> None:
    publisher, source, _ = await _published(tmp_path)
    keys = [await publisher.key()]
    for tile in tiles.grown(0, 700):
        data = bytearray((tmp_path / "log" / tile.path).read_bytes())
        data[len(data) // 2] ^= 1
        source.altered = {tile.path: bytes(data)}
        fresh = TilesLedger(source, keys=keys)
        with pytest.raises(InclusionProofError):
            await verify_storage(fresh)
        source.altered = {tile.path: bytes(data[:-1])}
        with pytest.raises(InclusionProofError):
            await verify_storage(TilesLedger(source, keys=keys))


async def test_an_altered_bundle_names_its_entry(tmp_path: Path) -> None:
    _, source, reader = await _published(tmp_path)
    whole = [ENTRIES[:256], ENTRIES[256:512], ENTRIES[512:]]
    altered = [list(part) for part in whole]
    altered[1][44] = b"entry 1000"
    source.altered = {Bundle(1).path: tiles.build_bundle(altered[1])}
    assert len(await reader.read(0, 256)) == 256
    with pytest.raises(BrokenEntryError) as broken:
        await reader.read(300, 301)
    assert broken.value.entry == 300
    # An entry that is emptied is not withheld unless somebody says by which order.
    altered[1][44] = b""
    source.altered = {Bundle(1).path: tiles.build_bundle(altered[1])}
    with pytest.raises(BrokenEntryError):
        await reader.read(300, 301)
    source.altered[WithheldNote(1).path] = tiles.build_withheld({44: "order 3/2026"})
    assert await reader.read(300, 301) == [Withheld(merkle.leaf_hash(ENTRIES[300]), "order 3/2026")]
    source.altered[WithheldNote(1).path] = tiles.build_withheld({45: "order 3/2026"})
    with pytest.raises(BrokenEntryError):
        await reader.read(300, 301)
    source.altered = {Bundle(2, 188).path: b"\0"}
    with pytest.raises(BrokenEntryError):
        await reader.read(600, 601)


async def test_a_partial_tile_may_give_way_to_the_full_one(tmp_path: Path) -> None:
    publisher, source, reader = await _published(tmp_path, 300)
    old_note = (tmp_path / "log" / "checkpoint").read_bytes()
    await publisher.ledger.append(ENTRIES)
    await publisher.publish()
    assert not (tmp_path / "log" / "tile/entries/001.p").exists()
    source.altered["checkpoint"] = old_note  # a cache still serves the head before
    assert await reader.size() == 300
    assert list(await reader.read(256, 300)) == ENTRIES[256:300]
    del source.altered["checkpoint"]
    assert await reader.size() == 700
    source.altered[Bundle(0).path] = None
    with pytest.raises(UnavailableError):
        await reader.read(0, 1)


async def test_tiles_are_asked_for_once(tmp_path: Path) -> None:
    _, source, reader = await _published(tmp_path)
    for _ in range(3):
        await reader.hashes(0, 0, 700)
    assert sorted(source.asked) == sorted(["checkpoint", *(tile.path for tile in tiles.grown(0, 700))])


async def test_the_checkpoint_is_signed_by_a_given_key(tmp_path: Path) -> None:
    _, source, _ = await _published(tmp_path, 3)
    with pytest.raises(InvalidSignatureError):
        await TilesLedger(source, keys=[await Publisher().key()]).size()
    with pytest.raises(InvalidInputError):
        TilesLedger(source, keys=[])


async def test_a_log_that_goes_back_or_forks_is_refused(tmp_path: Path) -> None:
    publisher, source, reader = await _published(tmp_path, 300)
    key = await publisher.key()
    assert await reader.size() == 300
    early = Publisher(MemoryLedger())
    early.kms = publisher.kms
    await early.ledger.append(ENTRIES[:200])
    source.altered["checkpoint"] = await early.sign()
    with pytest.raises(InclusionProofError, match="size 200, after 300") as back:
        await reader.size()
    assert not isinstance(back.value, ForkError)
    for entries in ([b"forged", *ENTRIES[1:200]], [b"forged", *ENTRIES[1:300]], [b"forged", *ENTRIES[1:]]):
        other = Publisher(MemoryLedger())
        other.kms = publisher.kms
        await other.ledger.append(entries)
        await other.sign()
        source.source = other.live()
        source.altered = {}
        with pytest.raises(ForkError) as forked:
            await reader.size()
        proved = verify_fork(parse_fork_proof(forked.value.proof), keys=[key])
        assert {proved.first.size, proved.second.size} == {300, len(entries)}
    # The reader goes on with what it believed.
    source.source = FolderTiles(tmp_path / "log")
    assert await reader.size() == 300
    await verify_storage(reader)


async def test_the_folder_is_brought_up_to_date_whatever_interrupted_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = Publisher()
    folder = TileFolder(tmp_path)
    await publisher.ledger.append(ENTRIES[:300])
    await publisher.sign()
    assert (await folder.update(publisher.ledger)).files == 6
    assert (await folder.update(publisher.ledger)).files == 0
    await publisher.ledger.append(ENTRIES)
    await publisher.sign()
    real, left = Path.replace, 0

    def replace(path: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(28, os.strerror(28))
        return real(path, target)

    key = await publisher.key()
    for allowed in range(20):
        left = allowed
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", replace)
            try:
                done = await TileFolder(tmp_path).update(publisher.ledger)
            except UnavailableError:
                done = None
        reader = TilesLedger(FolderTiles(tmp_path), keys=[key])
        assert await reader.size() == (300 if done is None else 700)
        await verify_storage(reader)
        if done is not None:
            break
    assert done is not None
    assert not (tmp_path / ".new").exists()
    assert reference_root(ENTRIES) == await merkle.root(reader, 700)


async def test_a_folder_of_another_history_is_left_alone(tmp_path: Path) -> None:
    publisher, _, _ = await _published(tmp_path, 300)
    folder = TileFolder(tmp_path / "log")
    for entries, error in (([b"forged", *ENTRIES[1:]], InclusionProofError), (ENTRIES[:100], ConflictError)):
        other = Publisher()
        other.kms = publisher.kms
        await other.ledger.append(entries)
        await other.sign()
        with pytest.raises(error):
            await folder.update(other.ledger)
    named = Publisher(origin="other.example")
    await named.ledger.append(ENTRIES)
    await named.sign()
    with pytest.raises(InclusionProofError):
        await folder.update(named.ledger)
    with pytest.raises(ConflictError):
        await folder.update(MemoryLedger())
    tile = tmp_path / "log" / Tile(0, 0).path
    tile.write_bytes(bytes(8192))
    with pytest.raises(InclusionProofError):
        await folder.update(publisher.ledger, whole=True)


async def test_an_erased_body_leaves_every_file(tmp_path: Path) -> None:
    publisher, source, _ = await _published(tmp_path, 300)
    ledger = publisher.ledger
    assert isinstance(ledger, MemoryLedger)
    await ledger.append(ENTRIES[:310])
    await publisher.publish()  # two widths of the last bundle are there now
    for index in (3, 290):
        await ledger.withhold(index, order=f"order {index}")
    done = await TileFolder(tmp_path / "log").update(ledger, withheld=[3, 290])
    assert done.files == 5  # two bundles, two notes, and the narrower width
    everything = b"".join(file.read_bytes() for file in (tmp_path / "log").rglob("*") if file.is_file())
    assert b"entry 290" not in everything
    assert b"\x00\x07entry 3\x00" not in everything
    assert b"\x00\x07entry 4\x00" in everything
    reader = TilesLedger(source, keys=[await publisher.key()])
    assert (await verify_storage(reader)).withheld == (3, 290)
    assert (await TileFolder(tmp_path / "log").update(ledger, whole=True)).files == 0


async def test_one_writer_at_a_time(tmp_path: Path) -> None:
    publisher, _, _ = await _published(tmp_path, 3)
    folder = TileFolder(tmp_path / "log")
    with folder._locked(), pytest.raises(UnavailableError):
        await TileFolder(tmp_path / "log").update(publisher.ledger)
    assert (await TileFolder(tmp_path / "empty").update(MemoryLedger())).size == 0


async def test_opened_by_url(tmp_path: Path) -> None:
    publisher, _, _ = await _published(tmp_path, 3)
    key = await publisher.key()
    for url in (f"tiles:{tmp_path}/log", f"tiles:{tmp_path}/log?vkey={key.vkey}"):
        ledger = open_ledger(url, keys=() if "vkey" in url else [key])
        assert list(await ledger.read(0, 3)) == ENTRIES[:3]
        with pytest.raises(InvalidInputError):
            await ledger.append([b"x"])
        with pytest.raises(InvalidInputError):
            await ledger.put_checkpoint(None, b"")
    for url in (f"tiles:{tmp_path}", "https://log.example/", f"tiles:{tmp_path}?vkey=x", f"tiles:{tmp_path}?key=x"):
        with pytest.raises(InvalidInputError):
            open_ledger(url)
