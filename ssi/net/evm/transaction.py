"""Transactions as bytes: what is signed and what is sent.

Source:  EIP-1559 (type 2), EIP-2718 (envelopes), EIP-155 (transactions before them), the yellow paper's RLP.
Input:   integers from 0 below 2**256, bytes.
Shapes:  fees are in wei for each unit of gas. A chain without a base fee takes transactions of the old form only.
I/O:     the signer's.
Errors:  UnavailableError from the signer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from ssi.net.evm.signer import EvmSigner, recoverable
from ssi.net.evm.values import keccak

Item: TypeAlias = "bytes | Sequence[Item]"


class Fees(msgspec.Struct, frozen=True):
    """What is paid for gas: at most ``most``, of it ``tip`` to whoever makes the block; None on a chain without."""

    most: int
    tip: int | None


class Transaction(msgspec.Struct, frozen=True):
    """What an account wants done. ``to`` is empty where a contract is made."""

    chain_id: int
    nonce: int
    to: bytes
    data: bytes
    gas: int
    fees: Fees
    value: int = 0


class Signed(msgspec.Struct, frozen=True):
    """A transaction as nodes take it, and the hash by which they know it."""

    raw: bytes
    hash: bytes


async def sign(transaction: Transaction, signer: EvmSigner) -> Signed:
    """Return ``transaction`` signed by an account."""
    fields = _fields(transaction)
    if transaction.fees.tip is None:
        digest = keccak(rlp([*fields, number(transaction.chain_id), b"", b""]))
        bit, r, s = await recoverable(signer, digest)
        raw = rlp([*fields, number(transaction.chain_id * 2 + 35 + bit), number(r), number(s)])
    else:
        bit, r, s = await recoverable(signer, keccak(b"\x02" + rlp(fields)))
        raw = b"\x02" + rlp([*fields, number(bit), number(r), number(s)])
    return Signed(raw, keccak(raw))


def _fields(of: Transaction) -> list[Item]:
    call: list[Item] = [number(of.gas), of.to, number(of.value), of.data]
    if of.fees.tip is None:
        return [number(of.nonce), number(of.fees.most), *call]
    return [*map(number, (of.chain_id, of.nonce, of.fees.tip, of.fees.most)), *call, []]


def created_address(sender: bytes, nonce: int) -> bytes:
    """Return the address of the contract that the transaction ``nonce`` of an account makes (the yellow paper, 7)."""
    return keccak(rlp([sender, number(nonce)]))[-20:]


def number(value: int) -> bytes:
    """Return an integer in the fewest bytes; nothing for zero."""
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def rlp(item: Item) -> bytes:
    """Return the recursive length prefix encoding of bytes, or of a sequence of items."""
    if isinstance(item, bytes):
        return item if len(item) == 1 and item[0] < 0x80 else _prefix(0x80, len(item)) + item
    body = b"".join(map(rlp, item))
    return _prefix(0xC0, len(body)) + body


def _prefix(base: int, length: int) -> bytes:
    if length < 56:
        return bytes([base + length])
    size = number(length)
    return bytes([base + 55 + len(size)]) + size
