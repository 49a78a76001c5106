"""The façade: add, find, show, remember, forget."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ssi.credentials.enveloped import check_holder
from ssi.credentials.jose import (
    read_vc_jwt,
    read_vp_jwt,
    verify_vc_jwt,
    verify_vp_jwt,
)
from ssi.credentials.sd_jwt import KeyBindingPolicy, VerifiedSdJwtVc, read_sd_jwt_vc, verify_sd_jwt_vc
from ssi.did.methods.jwk import did_jwk
from ssi.did.methods.key import did_key
from ssi.did.resolver import default_resolver
from ssi.errors import (
    ConflictError,
    DisclosureError,
    InvalidInputError,
    InvalidSignatureError,
    KeyBindingError,
    KeyNotFoundError,
    NotFoundError,
    SsiError,
    UnsupportedDidMethodError,
    ValidityError,
    VerificationError,
)
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from tests.unit.wallet.parties import AUDIENCE, CLAIMS, NONCE, NOW, SECRET, VCT, Town, opened
from wallet import Card, PassphraseWrap, SecretKeyWrap, Wallet
from wallet.stores.memory import MemoryWalletStore

STRANGER = PrivateKey.generate(Curve.P256).public_key
CONTEXTS = ["https://town.example/contexts/residence"]


async def with_card(wallet: Wallet, town: Town, **claims: Any) -> Card:
    key = await wallet.new_key()
    return await wallet.add(await town.sd_jwt(key, claims or None), key=key)


async def verified(presentation: str, town: Town) -> VerifiedSdJwtVc:
    key = await default_resolver().key(f"{town.did}#0", "assertionMethod")
    policy = KeyBindingPolicy(nonce=NONCE, audience=AUDIENCE, max_age_seconds=60)
    return verify_sd_jwt_vc(read_sd_jwt_vc(presentation), key, now=NOW, key_binding=policy)


async def test_a_card_says_what_it_is_and_its_content_what_it_says(wallet: Wallet, town: Town) -> None:
    key = await wallet.new_key()
    text = await town.sd_jwt(key)
    card = await wallet.add(text, key=key)
    assert (card.format, card.type, card.types, card.issuer) == ("dc+sd-jwt", VCT, (VCT,), town.did)
    assert (card.key, card.added_at, card.verified_at) == (key.thumbprint(), NOW, None)
    assert (card.valid_from, card.valid_until) == (None, NOW + 1000)
    assert ("address", "street_address") in card.withholdable
    assert ("nationalities", 1) in card.withholdable
    content = await wallet.get(card.id)
    assert (content.card, content.credential) == (card, text)
    assert {name: content.claims[name] for name in CLAIMS} == CLAIMS


async def test_the_same_credential_again_is_the_same_card(wallet: Wallet, town: Town) -> None:
    text = await town.sd_jwt(await wallet.new_key())
    cards = await asyncio.gather(*(wallet.add(text) for _ in range(5)))
    assert len({card.id for card in cards}) == 1
    assert await wallet.list() == (cards[0],)


async def test_every_key_is_fresh(wallet: Wallet) -> None:
    keys = {await wallet.new_key() for _ in range(5)} | {await wallet.new_key(Curve.ED25519)}
    assert len(keys) == 6
    assert len(await wallet.kms.labels(KeyPurpose.HOLDER)) == 6


async def test_a_presentation_shows_what_was_chosen_and_is_bound(wallet: Wallet, town: Town) -> None:
    card = await with_card(wallet, town)
    shown = await wallet.present(
        card.id, [("given_name",), ("address", "locality"), ("nationalities", 1)], audience=AUDIENCE, nonce=NONCE
    )
    claims = (await verified(shown, town)).claims
    assert claims["given_name"] == CLAIMS["given_name"]
    assert claims["address"] == {"locality": CLAIMS["address"]["locality"]}
    assert claims["nationalities"] == CLAIMS["nationalities"][1:]
    assert "family_name" not in claims
    whole = await wallet.present(card.id, [("address",)], audience=AUDIENCE, nonce=NONCE, nested=True)
    assert (await verified(whole, town)).claims["address"] == CLAIMS["address"]


async def test_history_has_every_presentation_with_paths_and_no_values(wallet: Wallet, town: Town) -> None:
    card = await with_card(wallet, town)
    other = await with_card(wallet, town, member_number="canary-7")
    await wallet.present(card.id, [("nationalities", 1), ("address",)], audience=AUDIENCE, nonce=NONCE, now=NOW + 5)
    await wallet.present(card.id, [], audience="https://other.example", nonce=NONCE)
    await wallet.present(other.id, [("member_number",)], audience=AUDIENCE, nonce=NONCE, now=NOW + 5)
    history = await wallet.history()
    assert [(shown.when, shown.audience, shown.card_id, shown.type) for shown in history] == [
        (NOW, "https://other.example", card.id, VCT),
        (NOW + 5, AUDIENCE, card.id, VCT),
        (NOW + 5, AUDIENCE, other.id, VCT),
    ]
    assert history[0].paths == (("resident_since",),)
    assert set(history[1].paths) == {("resident_since",), ("nationalities", 1), ("address", "locality")}
    assert "canary" not in repr(history)
    assert list(await wallet.history(other.id)) == [history[2]]
    await wallet.delete(card.id)
    assert list(await wallet.history(card.id)) == list(history[:2])
    assert await wallet.forget_history(before=NOW + 5) == 1
    assert list(await wallet.history()) == list(history[1:])


@pytest.mark.parametrize("binding", ["cnf", "did:jwk", "did:key", "both"])
@pytest.mark.parametrize("curve", [Curve.P256, Curve.ED25519])
async def test_a_vc_jwt_is_shown_whole_in_a_presentation_of_the_holder(
    wallet: Wallet, town: Town, binding: str, curve: Curve
) -> None:
    key = await wallet.new_key(curve)
    subject = {"did:jwk": did_jwk(key.to_jwk()), "did:key": did_key(key), "both": did_key(key)}.get(binding)
    card = await wallet.add(await town.vc_jwt(key if binding in ("cnf", "both") else None, subject=subject), key=key)
    assert (card.format, card.type, card.withholdable) == ("vc+jwt", "ResidenceCredential", ())
    with pytest.raises(InvalidInputError):
        await wallet.present(card.id, [("given_name",)], audience=AUDIENCE, nonce=NONCE)
    shown = await wallet.present(card.id, audience=AUDIENCE, nonce=NONCE)
    unverified = read_vp_jwt(shown)
    assert unverified.kid is not None
    holder_key = await default_resolver().key(unverified.kid, "authentication")
    presentation = verify_vp_jwt(
        unverified, holder_key, now=NOW, audience=AUDIENCE, nonce=NONCE, max_age_seconds=60, contexts=[]
    )
    issuer_key = await default_resolver().key(f"{town.did}#0", "assertionMethod")
    (envelope,) = presentation.credentials
    credential = verify_vc_jwt(read_vc_jwt(envelope.data), issuer_key, now=NOW, contexts=CONTEXTS)
    check_holder(credential, presentation)
    (entry,) = await wallet.history()
    assert ("credentialSubject", "address", "locality") in entry.paths


async def test_a_bearer_credential_is_kept_and_shown_as_it_is(wallet: Wallet, town: Town) -> None:
    for text, claims in ((await town.sd_jwt(None), [("given_name",)]), (await town.vc_jwt(None), None)):
        card = await wallet.add(text)
        assert card.key is None
        shown = await wallet.present(card.id, claims, audience=AUDIENCE, nonce=NONCE)
        assert shown.split("~")[0] == text.split("~")[0]
    assert len(await wallet.history()) == 2


async def test_search_by_type_and_claims_in_both_formats(wallet: Wallet, town: Town) -> None:
    key = await wallet.new_key()
    sd = await wallet.add(await town.sd_jwt(key))
    vc = await wallet.add(await town.vc_jwt(key, claims={**CLAIMS, "resident_since": 2020.0}))
    other = await wallet.add(await town.sd_jwt(key, {"given_name": "Ada"}, vct="https://town.example/library"))
    for arguments, expected in (
        ({}, {sd, vc, other}),
        ({"type": VCT}, {sd}),
        ({"type": "ResidenceCredential"}, {vc}),
        ({"claims": {"given_name": CLAIMS["given_name"]}}, {sd, vc}),
        ({"claims": {("given_name",): "Ada"}}, {other}),
        ({"type": VCT, "claims": {"given_name": "Ada"}}, set()),
        ({"claims": {("address", "locality"): CLAIMS["address"]["locality"]}}, {sd, vc}),
        ({"claims": {("credentialSubject", "given_name"): CLAIMS["given_name"]}}, {vc}),
        ({"claims": {("nationalities", None): "SE-canary"}}, {sd, vc}),
        ({"claims": {("nationalities", None): "SE-canary", "resident_since": 2019}}, {sd}),
        ({"claims": {"resident_since": 2020}}, {vc}),
        ({"claims": {"resident_since": "2019"}}, set()),
        ({"claims": {"iss": town.did}}, set()),
    ):
        assert set(await wallet.search(**arguments)) == expected, arguments
    bad: Any
    for bad in ({"address": {}}, {(): "x"}, {("a", -1): "x"}, {"x": float("nan")}, {"x": "\ud800"}, {"x": object()}):
        with pytest.raises(InvalidInputError):
            await wallet.search(claims=bad)


async def test_a_credential_with_very_many_claims_is_found_too(wallet: Wallet, town: Town) -> None:
    key = await wallet.new_key()
    claims = {f"claim_{number}": number for number in range(600)}
    crowded = await wallet.add(await town.sd_jwt(key, claims))
    await wallet.add(await town.sd_jwt(key))
    assert await wallet.search(claims={"claim_599": 599, "claim_0": 0}) == (crowded,)
    assert await wallet.search(type=VCT, claims={"claim_599": 598}) == ()
    assert await wallet.search(type="other", claims={"claim_599": 599}) == ()


async def test_deleting_a_card_takes_its_key_unless_another_card_needs_it(wallet: Wallet, town: Town) -> None:
    key = await wallet.new_key()
    first = await wallet.add(await town.sd_jwt(key))
    second = await wallet.add(await town.vc_jwt(key))
    await wallet.delete(first.id)
    assert await wallet.kms.label_of(key)
    await wallet.delete(second.id)
    with pytest.raises(KeyNotFoundError):
        await wallet.kms.label_of(key)
    for gone in (first.id, "00" * 16, "not hex", ""):
        with pytest.raises(NotFoundError):
            await wallet.delete(gone)
        with pytest.raises(NotFoundError):
            await wallet.get(gone)
        with pytest.raises(NotFoundError):
            await wallet.present(gone, [], audience=AUDIENCE, nonce=NONCE)


async def test_no_record_but_a_card_is_reached_as_one(wallet: Wallet, town: Town) -> None:
    card = await with_card(wallet, town)
    await wallet.present(card.id, [], audience=AUDIENCE, nonce=NONCE)
    key_record = (await wallet.kms.records_of(card.key or ""))[0].hex()
    for other in (key_record, (await wallet.history())[0].id):
        for attempt in (wallet.get(other), wallet.delete(other)):
            with pytest.raises(NotFoundError):
                await attempt


async def refused_credentials(town: Town, ours: PublicKey) -> dict[str, tuple[Any, type[SsiError]]]:
    good = await town.sd_jwt(ours)
    jws, first, *rest = good.split("~")
    vc = await town.vc_jwt(ours)
    return {
        "bound to a stranger": (await town.sd_jwt(STRANGER), KeyBindingError),
        "vc bound to a stranger": (await town.vc_jwt(STRANGER), KeyBindingError),
        "vc about a stranger's DID": (await town.vc_jwt(None, subject=did_key(STRANGER)), KeyBindingError),
        "disclosure twice": ("~".join([jws, first, first, *rest]), DisclosureError),
        "disclosure of another": ("~".join([jws, "WyJhIiwiYiIsImMiXQ", *rest]), DisclosureError),
        "no JSON": ("~".join([jws, "AAAA", *rest]), SsiError),
        "a presentation": (f"{good}{vc}", InvalidInputError),
        "a vc+jwt as sd-jwt": (f"{vc}~", InvalidInputError),
        "an sd-jwt as vc+jwt": (jws, InvalidInputError),
        "nothing": ("", InvalidInputError),
        "bytes": (b"\xff\xfe", InvalidInputError),
        "text": ("not a credential", InvalidInputError),
        "unicode": ("é~", InvalidInputError),
    }


async def test_what_is_refused_leaves_the_wallet_as_it_was(town: Town) -> None:
    store = MemoryWalletStore()
    wallet = await opened(store)
    key = await wallet.new_key()
    card = await wallet.add(await town.sd_jwt(key))
    before = await store.load("default")
    for name, (credential, error) in (await refused_credentials(town, key)).items():
        with pytest.raises(error):
            await wallet.add(credential)
        assert await store.load("default") == before, name
    with pytest.raises(KeyBindingError):
        await wallet.add(await town.sd_jwt(key), key=STRANGER)
    with pytest.raises(KeyBindingError):
        await wallet.add(await town.sd_jwt(None), key=key)
    for claims, audience, nonce in (
        ([("nowhere",)], AUDIENCE, NONCE),
        ([()], AUDIENCE, NONCE),
        ("given_name", AUDIENCE, NONCE),
        (None, AUDIENCE, NONCE),
        ([], "", NONCE),
        ([], "a\nb", NONCE),
        ([], "a" * 3000, NONCE),
        ([], AUDIENCE, ""),
    ):
        with pytest.raises(InvalidInputError):
            await wallet.present(card.id, claims, audience=audience, nonce=nonce)
    assert await store.load("default") == before


async def test_with_a_resolver_only_what_the_issuer_signed_is_added(town: Town) -> None:
    wallet = await opened(resolver=default_resolver())
    key = await wallet.new_key()
    for text in (await town.sd_jwt(key), await town.vc_jwt(key)):
        assert (await wallet.add(text)).verified_at == NOW
    text = await town.sd_jwt(key, {"other": 1})
    jws, *rest = text.split("~")
    flipped = jws[:-2] + ("A" if jws[-2] != "A" else "B") + jws[-1]
    with pytest.raises((InvalidSignatureError, InvalidInputError)):
        await wallet.add("~".join([flipped, *rest]))
    with pytest.raises(ValidityError):
        await wallet.add(await town.sd_jwt(key, valid_until=NOW - 1))
    stranger = Town((await Town.make())._kms, town.did)
    with pytest.raises(InvalidSignatureError):
        await wallet.add(await stranger.sd_jwt(key))
    elsewhere = Town(town._kms, "did:web:town.example")
    with pytest.raises(UnsupportedDidMethodError):
        await wallet.add(await elsewhere.sd_jwt(key))
    assert len(await wallet.list()) == 2


async def test_open_says_how_exactly_once(town: Town) -> None:
    for options in ({}, {"passphrase": "p", "wrap": SecretKeyWrap(SECRET)}, {"passphrase": ""}):
        with pytest.raises(InvalidInputError):
            await Wallet.open("memory:", **options)
    for name in ("", "a" * 300, "a\nb", "\ud800"):
        with pytest.raises(InvalidInputError):
            await opened(wallet=name)
    with pytest.raises(NotFoundError):
        await opened(create=False)


async def test_one_store_holds_many_wallets_each_opened_by_its_own_key(town: Town) -> None:
    store = MemoryWalletStore()
    ways = {name: SecretKeyWrap(name.encode() * 32) for name in "abc"}
    wallets = {name: await opened(store, wallet=name, wrap=way) for name, way in ways.items()}
    cards = {name: await with_card(wallet, town, name=name) for name, wallet in wallets.items()}
    for name, wallet in wallets.items():
        assert await wallet.list() == (cards[name],)
        with pytest.raises(NotFoundError):
            await wallet.get(cards["a" if name != "a" else "b"].id)
    with pytest.raises(VerificationError):
        await opened(store, wallet="a", wrap=ways["b"])
    await wallets["b"].destroy()
    assert list(await store.wallets()) == ["a", "c"]
    assert await (await opened(store, wallet="b", wrap=ways["b"])).list() == ()


async def test_ways_to_open_are_added_and_changed() -> None:
    store = MemoryWalletStore()
    wallet = await opened(store)
    key = await wallet.new_key()
    await wallet.unlock_with(PassphraseWrap("correct horse"), SecretKeyWrap(SECRET, name="phone"))
    for options in ({"passphrase": "correct horse", "wrap": None}, {"wrap": SecretKeyWrap(SECRET, name="phone")}):
        assert await (await opened(store, **options)).kms.label_of(key)
    for options in ({}, {"passphrase": "wrong", "wrap": None}, {"wrap": SecretKeyWrap(bytes(32), name="phone")}):
        with pytest.raises(VerificationError) as refusal:
            await opened(store, **options)
        assert str(refusal.value) == "the wallet does not open: wrong passphrase or key, or an altered store"
    for ways in ((), (SecretKeyWrap(SECRET), SecretKeyWrap(SECRET))):
        with pytest.raises(InvalidInputError):
            await wallet.unlock_with(*ways)


async def test_a_closed_wallet_does_nothing(wallet: Wallet) -> None:
    await wallet.close()
    await wallet.close()
    for attempt in (wallet.list(), wallet.new_key(), wallet.history(), wallet.add("x"), wallet.search(type="x")):
        with pytest.raises(InvalidInputError):
            await attempt


async def test_two_processes_work_on_one_wallet(town: Town, tmp_path: Any) -> None:
    url = f"sqlite://{tmp_path}/wallet.db"
    first, second = await opened(url), await opened(url)
    key = await first.new_key()
    texts = [await town.sd_jwt(key, {"number": number}) for number in range(20)]
    await asyncio.gather(*((first, second)[n % 2].add(text) for n, text in enumerate(texts)))
    assert len(await first.list()) == 20
    assert await first.list() == await second.list()
    assert first.revision == second.revision == 22
    with pytest.raises(ConflictError):
        await asyncio.gather(
            *(w.kms.generate("same", curve=Curve.P256, purpose=KeyPurpose.HOLDER) for w in (first, second))
        )
    await first.close()
    await second.close()


async def test_no_repr_tells_a_claim_or_a_key(town: Town) -> None:
    async with await opened() as wallet:
        card = await with_card(wallet, town)
        content = await wallet.get(card.id)
        delivered = (await wallet._content(card.id))[1]
        plains = await wallet._vault.read(await wallet._vault.find("card"))
        assert "canary" not in repr((wallet, card, content, delivered, plains, SecretKeyWrap(SECRET)))
        assert "canary" not in repr((PassphraseWrap("canary"), wallet.kms, wallet._vault._keys))
    with pytest.raises(InvalidInputError):
        await wallet.list()
