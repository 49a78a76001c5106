"""Ways to open a wallet: right, wrong, altered, of another wallet, and greedy."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.errors import InvalidInputError, VerificationError
from wallet.unlock import DataKeyWrap, PassphraseWrap, SecretKeyWrap

DATA_KEY = bytes(range(32))


@pytest.mark.parametrize("way", [PassphraseWrap("correct horse"), SecretKeyWrap(b"k" * 32)])
async def test_a_box_opens_for_its_wallet_only(way: DataKeyWrap) -> None:
    box = await way.wrap(DATA_KEY, wallet="a")
    assert await way.unwrap(box, wallet="a") == DATA_KEY
    assert DATA_KEY not in box
    assert await way.wrap(DATA_KEY, wallet="a") != box
    with pytest.raises(VerificationError):
        await way.unwrap(box, wallet="b")


async def test_every_altered_byte_of_a_box_is_refused() -> None:
    way = SecretKeyWrap(b"k" * 32)
    box = await way.wrap(DATA_KEY, wallet="a")
    for position in range(len(box)):
        with pytest.raises(VerificationError):
            await way.unwrap(box[:position] + bytes([box[position] ^ 1]) + box[position + 1 :], wallet="a")
    for other in (b"", box[:-1], box + b"x"):
        with pytest.raises(VerificationError):
            await way.unwrap(other, wallet="a")


async def test_a_name_belongs_to_its_box() -> None:
    box = await SecretKeyWrap(b"k" * 32, name="one").wrap(DATA_KEY, wallet="a")
    with pytest.raises(VerificationError):
        await SecretKeyWrap(b"k" * 32, name="two").unwrap(box, wallet="a")


async def test_a_passphrase_is_the_same_from_every_keyboard_and_costs_64_mib() -> None:
    composed, decomposed = "Ångström", "A\u030angstro\u0308m"
    box = await PassphraseWrap(composed).wrap(DATA_KEY, wallet="a")
    assert await PassphraseWrap(decomposed).unwrap(box, wallet="a") == DATA_KEY
    assert await PassphraseWrap(composed.encode()).unwrap(box, wallet="a") == DATA_KEY
    assert int.from_bytes(box[1:5], "big") == 65_536
    with pytest.raises(VerificationError):
        await PassphraseWrap("Angstrom").unwrap(box, wallet="a")


async def test_an_altered_row_cannot_ask_for_endless_or_for_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    way = PassphraseWrap("correct horse")
    box = await way.wrap(DATA_KEY, wallet="a")

    async def never(header: bytes) -> bytes:
        raise AssertionError("a key was derived")

    monkeypatch.setattr(way, "_derive", never)
    for offset, value in ((0, b"\x02"), (1, b"\xff\xff\xff\xff"), (1, b"\0\0\0\x08"), (5, b"\xff\xff"), (5, b"\0\0")):
        altered = box[:offset] + value + box[offset + len(value) :]
        with pytest.raises(VerificationError):
            await way.unwrap(altered, wallet="a")
    for other in (b"", box[:-1], box + b"x", box[:7] + b"\0" + box[8:]):
        with pytest.raises(VerificationError):
            await way.unwrap(other, wallet="a")


def test_weak_settings_are_refused() -> None:
    weak: list[dict[str, Any]] = [{"memory_kib": 1024}, {"iterations": 0}, {"lanes": 0}, {"memory_kib": 1 << 30}]
    for settings in weak:
        with pytest.raises(InvalidInputError):
            PassphraseWrap("p", **settings)
    for passphrase in ("", b"", "\ud800"):
        with pytest.raises(InvalidInputError):
            PassphraseWrap(passphrase)
    for key in (b"", b"k" * 16, b"k" * 33):
        with pytest.raises(InvalidInputError):
            SecretKeyWrap(key)
