"""JWK in, through jwcrypto; the checks that jwcrypto leaves to its caller are made here.

Source:  RFC 7517, RFC 7518 section 6.2, RFC 8037, RFC 8812.
Input:   a JSON object from the parse gate.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ssi.encoding.base64url import b64url_decode
from ssi.errors import InvalidInputError
from ssi.keys.curves import EC_CURVES, FACTS, JOSE_CURVES, Curve

PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})


def curve_of_jwk(jwk: Mapping[str, object]) -> Curve:
    """Return the curve that a JWK names, or raise InvalidInputError if it is none of ours or ``kty`` differs."""
    curve = next((known for known in JOSE_CURVES if known == jwk.get("crv")), None)
    if curve is None:
        raise InvalidInputError(f"expected a JWK with crv one of {', '.join(JOSE_CURVES)}")
    if jwk.get("kty") != FACTS[curve].kty:
        raise InvalidInputError(f"expected kty {FACTS[curve].kty} for crv {curve}")
    return curve


def public_from_jwk(jwk: Mapping[str, object]) -> ec.EllipticCurvePublicKey | Ed25519PublicKey:
    """Return the native public key of a public JWK that may be used to verify."""
    if not PRIVATE_MEMBERS.isdisjoint(jwk):
        raise InvalidInputError("expected a public JWK, got one with private members")
    native = _native(jwk, "verify")
    if not isinstance(native, ec.EllipticCurvePublicKey | Ed25519PublicKey):
        raise InvalidInputError("expected a public JWK")
    return native


def point_from_jwk(kty: str, crv: str, x: str, y: str) -> ec.EllipticCurvePublicKey:
    """Return the key of a JWK that has these members and no others, as ``cnf`` and DID documents have it.

    Nothing is left for jwcrypto to check then, and it would take two thirds of the time of a signature.
    """
    curve = curve_of_jwk({"kty": kty, "crv": crv})
    width = FACTS[curve].coordinate_length
    left, right = b64url_decode(x), b64url_decode(y)
    if curve not in EC_CURVES or len(left) != width or len(right) != width:
        raise InvalidInputError(f"expected JWK members x and y of {width} bytes in base64url")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(EC_CURVES[curve], b"\x04" + left + right)
    except ValueError as exc:
        raise InvalidInputError(f"expected a JWK with a point on {curve}") from exc


def private_from_jwk(jwk: Mapping[str, object]) -> ec.EllipticCurvePrivateKey | Ed25519PrivateKey:
    """Return the native private key of a JWK with ``d``, whose public members must belong to it."""
    curve = curve_of_jwk(jwk)
    if "d" not in jwk:
        raise InvalidInputError("expected a private JWK")
    _check_width(jwk, "d", FACTS[curve].coordinate_length)
    native = _native(jwk, "sign")
    if not isinstance(native, ec.EllipticCurvePrivateKey | Ed25519PrivateKey):
        raise InvalidInputError("expected a private JWK")
    public = {name: value for name, value in jwk.items() if name in ("kty", "crv", "x", "y")}
    if native.public_key() != public_from_jwk(public):
        raise InvalidInputError("expected a private JWK whose public members belong to it")
    return native


def _native(jwk: Mapping[str, object], operation: str) -> object:
    from jwcrypto.common import JWException
    from jwcrypto.jwk import JWK

    curve = curve_of_jwk(jwk)
    _check_use(jwk, curve, operation)
    for name in ("x", "y") if FACTS[curve].kty == "EC" else ("x",):
        _check_width(jwk, name, FACTS[curve].coordinate_length)
    members = {name: value for name, value in jwk.items() if name in ("kty", "crv", "x", "y", "d")}
    try:
        return JWK(**members).get_op_key(operation)
    except (JWException, ValueError, TypeError) as exc:
        raise InvalidInputError(f"expected a JWK with a point on {curve}") from exc


def _check_width(jwk: Mapping[str, object], name: str, width: int) -> None:
    value = jwk.get(name)
    if not isinstance(value, str) or len(b64url_decode(value)) != width:
        raise InvalidInputError(f"expected JWK member {name} with {width} bytes in base64url")


def _check_use(jwk: Mapping[str, object], curve: Curve, operation: str) -> None:
    """RFC 7517, 4.2 to 4.4: a key made for something else is not used here."""
    if jwk.get("use", "sig") != "sig":
        raise InvalidInputError("expected a JWK whose use is sig")
    operations = jwk.get("key_ops", [operation])
    if not isinstance(operations, list) or not {"sign", "verify"}.intersection(map(str, operations)):
        raise InvalidInputError("expected a JWK whose key_ops allow signatures")
    if jwk.get("alg", FACTS[curve].algorithms[0]) not in FACTS[curve].algorithms:
        raise InvalidInputError(f"expected a JWK whose alg fits {curve}")
