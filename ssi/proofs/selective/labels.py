"""Name the blank nodes of a document so that the names tell a verifier nothing.

Source:  W3C Data Integrity ECDSA Cryptosuites v1.0, 3.4.3 (createLabelMapFunction) and 3.4.4
         (createHmacIdLabelMapFunction); Data Integrity BBS Cryptosuites, 3.2.1 (createShuffledIdLabelMapFunction).
Shapes:  a factory takes the map from the labels of the input (``_:b0``) to the canonical ones (``c14n0``) and returns
         one from the labels of the input to the names that lines are written with (``b2``), without ``_:``.
I/O:     none.
Errors:  InvalidInputError (a key of another length), VerificationError (a label map that does not fit the document).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final, TypeAlias

from ssi.encoding.base64url import b64url_encode
from ssi.errors import InvalidInputError, VerificationError

LabelMapFactory: TypeAlias = Callable[[Mapping[str, str]], dict[str, str]]

HMAC_KEY_LENGTH: Final = 32


def hmac_labels(key: bytes) -> LabelMapFactory:
    """Name each node by the HMAC of its canonical label, as ecdsa-sd-2023 does. Raises InvalidInputError."""
    _check_key(key)
    return lambda canonical: {label: _hmac(key, name) for label, name in canonical.items()}


def shuffled_labels(key: bytes) -> LabelMapFactory:
    """Name the nodes ``b0``, ``b1``, … in the order of their HMACs, as bbs-2023 does. Raises InvalidInputError.

    A verifier of bbs-2023 must not recognise a document by its names, so that these are few and used in all.
    """
    _check_key(key)

    def names(canonical: Mapping[str, str]) -> dict[str, str]:
        ordered = sorted(canonical, key=lambda label: _hmac(key, canonical[label]))
        return {label: f"b{number}" for number, label in enumerate(ordered)}

    return names


def given_labels(label_map: Mapping[str, str]) -> LabelMapFactory:
    """Name the nodes as a derived proof says, which maps canonical labels to names.

    The factory raises VerificationError unless the map names each node of the document, no other, and no two alike:
    else one shown node could pass for two signed ones, or two for one.
    """

    def names(canonical: Mapping[str, str]) -> dict[str, str]:
        if set(canonical.values()) != label_map.keys() or len(set(label_map.values())) != len(label_map):
            raise VerificationError("expected a label map with one name for each blank node of the document")
        return {label: label_map[name] for label, name in canonical.items()}

    return names


def _hmac(key: bytes, label: str) -> str:
    return "u" + b64url_encode(hmac.digest(key, label.encode(), sha256))


def _check_key(key: bytes) -> None:
    if len(key) != HMAC_KEY_LENGTH:
        raise InvalidInputError(f"expected an HMAC key of {HMAC_KEY_LENGTH} bytes")
