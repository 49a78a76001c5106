"""Find the recovery bit of a signature: which of two points of one abscissa the signer's nonce gave.

Source:  SEC 1, 4.1.4 (verification) and 4.1.6 (recovery); secp256k1.
Input:   the 32-byte digest, r and s; the address of the account that should have signed.
Shapes:  bit 0 for an even ordinate, 1 for an odd one.
I/O:     none. The public keys of the accounts that were met last are kept.
Errors:  UnavailableError if another key signed.

Recovering the key in Python takes milliseconds, so it is done once for each account. Of a signer whose key Q is known,
the bit follows from two checks in constant-time code. The signature holds under Q: z G + r Q = s R or - s R, where R is
the point with the even ordinate. And s R - z G = r Q or - r Q, which has the form of a check, too: that of a signature
(x(Q), ...) under the key R. Both together hold for the one bit only, and for no other key than Q.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ssi.errors import UnavailableError
from ssi.net.evm.values import keccak

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
MAX_KEPT: Final = 64

_keys: dict[bytes, bytes] = {}
"""Address to public key, an uncompressed point of 65 bytes."""


def recovery_bit(digest: bytes, r: int, s: int, address: bytes) -> int:
    """Return the bit with which (r, s) over ``digest`` gives the key of ``address``. Raises UnavailableError."""
    point = _keys.get(address)
    if point is not None and _holds(_key(point), digest, r, s):
        for bit in (0, 1):
            if _gives(bit, digest, r, s, point):
                return bit
    for bit in (0, 1):
        point = _recovered(bit, digest, r, s)
        if point is not None and keccak(point[1:])[-20:] == address:
            while len(_keys) >= MAX_KEPT:
                del _keys[next(iter(_keys))]
            _keys[address] = point
            return bit
    raise UnavailableError("the signer signed with another key than that of its address")


def _gives(bit: int, digest: bytes, r: int, s: int, point: bytes) -> bool:
    """Return whether s R - z G = r Q or - r Q, for the point R with the abscissa r and this bit."""
    try:
        nonce = _key(bytes([2 + bit]) + r.to_bytes(32, "big"))
    except ValueError:  # no point of the curve has this abscissa
        return False
    first = int.from_bytes(point[1:33], "big") % ORDER
    second = first * r * pow(s, -1, ORDER) % ORDER
    checked = -int.from_bytes(digest, "big") * pow(r, -1, ORDER) * second % ORDER
    return _holds(nonce, checked.to_bytes(32, "big"), first, second)


def _key(point: bytes) -> ec.EllipticCurvePublicKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), point)


def _holds(key: ec.EllipticCurvePublicKey, digest: bytes, r: int, s: int) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        # Prehashed needs to know the length of the digest, and takes it from a function of the same length.
        key.verify(encode_dss_signature(r, s), digest, ec.ECDSA(Prehashed(SHA256())))
    except InvalidSignature:
        return False
    return True


def _recovered(bit: int, digest: bytes, r: int, s: int) -> bytes | None:
    from eth_keys.datatypes import Signature
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError

    try:
        found = Signature(vrs=(bit, r, s)).recover_public_key_from_msg_hash(digest)
    except (BadSignature, ValidationError, ValueError):
        return None
    return b"\x04" + bytes(found.to_bytes())
