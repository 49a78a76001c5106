"""A wallet carried elsewhere: whole, sealed, twice without harm, and refused if it is not what was written."""

from __future__ import annotations

import msgspec
import pytest

from ssi.errors import InvalidInputError, KeyBindingError, SsiError, VerificationError
from ssi.keys.sealed import seal, unseal
from tests.unit.wallet.parties import AUDIENCE, NONCE, Town, opened
from wallet import Wallet

PASSPHRASE = "of the file"


async def filled(wallet: Wallet, town: Town) -> bytes:
    card = await wallet.add(await town.sd_jwt(await wallet.new_key()))
    await wallet.present(card.id, [("given_name",)], audience=AUDIENCE, nonce=NONCE)
    await wallet.add(await town.sd_jwt(await wallet.new_key()))
    await wallet.new_key()
    return await wallet.export(PASSPHRASE)


async def test_cards_keys_and_history_move_and_go_on(wallet: Wallet, town: Town) -> None:
    data = await filled(wallet, town)
    other = await opened()
    done = await other.import_file(data, PASSPHRASE)
    assert (done.cards, done.keys, done.history) == (2, 3, 1)
    assert await other.list() == await wallet.list()
    assert await other.history() == await wallet.history()
    assert await other.kms.labels() == await wallet.kms.labels()
    for card in await other.list():
        assert await other.get(card.id) == await wallet.get(card.id)
        assert await other.present(card.id, [], audience=AUDIENCE, nonce=NONCE)
    assert len(await other.search(claims={"resident_since": 2019})) == 2


async def test_importing_again_changes_nothing(wallet: Wallet, town: Town) -> None:
    data = await filled(wallet, town)
    revision, cards = wallet.revision, await wallet.list()
    done = await wallet.import_file(data, PASSPHRASE)
    assert (done.cards, done.keys, done.history) == (0, 0, 0)
    assert (wallet.revision, await wallet.list()) == (revision, cards)


async def test_nothing_of_it_can_be_read_or_altered(wallet: Wallet, town: Town) -> None:
    data = await filled(wallet, town)
    assert b"canary" not in data
    assert b"holder-" not in data
    other = await opened()
    with pytest.raises(VerificationError):
        await other.import_file(data, "another")
    for place in (0, 30, len(data) // 2, len(data) - 1):
        altered = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(SsiError):
            await other.import_file(altered, PASSPHRASE)
    assert (await other.list(), await other.kms.labels(), await other.history()) == ((), [], ())


async def test_a_card_without_its_key_is_refused_with_all_else(wallet: Wallet, town: Town) -> None:
    content = msgspec.json.decode(unseal(await filled(wallet, town), PASSPHRASE))
    content["keys"] = []
    other = await opened()
    with pytest.raises(KeyBindingError):
        await other.import_file(seal(msgspec.json.encode(content), PASSPHRASE), PASSPHRASE)
    assert (await other.list(), await other.history()) == ((), ())


@pytest.mark.parametrize(
    "change",
    [
        {"format": "countersigned-wallet/2"},
        {"cards": [{"id": "x"}]},
        {"keys": [{"label": "a", "purpose": "holder", "exportable": False, "jwk": {"kty": "EC"}}]},
        {"more": 1},
        {"cards": [{"id": "ab", "credential": "x", "added_at": 1, "verified_at": None}]},
        {"history": None},
    ],
)
async def test_another_shape_is_bad_input(wallet: Wallet, change: dict[str, object]) -> None:
    content = msgspec.json.decode(unseal(await wallet.export(PASSPHRASE), PASSPHRASE))
    with pytest.raises(InvalidInputError):
        await wallet.import_file(seal(msgspec.json.encode({**content, **change}), PASSPHRASE), PASSPHRASE)
    with pytest.raises(InvalidInputError):
        await wallet.import_file(b"no sealed file", PASSPHRASE)
