"""The key store contract on every backend, and what the encrypted file promises beyond it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ssi.errors import InvalidInputError, SsiError, UnavailableError, VerificationError
from ssi.keys import Curve, KeyPurpose, Kms, open_kms
from ssi.keys.backends.file import FileKms
from ssi.keys.backends.memory import MemoryKms
from tests.contracts.kms import KmsContract

PASSPHRASE = "correct horse battery staple"


class TestMemoryKms(KmsContract):
    @pytest.fixture
    def kms(self) -> Kms:
        return MemoryKms()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, FileKms]:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    return path.read_bytes() if path.exists() else _make(path), FileKms.open(path, PASSPHRASE)


def _make(path: Path) -> bytes:
    FileKms.open(path, PASSPHRASE)
    return path.read_bytes()


class TestFileKms(KmsContract):
    @pytest.fixture
    def kms(self, tmp_path: Path, empty_store: tuple[bytes, FileKms]) -> Kms:
        """A fresh file for each test, the key derived once: the derivation is slow on purpose."""
        data, opened = empty_store
        path = tmp_path / "keys.json"
        path.write_bytes(data)
        store = FileKms(path, opened._kdf, opened._box_key)
        store._reload()
        return store


async def test_keys_survive_and_another_process_sees_them(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    first = FileKms.open(path, PASSPHRASE)
    second = FileKms.open(path, PASSPHRASE.encode())
    public = await first.generate("issuer", curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)
    assert await second.public_key("issuer") == public
    await second.generate("list", curve=Curve.P256, purpose=KeyPurpose.LIST)
    assert list(await first.labels()) == ["issuer", "list"]
    assert path.stat().st_mode & 0o077 == 0


async def test_wrong_passphrase_and_every_altered_byte_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    store = FileKms.open(path, PASSPHRASE)
    await store.generate("issuer", curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)
    good = path.read_bytes()
    with pytest.raises(VerificationError):
        FileKms.open(path, "wrong")
    for position in range(len(good)):
        altered = bytearray(good)
        altered[position] ^= 1
        path.write_bytes(bytes(altered))
        opened = FileKms(path, store._kdf, store._box_key)
        with pytest.raises(SsiError):
            opened._reload()
    path.write_bytes(good)
    assert await FileKms.open(path, PASSPHRASE).find("issuer")


async def test_the_file_holds_no_key_in_plain(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    store = FileKms.open(path, PASSPHRASE)
    await store.generate("issuer", curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL, exportable=True)
    private = await store.export("issuer")
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    for secret in (private.to_raw(), private.to_jwk()["d"].encode(), b"issuer"):
        assert secret not in content


def test_what_a_file_may_ask_of_the_key_derivation_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    FileKms.open(path, PASSPHRASE)
    text = path.read_text()
    for asked in ('"memory_kib":1073741824', '"memory_kib":8', '"memory_kib":"65536"'):
        path.write_text(text.replace('"memory_kib":65536', asked))
        with pytest.raises(InvalidInputError):
            FileKms.open(path, PASSPHRASE)


async def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys.json"
    store = FileKms.open(path, PASSPHRASE)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(UnavailableError):
            await store.generate("issuer", curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)
    assert path.read_bytes() == before
    assert list(await store.labels()) == []
    assert [file.name for file in tmp_path.iterdir() if "new" in file.name] == []


def test_open_by_url(tmp_path: Path) -> None:
    assert isinstance(open_kms("memory:"), MemoryKms)
    assert isinstance(open_kms(f"file:{tmp_path}/keys.json", passphrase=PASSPHRASE), FileKms)
    for url, passphrase in [("", None), ("vault:x", None), ("file:x", None), (f"file:{tmp_path}/k", "")]:
        with pytest.raises(InvalidInputError):
            open_kms(url, passphrase=passphrase)
