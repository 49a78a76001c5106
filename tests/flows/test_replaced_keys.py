"""A credential outlives the key that signed it, for as long as policy says, and a replaced key signs nothing new."""

from __future__ import annotations

import pytest

from ssi.credentials.sd_jwt import issue_sd_jwt_vc
from ssi.keys import KeyPurpose
from tests.flows.town import CLAIMS, RESIDENCE, Town
from verifier import Refused


@pytest.mark.parametrize("seconds", [0, 1, 5])
async def test_a_replaced_key_counts_for_what_it_signed_before(seconds: int) -> None:
    """In the same second too: both times are whole seconds, and the signature came first."""
    town = await Town().open()
    town.clock.advance(10)
    issued = await town.issuer.issue("residence", CLAIMS, reference="case-17", format="dc+sd-jwt", holder=town.holder)
    town.clock.advance(seconds)
    await town.issuer.rotate_key(KeyPurpose.CREDENTIAL)
    town.clock.advance(60)
    shown = await town.show(issued.credential, "dc+sd-jwt", "n-1")
    with pytest.raises(Refused) as refused:
        await town.verifier().verify(shown, nonce="n-1")
    assert refused.value.check == "signature"
    believed = await town.verifier(accept_superseded_keys_until=town.clock() + 60).verify(shown, nonce="n-1")
    assert believed.claims == {"address": {"locality": "Kerava"}}
    await town.store.close()


@pytest.mark.parametrize("seconds", [2, 30])
async def test_a_replaced_key_signs_nothing_new(seconds: int) -> None:
    town = await Town().open()
    town.clock.advance(10)
    old = await town.issuer.organisation.key(KeyPurpose.CREDENTIAL)
    await town.issuer.rotate_key(KeyPurpose.CREDENTIAL)
    town.clock.advance(seconds)
    forged = await issue_sd_jwt_vc(
        CLAIMS,
        vct=RESIDENCE.vct,
        issuer=town.issuer.did,
        kid=old.kid,
        disclosable=[("address", "locality")],
        kms=town.federation.kms,
        label=old.label,
        issued_at=town.clock(),
        holder_key=town.holder,
    )
    shown = await town.show(forged.compact, "dc+sd-jwt", "n-1")
    with pytest.raises(Refused, match="when it says to have signed"):
        await town.verifier(accept_superseded_keys_until=town.clock() + 1_000, status="not-checked").verify(
            shown, nonce="n-1"
        )
    await town.store.close()


async def test_a_rotation_on_the_ledger_counts_at_once() -> None:
    """Though the resolver would keep its answer for minutes: the registry's view knows the newer log."""
    town = await Town().open()
    town.clock.advance(10)
    issued = await town.issuer.issue("residence", CLAIMS, reference="case-17", format="dc+sd-jwt", holder=town.holder)
    office = town.verifier()
    await office.verify(await town.show(issued.credential, "dc+sd-jwt", "n-1"), nonce="n-1")
    town.clock.advance(1)
    await town.issuer.rotate_key(KeyPurpose.CREDENTIAL)
    shown = await town.show(issued.credential, "dc+sd-jwt", "n-2")
    with pytest.raises(Refused) as refused:
        await office.verify(shown, nonce="n-2")
    assert refused.value.check == "signature"
    town.clock.advance(1)
    await town.issuer.organisation.deactivate(registry=town.registry, now=town.clock())
    with pytest.raises(Refused, match="deactivated"):
        await office.verify(shown, nonce="n-2")
    await town.store.close()
