"""Tessera, the Go implementation of tiled logs: files that it wrote verify here, and ours of its entries are its own.

Source:  the test data of its repository, in the published vectors (``tlog/tessera-testdata``).
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ssi.errors import InclusionProofError, InvalidSignatureError
from ssi.ledger import merkle
from ssi.ledger.backends.tile_folder import TileFolder
from ssi.ledger.backends.tile_source import FolderTiles
from ssi.ledger.backends.tiles import TilesLedger
from ssi.ledger.checkpoint import verify_note
from ssi.ledger.note import parse_vkey
from ssi.ledger.storage import verify_storage
from ssi.ledger.tiles import parse_bundle
from tests.contracts.tiles import Publisher
from tests.interop.matrix import HERE, THERE, PeerAbsent, exchange
from tests.vectors.support import vectors_root
from tests.vectors.test_tlog import TESSERA_KEY

PEER = "tessera"


def testdata() -> Path:
    """Return the log that Tessera wrote. Raises PeerAbsent without the vectors."""
    log = vectors_root() / "tlog" / "tessera-testdata" / "testdata" / "log"
    if not log.is_dir():
        raise PeerAbsent
    return log


def altered(source: Path, target: Path, name: str) -> FolderTiles:
    """Copy the log with one byte of one file changed."""
    for file in source.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(bytes([data[0] ^ 1]) + data[1:] if str(file.relative_to(source)) == name else data)
    return FolderTiles(target)


def in_a_folder(run: Callable[[Path], None]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder))


@exchange(PEER, "tlog-tiles", HERE)
def tiles_theirs_here() -> None:
    log, keys = testdata(), [parse_vkey(TESSERA_KEY)]

    async def run(folder: Path) -> None:
        ledger = TilesLedger(FolderTiles(log), keys=keys)
        size = (await verify_storage(ledger)).size
        note = await ledger.checkpoint()
        assert note is not None
        head = verify_note(note, keys=keys)
        assert head.size == size > 1
        for index, entry in enumerate(await ledger.read(0, size)):
            assert isinstance(entry, bytes)
            path = await merkle.inclusion_proof(ledger, index, size)
            merkle.verify_inclusion(index, size, merkle.leaf_hash(entry), path, head.root)
        for name in (f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}", "checkpoint"):
            with pytest.raises((InclusionProofError, InvalidSignatureError)):
                await verify_storage(TilesLedger(altered(log, folder / name.replace("/", "-"), name), keys=keys))

    in_a_folder(lambda folder: asyncio.run(run(folder)))


@exchange(PEER, "tlog-tiles", THERE)
def tiles_ours_there() -> None:
    """Their program is not at hand; that our files of their entries are theirs, byte by byte, shows the same."""
    log = testdata()

    async def run(folder: Path) -> None:
        publisher = Publisher(folder=TileFolder(folder))
        bundles = sorted((log / "tile" / "entries" / "000.p").iterdir(), key=lambda path: int(path.name))
        for bundle in bundles:
            await publisher.ledger.append(parse_bundle(bundle.read_bytes(), int(bundle.name)))
            await publisher.publish()
        for kind in ("entries", "0"):
            theirs = log / "tile" / kind / "000.p"
            assert sorted(os.listdir(theirs)) == sorted(os.listdir(folder / "tile" / kind / "000.p"))
            for file in theirs.iterdir():
                assert (folder / "tile" / kind / "000.p" / file.name).read_bytes() == file.read_bytes()

    in_a_folder(lambda folder: asyncio.run(run(folder)))
