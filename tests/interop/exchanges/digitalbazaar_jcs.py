"""Digital Bazaar's eddsa-jcs-2022 and ecdsa-jcs-2019 (npm): credentials, proof sets and presentations, both ways."""

from __future__ import annotations

from ssi.proofs.data_integrity import ECDSA_JCS_2019_P256, ECDSA_JCS_2019_P384, EDDSA_JCS_2022
from tests.interop.exchanges._digitalbazaar import register

for _suite, _peer, _size in (
    (EDDSA_JCS_2022, "@digitalbazaar/eddsa-jcs-2022-cryptosuite", ""),
    (ECDSA_JCS_2019_P256, "@digitalbazaar/ecdsa-jcs-2019-cryptosuite", " P-256"),
    (ECDSA_JCS_2019_P384, "@digitalbazaar/ecdsa-jcs-2019-cryptosuite", " P-384"),
):
    register(_suite, _peer, f"{_suite.name}{_size}")
