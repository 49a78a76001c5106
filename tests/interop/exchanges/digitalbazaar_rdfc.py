"""Digital Bazaar's suites that canonicalise RDF (npm): credentials, proof sets and presentations, both ways."""

from __future__ import annotations

from ssi.proofs.data_integrity import ECDSA_RDFC_2019_P256, ECDSA_RDFC_2019_P384, EDDSA_RDFC_2022
from ssi.proofs.suites import ED25519_SIGNATURE_2020
from tests.interop.exchanges._digitalbazaar import register

for _suite, _peer, _size in (
    (EDDSA_RDFC_2022, "@digitalbazaar/eddsa-rdfc-2022-cryptosuite", ""),
    (ECDSA_RDFC_2019_P256, "@digitalbazaar/ecdsa-rdfc-2019-cryptosuite", " P-256"),
    (ECDSA_RDFC_2019_P384, "@digitalbazaar/ecdsa-rdfc-2019-cryptosuite", " P-384"),
    (ED25519_SIGNATURE_2020, "@digitalbazaar/ed25519-signature-2020", ""),
):
    register(_suite, _peer, f"{_suite.name}{_size}")
