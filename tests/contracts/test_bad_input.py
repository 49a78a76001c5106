"""Bad input, item by item, on every backend on which it can occur: our own error, in words, and nothing changed.

The items are those that a ledger's users run into: entries that may not stand, places that are not what they should be,
copies that are too old. Whatever is refused, the same log goes on afterwards.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ssi.errors import (
    GuardError,
    InclusionProofError,
    InvalidInputError,
    RollbackError,
    UnavailableError,
    VerificationError,
)
from ssi.keys import Curve, PrivateKey
from ssi.ledger import MAX_ENTRY_BYTES, open_ledger
from ssi.ledger.backends.evm.contract import Mode
from ssi.ledger.backends.tile_folder import TileFolder
from ssi.ledger.quorum import MemoryPin
from ssi.net.evm.values import format_address
from ssi.registry import RegistryFollower
from tests.contracts.bad_input import FILES, NAMES, Place, opened, raises, state
from tests.contracts.postgres import server
from tests.contracts.tiles import Publisher
from tests.evm.log import raw_log
from tests.evm.node import Node, node
from tests.unit.ledger.postgres_log import Log
from tests.unit.registry.answering import Operated
from tests.unit.registry.guarding import parse_payload
from tests.unit.registry.refused_entries import REFUSED
from tests.unit.registry.world import NOW, Organisation, World

SECRETS = ("jane", "Jane", "19900131", "%31%39", "06-12-34", "z6Mkha", "eyJrdHk", "0a1b2c3d", "ab12ab12", "s3cret")
ON_CHAIN = ("evm leaves", "evm entries")


@pytest.fixture(scope="module")
def chain_node() -> Iterator[Node]:
    with node() as running, running.mining():
        yield running


@pytest.fixture
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    name = request.param
    chain = request.getfixturevalue("chain_node") if name in ON_CHAIN else None
    log = Log(server()) if name == "postgres" else None
    return await Place(name, tmp_path, chain, log).prepare()


def on(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("place", names, indirect=True)


# --- entries ---------------------------------------------------------------------------------------------------------


@on(*NAMES)
async def test_entries_too_large(place: Place) -> None:
    before = await place.filled(b"a", b"b")
    ledger = place.open()
    large = b"jane" * (MAX_ENTRY_BYTES // 4) + b"jane"
    for batch in ([large], [b"c", large]):
        act = functools.partial(ledger.append, batch)
        await raises(InvalidInputError, act, str(MAX_ENTRY_BYTES), secrets=SECRETS)
    await raises(InvalidInputError, lambda: ledger.append(["text"]), "expected bytes")  # type: ignore[list-item]
    assert await state(ledger) == before
    assert list(await ledger.append([b"x" * MAX_ENTRY_BYTES, b"c"])) == [2, 3]
    await ledger.close()


@on(*NAMES)
async def test_what_the_guard_refuses(place: Place) -> None:
    """No registered statement, a key that is not valid then, and every rule that keeps people off the ledger."""
    world = World()
    ledger = place.open()
    operated = await Operated.start(world, ledger)
    before = await state(ledger)
    tried = set()
    for code, name, make in REFUSED:
        if name == "line feed":
            continue  # submit drops it, and finds the statement where it stands
        entry = make(world)
        try:
            await operated.registry.submit(entry)
            raise AssertionError(f"admitted: {code} {name}")
        except GuardError as exc:
            refused = exc
        said = str(refused)
        assert refused.code == code, (name, said)
        assert len(said) > len(code) + 10, said  # in words
        assert not [secret for secret in SECRETS if secret in said], (name, said)
        tried.add(code)
    assert tried >= {"G01", "G02", "G03", "G04", "G05", "G06", "G07", "G10", "G12", "G13"}
    assert await state(ledger) == before
    await _rotated_key(operated, world)
    assert (await operated.registry.submit(world.agency.commit(World.URI, 0))).index == await ledger.size() - 1
    await operated.close()
    await ledger.close()


async def _rotated_key(operated: Operated, world: World) -> None:
    """A key that was replaced signs nothing any more, and the new one nothing before it is there."""
    body = Organisation("rotating.example")
    old = body.keys["key-1"]
    await operated.registry.submit(world.root.accredit(body.did, "organisation"))
    await operated.registry.submit(body.lines[0])
    await operated.registry.submit(world.root.accredit(body.did, "issuer"))
    by_old = body.commit("https://rotating.example/1", 0)
    body.keys = {"key-2": PrivateKey.generate(Curve.P256)}
    rotated = body.next_line()
    body.keys["key-1"] = old
    by_new = body.sign(parse_payload(by_old), key="key-2")
    before = await state(operated.registry.ledger)
    with pytest.raises(GuardError, match="G10: kid is no assertion key"):
        await operated.registry.submit(by_new)
    assert await state(operated.registry.ledger) == before
    await operated.registry.submit(rotated)
    before = await state(operated.registry.ledger)
    with pytest.raises(GuardError, match="G10: kid is no assertion key"):
        await operated.registry.submit(by_old)
    assert await state(operated.registry.ledger) == before
    await operated.registry.submit(by_new)  # the same statement, once its key is in force


async def test_nothing_is_written_to_files_that_are_read() -> None:
    publisher = Publisher()
    await publisher.ledger.append([b"a"])
    note = await publisher.sign(now=NOW)
    from ssi.ledger.backends.tiles import TilesLedger

    ledger = TilesLedger(publisher.live(), keys=[await publisher.key()])
    before = await state(ledger)
    await raises(InvalidInputError, lambda: ledger.append([b"jane"]), "read", secrets=SECRETS)
    await raises(InvalidInputError, lambda: ledger.put_checkpoint(note, note), "read")
    assert await state(ledger) == before


# --- URLs ------------------------------------------------------------------------------------------------------------

CONTRACT = "contract=0x5FbDB2315678afecb367f032d93F642f64180aa3&chain_id=1&mirror=m.db"
URLS = [
    ("", "scheme"),
    ("log.db", "scheme"),
    ("mysql://jane:s3cret@host/log", "known are memory, sqlite"),
    ("sqlite:", "sqlite:///absolute/path"),
    ("sqlite://host/log.db", "sqlite:///absolute/path"),
    ("sqlite:log.db?hea=s3cret", "head=PATH"),
    ("sqlite:log.db?adopt_head=yes", "adopt_head"),
    ("postgresql://jane:s3cret@host/?head=h", "postgresql://user@host/database"),
    ("postgresql://host/db?head=h&unknown=s3cret", "option"),
    ("postgresql://jane@host/db", "head=PATH"),
    (f"evm+https://jane:s3cret@node.example/?{CONTRACT}", "neither user, password"),
    (f"evm+http://node.example/s3cret?{CONTRACT}", "https, or by http on this machine"),
    ("evm+https://node.example/s3cret", "lacks the option contract"),
    ("evm+https://node.example/s3cret?mirror=m", "lacks the option contract"),
    ("evm+https://node.example/s3cret?contract=0x12&chain_id=1&mirror=m", "address"),
    (f"evm+https://node.example/s3cret?{CONTRACT}&private_key=s3cret", "no option 'private_key'"),
    ("https://log.example/", "fetch"),
    ("tiles:", "tiles:PATH"),
    ("tiles:folder?key=s3cret", "tiles:PATH"),
    ("tiles:folder?vkey=s3cret", "vkey"),
]


@pytest.mark.parametrize(("url", "said"), URLS)
async def test_urls_that_name_no_ledger(url: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def act() -> None:
        open_ledger(url)

    await raises(InvalidInputError, act, said, secrets=SECRETS)
    assert list(tmp_path.iterdir()) == []


# --- places that are not what they should be -------------------------------------------------------------------------


@on(*FILES)
async def test_a_file_of_another_schema_version(place: Place) -> None:
    before = await place.filled(b"a", b"b")
    place.sql("PRAGMA user_version=7")
    await raises(InclusionProofError, lambda: opened(place), "version 7", "reads 1")
    place.sql("PRAGMA user_version=1")
    assert await place.looked_at() == before
    place.sql("PRAGMA application_id=1")
    await raises(InclusionProofError, lambda: opened(place), "not a ledger of this library")


@on("postgres")
async def test_a_database_of_another_schema_version(place: Place) -> None:
    before = await place.filled(b"a", b"b")
    assert place.log is not None
    await place.log.sql("UPDATE S.log SET version = 7")
    await raises(InclusionProofError, lambda: opened(place), "version 7", "reads version 1")
    await place.log.sql("UPDATE S.log SET version = 1")
    assert await place.looked_at() == before


@on(*ON_CHAIN)
async def test_a_contract_of_another_code_hash(place: Place, tmp_path: Path) -> None:
    before = await place.filled(b"a", b"b")
    assert place.node is not None
    other = Mode.LEAVES if place.mode is Mode.ENTRIES else Mode.ENTRIES
    async with raw_log(place.node, other) as log:
        place.node.mine(3)
        changes = {"contract": format_address(log.address), "mirror": tmp_path / "second.db"}
        await raises(VerificationError, lambda: opened(place, **changes), "its hash is another", str(place.mode))
    await raises(InclusionProofError, lambda: opened(place, contract=format_address(bytes(20))), "of another log")
    assert await place.looked_at() == before


@on(*ON_CHAIN)
async def test_a_node_on_another_chain(place: Place, tmp_path: Path) -> None:
    before = await place.filled(b"a", b"b")
    changes = {"chain_id": 5, "mirror": tmp_path / "second.db"}
    await raises(VerificationError, lambda: opened(place, **changes), "on chain 31337", "chain 5 is expected")
    await raises(InclusionProofError, lambda: opened(place, chain_id=5), "of another log")
    assert await place.looked_at() == before
    assert (await place.filled(b"c")).size == 3


# --- restored old copies ---------------------------------------------------------------------------------------------


@on("sqlite")
async def test_an_old_copy_of_a_file_is_not_started_from(place: Place) -> None:
    await place.filled(b"a", b"b")
    kept = place.copy("kept.db")
    newest = await place.filled(b"c")
    place.copy("newest.db")
    place.put_back(kept)
    await raises(
        InclusionProofError, lambda: opened(place), "older than the last signed head", "2 entries, 3 were signed"
    )
    place.put_back(place.folder / "newest.db")
    assert await place.looked_at() == newest


@on("postgres")
async def test_an_old_copy_of_a_database_is_not_started_from(place: Place) -> None:
    assert place.log is not None
    await place.filled(b"a", b"b")
    newest = await place.filled(b"c")
    old = Log(place.log.server)
    ledger = open_ledger(old.url)
    await ledger.append([b"a", b"b"])
    await ledger.close()
    shutil.copy(place.log.head, old.head)  # the head file lies outside of what was restored
    old.refused("older than the last signed head")
    assert await place.looked_at() == newest


@on(*ON_CHAIN)
async def test_an_old_mirror_is_filled_and_an_old_chain_refused(place: Place) -> None:
    assert place.node is not None
    await place.filled(b"a", b"b")
    kept = place.copy("kept.db")
    before_chain = place.node.rpc("evm_snapshot")
    newest = await place.filled(b"c")
    place.put_back(kept)  # a mirror is an excerpt of the chain: it is brought up to date, and loses nothing but bodies
    assert await place.looked_at() == newest
    ledger = place.open()
    if place.mode is Mode.LEAVES:
        await raises(UnavailableError, lambda: ledger.read(2, 3), "not in this mirror")
    await ledger.append([b"c"])
    assert list(await ledger.read(2, 3)) == [b"c"]
    await ledger.close()
    # Now the chain itself is an old copy: its log is shorter than what was signed.
    place.file.unlink()
    place.node.rpc("evm_revert", before_chain)
    place.node.mine(4)
    await raises(InclusionProofError, lambda: opened(place), "older than the last signed head")


async def test_old_files_of_a_log_are_noticed_by_who_saw_newer_ones(tmp_path: Path) -> None:
    publisher = Publisher(folder=TileFolder(tmp_path / "log"))
    await publisher.ledger.append([b"a", b"b"])
    await publisher.publish(now=NOW)
    shutil.copytree(tmp_path / "log", tmp_path / "old")
    await publisher.ledger.append([b"c"])
    await publisher.publish(now=NOW)
    keys, pin = [await publisher.key()], MemoryPin()

    def reader(folder: str) -> RegistryFollower:
        ledger = open_ledger(f"tiles:{tmp_path / folder}", keys=keys)
        return RegistryFollower(ledger, roots=["did:web:root.example"], keys=keys, pin=pin)

    await reader("log").refresh()
    await raises(RollbackError, reader("old").refresh, "size 2, after 3")
    assert (await reader("log").refresh()).size == 3
