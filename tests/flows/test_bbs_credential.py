"""A credential with bbs-2023 from issuer to verifier, its issuer a did:key: nothing but the document travels."""

from __future__ import annotations

import json

import pytest

from ssi.credentials.data_integrity import found_keys, read_credential, secure_credential, verify_credential
from ssi.credentials.vcdm import parse_credential
from ssi.did.methods.key import did_key
from ssi.did.resolver import default_resolver
from ssi.encoding.gate import parse_object
from ssi.errors import VerificationError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.bbs_2023 import Bbs2023, derive_proof, verify_base_proof
from ssi.proofs.selective.pointers import core_pointers
from ssi.types import JsonObject

NOW = 1_700_000_000


async def test_from_issuer_to_verifier() -> None:
    kms = MemoryKms()
    public = await kms.generate("bbs", curve=Curve.BLS12_381_G2, purpose=KeyPurpose.CREDENTIAL)
    did = did_key(public)
    unsigned: JsonObject = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "issuer": did,
        "validFrom": "2023-01-01T00:00:00Z",
        "validUntil": "2033-01-01T00:00:00Z",
        "name": "Membership",
        "credentialSubject": {"name": "Quartermaine", "description": "member since 1990"},
    }
    secured = await secure_credential(
        parse_credential(unsigned, contexts=()),
        kms=kms,
        label="bbs",
        verification_method=f"{did}#{did.removeprefix('did:key:')}",
        created=NOW,
        suite=Bbs2023(core_pointers(unsigned)),
    )
    verify_base_proof(secured, key=public)
    travels = json.dumps(derive_proof(secured, selective_pointers=["/credentialSubject/description"])).encode()

    claimed = read_credential(parse_object(travels))
    (needed,) = claimed.keys
    document = (await default_resolver().resolve(needed.controller)).document
    keys = found_keys({needed: document.key(needed.verification_method, needed.purpose)})
    verified = verify_credential(claimed, keys=keys, now=NOW + 1, contexts=())
    assert verified.credential.raw["credentialSubject"] == {"description": "member since 1990"}
    assert verified.credential.raw["validUntil"] == unsigned["validUntil"]
    assert b"Quartermaine" not in travels
    assert b"Membership" not in travels
    base = read_credential(parse_object(json.dumps(secured).encode()))
    with pytest.raises(VerificationError):
        verify_credential(base, keys=keys, now=NOW + 1, contexts=())
