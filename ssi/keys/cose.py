"""COSE_Sign1: parse, verify under a key that the caller found, build.

Source:  RFC 9052, sections 3 (headers), 4.2 and 4.4 (COSE_Sign1, Sig_structure); RFC 9053, 2.1 and 2.2, and RFC 9864
         (algorithms); RFC 9596 (``typ``); RFC 9597 (CWT Claims).
Input:   bytes from outside, with or without the CBOR tag 18.
Shapes:  header labels are integers or text. ``protected_bytes`` and ``payload`` are what was received, and what is
         signed is built of them: nothing is encoded again.
I/O:     none; ``sign_sign1`` awaits the key store.
Errors:  InvalidInputError (not the shape), InvalidSignatureError (does not hold), VerificationError (wrong ``typ``),
         ProofPurposeError from the key store.

``alg`` is believed only in the protected header, and only if it fits the caller's key; nothing in a header chooses one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from ssi.encoding.cbor import MAX_CBOR_BYTES, CborValue, Tag, decode_cbor, encode_cbor
from ssi.errors import InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys.curves import Curve
from ssi.keys.kms import KeyPurpose, Kms
from ssi.keys.public import PublicKey

Label: TypeAlias = int | str
Header: TypeAlias = Mapping[Label, CborValue]

TAG_SIGN1: Final = 18
ALG: Final = 1
CRIT: Final = 2
CONTENT_TYPE: Final = 3
KID: Final = 4
CWT_CLAIMS: Final = 15
TYP: Final = 16
"""Labels of header parameters (RFC 9052, 3.1; RFC 9597; RFC 9596)."""

ALGORITHMS: Final[dict[Curve, tuple[int, ...]]] = {
    Curve.P256: (-7, -9),
    Curve.P384: (-35, -51),
    Curve.P521: (-36, -52),
    Curve.ED25519: (-8, -19),
    Curve.SECP256K1: (-47,),
}
"""COSE ``alg`` values that a key may be used with; the first is the one written.

