"""Hexadecimal values of Ethereum JSON-RPC, read strictly; addresses; Keccak-256.

Source:  Ethereum JSON-RPC, "hex encoding" (quantities and data); EIP-55 (mixed-case checksum of addresses).
Input:   what a node answered, or what an operator configured.
Shapes:  a quantity has no leading zero; data has two digits for each byte.
I/O:     none.
Errors:  UnavailableError for an answer without the right shape (it says nothing about the chain, so another node may be
         asked); InvalidInputError for a configured address.
"""

from __future__ import annotations

import re
from typing import Final

from ssi.errors import InvalidInputError, UnavailableError
from ssi.types import JsonObject, JsonValue

ADDRESS_BYTES: Final = 20
WORD_BYTES: Final = 32

_QUANTITY: Final = re.compile("0x(0|[1-9a-fA-F][0-9a-fA-F]{0,63})")
_DATA: Final = re.compile("0x(?:[0-9a-fA-F]{2})*")


def quantity(value: JsonValue) -> int:
    """Return the integer that a node answered."""
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise UnavailableError("the node answered something else than a quantity")
    return int(value, 16)


def data(value: JsonValue, length: int | None = None) -> bytes:
    """Return the bytes that a node answered; ``length`` is how many they must be."""
    if not isinstance(value, str) or not _DATA.fullmatch(value):
        raise UnavailableError("the node answered something else than hexadecimal data")
    result = bytes.fromhex(value[2:])
    if length is not None and len(result) != length:
        raise UnavailableError(f"the node answered {len(result)} bytes where {length} were expected")
    return result


def member(value: JsonValue, name: str) -> JsonValue:
    """Return one member of an object that a node answered."""
    if not isinstance(value, dict) or name not in value:
        raise UnavailableError(f"the node answered something else than an object with {name!r}")
    return value[name]


def as_object(value: JsonValue) -> JsonObject:
    """Return what a node answered, if it is an object."""
    if not isinstance(value, dict):
        raise UnavailableError("the node answered something else than an object")
    return value


def to_hex(value: int | bytes) -> str:
    """Return a value in the spelling that nodes take."""
    return hex(value) if isinstance(value, int) else "0x" + value.hex()


def keccak(value: bytes) -> bytes:
    """Return the Keccak-256 of ``value`` (not SHA3-256)."""
    from eth_utils.crypto import keccak as function

    return bytes(function(primitive=value))


def parse_address(text: str) -> bytes:
    """Return the 20 bytes of an address; where its letters have mixed case they must be the checksum of EIP-55."""
    from eth_utils.address import is_checksum_address

    if not re.fullmatch("0x[0-9a-fA-F]{40}", text):
        raise InvalidInputError("an address is 0x and 40 hexadecimal digits")
    if text[2:] not in (text[2:].lower(), text[2:].upper()) and not is_checksum_address(text):
        raise InvalidInputError("the letters of an address do not give its checksum: a digit may be wrong")
    return bytes.fromhex(text[2:])


def format_address(value: bytes) -> str:
    """Return an address with its checksum."""
    from eth_utils.address import to_checksum_address

    return str(to_checksum_address(value))
