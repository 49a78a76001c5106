"""Keys of an issuer and a holder, and a way to sign any payload as a hostile issuer would."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from ssi.credentials.sd_jwt import VerifiedSdJwt, parse_sd_jwt, verify_sd_jwt
from ssi.encoding.base64url import b64url_encode
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.jws import build_jws, signing_input

TYPES = frozenset({"example+sd-jwt"})


class Parties(msgspec.Struct, frozen=True):
    """An issuer and a holder with one store for both."""

    kms: MemoryKms
    issuer: PrivateKey
    holder: PrivateKey

    @property
    def issuer_key(self) -> PublicKey:
        return self.issuer.public_key

    def sign(
        self, payload: dict[str, Any] | bytes, disclosures: Sequence[str] = (), typ: str = "example+sd-jwt"
    ) -> str:
        """Return an SD-JWT over any payload, well formed or not."""
        message = signing_input({"alg": "ES256", "typ": typ}, payload)
        return "~".join([build_jws(message, self.issuer.sign(message)), *disclosures, ""])

    def verify(self, text: str) -> VerifiedSdJwt:
        """Verify as RFC 9901 section 7.1 says."""
        return verify_sd_jwt(parse_sd_jwt(text), self.issuer_key, typ=TYPES)


def disclosure(*parts: Any) -> str:
    """Return the disclosure text of ``parts``."""
    return b64url_encode(msgspec.json.encode(list(parts)))


def digest(text: str) -> str:
    """Return the SHA-256 digest of a disclosure."""
    return b64url_encode(sha256(text.encode()).digest())


@pytest.fixture
async def parties() -> Parties:
    kms = MemoryKms()
    issuer, holder = PrivateKey.generate(Curve.P256), PrivateKey.generate(Curve.P256)
    await kms.add("issuer", issuer, purpose=KeyPurpose.CREDENTIAL)
    await kms.add("holder", holder, purpose=KeyPurpose.HOLDER)
    return Parties(kms, issuer, holder)
