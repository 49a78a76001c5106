"""Digital Bazaar's suites that canonicalise RDF (npm): credentials, proof sets and presentations, both ways."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.errors import InvalidSignatureError
from ssi.proofs.data_integrity import ECDSA_RDFC_2019_P256, ECDSA_RDFC_2019_P384, EDDSA_RDFC_2022, verify_proofs
from ssi.proofs.suites import ED25519_SIGNATURE_2020
from tests.interop.exchanges import _parties as parties
from tests.interop.exchanges._digitalbazaar import SUITE_2020, Party, keys, register
from tests.interop.matrix import HERE, exchange
from tests.unit.proofs.party import CONTEXTS

for _suite, _peer, _size in (
    (EDDSA_RDFC_2022, "@digitalbazaar/eddsa-rdfc-2022-cryptosuite", ""),
    (ECDSA_RDFC_2019_P256, "@digitalbazaar/ecdsa-rdfc-2019-cryptosuite", " P-256"),
    (ECDSA_RDFC_2019_P384, "@digitalbazaar/ecdsa-rdfc-2019-cryptosuite", " P-384"),
    (ED25519_SIGNATURE_2020, "@digitalbazaar/ed25519-signature-2020", ""),
):
    register(_suite, _peer, f"{_suite.name}{_size}")


@exchange("@digitalbazaar/ed25519-signature-2020", "VC of data model 1.1, Ed25519Signature2020", HERE)
def old_credential() -> None:
    """What the suite is here for: a credential of the old data model under the contexts of its time."""
    party = Party(ED25519_SIGNATURE_2020)
    document = {
        "@context": ["https://www.w3.org/2018/credentials/v1", SUITE_2020],
        "id": "urn:uuid:3a0b3f4c-6f52-4f0e-9d0b-7d2f6c1b2a10",
        "type": ["VerifiableCredential"],
        "issuer": party.did,
        "issuanceDate": "2021-03-16T22:37:26Z",
        "credentialSubject": {"id": "did:example:holder"},
    }
    secured = party.signed_there(document)
    arguments: dict[str, Any] = {
        "keys": keys(party),
        "expected_purpose": "assertionMethod",
        "now": parties.now(),
        "contexts": CONTEXTS,
    }
    assert verify_proofs(secured, **arguments).document == document
    with pytest.raises(InvalidSignatureError):
        verify_proofs({**secured, "issuanceDate": "2021-03-16T22:37:27Z"}, **arguments)