RFC 9053 lets ES256 stand for any curve with SHA-256. Here it means P-256, as JOSE and RFC 9864 (ESP256, -9) have it.
"""
_ALL_ALGORITHMS: Final = frozenset(number for numbers in ALGORITHMS.values() for number in numbers)
_UNDERSTOOD: Final = frozenset({ALG, CONTENT_TYPE, KID})
"""What ``crit`` may name, for every implementation understands it (3.1); callers add what they process."""
_SIGNATURE1: Final = b"\x84" + encode_cbor("Signature1")
_MAX_HEADER_BYTES: Final = 65_536
_TEXT_LABELS: Final = {ALG: "alg", CRIT: "crit", CONTENT_TYPE: "content type", KID: "kid", TYP: "typ"}


class UnverifiedSign1(msgspec.Struct, frozen=True, gc=False):
    """A parsed COSE_Sign1. Nothing in it is to be believed yet; ``payload`` is None where it is detached."""

    encoded: bytes
    protected: Header
    unprotected: Header
    protected_bytes: bytes
    payload: bytes | None
    signature: bytes
    tagged: bool

    @property
    def alg(self) -> int:
        """The algorithm of the protected header."""
        alg: int = self.protected[ALG]
        return alg

    def signing_input(self, external_aad: bytes = b"") -> bytes:
        """Return the bytes under the signature of one with its payload inside (4.4)."""
        return sig_structure(self.protected, self.protected_bytes, self.payload or b"", external_aad)

    @property
    def kid(self) -> bytes | None:
        """The key identifier, a hint: from the protected header, else from the other one."""
        kid: bytes | None = self.protected.get(KID, self.unprotected.get(KID))
        return kid


class VerifiedSign1(msgspec.Struct, frozen=True, gc=False):
    """A COSE_Sign1 whose signature held under ``key``; ``unprotected`` is not under it."""

    protected: Header
    unprotected: Header
    payload: bytes
    key: PublicKey
    encoded: bytes


def parse_sign1(
    data: bytes, *, tagged: bool | None = None, understood: Collection[Label] = (), max_bytes: int = MAX_CBOR_BYTES
) -> UnverifiedSign1:
    """Parse a COSE_Sign1 of at most ``max_bytes`` and check its headers.

    ``tagged`` says whether the tag 18 has to be there, None that it may. ``understood`` are the labels beside the
    common ones that the caller processes, which ``crit`` may name. Raises InvalidInputError, also for an ``alg`` that
    is unprotected or none of ours, and for a label that occurs in both headers.
    """
    return sign1_of(
        decode_cbor(data, tags=(TAG_SIGN1,), max_bytes=max_bytes), data, tagged=tagged, understood=understood
    )


def sign1_of(
    value: CborValue, encoded: bytes = b"", *, tagged: bool | None = None, understood: Collection[Label] = ()
) -> UnverifiedSign1:
    """As ``parse_sign1``, for one that was decoded as part of a larger item, such as an mdoc's ``issuerAuth``."""
    has_tag = isinstance(value, Tag)
    if tagged is not None and tagged is not has_tag:
        raise InvalidInputError(f"expected a COSE_Sign1 {'with' if tagged else 'without'} its tag")
    if has_tag:
        if value.number != TAG_SIGN1:
            raise InvalidInputError("expected the tag of a COSE_Sign1")
        value = value.value
    if type(value) is not list or len(value) != 4:
        raise InvalidInputError("expected a COSE_Sign1 of four elements")
    protected_bytes, unprotected, payload, signature = value
    if type(protected_bytes) is not bytes or type(signature) is not bytes or type(unprotected) is not dict:
        raise InvalidInputError("expected a COSE_Sign1 of two headers, payload and signature")
    if payload is not None and type(payload) is not bytes:
        raise InvalidInputError("expected the payload of a COSE_Sign1 to be a byte string or nil")
    protected = decode_cbor(protected_bytes, max_bytes=_MAX_HEADER_BYTES) if protected_bytes else {}
    _check_headers(protected, unprotected, understood)
    return UnverifiedSign1(encoded, protected, unprotected, protected_bytes, payload, signature, has_tag)


def verify_sign1(
    sign1: UnverifiedSign1,
    key: PublicKey,
    *,
    typ: Collection[str] | None,
    payload: bytes | None = None,
    external_aad: bytes = b"",
) -> VerifiedSign1:
    """Return the COSE_Sign1 as verified under ``key``, which the caller resolved from the signer.

    ``typ`` names the accepted types in lower case, without ``application/``; "" accepts a missing one, None does not
    look. ``payload`` is the detached one: it has to be given if there is none inside, and must not be otherwise. Raises
    VerificationError for another ``typ``, InvalidSignatureError if ``alg`` does not fit the key or the signature does
    not hold, InvalidInputError about the payload.
    """
    content = payload if sign1.payload is None else sign1.payload
    if content is None or (payload is not None and sign1.payload is not None):
        raise InvalidInputError("expected one payload: within the COSE_Sign1, or detached and given")
    if typ is not None and media_type_of(sign1.protected, TYP) not in typ:
        raise VerificationError(f"expected typ one of {', '.join(sorted(typ))}")
    if sign1.alg not in ALGORITHMS.get(key.curve, ()):
        raise InvalidSignatureError(f"expected an alg that fits the signer's {key.curve} key")
    key.verify(sign1.signature, sig_structure(sign1.protected, sign1.protected_bytes, content, external_aad))
    return VerifiedSign1(sign1.protected, sign1.unprotected, content, key, sign1.encoded)


def sig_structure(protected: Header, protected_bytes: bytes, payload: bytes, external_aad: bytes = b"") -> bytes:
    """Return the bytes under the signature (4.4); an empty header counts as an empty string, however it was written."""
    parts = (protected_bytes if protected else b"", external_aad, payload)
    return _SIGNATURE1 + b"".join([encode_cbor(part) for part in parts])


