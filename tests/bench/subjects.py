"""What is measured: one key pair, one credential of twenty claims, and what the peers make of them.

Source:  none; every party signs the same claims with the same P-256 key.
Input:   none.
Shapes:  ``primitive_verify(n)`` and ``primitive_sign(n)`` do exactly n operations of `cryptography`.
I/O:     none.
Errors:  ImportError if the packages of the interop extra are missing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto.jwk import JWK

ECDSA = ec.ECDSA(hashes.SHA256())
ISSUER = "did:web:registry.example"
KID = f"{ISSUER}#key-1"
AUDIENCE, NONCE = "https://benefits.example", "n-0S6_WzA2Mj"
NOW = int(time.time())
CLAIMS: dict[str, Any] = {f"claim_{number:02}": f"the value of claim {number:02}" for number in range(20)}


@lru_cache
def key_pair(name: str = "issuer") -> ec.EllipticCurvePrivateKey:
    """Return the P-256 key of one party; the same for every case of a run."""
    return ec.generate_private_key(ec.SECP256R1())


@lru_cache
def jwk(name: str = "issuer", *, private: bool = True) -> dict[str, Any]:
    """Return that key as a JWK."""
    exported: dict[str, Any] = JWK.from_pyca(key_pair(name)).export(private_key=private, as_dict=True)
    exported.pop("kid", None)
    return exported


def credential() -> dict[str, Any]:
    """Return a credential of the Verifiable Credentials Data Model 2.0 with twenty claims."""
    return {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": "urn:uuid:3a0b3f4c-6f52-4f0e-9d0b-7d2f6c1b2a10",
        "type": ["VerifiableCredential", "ResidenceCertificate"],
        "issuer": ISSUER,
        "validFrom": "2026-01-01T00:00:00Z",
        "validUntil": "2036-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:holder", **CLAIMS},
    }


def message() -> bytes:
    """Return what the primitive signs: as many bytes as the JWS of the credential."""
    return json.dumps(credential(), separators=(",", ":")).encode()


def primitive_verify(times: int = 1) -> Callable[[], None]:
    """Return a function that verifies a P-256 signature ``times`` times and does nothing else."""
    data, key = message(), key_pair()
    signature = key.sign(data, ECDSA)
    verify = key.public_key().verify

    def once() -> None:
        verify(signature, data, ECDSA)

    def twice() -> None:
        verify(signature, data, ECDSA)
        verify(signature, data, ECDSA)

    return {1: once, 2: twice}[times]


def primitive_sign() -> Callable[[], bytes]:
    """Return a function that makes one P-256 signature."""
    data, sign = message(), key_pair().sign
    return lambda: sign(data, ECDSA)
