"""A wallet's file in foreign hands: any byte changed, any old page put back, searched for what it should not say."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ssi.errors import SsiError
from tests.unit.wallet.parties import AUDIENCE, CLAIMS, DISCLOSABLE, NONCE, SECRET, VCT, Town, opened
from wallet import Wallet
from wallet.cards import leaves

PASSPHRASE = "canary passphrase"


class Contents:
    """Everything that a wallet says of itself."""

    def __init__(self, cards: Any, texts: Any, history: Any, found: Any, keys: Any) -> None:
        self.said = (cards, texts, history, found, keys)

    @classmethod
    async def of(cls, wallet: Wallet) -> Contents:
        cards = await wallet.list()
        keys = {label: await wallet.kms.public_key(label) for label in await wallet.kms.labels()}
        for label, key in keys.items():
            key.verify(await wallet.kms.sign(label, b"m", purpose=(await wallet.kms.find(label)).purpose), b"m")
        texts = [(await wallet.get(card.id)).credential for card in cards]
        found = await wallet.search(type=VCT, claims={"given_name": CLAIMS["given_name"]})
        return cls(cards, texts, await wallet.history(), found, keys)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Contents) and self.said == other.said

    __hash__ = None  # type: ignore[assignment]


async def make(path: Path, town: Town) -> Contents:
    wallet = await opened(f"sqlite://{path}")
    key = await wallet.new_key()
    card = await wallet.add(await town.sd_jwt(key))
    await wallet.add(await town.vc_jwt(await wallet.new_key(), claims={"given_name": "Ada-canary"}))
    await wallet.present(card.id, DISCLOSABLE[:2], audience=AUDIENCE, nonce=NONCE)
    contents = await Contents.of(wallet)
    await wallet.close()
    return contents


async def outcome(path: Path, expected: Contents) -> str:
    """Return ``refused`` or ``no effect``; fail on anything else."""
    try:
        wallet = await opened(f"sqlite://{path}", create=False)
    except SsiError:
        return "refused"
    try:
        assert await Contents.of(wallet) == expected, "the altered file was believed"
    except SsiError:
        return "refused"
    finally:
        await wallet.close()
    return "no effect"


def _shrink(path: Path) -> None:
    """Give the file small pages, so that fewer of its bytes are empty space."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA page_size=512")
    connection.execute("VACUUM")
    connection.close()


def positions(size: int, part: int) -> Iterator[int]:
    """Every byte of the header and each page's beginning, and one in ``part`` of the others."""
    rng = random.Random(7)
    yield from (position for position in range(size) if position < 100 or rng.randrange(part) == 0)


async def flip(tmp_path: Path, town: Town, part: int) -> dict[str, int]:
    path = tmp_path / "wallet.db"
    expected = await make(path, town)
    _shrink(path)
    good = path.read_bytes()
    counts = {"refused": 0, "no effect": 0}
    rng = random.Random(8)
    for position in positions(len(good), part):
        altered = bytearray(good)
        altered[position] ^= 1 << rng.randrange(8)
        for file in tmp_path.iterdir():
            file.unlink()
        path.write_bytes(bytes(altered))
        try:
            counts[await outcome(path, expected)] += 1
        except Exception as exc:
            raise AssertionError(f"byte {position} of {len(good)}") from exc
    return counts


async def test_an_altered_byte_is_refused_or_without_effect(tmp_path: Path, town: Town) -> None:
    counts = await flip(tmp_path, town, 40)
    assert counts["refused"] > 50
    assert counts["no effect"] > 20


@pytest.mark.slow
async def test_every_altered_byte_is_refused_or_without_effect(tmp_path: Path, town: Town) -> None:
    counts = await flip(tmp_path, town, 1)
    assert counts["refused"] > 5_000


async def test_a_page_of_an_older_copy_is_refused_or_without_effect(tmp_path: Path, town: Town) -> None:
    path = tmp_path / "wallet.db"
    await make(path, town)
    old = path.read_bytes()
    wallet = await opened(f"sqlite://{path}")
    cards = await wallet.list()
    await wallet.delete(cards[0].id)
    await wallet.add(await town.sd_jwt(await wallet.new_key(), {"given_name": "later-canary"}))
    expected = await Contents.of(wallet)
    revision = wallet.revision
    await wallet.close()
    new = path.read_bytes()
    page = 4096
    outcomes = []
    for start in range(0, min(len(old), len(new)), page):
        path.write_bytes(new[:start] + old[start : start + page] + new[start + page :])
        if old[start : start + page] != new[start : start + page]:
            outcomes.append(await outcome(path, expected))
    assert "refused" in outcomes
    path.write_bytes(old)
    with pytest.raises(SsiError, match="revision"):
        await opened(f"sqlite://{path}", minimum_revision=revision)


async def test_a_shortened_file_is_refused(tmp_path: Path, town: Town) -> None:
    path = tmp_path / "wallet.db"
    expected = await make(path, town)
    good = path.read_bytes()
    for size in [1, 99, 100, *range(2048, len(good), 2048)]:
        path.write_bytes(good[:size])
        assert await outcome(path, expected) == "refused", size
    # SQLite takes an empty file for a new database, so only who remembers a revision can tell it from a first start.
    path.write_bytes(b"")
    with pytest.raises(SsiError):
        await opened(f"sqlite://{path}", create=False)
    with pytest.raises(SsiError):
        await opened(f"sqlite://{path}", minimum_revision=1)


def forms(value: object) -> Iterator[bytes]:
    text = str(value)
    yield text.encode()
    yield text.encode("unicode_escape")
    yield text.encode("utf-16-le")


async def test_no_file_has_anything_in_plain(tmp_path: Path, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the journal, which is kept here by refusing to remove it, and in temporary files."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("SQLITE_TMPDIR", str(temporary))
    journals: list[bytes] = []
    path = tmp_path / "wallet.db"
    wallet = await opened(f"sqlite://{path}", wrap=None, passphrase=PASSPHRASE)

    def keep_journal(connection: Any) -> None:
        connection.execute("PRAGMA journal_mode=PERSIST")

    connection = wallet._store._database._connection  # type: ignore[attr-defined]
    await wallet._store._database._run(lambda _: None, "BEGIN")  # type: ignore[attr-defined]
    keep_journal(connection)
    key = await wallet.new_key()
    private = await wallet.kms._secret(await wallet.kms.label_of(key))
    text = await town.sd_jwt(key)
    card = await wallet.add(text)
    journals.append((tmp_path / "wallet.db-journal").read_bytes())
    await wallet.present(card.id, DISCLOSABLE, audience=AUDIENCE, nonce=NONCE)
    journals.append((tmp_path / "wallet.db-journal").read_bytes())
    await wallet.search(type=VCT, claims={"given_name": CLAIMS["given_name"]})
    data_key = wallet._vault._keys.data_key
    await wallet.close()
    everything = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()) + b"".join(journals)
    assert len(journals[0]) > 4096
    values = [value for _, value in leaves(CLAIMS) if type(value) is str]
    names = list(CLAIMS)
    secrets = [*values, *names, text[:60], text.split("~")[1], VCT, town.did, AUDIENCE, NONCE, card.id, PASSPHRASE]
    secrets += ["canary", key.thumbprint(), key.to_jwk()["x"], private[1].to_jwk()["d"]]
    raw = [private[1].to_raw(), key.to_raw(), data_key, SECRET]
    found = [secret for secret in secrets if any(form in everything for form in forms(secret))]
    assert found == []
    assert [secret for secret in raw if secret in everything] == []
    # The search itself works: what is meant to be in the clear is found.
    assert b"default" in everything
    assert os.listdir(temporary) == []
