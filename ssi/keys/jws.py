"""Compact JWS: three ways to find the key, which never mix.

Source:  RFC 7515 (compact form, ``crit``), RFC 8725 (algorithm and ``typ`` rules), RFC 9864 (Ed25519).
Shapes:  ``base64url(header).base64url(payload).base64url(signature)``, each part strict.
I/O:     none; ``sign_jws`` awaits the key store.
Errors:  InvalidInputError (not the shape), InvalidSignatureError (does not hold), VerificationError (wrong ``typ``),
         ProofPurposeError from the key store.

``verify_jws``         the caller brings the key of the resolved issuer; nothing in the header chooses it.
``verify_possession``  the header's ``jwk`` signs for itself; what comes out is that key, and no statement by anybody.
``verify_x5c``         the header's certificates lead to an anchor that the caller trusts (``ssi.keys.x5c``).

The ``typ`` sets of the first two are disjoint, so that a proof of possession is never taken for a credential.
"""

from __future__ import annotations

from collections.abc import Collection
from math import isfinite
from typing import Final

import msgspec

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.gate import MAX_JSON_BYTES, parse_object
from ssi.errors import InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys.curves import CURVE_BY_ALGORITHM, FACTS
from ssi.keys.kms import KeyPurpose, Kms
from ssi.keys.public import PublicKey
from ssi.types import JsonObject, JsonValue

MAX_HEADER_BYTES: Final = 16_384
POSSESSION_TYPES: Final = frozenset({"openid4vci-proof+jwt", "dpop+jwt", "oauth-client-attestation-pop+jwt"})
"""``typ`` values of proofs that carry their own key; ``verify_jws`` accepts none of them."""

_encode = msgspec.json.Encoder().encode

_KEPT_HEADERS: Final = 256
_KEPT_HEADER_LENGTH: Final = 512
_headers: Final[dict[bytes, JsonObject]] = {}


class UnverifiedJws:
    """A parsed compact JWS. Nothing in it is to be believed yet."""

    __slots__ = ("_claims", "_payload", "_signature", "_signing_input", "compact", "header")

    compact: str
    header: JsonObject

    def __init__(
        self, compact: str, header: JsonObject, payload: bytes, signing_input: bytes, signature: bytes
    ) -> None:
        """Built by ``parse_jws`` only."""
        self.compact = compact
        self.header = header
        self._payload = payload
        self._signing_input = signing_input
        self._signature = signature
        self._claims: JsonObject | None = None

    @property
    def signing_input(self) -> bytes:
        """The bytes under the signature."""
        return self._signing_input

    def unverified_claims(self) -> JsonObject:
        """Return the payload as an object, to choose a key by and for nothing else. Raises InvalidInputError."""
        if self._claims is None:
            # The whole JWS was held against the caller's bound when it was parsed.
            self._claims = parse_object(self._payload, max_bytes=len(self._payload))
        return self._claims


class VerifiedJws:
    """A JWS whose signature held under ``key``."""

    __slots__ = ("_unverified", "key")

    key: PublicKey

    def __init__(self, unverified: UnverifiedJws, key: PublicKey) -> None:
        """Built by the verify functions only."""
        self._unverified = unverified
        self.key = key

    @property
    def header(self) -> JsonObject:
        """The protected header."""
        return self._unverified.header

    @property
    def payload(self) -> bytes:
        """The payload bytes as they were signed."""
        return self._unverified._payload

    @property
    def claims(self) -> JsonObject:
        """The payload as a JSON object. Raises InvalidInputError if it is none."""
        return self._unverified.unverified_claims()

    @property
    def compact(self) -> str:
        """The text that was verified."""
        return self._unverified.compact


class PossessionProof(msgspec.Struct, frozen=True):
    """Somebody holds the private part of ``key``; ``thumbprint`` is its RFC 7638 thumbprint."""

    key: PublicKey
    thumbprint: str
    jws: VerifiedJws


def parse_jws(compact: str | bytes, *, max_bytes: int = MAX_JSON_BYTES) -> UnverifiedJws:
    """Parse a compact JWS of at most ``max_bytes`` characters and check its header.

    Raises InvalidInputError for anything but three strict parts, an ``alg`` of our key types, and a header without
    ``crit`` (RFC 7515, 4.1.11: none is understood here), ``b64`` (RFC 7797) or ``zip``.
    """
    raw = _ascii(compact, max_bytes)
    head, dot, rest = raw.partition(b".")
    body, second_dot, tail = rest.partition(b".")
    if not (dot and second_dot) or b"." in tail:
        raise InvalidInputError("expected a compact JWS of three parts")
    header = _read_header(head)
    payload = b64url_decode(body)
    signature = b64url_decode(tail)
    text = compact if isinstance(compact, str) else raw.decode("ascii")
    return UnverifiedJws(text, header, payload, raw[: len(head) + 1 + len(body)], signature)


def verify_jws(jws: UnverifiedJws, key: PublicKey, *, typ: Collection[str]) -> VerifiedJws:
    """Return the JWS as verified under ``key``, which the caller resolved from the issuer.

    ``typ`` names the accepted types in lower case, without ``application/``. Raises VerificationError if the header's
    ``typ`` is none of them, InvalidSignatureError if ``alg`` does not fit the key or the signature does not hold.
    """
    if not POSSESSION_TYPES.isdisjoint(typ):
        raise ValueError("verify_jws takes no typ of a possession proof")
    return _verify(jws, key, typ)


