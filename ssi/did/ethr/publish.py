"""The keys and services of an organisation as attributes of its did:ethr.

Source:  ETHR DID Method Specification, "Known Key Types", "Key purposes", "Service Endpoints".
Input:   a public key, or where a service is.
Shapes:  validity is in seconds from the block that the change comes into; afterwards the entry is gone by itself.
I/O:     none.
Errors:  InvalidInputError, GuardError: as ``ssi.did.ethr.changes``.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from ssi.did.ethr.changes import SetAttribute, check_change
from ssi.encoding.multibase import multibase_decode
from ssi.errors import InvalidInputError
from ssi.keys import Curve, PublicKey
from ssi.types import JsonObject

Purpose: TypeAlias = Literal["veriKey", "sigAuth"]

_OWN_NAMES: Final = {Curve.SECP256K1: "Secp256k1", Curve.ED25519: "Ed25519"}


def publish_key(key: PublicKey, *, seconds: int, purpose: Purpose = "veriKey") -> SetAttribute:
    """Return the change that publishes a key: to assert with (``veriKey``), or to authenticate too (``sigAuth``).

    Curves that the specification does not name are published as a Multikey.
    """
    algorithm = _OWN_NAMES.get(key.curve, "Multikey")
    value = key.to_raw() if key.curve in _OWN_NAMES else multibase_decode(key.to_multikey())
    return _checked(SetAttribute(f"did/pub/{algorithm}/{purpose}", value, seconds))


def publish_agreement_key(key: bytes, *, seconds: int) -> SetAttribute:
    """Return the change that publishes the 32 bytes of an X25519 key, for messages that are encrypted to the DID."""
    return _checked(SetAttribute("did/pub/X25519/enc", key, seconds))


def publish_service(type: str, endpoint: str | JsonObject | list[str | JsonObject], *, seconds: int) -> SetAttribute:
    """Return the change that publishes where a service is: an https URL, a DID of an organisation, or JSON of those.

    ``type`` is at most 24 letters, digits and underscores.
    """
    if not isinstance(endpoint, str | dict | list):
        raise InvalidInputError("the endpoint of a service is a URL, or JSON of URLs")
    value = endpoint.encode() if isinstance(endpoint, str) else msgspec.json.encode(endpoint)
    return _checked(SetAttribute(f"did/svc/{type}", value, seconds))


def _checked(change: SetAttribute) -> SetAttribute:
    check_change(change)
    return change
