"""The proof values of ecdsa-sd-2023: what a base proof tells its holder, and a derived proof its verifier.

Source:  W3C Data Integrity ECDSA Cryptosuites v1.0, 3.5.2, 3.5.3 and 3.5.5 to 3.5.8
         (serializeBaseProofValue, parseBaseProofValue, compressLabelMap, decompressLabelMap,
         serializeDerivedProofValue, parseDerivedProofValue).
Input:   ``proofValue`` text of any origin.
Shapes:  multibase base64url (``u``) of a three-byte header and a CBOR array. Labels travel compressed: ``c14n0`` as 0,
         a name as the 32 bytes of its HMAC. The proof's own public key has the two bytes of its Multikey before it.
I/O:     none.
Errors:  InvalidInputError (no such value), VerificationError (a base proof where a derived one belongs, or the other
         way round).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.cbor import CborValue, encode_cbor
from ssi.encoding.cbor_plain import decode_plain
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import Curve, PublicKey
from ssi.keys.curves import FACTS
from ssi.proofs.selective.labels import HMAC_KEY_LENGTH
from ssi.proofs.selective.pointers import check_pointers
from ssi.types import JsonValue

NAME: Final = "ecdsa-sd-2023"
MAX_PROOF_VALUE_CHARACTERS: Final = 1 << 18
"""Longest proofValue that is read. Each signature costs its verification, and there are at most 2,978 in so many."""
MAX_STATEMENTS: Final = 2048
"""Most statements that are signed one by one; ours, so that the value stays within its bound."""

_BASE: Final = b"\xd9\x5d\x00"
_DERIVED: Final = b"\xd9\x5d\x01"
_SIGNATURE_LENGTH: Final = FACTS[Curve.P256].signature_length
_KEY_PREFIX: Final = FACTS[Curve.P256].multikey_prefix
_DIGEST_LENGTH: Final = 32
_MAX_INDEX: Final = 1 << 16


class BaseProofValue(msgspec.Struct, frozen=True):
    """What a base proof holds. It is the holder's alone: the HMAC key would let a verifier guess what is not shown."""

    signature: bytes
    """By the issuer, over what ``ssi.proofs.ecdsa_sd_2023`` says."""
    public_key: PublicKey
    """Of this proof alone; its other half signed the statements and is gone."""
    hmac_key: bytes
    signatures: tuple[bytes, ...]
    """Of the statements that are not mandatory, in their order."""
    mandatory_pointers: tuple[str, ...]


class DerivedProofValue(msgspec.Struct, frozen=True):
    """What a derived proof holds."""

    signature: bytes
    public_key: PublicKey
    signatures: tuple[bytes, ...]
    """Of the shown statements that are not mandatory, in their order."""
    label_map: Mapping[str, str]
    """From canonical labels of the shown document (``c14n0``) to the names in the signed statements (``u…``)."""
    mandatory_indexes: tuple[int, ...]
    """Of the shown statements, in their order, which are mandatory."""


def multikey_bytes(key: PublicKey) -> bytes:
    """Return the 35 bytes by which a proof names its own public key, and which the issuer signs."""
    return _KEY_PREFIX + key.to_raw()


def encode_base(value: BaseProofValue) -> str:
    """Return the ``proofValue`` of a base proof (serializeBaseProofValue)."""
    signatures, pointers = list(value.signatures), list(value.mandatory_pointers)
    return _encode(_BASE, [value.signature, multikey_bytes(value.public_key), value.hmac_key, signatures, pointers])


def encode_derived(value: DerivedProofValue) -> str:
    """Return the ``proofValue`` of a derived proof (serializeDerivedProofValue)."""
    labels = {int(name.removeprefix("c14n")): b64url_decode(label[1:]) for name, label in value.label_map.items()}
    signatures, indexes = list(value.signatures), list(value.mandatory_indexes)
    return _encode(_DERIVED, [value.signature, multikey_bytes(value.public_key), signatures, labels, indexes])


