"""The proof values of bbs-2023: what a base proof tells its holder, and a derived proof its verifier.

Source:  W3C Data Integrity BBS Cryptosuites v1.0 (editor's draft of 2025-04-03), 3.3 (serializeBaseProofValue,
         parseBaseProofValue, serializeDerivedProofValue, parseDerivedProofValue, compressLabelMap).
Input:   ``proofValue`` text of any origin.
Shapes:  multibase base64url (``u``) of a three-byte header and a CBOR array. The header says what kind of proof it is
         and which feature it has. Labels travel as numbers: ``c14n0`` as 0, ``b2`` as 2.
I/O:     none.
Errors:  InvalidInputError (no such value), VerificationError (a base proof where a derived one belongs or the other way
         round, and pseudonyms), UnavailableError (the extra is not installed).

Pseudonyms are refused: the vectors disagree with the text (other header bytes, and a CBOR tag where it forbids tags),
and the draft below them still moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from itertools import pairwise
from typing import Final

import msgspec

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.cbor import CborValue, encode_cbor
from ssi.encoding.cbor_plain import decode_plain
from ssi.errors import InvalidInputError, VerificationError
from ssi.proofs.selective.labels import HMAC_KEY_LENGTH
from ssi.proofs.selective.pointers import check_pointers

_SIGNATURE_LENGTH: Final = 80
_HEADER_LENGTH: Final = 64
_PUBLIC_KEY_LENGTH: Final = 96
MAX_PROOF_VALUE_CHARACTERS: Final = 1 << 17
"""Longest proofValue that is read; 1,024 messages and as many pointers of 64 characters fit."""
_MAX_INDEX: Final = 1 << 16


class Feature(Enum):
    """The optional features that this library has, with the last header byte of their base and derived proofs."""

    BASELINE = (0x02, 0x03)
    HOLDER_BINDING = (0x04, 0x05)
    """Anonymous holder binding: only who knows the holder's secret can derive."""


_FEATURES: Final = {number: feature for feature in Feature for number in feature.value}
_PSEUDONYMS: Final = frozenset((0x06, 0x07, 0x08, 0x09))


class BaseProofValue(msgspec.Struct, frozen=True):
    """What a base proof holds. It is the holder's alone: the key would let a verifier guess what is not shown."""

    signature: bytes
    header: bytes
    """SHA-256 of the proof configuration and SHA-256 of the mandatory statements, 64 bytes."""
    public_key: bytes
    hmac_key: bytes
    mandatory_pointers: tuple[str, ...]
    feature: Feature = Feature.BASELINE


class DerivedProofValue(msgspec.Struct, frozen=True):
    """What a derived proof holds."""

    proof: bytes
    label_map: Mapping[str, str]
    """From canonical labels of the shown document (``c14n0``) to the names in the signed statements (``b2``)."""
    mandatory_indexes: tuple[int, ...]
    """Of the shown statements, in their order, which are mandatory."""
    selective_indexes: tuple[int, ...]
    """Places of the other shown statements among the signed messages."""
    presentation_header: bytes
    feature: Feature = Feature.BASELINE
    message_count: int | None = None
    """Signed messages that the issuer knows; with holder binding only."""


def encode_base(value: BaseProofValue) -> str:
    """Return the ``proofValue`` of a base proof (serializeBaseProofValue)."""
    parts = [value.signature, value.header, value.public_key, value.hmac_key, list(value.mandatory_pointers)]
    return _encode(value.feature.value[0], parts)


def encode_derived(value: DerivedProofValue) -> str:
    """Return the ``proofValue`` of a derived proof (serializeDerivedProofValue)."""
    labels = {_number(name, "c14n"): _number(label, "b") for name, label in value.label_map.items()}
    indexes = [list(value.mandatory_indexes), list(value.selective_indexes)]
    parts: list[CborValue] = [value.proof, labels, *indexes, value.presentation_header]
    if value.message_count is not None:
        parts.append(value.message_count)
    return _encode(value.feature.value[1], parts)


def is_base(proof_value: str) -> bool:
    """Tell whether this is the value of a base proof. Raises as ``parse_base``, but for its contents."""
    feature, number, _ = _open(proof_value)
    return number == feature.value[0]


