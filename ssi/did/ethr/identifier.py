"""Read and build did:ethr DIDs: an account or a public key, on a network.

Source:  ETHR DID Method Specification (2026-08), "Method Specific Identifier".
Input:   a DID from anywhere.
Shapes:  ``did:ethr:[network:]0x`` and 40 digits (an address) or 66 (a compressed secp256k1 key), of any case. A network
         is a name or ``0x`` and a chain id; without one it is ``mainnet``. Addresses have 20 bytes.
I/O:     none.
Errors:  InvalidDidError; InvalidInputError without the extra ``countersigned[evm]``.

Two spellings are two DIDs with one history: a document has the DID that was asked for.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from ssi.did.parse import parse_did
from ssi.encoding.base64url import b64url_decode
from ssi.errors import InvalidDidError, InvalidInputError
from ssi.keys import Curve, PublicKey

ADDRESS_BYTES: Final = 20
NO_ADDRESS: Final = bytes(ADDRESS_BYTES)
"""The owner of a DID that is deactivated."""
MAINNET: Final = "mainnet"

_NETWORK: Final = r"[A-Za-z0-9._-]{1,64}(?::[A-Za-z0-9._-]{1,64})?"
_IDENTIFIER: Final = re.compile(rf"(?:({_NETWORK}):)?0x([0-9a-fA-F]{{40}}|[0-9a-fA-F]{{66}})")
_CHAIN_ID: Final = re.compile(r"0x[1-9a-fA-F][0-9a-fA-F]{0,15}")


class EthrDid(msgspec.Struct, frozen=True):
    """A did:ethr in its parts."""

    did: str
    network: str
    """As written; ``mainnet`` if the DID names none."""
    address: bytes
    """The identity in the registry."""
    public_key: PublicKey | None
    """The key in the DID, if it is not an address."""

    @property
    def chain_id(self) -> int | None:
        """The chain id, if the DID names one in place of a network."""
        return int(self.network, 16) if _CHAIN_ID.fullmatch(self.network) else None


def parse_ethr_did(did: str) -> EthrDid:
    """Return the parts of ``did``. Raises InvalidDidError, also for a public key that is no point of the curve."""
    parsed = parse_did(did)
    match = _IDENTIFIER.fullmatch(parsed.id) if parsed.method == "ethr" else None
    if match is None:
        raise InvalidDidError("expected did:ethr, a network if it is not mainnet, and an address or a compressed key")
    network, raw = match[1] or MAINNET, bytes.fromhex(match[2])
    if network.startswith("0x") and not _CHAIN_ID.fullmatch(network):
        raise InvalidDidError("expected the chain id of a did:ethr without leading zeros, below 2**64")
    if len(raw) == ADDRESS_BYTES:
        return EthrDid(did, network, raw, None)
    try:
        key = PublicKey.from_raw(Curve.SECP256K1, raw)
    except InvalidInputError as exc:
        raise InvalidDidError("the public key of the did:ethr is no compressed point of secp256k1") from exc
    return EthrDid(did, network, address_of(key), key)


def ethr_did(subject: bytes | PublicKey, *, network: str = MAINNET) -> str:
    """Return the DID of an account (20 bytes) or of a secp256k1 key; ``network`` is a name or ``0x`` and a chain id.

    Nothing is written anywhere: whoever has the key has the DID. Such DIDs are for organisations; a person's DID is
    computed from a key and has no place on a chain. Raises InvalidInputError.
    """
    if isinstance(subject, PublicKey):
        if subject.curve is not Curve.SECP256K1:
            raise InvalidInputError("expected a secp256k1 key for a did:ethr")
        raw = subject.to_raw()
    else:
        raw = subject
    place = "" if network == MAINNET else f"{network}:"
    return parse_ethr_did(f"did:ethr:{place}0x{raw.hex()}").did


def address_of(key: PublicKey) -> bytes:
    """Return the address of the account that a secp256k1 key controls."""
    point = key.to_jwk()
    return keccak(b64url_decode(point["x"]) + b64url_decode(point["y"]))[-ADDRESS_BYTES:]


def format_address(address: bytes) -> str:
    """Return an address with the checksum of EIP-55 in the case of its letters."""
    digits = address.hex()
    marks = keccak(digits.encode()).hex()
    return "0x" + "".join(d.upper() if int(mark, 16) > 7 else d for d, mark in zip(digits, marks, strict=False))


def keccak(value: bytes) -> bytes:
    """Return the Keccak-256 of ``value`` (not SHA3-256)."""
    try:
        from eth_utils.crypto import keccak as function
    except ImportError as exc:
        raise InvalidInputError("did:ethr needs the extra countersigned[evm]") from exc
    return bytes(function(primitive=value))
