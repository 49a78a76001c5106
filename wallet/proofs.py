"""Keep beside a card the proof that it was issued when it was, which counts once its issuer's key is compromised.

Source:  docs/adr/0007-what-a-compromised-key-signed.md; ``ssi.status.issuance``.
Shapes:  a proof is the canonical JSON that the issuer gave; a card has at most one.
I/O:     the vault.
Errors:  InvalidInputError (no proof), InclusionProofError and VerificationError (a proof of another credential).
"""

from __future__ import annotations

from typing import Final

from ssi.errors import VerificationError
from ssi.status.issuance import check_issuance_proof, issuance_input, parse_issuance_proof

from .delivered import Delivered
from .sealing import Plain
from .vault import Vault, new_id

PROOF: Final = "issuance proof"
_OF_CARD: Final = "proven card"


def check_proof(data: bytes, delivered: Delivered) -> None:
    """Raise unless ``data`` is a proof of this credential; whether the ledger bears it out is for the verifier."""
    if delivered.issuer is None:
        raise VerificationError("a credential that names no issuer has no proof of issuance")
    check_issuance_proof(parse_issuance_proof(data), issuance_input(delivered.text), issuer=delivered.issuer)


def proof_record(vault: Vault, card_id: str, data: bytes) -> Plain:
    """Return the record of a card's proof."""
    return Plain(
        id=new_id(),
        category=PROOF,
        tags=frozenset((vault.tag(_OF_CARD, card_id.encode()),)),
        summary=b"{}",
        content=data,
    )


async def proof_ids(vault: Vault, card_id: str) -> tuple[bytes, ...]:
    """Return the ids of a card's proof records."""
    return await vault.find(PROOF, [vault.tag(_OF_CARD, card_id.encode())])


async def read_proof(vault: Vault, card_id: str) -> bytes | None:
    """Return a card's proof, or None."""
    found = await vault.read(await proof_ids(vault, card_id))
    return found[0].content if found else None