def parse_base(proof_value: str) -> BaseProofValue:
    """Read the value of a base proof (parseBaseProofValue).

    Raises InvalidInputError if it is malformed, VerificationError if it is that of a derived proof.
    """
    feature, number, data = _open(proof_value)
    if number != feature.value[0]:
        raise VerificationError("bbs-2023: expected a base proof, as an issuer makes it, got a derived one")
    parts = _decode(data, 5)
    signature, header, public_key, hmac_key = (
        _octets(part, length)
        for part, length in zip(
            parts, (_SIGNATURE_LENGTH, _HEADER_LENGTH, _PUBLIC_KEY_LENGTH, HMAC_KEY_LENGTH), strict=False
        )
    )
    return BaseProofValue(signature, header, public_key, hmac_key, check_pointers(parts[4]), feature)


def parse_derived(proof_value: str) -> DerivedProofValue:
    """Read the value of a derived proof (parseDerivedProofValue).

    Raises InvalidInputError if it is malformed, VerificationError if it is that of a base proof, which would show a
    verifier how to recognise its holder and proves nothing to one who was not meant to see everything.
    """
    feature, number, data = _open(proof_value)
    if number != feature.value[1]:
        raise VerificationError("bbs-2023: expected a derived proof, as a holder makes it, got a base proof")
    bound = feature is Feature.HOLDER_BINDING
    parts = _decode(data, 6 if bound else 5)
    labels = parts[1]
    if not isinstance(labels, dict):
        raise _malformed()
    return DerivedProofValue(
        _octets(parts[0]),
        {f"c14n{_index(name)}": f"b{_index(label)}" for name, label in labels.items()},
        _indexes(parts[2]),
        _indexes(parts[3]),
        _octets(parts[4]),
        feature,
        _index(parts[5]) if bound else None,
    )


def _encode(number: int, parts: Sequence[CborValue]) -> str:
    return "u" + b64url_encode(bytes((0xD9, 0x5D, number)) + encode_cbor(list(parts)))


def _open(proof_value: str) -> tuple[Feature, int, bytes]:
    """Return the feature, the last byte of the header, and what follows."""
    if not proof_value.startswith("u") or len(proof_value) > MAX_PROOF_VALUE_CHARACTERS:
        raise InvalidInputError(
            f"bbs-2023: expected a proofValue that starts with u, of at most {MAX_PROOF_VALUE_CHARACTERS} characters"
        )
    data = b64url_decode(proof_value[1:])
    if data[:2] != b"\xd9\x5d" or len(data) < 3:
        raise InvalidInputError("bbs-2023: expected a proofValue with the header of a base or derived proof")
    if data[2] in _PSEUDONYMS:
        raise VerificationError("bbs-2023: proofs with pseudonyms are not supported")
    feature = _FEATURES.get(data[2])
    if feature is None:
        raise InvalidInputError("bbs-2023: expected a proofValue with the header of a known feature")
    return feature, data[2], data[3:]


def _decode(data: bytes, length: int) -> list[CborValue]:
    parts = decode_plain(data, max_bytes=MAX_PROOF_VALUE_CHARACTERS)
    if not isinstance(parts, list) or len(parts) != length:
        raise InvalidInputError(f"bbs-2023: expected a proofValue of {length} components")
    return parts


def _octets(value: CborValue, length: int | None = None) -> bytes:
    if not isinstance(value, bytes) or len(value) != (length or len(value)):
        raise _malformed()
    return value


def _index(value: CborValue) -> int:
    if type(value) is not int or not 0 <= value < _MAX_INDEX:
        raise _malformed()
    return value


def _indexes(value: CborValue) -> tuple[int, ...]:
    if not isinstance(value, list):
        raise _malformed()
    found = tuple(_index(item) for item in value)
    if any(second <= first for first, second in pairwise(found)):
        raise InvalidInputError("bbs-2023: expected indexes that ascend")
    return found


def _number(label: str, prefix: str) -> int:
    return int(label.removeprefix(prefix))


def _malformed() -> InvalidInputError:
    return InvalidInputError("bbs-2023: expected a proofValue whose components have the types of the specification")
