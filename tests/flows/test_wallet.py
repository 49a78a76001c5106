"""From the agency's desk to the office's, the credential in an encrypted file, and seen through after a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ssi.did.resolver import default_resolver
from ssi.errors import KeyBindingError, VerificationError
from tests.flows.town import AUDIENCE, CLAIMS, RESIDENCE, Town
from verifier import Refused
from wallet import Wallet

PASSPHRASE = "four words of the holder"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    opened = await Town().open()
    yield opened
    await opened.store.close()


async def open_wallet(town: Town, path: Path, **options: Any) -> Wallet:
    options = {"passphrase": PASSPHRASE, "now": town.clock, **options}
    return await Wallet.open(
        f"sqlite://{path}", resolver=default_resolver(log_source=town.registry, now=town.clock), **options
    )


@pytest.mark.parametrize("format", ["dc+sd-jwt", "vc+jwt"])
async def test_hold_show_restart_and_look_back(town: Town, tmp_path: Path, format: Any) -> None:
    path = tmp_path / "wallet.db"
    wallet = await open_wallet(town, path)
    key = await wallet.new_key()
    issued = await town.issuer.issue("residence", CLAIMS, reference="case-17", format=format, holder=key)
    card = await wallet.add(issued.credential, key=key)
    assert (card.verified_at, card.valid_until) == (town.clock(), issued.valid_until)
    revision = wallet.revision
    await wallet.close()

    with pytest.raises(VerificationError):
        await open_wallet(town, path, passphrase="another")
    town.clock.advance(60)
    wallet = await open_wallet(town, path, create=False, minimum_revision=revision)
    assert await wallet.search(claims={("address", "locality"): "Kerava"}) == (card,)
    chosen = [("address", "locality")] if format == "dc+sd-jwt" else None
    shown = await wallet.present(card.id, chosen, audience=AUDIENCE, nonce="n-1")
    verified = await town.verifier().verify(shown, nonce="n-1")
    assert verified.claims == ({"address": {"locality": "Kerava"}} if format == "dc+sd-jwt" else CLAIMS)
    assert verified.holder == key
    with pytest.raises(Refused):
        await town.verifier().verify(shown, nonce="n-2")
    (entry,) = await wallet.history()
    assert (entry.when, entry.audience, entry.card_id) == (town.clock(), AUDIENCE, card.id)
    root: tuple[str, ...] = () if format == "dc+sd-jwt" else ("credentialSubject",)
    assert ((*root, "given_name") in entry.paths) == (format == "vc+jwt")
    assert (*root, "address", "locality") in entry.paths
    await wallet.destroy()
    wallet = await open_wallet(town, path)
    assert (await wallet.list(), await wallet.history()) == ((), ())
    await wallet.close()


async def test_a_credential_for_somebody_else_or_of_nobody_is_not_taken(town: Town, tmp_path: Path) -> None:
    wallet = await open_wallet(town, tmp_path / "wallet.db")
    issued = await town.issuer.issue("residence", CLAIMS, reference="case-18", holder=town.holder)
    with pytest.raises(KeyBindingError):
        await wallet.add(issued.credential)
    own = await town.issuer.issue("residence", CLAIMS, reference="case-19", holder=await wallet.new_key())
    jws, *disclosures = own.credential.split("~")
    header, payload, signature = jws.split(".")
    forged = ".".join((header, payload, ("B" if signature[0] == "A" else "A") + signature[1:]))
    with pytest.raises(VerificationError):
        await wallet.add("~".join((forged, *disclosures)))
    assert await wallet.list() == ()
    assert RESIDENCE.vct == (await wallet.add(own.credential)).type
    await wallet.close()
