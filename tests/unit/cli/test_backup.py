"""``ssi backup`` and ``ssi restore``: in use, whole, rehearsed, and never an older log over a newer head."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from ssi.cli.backup_files import BackupWriter, check_path, read_manifest
from ssi.cli.workplace import workplace
from ssi.database import snapshot
from ssi.errors import InvalidInputError, UnavailableError
from ssi.keys import sealed
from tests.unit.cli.program import TYPE, Done, Town, ssi


class Vault:
    """A folder for backups of a town, and their passphrase."""

    def __init__(self, town: Town, folder: Path) -> None:
        self.town, self.kept, self.secret = town, folder / "kept", folder / "backup-passphrase"
        folder.mkdir(exist_ok=True)
        self.secret.write_text("of the backup\n")

    def backup(self, *more: str) -> Done:
        return self.town.ssi("backup", self.kept, "--passphrase-file", self.secret, "--json", *more)

    def restore(self, target: Path, *more: object) -> Done:
        return ssi("restore", self.kept, "--to", target, "--passphrase-file", self.secret, "--json", *more)


@pytest.fixture(scope="module", autouse=True)
def quick_keys() -> Iterator[None]:
    """Derive keys from passphrases with little work: what is tested here does not depend on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealed, "MEMORY_KIB", 64)
        patch.setattr(sealed, "ITERATIONS", 1)
        yield


