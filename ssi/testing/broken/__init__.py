"""A catalogue of presentations that a verifier must refuse, for our tests and for those of our users.

    world = await TestWorld.open()
    verifier = …  # see ssi.testing.world
    async for broken in broken_presentations(world):
        with pytest.raises(SsiError):
            await verifier.verify(broken.text, nonce=world.nonce)

Each case differs from a good presentation in one thing, so hold a good one (``world.shown``) beside it: a verifier that
refuses everything passes otherwise. What a case needs of the world (status lists, issuers, an organisation that was
deactivated) is made while the catalogue runs, so verify each case before asking for the next.

The world's clock does not move; verify at its time, with the world's audience and nonce, a policy that requires holder
binding and a status, accepts ``world.type`` of accredited issuers, and allows no more than 60 seconds between clocks.

Source:  RFC 8725, RFC 9901 (sections 7 and 9), RFC 9052, W3C VC-JOSE-COSE, VC Data Integrity 1.0, Bitstring Status
         List v1.0, draft-ietf-oauth-status-list, DID Core; and bugs that were found in published verifiers.
I/O:     none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from ssi.testing.broken import binding, cose, disclosures, envelope, issuers, proofs, status, validity
from ssi.testing.broken.case import Broken, Cases
from ssi.testing.world import TestWorld

CATALOGUE: Final[tuple[Cases, ...]] = (
    envelope.broken_envelopes,
    cose.broken_cose,
    proofs.broken_proofs,
    binding.broken_bindings,
    disclosures.broken_disclosures,
    validity.broken_validity,
    status.broken_statuses,
    issuers.broken_issuers,
)


async def broken_presentations(world: TestWorld) -> AsyncIterator[Broken]:
    """Yield every case of the catalogue."""
    for cases in CATALOGUE:
        async for case in cases(world):
            yield case


__all__ = ["CATALOGUE", "Broken", "broken_presentations"]
