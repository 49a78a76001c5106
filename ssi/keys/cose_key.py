"""COSE_Key in and out.

Source:  RFC 9052, section 7 (COSE_Key); RFC 9053, 7.1 and 7.2 (EC2, OKP); RFC 8812 (secp256k1).
Input:   a CBOR map from the gate.
Shapes:  ``x`` and ``y`` are as wide as the curve's coordinates; ``y`` may be the sign bit of a compressed point.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ssi.encoding.base64url import b64url_decode
from ssi.encoding.cbor import CborValue
from ssi.errors import InvalidInputError
from ssi.keys.cose import ALGORITHMS
from ssi.keys.curves import EC_CURVES, FACTS, Curve
from ssi.keys.public import PublicKey

KTY: Final = 1
_ALG: Final = 3
_KEY_OPS: Final = 4
_CRV: Final = -1
_X: Final = -2
_Y: Final = -3
_D: Final = -4
_OKP: Final = 1
_EC2: Final = 2
_VERIFY: Final = frozenset({1, 2, "sign", "verify"})
_NUMBERS: Final = {Curve.P256: 1, Curve.P384: 2, Curve.P521: 3, Curve.ED25519: 6, Curve.SECP256K1: 8}
_CURVES: Final = {number: curve for curve, number in _NUMBERS.items()}


def public_key_of(value: CborValue) -> PublicKey:
    """Return the key of a public COSE_Key that may be used to verify.

    Raises InvalidInputError, also if the private part is there or the key was made for something else.
    """
    if not isinstance(value, Mapping):
        raise InvalidInputError("expected a COSE_Key to be a map")
    if _D in value:
        raise InvalidInputError("expected a public COSE_Key, got one with its private part")
    number = value.get(_CRV)
    curve = _CURVES.get(number) if type(number) is int else None
    if curve is None or value.get(KTY) != (_EC2 if curve in EC_CURVES else _OKP) or type(value[KTY]) is not int:
        raise InvalidInputError("expected a COSE_Key of a type and curve that are known here")
    if value.get(_ALG, ALGORITHMS[curve][0]) not in ALGORITHMS[curve]:
        raise InvalidInputError(f"expected a COSE_Key whose alg fits {curve}")
    operations = value.get(_KEY_OPS, [2])
    if type(operations) is not list or not any(type(each) in (int, str) and each in _VERIFY for each in operations):
        raise InvalidInputError("expected a COSE_Key whose key_ops allow signatures")
    return PublicKey.from_raw(curve, _point(value, curve))


def cose_key(key: PublicKey) -> dict[int, CborValue]:
    """Return the COSE_Key with its required members only."""
    jwk = key.to_jwk()
    made: dict[int, CborValue] = {
        KTY: _EC2 if key.curve in EC_CURVES else _OKP,
        _CRV: _NUMBERS[key.curve],
        _X: b64url_decode(jwk["x"]),
    }
    if "y" in jwk:
        made[_Y] = b64url_decode(jwk["y"])
    return made


def _point(value: Mapping[CborValue, CborValue], curve: Curve) -> bytes:
    width = FACTS[curve].coordinate_length
    x, y = value.get(_X), value.get(_Y)
    if type(x) is not bytes or len(x) != width:
        raise InvalidInputError(f"expected a COSE_Key with x of {width} bytes")
    if curve not in EC_CURVES:
        return x
    if type(y) is bool:
        return (b"\x03" if y else b"\x02") + x
    if type(y) is not bytes or len(y) != width:
        raise InvalidInputError(f"expected a COSE_Key with y of {width} bytes, or its sign")
    return b"\x04" + x + y