def build_sign1(
    protected: Header,
    payload: bytes | None,
    signature: bytes,
    *,
    unprotected: Header | None = None,
    tagged: bool = True,
) -> bytes:
    """Return the encoded COSE_Sign1 of these parts; payload None is a detached one."""
    parts: list[Any] = [encode_header(protected), dict(unprotected or {}), payload, signature]
    return encode_cbor(Tag(TAG_SIGN1, parts) if tagged else parts)


def encode_header(header: Header) -> bytes:
    """Return a protected header as it goes into the structure: encoded, or nothing at all if it is empty (3)."""
    return encode_cbor(dict(header)) if header else b""


async def sign_sign1(
    protected: Header,
    payload: bytes,
    *,
    kms: Kms,
    label: str,
    purpose: KeyPurpose,
    alg: int | None = None,
    unprotected: Header | None = None,
    external_aad: bytes = b"",
    detached: bool = False,
    tagged: bool = True,
) -> bytes:
    """Return ``payload`` as a COSE_Sign1 signed by the key ``label``.

    ``alg`` defaults to the key's and joins the protected header. Raises InvalidInputError if it does not fit the key
    or the headers are none, KeyNotFoundError and ProofPurposeError as ``Kms.sign``.
    """
    fitting = ALGORITHMS.get((await kms.public_key(label)).curve, ())
    chosen = fitting[0] if alg is None and fitting else alg
    if chosen not in fitting or ALG in protected:
        raise InvalidInputError("expected an alg that fits the key, and not in the header yet")
    header = {ALG: chosen, **protected}
    _check_headers(header, unprotected or {}, tuple(protected))
    message = sig_structure(header, encode_header(header), payload, external_aad)
    signature = await kms.sign(label, message, purpose=purpose)
    return build_sign1(header, None if detached else payload, signature, unprotected=unprotected, tagged=tagged)


def media_type_of(header: Header, label: int) -> str:
    """Return the media type at ``label`` in lower case without ``application/``; "" if there is none.

    A CoAP Content-Format, which is a number, is the type of nothing here. Raises InvalidInputError if it is neither.
    """
    value = header.get(label, "")
    if type(value) is int and value >= 0:
        return f"coap {value}"
    if type(value) is not str:
        raise InvalidInputError(f"expected {_TEXT_LABELS.get(label, label)} to be a media type")
    return value.lower().removeprefix("application/")


def _check_headers(protected: CborValue, unprotected: CborValue, understood: Collection[Label]) -> None:
    """Section 3 and 3.1: labels, no label in both, ``alg`` and ``crit`` protected, types of the common parameters."""
    if type(protected) is not dict:
        raise InvalidInputError("expected a protected header that is a map")
    for label in (*protected, *unprotected):
        if type(label) is bytes:
            raise InvalidInputError("expected header labels that are integers or text")
    if not protected.keys().isdisjoint(unprotected):
        raise InvalidInputError("expected header labels that occur in one header only")
    if type(protected.get(ALG)) is not int or protected[ALG] not in _ALL_ALGORITHMS:
        raise InvalidInputError("expected a protected alg that is known here")
    if ALG in unprotected or CRIT in unprotected or TYP in unprotected:
        raise InvalidInputError("expected alg, crit and typ in the protected header")
    if type(protected.get(KID, unprotected.get(KID, b""))) is not bytes:
        raise InvalidInputError("expected kid to be a byte string")
    if CRIT in protected:
        _check_critical(protected, frozenset(understood) | _UNDERSTOOD)


def _check_critical(protected: Header, understood: Collection[Label]) -> None:
    """3.1: a non-empty list of labels that are in the protected header, each of them understood."""
    critical = protected[CRIT]
    if type(critical) is not list or not critical:
        raise InvalidInputError("expected crit to be a list of labels")
    for label in critical:
        if type(label) not in (int, str) or label not in protected:
            raise InvalidInputError("expected crit to name labels of the protected header")
        if label not in understood:
            raise InvalidInputError("expected no critical header parameter that is not understood here")
