"""Issue, present, verify, revoke by reference: the library in twenty lines, as README.md shows them."""

# fmt: off
import asyncio

from issuer import CredentialType, Issuer
from ssi.keys import open_kms
from ssi.ledger import open_ledger
from ssi.registry import found_registry
from verifier import Policy, Refused, Trust, Verifier
from wallet import Wallet

RESIDENCE = CredentialType(name="residence", vct="https://kerava.example/residence", types=("Residence",),
                           schema={"type": "object", "properties": {"name": {}, "town": {}}}, validity_days=365)
OFFICE, NONCE = "https://benefits.example", "a-random-value-for-each-request"


async def main() -> None:
    keys, ledger = open_kms("memory:"), open_ledger("memory:")
    registry, ministry = await found_registry(ledger, origin="log.example", root_domain="ministry.example", kms=keys)
    town = await Issuer.create("town", domain="kerava.example", accreditor=ministry, registry=registry, kms=keys,
                               catalogue=[RESIDENCE], store="memory:")
    wallet = await Wallet.open("memory:", passphrase="a long passphrase of the holder's own")
    office = Verifier(Policy(audience=OFFICE, holder_binding="required", status="required", max_list_age_seconds=3600,
                             trust=(Trust(type=RESIDENCE.vct, accredited=True),)), registry=registry, lists=town)

    issued = await town.issue("residence", {"name": "Aino", "town": "Kerava"}, reference="case-17",
                              holder=await wallet.new_key())
    card = await wallet.add(issued.credential)
    shown = await wallet.present(card.id, [("town",)], audience=OFFICE, nonce=NONCE)
    print((await office.verify(shown, nonce=NONCE)).claims)  # {'town': 'Kerava'}

    await town.revoke(reference="case-17", reason="moved away")
    try:
        await office.verify(shown, nonce=NONCE)
    except Refused as refusal:
        print(refusal.check, "-", refusal.reason)  # status - …, its issuer's list says revoked


asyncio.run(main())
