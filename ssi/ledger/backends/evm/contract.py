"""The log contract: its interface, its calls and events as bytes, and its deployment.

Source:  contracts/MerkleLog.sol beside this file; the contract ABI specification of Solidity.
Input:   entries or leaf hashes; what nodes answered.
Shapes:  sizes below 2**40; a leaf hash has 32 bytes.
I/O:     reads package data once; ``head`` and ``deployed`` ask the chain, at a block that the caller pinned.
Errors:  VerificationError (other code at the address), UnavailableError (an answer of the wrong shape).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

from ssi.errors import RpcError, UnavailableError, VerificationError
from ssi.ledger import merkle
from ssi.ledger.port import MAX_ENTRY_BYTES
from ssi.net.evm.chain import Block, Chain, Log
from ssi.net.evm.values import format_address, keccak

MAX_SIZE: Final = (1 << 40) - 1


class Mode(StrEnum):
    """What is on chain: leaf hashes, or whole entries."""

    LEAVES = "leaves"
    ENTRIES = "entries"


class Head(msgspec.Struct, frozen=True):
    """The contract's answer: entries, the block of the newest one, and the root over all of them."""

    size: int
    last_block: int
    root: bytes


class Batch(msgspec.Struct, frozen=True):
    """What one event tells: the entries from ``first`` on, and the block of the entry before them."""

    first: int
    previous_block: int
    block: int
    leaves: tuple[bytes, ...]
    bodies: tuple[bytes, ...]
    """The entries themselves; none if only their leaf hashes are on chain."""


class Artefact(msgspec.Struct, frozen=True):
    """A compiled contract."""

    abi: list[dict[str, Any]]
    bytecode: bytes
    runtime: bytes
    code_hash: bytes


_NAMES: Final = {Mode.LEAVES: "LeafLog", Mode.ENTRIES: "EntryLog"}
_EVENTS: Final = {Mode.LEAVES: "Leaves", Mode.ENTRIES: "Entry"}
_ARGUMENTS: Final = {Mode.LEAVES: "bytes32[]", Mode.ENTRIES: "bytes[]"}


@cache
def artefact(mode: Mode) -> Artefact:
    """Return the contract that this library ships for ``mode``."""
    text = files("ssi.ledger.backends.evm").joinpath("contracts", f"{_NAMES[mode]}.json").read_text(encoding="utf-8")
    document = json.loads(text)
    return Artefact(
        document["abi"],
        bytes.fromhex(document["bytecode"]),
        bytes.fromhex(document["runtime"]),
        bytes.fromhex(document["code_hash"]),
    )


@cache
def selector(signature: str) -> bytes:
    """Return the first four bytes of a call or an error."""
    return keccak(signature.encode())[:4]


@cache
def event_topic(mode: Mode) -> bytes:
    """Return the first topic of the events that carry entries."""
    argument = "bytes32[]" if mode is Mode.LEAVES else "bytes"
    return keccak(f"{_EVENTS[mode]}(uint64,uint64,{argument})".encode())


def deployment(mode: Mode, owner: bytes, writers: Sequence[bytes]) -> bytes:
    """Return the payload of the transaction that creates a log."""
    from eth_abi.abi import encode

    return artefact(mode).bytecode + encode(["address", "address[]"], [owner, list(writers)])


def append_payload(mode: Mode, expected_size: int, items: Sequence[bytes]) -> bytes:
    """Return the payload of ``append``: leaf hashes or whole entries, as the mode has it."""
    from eth_abi.abi import encode

    name = f"append(uint64,{_ARGUMENTS[mode]})"
    return selector(name) + encode(["uint64", _ARGUMENTS[mode]], [expected_size, list(items)])


def set_writer_payload(writer: bytes, *, allowed: bool) -> bytes:
    """Return the payload of ``setWriter``, which only the owner may send."""
    from eth_abi.abi import encode

    return selector("setWriter(address,bool)") + encode(["address", "bool"], [writer, allowed])


def set_owner_payload(owner: bytes) -> bytes:
    """Return the payload of ``setOwner``, which only the owner may send."""
    from eth_abi.abi import encode

    return selector("setOwner(address)") + encode(["address"], [owner])


