"""What an ERC-1056 registry is told about a DID, and what is signed so that another account may tell it.

Source:  ERC-1056 (functions and signed functions); ETHR DID Method Specification, "Update" and "Delete (Revoke)";
         EIP-191 version 0 (data with an intended validator); the contract ABI specification of Solidity.
Input:   a change that an organisation makes to its own DID.
Shapes:  accounts have 20 bytes; names and kinds at most 32 bytes of ASCII; validity is in seconds from the block.
I/O:     none.
Errors:  InvalidInputError (not a change that makes an entry), GuardError (what must not be on a chain: see
         ``ssi.ledger.rules``).

Nothing that is written to a chain is ever erased. An attribute is a key or the endpoint of a service and nothing else;
endpoints are held against the rules for text on a ledger.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import msgspec

from ssi.did.ethr.attributes import attribute_parts, endpoint, key_material
from ssi.did.ethr.identifier import ADDRESS_BYTES, NO_ADDRESS, keccak
from ssi.errors import GuardError, InvalidInputError
from ssi.ledger.rules import check_name, check_uri
from ssi.types import JsonValue

DELEGATE_KINDS: Final = ("veriKey", "sigAuth")
PURPOSES: Final = ("veriKey", "sigAuth", "enc")
MAX_NAME_BYTES: Final = 32
MAX_SECONDS: Final = 100 * 366 * 86_400
"""Longest validity: later ends are no plan but a mistake in the unit."""
SIGNED: Final = "Signed"

_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class ChangeOwner(msgspec.Struct, frozen=True, tag=True):
    """Hand the DID to another account. The zero address deactivates it for good."""

    owner: bytes


class AddDelegate(msgspec.Struct, frozen=True, tag=True):
    """Let another account sign for the DID: to assert (``veriKey``), or to authenticate too (``sigAuth``)."""

    kind: str
    account: bytes
    seconds: int


class RevokeDelegate(msgspec.Struct, frozen=True, tag=True):
    """Take that back."""

    kind: str
    account: bytes


class SetAttribute(msgspec.Struct, frozen=True, tag=True):
    """Publish a key or a service: see ``ssi.did.ethr.publish`` for the ones that this library makes."""

    name: str
    value: bytes
    seconds: int

    @property
    def undone(self) -> RevokeAttribute:
        """The change that takes this back; it has to repeat name and value."""
        return RevokeAttribute(self.name, self.value)


class RevokeAttribute(msgspec.Struct, frozen=True, tag=True):
    """Take back a key or a service."""

    name: str
    value: bytes


Change: TypeAlias = ChangeOwner | AddDelegate | RevokeDelegate | SetAttribute | RevokeAttribute

DEACTIVATE: Final = ChangeOwner(NO_ADDRESS)


class Signature(msgspec.Struct, frozen=True):
    """An account's signature as contracts take it: ``v`` is 27 or 28, ``r`` and ``s`` are numbers."""

    v: int
    r: int
    s: int


def check_change(change: Change) -> None:
    """Refuse a change that would make no entry, or that does not belong on a chain. Raises as the module says."""
    if isinstance(change, ChangeOwner):
        _check_account(change.owner)
    elif isinstance(change, AddDelegate | RevokeDelegate):
        if change.kind not in DELEGATE_KINDS:
            raise InvalidInputError(f"a delegate is one of {', '.join(DELEGATE_KINDS)}")
        _check_account(change.account)
    else:
        _check_attribute(change.name, change.value)
    if isinstance(change, AddDelegate | SetAttribute) and not 0 < change.seconds <= MAX_SECONDS:
        raise InvalidInputError(f"an entry is valid for 1 to {MAX_SECONDS} seconds")


def payload(change: Change, identity: bytes, *, signature: Signature | None = None) -> bytes:
    """Return the call that makes ``change`` to ``identity``; with the owner's signature anybody may send it."""
    from eth_abi.abi import encode

    name, arguments = _call(change)
    types, values = [kind for kind, _ in arguments], [value for _, value in arguments]
    if signature is not None:
        name += SIGNED
        types[:0] = ["uint8", "bytes32", "bytes32"]
        values[:0] = [signature.v, signature.r.to_bytes(32, "big"), signature.s.to_bytes(32, "big")]
    types, values = ["address", *types], [identity, *values]
    return keccak(f"{name}({','.join(types)})".encode())[:4] + encode(types, values)


