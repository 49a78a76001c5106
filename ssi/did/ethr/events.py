"""The three events of an ERC-1056 registry, read strictly out of a node's logs.

Source:  ERC-1056; ETHR DID Method Specification, "Enumerating Contract Events to build the DID Document"; the contract
         ABI specification of Solidity.
Input:   topics and data of one log, and the block that it is in.
Shapes:  ``time`` and ``valid_to`` are Unix seconds; addresses have 20 bytes; names are UTF-8 without trailing zeros,
         None where they are not UTF-8 (a use of the registry that has nothing to do with DIDs).
I/O:     none.
Errors:  UnavailableError: a log that no such registry writes says nothing of the chain, so another node may be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from ssi.did.ethr.identifier import ADDRESS_BYTES
from ssi.errors import UnavailableError

WORD: Final = 32
_UINT64: Final = 1 << 64

# Keccak-256 of the events' signatures; a test computes them.
OWNER_TOPIC: Final = bytes.fromhex("38a5a6e68f30ed1ab45860a4afb34bcb2fc00f22ca462d249b8a8d40cda6f7a3")
DELEGATE_TOPIC: Final = bytes.fromhex("5a5084339536bcab65f20799fcc58724588145ca054bd2be626174b27ba156f7")
ATTRIBUTE_TOPIC: Final = bytes.fromhex("18ab6b2ae3d64306c00ce663125f2bd680e441a098de1635bd7ad8b0d44965e4")


class OwnerChanged(msgspec.Struct, frozen=True):
    """``DIDOwnerChanged``: who may change the DID from now on; the zero address is nobody."""

    block: int
    time: int
    owner: bytes


class DelegateChanged(msgspec.Struct, frozen=True):
    """``DIDDelegateChanged``: an account that signs for the DID until ``valid_to``."""

    block: int
    time: int
    kind: str | None
    delegate: bytes
    valid_to: int


class AttributeChanged(msgspec.Struct, frozen=True):
    """``DIDAttributeChanged``: a key or a service, until ``valid_to``."""

    block: int
    time: int
    name: str | None
    value: bytes
    valid_to: int


Event: TypeAlias = OwnerChanged | DelegateChanged | AttributeChanged


class Linked(msgspec.Struct, frozen=True):
    """An event, and the block of the one before it; 0 if it is the first."""

    event: Event
    previous: int


def parse_event(topics: Sequence[bytes], data: bytes, *, identity: bytes, block: int, time: int) -> Linked:
    """Return the event of one log about ``identity``."""
    if len(topics) != 2 or topics[1] != bytes(WORD - ADDRESS_BYTES) + identity:
        raise UnavailableError("the node answered a log about another identity than was asked for")
    if topics[0] == OWNER_TOPIC:
        owner, previous = _words(data, 2)
        return Linked(OwnerChanged(block, time, _address(owner)), _number(previous))
    if topics[0] == DELEGATE_TOPIC:
        kind, delegate, valid_to, previous = _words(data, 4)
        event = DelegateChanged(block, time, _text(kind), _address(delegate), int.from_bytes(valid_to, "big"))
        return Linked(event, _number(previous))
    if topics[0] == ATTRIBUTE_TOPIC:
        name, offset, valid_to, previous, length = _words(data[: 5 * WORD], 5)
        value = data[5 * WORD :]
        size = int.from_bytes(length, "big")
        if int.from_bytes(offset, "big") != 4 * WORD or len(value) != (size + WORD - 1) // WORD * WORD:
            raise UnavailableError("an event of the registry is cut off or has another shape than ERC-1056 gives it")
        found = AttributeChanged(block, time, _text(name), value[:size], int.from_bytes(valid_to, "big"))
        return Linked(found, _number(previous))
    raise UnavailableError("the node answered an event that no ERC-1056 registry has")


def _words(data: bytes, count: int) -> list[bytes]:
    if len(data) != count * WORD:
        raise UnavailableError("an event of the registry is cut off or has another shape than ERC-1056 gives it")
    return [data[start : start + WORD] for start in range(0, len(data), WORD)]


def _address(word: bytes) -> bytes:
    if any(word[: WORD - ADDRESS_BYTES]):
        raise UnavailableError("an event of the registry has an address of more than 20 bytes")
    return word[WORD - ADDRESS_BYTES :]


def _number(word: bytes) -> int:
    value = int.from_bytes(word, "big")
    if value >= _UINT64:
        raise UnavailableError("an event of the registry names a block that cannot be")
    return value


def _text(word: bytes) -> str | None:
    try:
        return word.decode("utf-8").rstrip("\0")
    except UnicodeDecodeError:
        return None