@pytest.fixture(scope="module")
def built_vault(built_town: Town, quick_keys: None, tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """A town that nobody changes, and a backup of it."""
    made = Vault(built_town, tmp_path_factory.mktemp("vault"))
    done = made.backup()
    assert done.code == 0, done
    return made


@pytest.fixture
def vault(town: Town, built_vault: Vault, tmp_path: Path) -> Vault:
    """A town, and a backup of it."""
    shutil.copytree(built_vault.kept, tmp_path / "vault" / "kept")
    return Vault(town, tmp_path / "vault")


def grow(town: Town) -> None:
    town.ok("did", "create", "village", "--domain", "village.example")
    town.ok("ledger", "enrol", "village", "--by", "ministry", "--type", TYPE)


def test_everything_is_kept_but_the_passphrases(vault: Vault) -> None:
    manifest = read_manifest(vault.kept, b"of the backup")
    kinds = {kept.path: kept.kind for kept in manifest.files}
    assert kinds == {
        "issuer.db": "store",
        "keys.json": "keys",
        "ledger.db": "ledger",
        "ministry.did.jsonl": "plain",
        "residence.toml": "plain",
        "ssi.toml": "plain",
        "town.did.jsonl": "plain",
        "wallet.db": "store",
    }
    assert manifest.left_out == ()
    sealed = b"".join(file.read_bytes() for file in vault.kept.iterdir())
    for secret in (b"of the keys", b"Kerava", b"did:webvh", b"SQLite"):
        assert secret not in sealed
    assert {file.stat().st_mode & 0o077 for file in vault.kept.iterdir()} == {0}


def test_a_restored_town_goes_on(vault: Vault, tmp_path: Path) -> None:
    assert vault.restore(tmp_path / "new").code == 0
    new = Town(tmp_path / "new")
    for name in ("passphrase", "wallet-passphrase", "claims.json", "policy.toml"):
        shutil.copy(vault.town / name, new / name)
    assert new.ok("ledger", "audit")["broken"] == []
    assert new.ok("wallet", "list")["cards"] == vault.town.ok("wallet", "list")["cards"]
    assert (new / "ledger.db.head").exists()
    # Nothing here can tell what was issued after the backup: the agency goes on with fresh lists.
    assert new.ssi("issue", "residence", "--claims", new / "claims.json", "--reference", "case-40").code == 1
    vault.town.ok("publish", "--out", vault.town / "www")
    new.ok("issuer", "recover", "--lists", vault.town / "www", "--reason", "another machine")
    new.present(new.issue("case-40"), "address.locality")
    grow(new)
    assert not [name for name in new.folder.iterdir() if name.name.startswith(".")]


def test_a_rehearsal_compares_and_leaves_nothing_behind(vault: Vault) -> None:
    town = vault.town
    before = sorted(town.folder.iterdir())
    done = vault.backup("--rehearse")
    assert (done.code, done.document["problems"], done.document["differences"]) == (0, [], [])
    grow(town)
    done = vault.backup("--rehearse")
    assert (done.code, done.document["problems"]) == (0, [])
    said = " ".join(done.document["differences"])
    assert "ledger.db: table entries has" in said
    assert "keys.json: the original has other bytes" in said
    assert {file for file in town.folder.iterdir() if file.name.startswith(".")} == set()
    assert set(before) <= set(town.folder.iterdir())


def test_a_rehearsal_finds_that_the_log_is_another_one(vault: Vault, tmp_path: Path) -> None:
    other = Town(tmp_path / "other")
    other.folder.mkdir()
    other.build()
    shutil.copy(other / "ledger.db", vault.town / "ledger.db")
    shutil.copy(other / "ledger.db.head", vault.town / "ledger.db.head")
    done = vault.backup("--rehearse")
    assert (done.code, done.document["outcome"]) == (1, "refused")
    assert any("differ within their first" in text for text in done.document["problems"])


def test_a_backup_older_than_the_signed_head_is_refused(vault: Vault, tmp_path: Path) -> None:
    grow(vault.town)
    place, note = tmp_path / "place", vault.town / "ledger.db.head"
    place.mkdir()
    shutil.copy(note, place / "ledger.db.head")
    for done in (vault.restore(place), vault.restore(tmp_path / "empty", "--checkpoint", note)):
        assert done.code == 1
        assert "the backup is older than the signed head" in done.document["reason"]
    assert [file.name for file in place.iterdir()] == ["ledger.db.head"]
    # The way on that the message names.
    assert vault.restore(tmp_path / "behind").code == 0
    behind = Town(tmp_path / "behind")
    done = behind.ssi("ledger", "recover", "--from", vault.town / "ledger.db", "--checkpoint", note, "--json")
    assert (done.code, done.document["size"]) == (0, vault.town.ok("ledger", "audit")["size"])


def test_nothing_is_written_over(vault: Vault) -> None:
    before = {file: file.read_bytes() for file in vault.town.folder.iterdir() if file.is_file()}
    done = vault.restore(vault.town.folder)
    assert (done.code, "is there already" in done.document["reason"]) == (1, True)
    assert before == {file: file.read_bytes() for file in vault.town.folder.iterdir() if file.is_file()}
    assert vault.backup().code == 1  # nor a backup


@pytest.mark.parametrize("place", [40, -1])
def test_one_altered_byte_is_refused(vault: Vault, tmp_path: Path, place: int) -> None:
    for file in sorted(vault.kept.iterdir())[:2]:
        data = bytearray(file.read_bytes())
        data[place] ^= 1
        file.write_bytes(data)
        assert vault.restore(tmp_path / "new").code in (1, 2)
        data[place] ^= 1
        file.write_bytes(data)
    assert not (tmp_path / "new" / "ssi.toml").exists()


def test_missing_and_exchanged_parts_and_a_wrong_passphrase_are_refused(vault: Vault, tmp_path: Path) -> None:
    def refused(word: str, code: int = 1) -> None:
        done = vault.restore(tmp_path / "new")
        assert (done.code, word in done.document["reason"]) == (code, True), done

    first, second = sorted(vault.kept.glob("file-*"))[:2]
    data = first.read_bytes()
    shutil.copy(second, first)
    refused("was altered or is of another backup")
    first.unlink()
    refused("is missing")
    first.write_bytes(data)
    vault.secret.write_text("of something else")
    refused("passphrase")
    (vault.kept / "manifest.sealed").unlink()
    refused("has no manifest", 2)


def test_a_manifest_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    for path in ("../ssi.toml", "/etc/x", "a/../../x", "a//b", "", "C:/x", "a\\b"):
        with pytest.raises(InvalidInputError):
            check_path(path)
    writer = BackupWriter(tmp_path / "kept", b"p")
    writer.add("ssi.toml", "plain", BytesIO())
    writer.add("../x", "plain", BytesIO())
    writer.finish(created=0, project="ssi.toml", left_out=(), head=None)
    with pytest.raises(InvalidInputError):
        read_manifest(tmp_path / "kept", b"p")


def test_files_of_two_backups_of_one_passphrase_are_told_apart(vault: Vault, tmp_path: Path) -> None:
    other = Vault(vault.town, tmp_path / "other")
    assert other.backup().code == 0
    shutil.copy(other.kept / "file-000001.sealed", vault.kept / "file-000001.sealed")
    done = vault.restore(tmp_path / "new")
    assert (done.code, "was altered or is of another backup" in done.document["reason"]) == (1, True)


def test_an_interrupted_restore_is_finished_by_running_it_again(vault: Vault, tmp_path: Path) -> None:
    place, step = tmp_path / "new", "a killed process"
    renamed: list[Path] = []

    def rename(path: Path, target: Path) -> Path:
        if len(renamed) == 3:
            raise OSError(step)
        renamed.append(target)
        os.rename(path, target)
        return target

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        assert vault.restore(place).code == 3
    assert not (place / "ssi.toml").exists()
    other = Vault(vault.town, tmp_path / "other")
    assert other.backup().code == 0
    done = other.restore(place)
    assert (done.code, "another backup was begun here" in done.document["reason"]) == (1, True)
    data = renamed[0].read_bytes()
    renamed[0].write_bytes(data + b" ")  # somebody worked with it: it is not ours any more
    assert vault.restore(place).code == 1
    renamed[0].unlink()
    assert vault.restore(place).code == 0
    assert renamed[0].read_bytes() == data
    assert not [file.name for file in place.iterdir() if file.name.startswith(".")]
    assert vault.restore(place).code == 1  # nothing is restored over it


def test_two_backups_at_once_are_told(vault: Vault, tmp_path: Path) -> None:
    with workplace(vault.town.folder, ".backup-"):
        done = Vault(vault.town, tmp_path / "other").backup()
    assert (done.code, "another backup or restore" in done.document["reason"]) == (1, True)
    left = vault.town / ".backup-of-a-killed-process"
    left.mkdir()
    (left / "copy.db").write_bytes(b"x")
    assert Vault(vault.town, tmp_path / "again").backup().code == 0
    assert not left.exists()


def test_what_witnesses_approved_is_kept(town: Town, tmp_path: Path) -> None:
    for name in ("town.did-witness.json", "town.candidate.jsonl"):
        (town / name).write_bytes(b"[]")
    vault = Vault(town, tmp_path / "vault")
    kept = [file["path"] for file in vault.backup().document["files"]]
    assert {"town.did-witness.json", "town.candidate.jsonl"} < set(kept)


def test_what_is_not_kept_is_said(town: Town, tmp_path: Path) -> None:
    text = (town / "ssi.toml").read_text()
    shutil.copy(town / "wallet.db", tmp_path / "elsewhere.db")
    text = text.replace("sqlite:wallet.db", f"sqlite://{tmp_path}/elsewhere.db").replace(
        "sqlite:issuer.db", "sqlite:no.db"
    )
    (town / "ssi.toml").write_text(text)
    said = Vault(town, tmp_path / "vault").backup().document["left out"]
    assert [line.rpartition(": ")[2] for line in said] == ["is not there", "lies outside of the project file's folder"]


async def test_a_copy_taken_while_others_write_is_one_moment(tmp_path: Path) -> None:
    from ssi.database import Database, Migration

    made = Migration("two", ("CREATE TABLE a (n INTEGER)", "CREATE TABLE b (n INTEGER)"))
    database = await Database.open(tmp_path / "x.db", application_id=7, migrations=(made,), journal="wal")

    def both(connection: Any) -> None:
        connection.execute("INSERT INTO a VALUES (1)")
        connection.execute("INSERT INTO b VALUES (1)")

    async def write() -> None:
        for _ in range(60):
            await database.write(both)

    writing = asyncio.create_task(write())
    seen: list[int] = []
    while not writing.done():
        copy = await asyncio.to_thread(snapshot, tmp_path / "x.db", tmp_path / f"{len(seen)}.db")
        assert copy.rows["a"] == copy.rows["b"]
        seen.append(copy.rows["a"])
    await writing
    await database.close()
    assert seen == sorted(seen)
    assert (copy.application_id, copy.version) == (7, 1)


def test_a_damaged_database_is_not_kept_as_if_it_were_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE a (n)")
    connection.executemany("INSERT INTO a VALUES (?)", [("x" * 500,) for _ in range(200)])
    connection.commit()
    connection.close()
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 3 + 64] = b"\xff" * 64
    path.write_bytes(data)
    with pytest.raises(UnavailableError):
        snapshot(path, tmp_path / "copy.db")
    with pytest.raises(UnavailableError):
        snapshot(tmp_path / "none.db", tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()