def signed_digest(change: Change, identity: bytes, *, registry: bytes, nonce: int) -> bytes:
    """Return the 32 bytes that the owner signs so that another account may send ``change``.

    They name the registry's address and no chain: the same bytes count wherever a registry has this address.
    """
    name, arguments = _call(change)
    head = b"\x19\x00" + registry + nonce.to_bytes(32, "big") + identity
    return keccak(head + name.encode() + b"".join(_packed(kind, value) for kind, value in arguments))


def _call(change: Change) -> tuple[str, Sequence[tuple[str, Any]]]:
    """Return the function for a change, and what it takes after the identity."""
    match change:
        case ChangeOwner(owner):
            return "changeOwner", [("address", owner)]
        case AddDelegate(kind, account, seconds):
            return "addDelegate", [("bytes32", _word(kind)), ("address", account), ("uint256", seconds)]
        case RevokeDelegate(kind, account):
            return "revokeDelegate", [("bytes32", _word(kind)), ("address", account)]
        case SetAttribute(name, value, seconds):
            return "setAttribute", [("bytes32", _word(name)), ("bytes", value), ("uint256", seconds)]
        case RevokeAttribute(name, value):
            return "revokeAttribute", [("bytes32", _word(name)), ("bytes", value)]


def _packed(kind: str, value: bytes | int) -> bytes:
    """Return one argument in the packed encoding, which has no lengths."""
    return value if isinstance(value, bytes) else value.to_bytes(32, "big")


def _word(text: str) -> bytes:
    raw = text.encode("ascii", "replace")
    if not raw or len(raw) > MAX_NAME_BYTES or raw.decode("ascii") != text:
        raise InvalidInputError(f"a name in the registry is 1 to {MAX_NAME_BYTES} ASCII characters")
    return raw.ljust(MAX_NAME_BYTES, b"\0")


def _check_account(account: bytes) -> None:
    if len(account) != ADDRESS_BYTES:
        raise InvalidInputError(f"an account is {ADDRESS_BYTES} bytes")


def _check_attribute(name: str, value: bytes) -> None:
    _word(name)
    parts = attribute_parts(name)
    if parts is None:
        raise InvalidInputError("an attribute is did/pub/ALGORITHM/PURPOSE or did/svc/TYPE: nothing else is published")
    word, purpose, encoding = parts
    if name.startswith("did/pub/"):
        if purpose not in PURPOSES or key_material(word, encoding, value) is None:
            raise InvalidInputError(f"a key has a purpose of {', '.join(PURPOSES)}, and the bytes of its algorithm")
        if word not in _KEY_LENGTHS and word != "Multikey":
            raise InvalidInputError("a key of another algorithm is published as a Multikey")
        return
    if purpose is not None:
        raise InvalidInputError("a service is did/svc/TYPE")
    check_name(word, "the type of the service")
    place = endpoint(value)
    if place is None:
        raise InvalidInputError("the endpoint of a service is a URL, or JSON of URLs")
    _check_endpoint(place)


_KEY_LENGTHS: Final = {"Secp256k1", "Ed25519", "X25519"}


def _check_endpoint(place: JsonValue) -> None:
    """Hold every text of an endpoint against the rules; numbers are refused, for they could number a person."""
    if isinstance(place, str):
        if _URI.match(place):
            check_uri(place, "the endpoint of the service")
        else:
            check_name(place, "the endpoint of the service")
    elif isinstance(place, dict):
        for member, inner in place.items():
            check_name(member, "a member of the endpoint")
            _check_endpoint(inner)
    elif isinstance(place, list):
        for inner in place:
            _check_endpoint(inner)
    else:
        raise GuardError("G05", "the endpoint of the service holds something else than text")