def verify_possession(jws: UnverifiedJws, *, typ: Collection[str]) -> PossessionProof:
    """Return the key that signed this proof, which is the one in its own header (RFC 7515, 4.1.3).

    ``typ`` is a subset of ``POSSESSION_TYPES``. Raises as ``verify_jws``, and InvalidInputError if the header's ``jwk``
    is no public key or another way to a key stands beside it.
    """
    if not POSSESSION_TYPES.issuperset(typ):
        raise ValueError("verify_possession takes only typ values of possession proofs")
    jwk = jws.header.get("jwk")
    if not isinstance(jwk, dict) or "kid" in jws.header or "x5c" in jws.header:
        raise InvalidInputError("expected a possession proof whose header has jwk, and neither kid nor x5c")
    key = PublicKey.from_jwk(jwk)
    return PossessionProof(key, key.thumbprint(), _verify(jws, key, typ))


def media_type(header: JsonObject, member: str = "typ") -> str:
    """Return the ``typ`` (or ``cty``) of a header in lower case without ``application/``; "" if it has none."""
    value = header.get(member, "")
    if not isinstance(value, str):
        raise InvalidInputError(f"expected {member} to be a string")
    return value.lower().removeprefix("application/")


def signing_input(header: JsonObject, claims: JsonObject | bytes) -> bytes:
    """Return the bytes to sign; ``claims`` as bytes are taken as they are."""
    payload = claims if isinstance(claims, bytes) else encode_json(claims)
    return f"{b64url_encode(encode_json(header))}.{b64url_encode(payload)}".encode()


def encode_json(value: JsonObject) -> bytes:
    """Return compact JSON in the order of ``value``. Raises InvalidInputError if it has no JSON form."""
    try:
        encoded = _encode(value)
        # The encoder writes null for a number that is not finite, and what was not meant must not be signed.
        if b"null" in encoded and not _finite(value):
            raise InvalidInputError("expected a value whose numbers are finite")
        return encoded
    except (msgspec.MsgspecError, UnicodeEncodeError, TypeError, ValueError, RecursionError, OverflowError) as exc:
        raise InvalidInputError("expected a value with a JSON form") from exc


def _finite(value: JsonValue) -> bool:
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    return not isinstance(value, float) or isfinite(value)


def build_jws(message: bytes, signature: bytes) -> str:
    """Return the compact JWS of a signing input and its signature."""
    return f"{message.decode('ascii')}.{b64url_encode(signature)}"


async def sign_jws(
    header: JsonObject, claims: JsonObject | bytes, *, kms: Kms, label: str, purpose: KeyPurpose, alg: str | None = None
) -> str:
    """Return ``claims`` as a compact JWS signed by the key ``label``.

    ``alg`` is written first into the header; it defaults to the key's. Raises InvalidInputError if it does not fit the
    key, KeyNotFoundError and ProofPurposeError as ``Kms.sign``.
    """
    key = await kms.public_key(label)
    chosen = alg or key.alg
    if chosen not in FACTS[key.curve].algorithms:
        raise InvalidInputError(f"expected an alg that fits {key.curve}, got {chosen}")
    message = signing_input({"alg": chosen, **header}, claims)
    return build_jws(message, await kms.sign(label, message, purpose=purpose))


def _ascii(compact: str | bytes, max_bytes: int) -> bytes:
    if len(compact) > max_bytes:
        raise InvalidInputError(f"expected a compact JWS of at most {max_bytes} bytes, got {len(compact)}")
    try:
        return compact.encode("ascii") if isinstance(compact, str) else compact
    except UnicodeEncodeError as exc:
        raise InvalidInputError("expected a compact JWS in ASCII") from exc


def _read_header(head: bytes) -> JsonObject:
    """Return the checked header that ``head`` encodes.

    An issuer writes the same short header many times, so such headers are kept; each caller gets its own copy.
    """
    kept = _headers.get(head)
    if kept is None:
        kept = parse_object(b64url_decode(head), max_bytes=MAX_HEADER_BYTES)
        _check_header(kept)
        if len(head) <= _KEPT_HEADER_LENGTH and all(type(value) is str for value in kept.values()):
            if len(_headers) >= _KEPT_HEADERS:
                _headers.clear()
            _headers[head] = kept
    return dict(kept)


def _check_header(header: JsonObject) -> None:
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in CURVE_BY_ALGORITHM:
        raise InvalidInputError(f"expected alg one of {', '.join(CURVE_BY_ALGORITHM)}")
    for member in ("crit", "b64", "zip"):
        if member in header:
            raise InvalidInputError(f"expected a header without {member}")


def _verify(jws: UnverifiedJws, key: PublicKey, typ: Collection[str]) -> VerifiedJws:
    if media_type(jws.header) not in typ:
        raise VerificationError(f"expected typ one of {', '.join(sorted(typ))}")
    if jws.header["alg"] not in FACTS[key.curve].algorithms:
        raise InvalidSignatureError(f"expected an alg that fits the issuer's {key.curve} key")
    key.verify(jws._signature, jws._signing_input)
    return VerifiedJws(jws, key)
