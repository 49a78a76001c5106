"""Leaf hashes on a chain, bodies in tiles: a reader with an empty mirror has everything, and believes no file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ssi.durable import replace_file
from ssi.errors import InvalidInputError, UnavailableError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import Withheld, merkle, open_ledger, tiles
from ssi.ledger.backends.evm.contract import Mode
from ssi.ledger.backends.evm.ledger import EvmLeafLedger, EvmLedger
from ssi.ledger.backends.tile_folder import TileFolder
from ssi.ledger.checkpoint import sign_checkpoint, verify_note
from ssi.ledger.note import NoteKey
from ssi.ledger.tiles import Bundle
from ssi.registry import RegistryFollower, found_registry
from tests.evm.ledger import deployed, opened
from tests.evm.node import Node

ENTRIES = [b"entry %d" % number for number in range(300)]


class Published:
    """A log whose writer publishes tiles, and a reader elsewhere who has neither its mirror nor a key."""

    def __init__(self, node: Node, folder: Path, address: bytes, writer: EvmLeafLedger, key: NoteKey) -> None:
        self.node, self.folder, self.address = node, folder, address
        self.writer, self.key = writer, key

    @classmethod
    async def make(cls, node: Node, folder: Path) -> Published:
        address = await deployed(node, Mode.LEAVES)
        writer = opened(node, folder, address, Mode.LEAVES, finality=0)
        assert isinstance(writer, EvmLeafLedger)
        await writer.append(ENTRIES)
        kms = MemoryKms()
        key = await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT)
        await writer.put_checkpoint(None, await sign_checkpoint(writer, kms=kms, label="log", origin="log.example"))
        await TileFolder(folder / "tiles").update(writer)
        return cls(node, folder, address, writer, NoteKey("log.example", key))

    def reader(self, name: str = "reader.db", **options: object) -> EvmLedger:
        given = {"finality": 0, "key_file": None, "tiles": f"tiles:{self.folder / 'tiles'}", **options}
        return opened(self.node, self.folder, self.address, Mode.LEAVES, mirror=name, **given)

    def bundle(self, number: int, width: int) -> Path:
        return self.folder / "tiles" / Bundle(number, width).path

    def alter(self, number: int, width: int, place: int, body: bytes) -> None:
        path = self.bundle(number, width)
        entries = tiles.parse_bundle(path.read_bytes(), width)
        entries[place] = body
        replace_file(path, tiles.build_bundle(entries))


@pytest.fixture
async def published(chain_node: Node, tmp_path: Path) -> AsyncIterator[Published]:
    made = await Published.make(chain_node, tmp_path)
    yield made
    await made.writer.close()


async def test_a_reader_has_every_body_and_keeps_it(published: Published) -> None:
    reader = published.reader()
    try:
        assert await reader.read(0, 300) == ENTRIES
        assert await reader.missing() == []
        note = await reader.checkpoint()
        assert note is not None
        assert verify_note(note, keys=[published.key]).root == await merkle.root(reader, 300)
    finally:
        await reader.close()
    again = published.reader(tiles=None)
    try:
        assert await again.read(290, 300) == ENTRIES[290:]  # from its own mirror
    finally:
        await again.close()


async def test_only_what_is_asked_for_is_fetched(published: Published) -> None:
    reader = published.reader()
    try:
        assert await reader.read(299, 300) == ENTRIES[299:]
        assert await reader.missing(limit=400) == list(range(256))  # its bundle came whole
    finally:
        await reader.close()


async def test_without_tiles_a_body_is_not_there(published: Published) -> None:
    reader = published.reader(tiles=None)
    try:
        with pytest.raises(UnavailableError, match="only its leaf hash"):
            await reader.read(0, 1)
    finally:
        await reader.close()


@pytest.mark.parametrize("body", [b"entry 41", b"entry 42 altered", b""])
async def test_a_false_body_is_not_believed_and_the_others_are(published: Published, body: bytes) -> None:
    published.alter(0, 256, 42, body)
    reader = published.reader()
    try:
        with pytest.raises(UnavailableError, match="the body of entry 42 "):
            await reader.read(0, 256)
        assert await reader.read(43, 50) == ENTRIES[43:50]
        published.alter(0, 256, 42, ENTRIES[42])
        assert await reader.read(0, 256) == ENTRIES[:256]
    finally:
        await reader.close()


async def test_a_withheld_entry_is_said_to_be_one(published: Published) -> None:
    await published.writer.withhold(44, order="order 44")
    await TileFolder(published.folder / "tiles").update(published.writer, withheld=[44])
    reader = published.reader()
    try:
        found = await reader.read(0, 300)
        assert found[44] == Withheld(merkle.leaf_hash(ENTRIES[44]), "order 44")
        assert [*found[:44], *found[45:]] == [*ENTRIES[:44], *ENTRIES[45:]]
    finally:
        await reader.close()


@pytest.mark.parametrize("path", ["checkpoint", "tile/entries/000"])
@pytest.mark.parametrize("content", [b"", b"no file of a log\n", b"\xff\xff"])
async def test_files_that_are_none(published: Published, path: str, content: bytes) -> None:
    replace_file(published.folder / "tiles" / path, content)
    reader = published.reader()
    try:
        with pytest.raises(UnavailableError):
            await reader.read(0, 5)
        assert await reader.size() == 300
    finally:
        await reader.close()


async def test_tiles_that_lag_behind_the_chain(published: Published) -> None:
    await published.writer.append([b"newer"])
    reader = published.reader()
    try:
        assert await reader.read(256, 300) == ENTRIES[256:]
        with pytest.raises(UnavailableError, match="the body of entry 300 "):
            await reader.read(256, 301)
    finally:
        await reader.close()


@pytest.mark.parametrize("place", ["https://log.example/", "ftp://log.example/", "tiles:", "/folder", "https://"])
def test_a_place_that_cannot_be_read_is_refused_at_once(tmp_path: Path, place: str) -> None:
    url = f"evm+https://node.example/?contract=0x{'11' * 20}&chain_id=1&mirror={tmp_path / 'm.db'}&tiles={place}"
    with pytest.raises(InvalidInputError):
        open_ledger(url)
    assert not (tmp_path / "m.db").exists()


async def test_a_registry_is_followed_from_chain_and_tiles(chain_node: Node, tmp_path: Path) -> None:
    address = await deployed(chain_node, Mode.LEAVES)
    writer = opened(chain_node, tmp_path, address, Mode.LEAVES, finality=0)
    registry, ministry = await found_registry(
        writer, origin="log.example", root_domain="ministry.example", kms=MemoryKms()
    )
    await TileFolder(tmp_path / "tiles").update(writer)
    await writer.close()
    given = {"finality": 0, "key_file": None, "tiles": f"tiles:{tmp_path / 'tiles'}"}
    reader = opened(chain_node, tmp_path, address, Mode.LEAVES, mirror="reader.db", **given)
    try:
        follower = RegistryFollower(reader, roots=[ministry.did], keys=[await registry.note_key()])
        assert (await follower.refresh()).size == registry.view().size
        assert await follower.did_log(ministry.did) == ministry.log
    finally:
        await reader.close()
