"""A change that its owner signed, and its JSON for the way to a relay.

Source:  ERC-1056 (signed functions); EIP-191 version 0. The JSON is this library's own.
Input:   a signed change, or the bytes that somebody sent.
Shapes:  ``{"did", "chainId", "registry", "nonce", "change": {"type", …}, "signature"}``: addresses, values and the
         signature (r, s and v, 65 bytes) in hexadecimal after 0x; everything else as ``ssi.did.ethr.changes`` has it.
I/O:     none.
Errors:  InvalidInputError, InvalidDidError. Whether the signature is the owner's says the registry.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from ssi.did.ethr.changes import (
    AddDelegate,
    Change,
    ChangeOwner,
    RevokeAttribute,
    RevokeDelegate,
    SetAttribute,
    Signature,
    payload,
)
from ssi.did.ethr.identifier import ADDRESS_BYTES, parse_ethr_did
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError
from ssi.types import JsonObject, JsonValue

MAX_SIGNED_BYTES: Final = 1 << 16
SIGNATURE_BYTES: Final = 65

_KINDS: Final[dict[str, type[Any]]] = {
    kind.__name__: kind for kind in (ChangeOwner, AddDelegate, RevokeDelegate, SetAttribute, RevokeAttribute)
}
_HEX: Final = re.compile("0x((?:[0-9a-fA-F]{2})*)")


class SignedChange(msgspec.Struct, frozen=True):
    """A change that its owner signed, for a relay: it may be sent once, by anybody."""

    did: str
    change: Change
    chain_id: int
    registry: bytes
    nonce: int
    signature: Signature

    @property
    def call(self) -> bytes:
        """What a transaction to the registry carries, whoever sends it."""
        return payload(self.change, parse_ethr_did(self.did).address, signature=self.signature)


def build_signed_change(signed: SignedChange) -> bytes:
    """Return the JSON of a signed change."""
    v, r, s = signed.signature.v, signed.signature.r, signed.signature.s
    members = {name: _written(getattr(signed.change, name)) for name in signed.change.__struct_fields__}
    document: JsonObject = {
        "did": signed.did,
        "chainId": signed.chain_id,
        "registry": _written(signed.registry),
        "nonce": signed.nonce,
        "change": {"type": type(signed.change).__name__, **members},
        "signature": _written(r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])),
    }
    return msgspec.json.encode(document)


def parse_signed_change(data: bytes) -> SignedChange:
    """Return the signed change that ``data`` spells. Raises InvalidInputError."""
    document = parse_object(data, max_bytes=MAX_SIGNED_BYTES)
    if document.keys() != {"did", "chainId", "registry", "nonce", "change", "signature"}:
        raise InvalidInputError("expected a signed change: did, chainId, registry, nonce, change and signature")
    did = _text(document["did"])
    parse_ethr_did(did)
    raw = _bytes(document["signature"], SIGNATURE_BYTES)
    if raw[64] not in (27, 28):
        raise InvalidInputError("expected a signature that ends in 27 or 28")
    return SignedChange(
        did=did,
        change=_change(document["change"]),
        chain_id=_integer(document["chainId"]),
        registry=_bytes(document["registry"], ADDRESS_BYTES),
        nonce=_integer(document["nonce"]),
        signature=Signature(raw[64], int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")),
    )


def _change(value: JsonValue) -> Change:
    members = dict(value) if isinstance(value, dict) else {}
    kind = _KINDS.get(str(members.pop("type", "")))
    if kind is None or members.keys() != set(kind.__struct_fields__):
        raise InvalidInputError(f"expected a change of {', '.join(_KINDS)}, with its members")
    readers = {"owner": _account, "account": _account, "value": _bytes, "seconds": _integer}
    change: Change = kind(**{name: readers.get(name, _text)(item) for name, item in members.items()})
    return change


def _written(value: bytes | str | int) -> str | int:
    return "0x" + value.hex() if isinstance(value, bytes) else value


def _account(value: JsonValue) -> bytes:
    return _bytes(value, ADDRESS_BYTES)


def _bytes(value: JsonValue, length: int | None = None) -> bytes:
    match = _HEX.fullmatch(value) if isinstance(value, str) else None
    if match is None or length not in (None, len(match[1]) // 2):
        raise InvalidInputError("expected 0x and hexadecimal digits, as many as belong there")
    return bytes.fromhex(match[1])


def _integer(value: JsonValue) -> int:
    if type(value) is not int or value < 0:
        raise InvalidInputError("expected a whole number from 0")
    return value


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise InvalidInputError("expected text")
    return value
