"""Laws of the wallet: it does what a dictionary would, across restarts and two openings, and forgets what it should."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from ssi.errors import InvalidInputError, NotFoundError, SsiError, VerificationError
from tests.unit.wallet.parties import AUDIENCE, NONCE, NOW, VCT, Town, opened
from wallet import Card, Wallet
from wallet.cards import search_key
from wallet.delivered import read_delivered
from wallet.store import Commit, SealedRecord, StoredHead, WrappedKey
from wallet.stores.memory import MemoryWalletStore

Result = TypeVar("Result")
NAMES = st.sampled_from(["given_name", "locality", "number"])
VALUES = st.one_of(st.text(max_size=5), st.integers(-3, 3), st.booleans(), st.none())


class WalletMachine(RuleBasedStateMachine):
    """Two openings of one wallet against a dictionary from card id to claims, and a list of what was shown."""

    cards = Bundle("cards")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.store = MemoryWalletStore()
        self.claims: dict[str, dict[str, Any]] = {}
        self.shown: list[tuple[str, tuple[tuple[str, ...], ...]]] = []

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(work)

    @initialize()
    def start(self) -> None:
        self.town = self.run(Town.make())
        self.wallets = [self.run(opened(self.store)), self.run(opened(self.store))]

    @rule(target=cards, which=st.integers(0, 1), claims=st.dictionaries(NAMES, VALUES, min_size=1))
    def add(self, which: int, claims: dict[str, Any]) -> str:
        key = self.run(self.wallets[1 - which].new_key())
        text = self.run(self.town.sd_jwt(key, claims))
        card = self.run(self.wallets[which].add(text, key=key))
        assert self.run(self.wallets[1 - which].add(text)) == card
        self.claims[card.id] = claims
        return card.id

    @rule(which=st.integers(0, 1), card=consumes(cards))
    def delete(self, which: int, card: str) -> None:
        self.run(self.wallets[which].delete(card))
        del self.claims[card]
        with pytest.raises(NotFoundError):
            self.run(self.wallets[1 - which].present(card, [], audience=AUDIENCE, nonce=NONCE))

    @rule(target=cards, which=st.integers(0, 1), card=consumes(cards), data=st.data())
    def present(self, which: int, card: str, data: st.DataObject) -> Any:
        names = data.draw(st.sets(st.sampled_from(sorted(self.claims[card]))))
        paths = [(name,) for name in sorted(names)]
        shown = self.run(self.wallets[which].present(card, paths, audience=AUDIENCE, nonce=NONCE))
        view = read_delivered(shown.rpartition("~")[0] + "~").claims
        assert {name: view[name] for name in self.claims[card] if name in view} == {
            name: self.claims[card][name] for name in names
        }
        self.shown.append((card, tuple(paths)))
        return multiple(card)

    @rule(which=st.integers(0, 1), name=NAMES, value=VALUES)
    def search(self, which: int, name: str, value: Any) -> None:
        found = {card.id for card in self.run(self.wallets[which].search(type=VCT, claims={name: value}))}
        wanted = search_key((name,), value)
        assert found == {
            card
            for card, claims in self.claims.items()
            if name in claims and search_key((name,), claims[name]) == wanted
        }

    @rule(which=st.integers(0, 1))
    def restart(self, which: int) -> None:
        revision = self.wallets[which].revision
        self.run(self.wallets[which].close())
        self.wallets[which] = self.run(opened(self.store, minimum_revision=revision))

    @invariant()
    def both_say_the_same(self) -> None:
        if not hasattr(self, "wallets"):
            return
        for wallet in self.wallets:
            assert {card.id for card in self.run(wallet.list())} == set(self.claims)
            assert [(shown.card_id, tuple(sorted(shown.paths))) for shown in self.run(wallet.history())] == self.shown
            assert len(self.run(wallet.kms.labels())) == len(self.claims)

    def teardown(self) -> None:
        self.loop.close()


TestWalletMachine = WalletMachine.TestCase
TestWalletMachine.settings = settings(
    max_examples=20, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300), st.text("ab.~", max_size=40)))
def test_any_text_is_read_or_refused_with_our_errors(text: str | bytes) -> None:
    with pytest.raises(InvalidInputError):
        read_delivered(text)


async def _wallet_with_card() -> tuple[MemoryWalletStore, Wallet, Card, str]:
    store = MemoryWalletStore()
    wallet = await opened(store)
    text = await (await Town.make()).sd_jwt(await wallet.new_key())
    return store, wallet, await wallet.add(text), text


@pytest.fixture(scope="module")
def delivered() -> str:
    return asyncio.run(_wallet_with_card())[3]


@given(data=st.data())
@settings(deadline=None, max_examples=200)
def test_a_credential_with_an_altered_part_says_nothing_else_about_the_same_claims(
    delivered: str, data: st.DataObject
) -> None:
    """Disclosures are held by their digests; the issuer's part is what a resolver is for."""
    start = delivered.index("~")
    position = data.draw(st.integers(start, len(delivered) - 1))
    altered = delivered[:position] + data.draw(st.sampled_from("AZaz09-_~.")) + delivered[position + 1 :]
    try:
        found = read_delivered(altered).claims
    except SsiError:
        return
    whole = read_delivered(delivered).claims
    assert altered == delivered or all(whole.get(name) == value for name, value in found.items())


@given(data=st.data())
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_mixed_from_any_moments_of_a_wallet_are_one_of_them_or_refused(data: st.DataObject) -> None:
    """An attacker who kept every state of the store puts any of it together."""

    async def work() -> None:
        store, wallet, card, _ = await _wallet_with_card()
        moments = [store._wallets["default"]]
        await wallet.present(card.id, [], audience=AUDIENCE, nonce=NONCE)
        moments.append(store._wallets["default"])
        await wallet.delete(card.id)
        await wallet.add(await (await Town.make()).sd_jwt(None), now=NOW + 1)
        moments.append(store._wallets["default"])
        heads: list[StoredHead] = [moment.head for moment in moments]
        pool: dict[bytes, SealedRecord] = {}
        for moment in moments:
            pool.update(moment.records)
        chosen = data.draw(st.sets(st.sampled_from(sorted(pool))))
        head = data.draw(st.sampled_from(range(3)))
        wraps: tuple[WrappedKey, ...] = moments[0].wraps
        forged = MemoryWalletStore()
        await forged.create("default", heads[head], wraps)
        rows = tuple(pool[record_id] for record_id in sorted(chosen))
        await forged.commit("default", Commit(before=heads[head], head=heads[head], puts=rows))
        if chosen == set(moments[head].records):
            assert (await opened(forged)).revision == heads[head].revision
        else:
            with pytest.raises(VerificationError):
                await opened(forged)

    asyncio.run(work())
