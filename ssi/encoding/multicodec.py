"""The multicodec and multihash prefixes that DIDs and Multikeys use, as unsigned varints.

Source:  the multicodec table; Controlled Identifiers 1.0, section 2.2.2 (Multikey); a test holds each constant
         against the ``multiformats`` package.
"""

from __future__ import annotations

from typing import Final

ED25519_PUB: Final = b"\xed\x01"
X25519_PUB: Final = b"\xec\x01"
SECP256K1_PUB: Final = b"\xe7\x01"
P256_PUB: Final = b"\x80\x24"
P384_PUB: Final = b"\x81\x24"
P521_PUB: Final = b"\x82\x24"
BLS12_381_G2_PUB: Final = b"\xeb\x01"
JWK_JCS_PUB: Final = b"\xd1\xd6\x03"

ED25519_PRIV: Final = b"\x80\x26"
SECP256K1_PRIV: Final = b"\x81\x26"
P256_PRIV: Final = b"\x86\x26"
P384_PRIV: Final = b"\x87\x26"
BLS12_381_G2_PRIV: Final = b"\x8a\x26"
P521_PRIV: Final = b"\x88\x26"

SHA2_256_MULTIHASH: Final = b"\x12\x20"
"""Code of SHA2-256 and the length of its digest, 32."""
SHA2_384_MULTIHASH: Final = b"\x20\x30"