def parse_base(proof_value: str) -> BaseProofValue:
    """Read the value of a base proof (parseBaseProofValue).

    Raises InvalidInputError if it is malformed, VerificationError if it is that of a derived proof.
    """
    signature, key, hmac_key, signatures, pointers = _decode(
        proof_value, _BASE, "a base proof, as an issuer makes it, got a derived one"
    )
    return BaseProofValue(
        _octets(signature, _SIGNATURE_LENGTH),
        _key(key),
        _octets(hmac_key, HMAC_KEY_LENGTH),
        _signatures(signatures),
        check_pointers(pointers),
    )


def parse_derived(proof_value: str) -> DerivedProofValue:
    """Read the value of a derived proof (parseDerivedProofValue).

    Raises InvalidInputError if it is malformed, VerificationError if it is that of a base proof: its holder has shown
    all there is, and the key to guess with.
    """
    signature, key, signatures, labels, indexes = _decode(
        proof_value, _DERIVED, "a derived proof, as a holder makes it, got a base proof"
    )
    if not isinstance(labels, dict) or not all(0 <= number < _MAX_INDEX for number in labels):
        raise _malformed()
    return DerivedProofValue(
        _octets(signature, _SIGNATURE_LENGTH),
        _key(key),
        _signatures(signatures),
        {f"c14n{number}": "u" + b64url_encode(_octets(name, _DIGEST_LENGTH)) for number, name in labels.items()},
        _indexes(indexes),
    )


def _encode(header: bytes, parts: Sequence[CborValue]) -> str:
    text = "u" + b64url_encode(header + encode_cbor(list(parts)))
    if len(text) > MAX_PROOF_VALUE_CHARACTERS:
        raise InvalidInputError(f"{NAME}: expected a proofValue of at most {MAX_PROOF_VALUE_CHARACTERS} characters")
    return text


def _decode(proof_value: str, header: bytes, expected: str) -> list[JsonValue]:
    if not proof_value.startswith("u") or len(proof_value) > MAX_PROOF_VALUE_CHARACTERS:
        raise InvalidInputError(
            f"{NAME}: expected a proofValue that starts with u, of at most {MAX_PROOF_VALUE_CHARACTERS} characters"
        )
    data = b64url_decode(proof_value[1:])
    if data[:3] not in (_BASE, _DERIVED):
        raise InvalidInputError(f"{NAME}: expected a proofValue with the header of a base or derived proof")
    if data[:3] != header:
        raise VerificationError(f"{NAME}: expected {expected}")
    parts = decode_plain(data[3:], max_bytes=MAX_PROOF_VALUE_CHARACTERS)
    if not isinstance(parts, list) or len(parts) != 5:
        raise InvalidInputError(f"{NAME}: expected a proofValue of 5 components")
    return parts


def _octets(value: CborValue, length: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != length:
        raise _malformed()
    return value


def _key(value: CborValue) -> PublicKey:
    length = len(_KEY_PREFIX) + FACTS[Curve.P256].public_length
    octets = _octets(value, length)
    if not octets.startswith(_KEY_PREFIX):
        raise InvalidInputError(f"{NAME}: expected the proof's own key to be a Multikey on {Curve.P256}")
    return PublicKey.from_raw(Curve.P256, octets[len(_KEY_PREFIX) :])


def _signatures(value: CborValue) -> tuple[bytes, ...]:
    if not isinstance(value, list):
        raise _malformed()
    return tuple(_octets(item, _SIGNATURE_LENGTH) for item in value)


def _indexes(value: CborValue) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(item) is int and item < _MAX_INDEX for item in value):
        raise _malformed()
    if any(second <= first for first, second in pairwise(value)):
        raise InvalidInputError(f"{NAME}: expected indexes that ascend")
    return tuple(value)


def _malformed() -> InvalidInputError:
    return InvalidInputError(f"{NAME}: expected a proofValue whose components have the types of the specification")
