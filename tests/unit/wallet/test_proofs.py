"""Proofs of issuance beside cards: only of the card's own credential, and gone with it."""

from __future__ import annotations

import hashlib

import pytest

from ssi.encoding.base64url import b64url_encode
from ssi.errors import InclusionProofError, InvalidInputError, NotFoundError, VerificationError
from ssi.status.issuance import (
    CAPACITY,
    IssuanceList,
    batch_root,
    build_issuance_proof,
    issuance_input,
    issuance_leaf,
    issuance_secret,
)
from tests.unit.wallet.parties import Town, opened
from wallet import Wallet


def proof_of(credential: str, issuer: str, *, epoch: int = 1) -> bytes:
    """Return the proof of a credential that is alone in its batch."""
    signed = issuance_input(credential)
    secret = issuance_secret(bytes(32), signed)
    noise = [hashlib.sha256(number.to_bytes(4, "big")).digest() for number in range(CAPACITY - 1)]
    leaves = [*noise[:7], issuance_leaf(secret, signed), *noise[7:]]
    root = b64url_encode(batch_root(leaves))
    listed = IssuanceList(iss=issuer, uri="https://town.example/issued", epoch=epoch, root=root)
    return build_issuance_proof(listed, leaves, 7, secret=secret).data


async def test_a_proof_is_kept_exported_and_erased_with_its_card(wallet: Wallet, town: Town) -> None:
    credential = await town.sd_jwt(await wallet.new_key())
    card = await wallet.add(credential)
    assert await wallet.issuance_proof(card.id) is None
    first, proof = proof_of(credential, town.did), proof_of(credential, town.did, epoch=2)
    await wallet.keep_proof(card.id, first)
    await wallet.keep_proof(card.id, proof)
    assert await wallet.issuance_proof(card.id) == proof
    data = await wallet.export("of the file")
    other = await opened()
    await other.import_file(data, "of the file")
    (moved,) = await other.list()
    assert await other.issuance_proof(moved.id) == proof
    await other.import_file(data, "of the file")
    assert await other.issuance_proof(moved.id) == proof
    await other.delete(moved.id)
    assert await other._vault.find("issuance proof") == ()
    with pytest.raises(NotFoundError):
        await other.issuance_proof(moved.id)


async def test_only_the_proof_of_the_credential_itself_is_kept(wallet: Wallet, town: Town) -> None:
    credential = await town.sd_jwt(await wallet.new_key())
    card = await wallet.add(credential)
    other = await town.sd_jwt(await wallet.new_key())
    proof = proof_of(credential, town.did)
    with pytest.raises(InclusionProofError):
        await wallet.keep_proof(card.id, proof_of(other, town.did))
    with pytest.raises(VerificationError, match="another issuer"):
        await wallet.keep_proof(card.id, proof_of(credential, "did:example:other"))
    for wrong in (b"", b"{}", proof[:-1], proof + b" "):
        with pytest.raises(InvalidInputError):
            await wallet.keep_proof(card.id, wrong)
    with pytest.raises(NotFoundError):
        await wallet.keep_proof("00" * 16, proof)
    assert await wallet.issuance_proof(card.id) is None