def parse_head(answer: bytes) -> Head:
    """Return the answer of ``head()``."""
    if len(answer) != 96:
        raise UnavailableError("the contract's head has another shape than this library knows")
    size, block = (int.from_bytes(answer[i : i + 32], "big") for i in (0, 32))
    if size > MAX_SIZE or block >= 1 << 64:
        raise UnavailableError("the contract's head is out of range")
    return Head(size, block, answer[64:])


def parse_event(mode: Mode, log: Log) -> Batch:
    """Return the entries of one event, with their leaf hashes."""
    if len(log.topics) != 3:
        raise UnavailableError("an event of the log has another shape than this library knows")
    first, previous = (int.from_bytes(topic, "big") for topic in log.topics[1:])
    if mode is Mode.LEAVES:
        return Batch(first, previous, log.block, _words(log.data), ())
    entry = _bytes(log.data)
    return Batch(first, previous, log.block, (merkle.leaf_hash(entry),), (entry,))


def _words(payload: bytes) -> tuple[bytes, ...]:
    count = _length(payload)
    if len(payload) != 64 + 32 * count:
        raise UnavailableError("an event of the log is cut off")
    return tuple(payload[start : start + 32] for start in range(64, len(payload), 32))


def _bytes(payload: bytes) -> bytes:
    length = _length(payload)
    if length > MAX_ENTRY_BYTES or len(payload) != 64 + (length + 31) // 32 * 32 or any(payload[64 + length :]):
        raise UnavailableError("an event of the log is cut off or longer than an entry may be")
    return payload[64 : 64 + length]


def _length(payload: bytes) -> int:
    """Return the length of the one dynamic value of a payload, as the ABI's canonical encoding has it."""
    if len(payload) < 64 or int.from_bytes(payload[:32], "big") != 32:
        raise UnavailableError("an event of the log has another shape than this library knows")
    return int.from_bytes(payload[32:64], "big")


async def head(chain: Chain, address: bytes, block: Block) -> Head | None:
    """Return the head of the log at a block, or None if the contract was not there yet."""
    answer = await chain.call(address, selector("head()"), block)
    return parse_head(answer) if answer else None


async def deployed_at(chain: Chain, address: bytes, block: Block) -> int:
    """Return the block in which the contract was made."""
    return int.from_bytes(await _word(chain, address, selector("deployedAt()"), block), "big")


async def owner(chain: Chain, address: bytes, block: Block) -> bytes:
    """Return the account that names writers; the zero address if nobody does any more."""
    return (await _word(chain, address, selector("owner()"), block))[-20:]


async def is_writer(chain: Chain, address: bytes, account: bytes, block: Block) -> bool:
    """Return whether an account may append."""
    return any(await _word(chain, address, selector("writers(address)") + bytes(12) + account, block))


async def _word(chain: Chain, address: bytes, payload: bytes, block: Block) -> bytes:
    answer = await chain.call(address, payload, block)
    if len(answer) != 32:
        raise UnavailableError("the contract answered in another shape than this library knows")
    return answer


async def check_code(chain: Chain, address: bytes, mode: Mode, block: Block) -> None:
    """Raise VerificationError unless the code at the address is the contract that this library ships for ``mode``."""
    code = await chain.code(address, block)
    if keccak(code) != artefact(mode).code_hash:
        raise VerificationError(
            f"the code at {format_address(address)} is not the contract of mode {mode}: its hash is another"
        )


def refusal(error: RpcError) -> str | None:
    """Return in words why the contract refused a call, or None if it was not the contract."""
    if not isinstance(error.data, str) or not error.data.startswith("0x"):
        return None
    try:
        raw = bytes.fromhex(error.data[2:])
    except ValueError:
        return None
    numbers = [int.from_bytes(raw[start : start + 32], "big") for start in range(4, len(raw) - 31, 32)]
    known = {
        selector("NotOwner(address)"): "the account is not the owner",
        selector("NotWriter(address)"): "the account is not a writer",
        selector("EmptyBatch()"): "there is nothing to append",
        selector("LogFull()"): "the log is full",
        selector("EntryTooLong(uint256)"): "an entry is too long",
    }
    if raw[:4] == selector("SizeMismatch(uint64,uint64)") and len(numbers) == 2:
        return f"the log has {numbers[1]} entries, {numbers[0]} were expected"
    return known.get(raw[:4])
