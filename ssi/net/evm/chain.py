"""A chain as several nodes tell it: what k of n agree on, pinned to a block by its hash.

Source:  Ethereum JSON-RPC; EIP-1898 (state at a block hash); EIP-3675 (the tags safe and finalized).
Input:   endpoints, the chain id that the operator named, how many endpoints must agree, how deep is final.
Shapes:  a finality is "finalized", "safe", or a number of blocks behind the newest one.
I/O:     JSON-RPC over the endpoints.
Errors:  VerificationError (a node is on another chain), UnavailableError (too few answer, or too few agree), RpcError.

State is read at a block hash, so that a node that changes its mind answers with an error and never with another fork.
Logs of a range can be asked for by number only; who reads them recomputes what they must give.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Literal, TypeAlias, TypeVar

import msgspec

from ssi.errors import InvalidInputError, RpcError, UnavailableError, VerificationError
from ssi.net.evm.endpoint import Endpoint
from ssi.net.evm.values import WORD_BYTES, as_object, data, member, quantity, to_hex
from ssi.types import JsonObject, JsonValue

Finality: TypeAlias = Literal["finalized", "safe"] | int
Answer = TypeVar("Answer")

MAX_DEPTH: Final = 100_000
MAX_LOGS_SPAN: Final = 50_000
"""Blocks in one request for logs, to begin with; a node that refuses is asked for less."""


class Block(msgspec.Struct, frozen=True):
    """One block: its number and its hash."""

    number: int
    hash: bytes


class Header(msgspec.Struct, frozen=True):
    """One block with its time in Unix seconds."""

    number: int
    hash: bytes
    time: int

    @property
    def block(self) -> Block:
        """The block's name."""
        return Block(self.number, self.hash)


class Log(msgspec.Struct, frozen=True):
    """One event as a node tells it; nothing about it is proved."""

    block: int
    position: int
    topics: tuple[bytes, ...]
    data: bytes


class Chain:
    """Some endpoints of one chain. Bound to the event loop of its first call."""

    def __init__(self, endpoints: Sequence[Endpoint], *, chain_id: int, agree: int, finality: Finality) -> None:
        if not 1 <= agree <= len(endpoints):
            raise InvalidInputError(f"{agree} of {len(endpoints)} endpoints cannot agree")
        if isinstance(finality, int) and not 0 <= finality <= MAX_DEPTH:
            raise InvalidInputError(f"a block is final after 0 to {MAX_DEPTH} others")
        self.endpoints = tuple(endpoints)
        self.chain_id = chain_id
        self.agree = agree
        self.finality = finality
        self._checked: set[Endpoint] = set()

    async def close(self) -> None:
        """Close every connection."""
        for endpoint in self.endpoints:
            await endpoint.close()

    async def final(self) -> Block:
        """Return the newest block that enough endpoints hold to be final, in the sense of ``finality``."""
        heights = sorted(await self._answers(self._final_number), reverse=True)
        height = heights[self.agree - 1]
        return await self.block(height)

    async def newest(self) -> Block:
        """Return the newest block that enough endpoints have; a fork may replace it at any time."""
        heights = sorted(await self._answers(_height), reverse=True)
        return await self.block(heights[self.agree - 1])

    async def block(self, number: int) -> Block:
        """Return the block of a number, as enough endpoints tell it."""
        return await self.agreed(lambda endpoint: _block(endpoint, to_hex(number)))

    async def header(self, number: int) -> Header:
        """Return the block of a number with its time, as enough endpoints tell it."""
        return await self.agreed(lambda endpoint: _header(endpoint, number))

    async def code(self, address: bytes, block: Block) -> bytes:
        """Return the code of an account at a block; empty if there is none."""
        return await self.agreed(lambda e: _data(e, "eth_getCode", to_hex(address), at(block)))

    async def call(self, to: bytes, payload: bytes, block: Block) -> bytes:
        """Return what a contract answers at a block; empty if there is no contract yet."""
        request = {"to": to_hex(to), "data": to_hex(payload)}
        return await self.agreed(lambda endpoint: _data(endpoint, "eth_call", request, at(block)))

    async def agreed(self, ask: Callable[[Endpoint], Awaitable[Answer]]) -> Answer:
        """Return the answer that enough endpoints give alike."""
        answers = await self._answers(ask)
        answer, count = Counter(answers).most_common(1)[0]
        if count < self.agree:
            raise UnavailableError(f"{count} of {len(self.endpoints)} nodes agree, {self.agree} are needed")
        return answer

    async def first(self, ask: Callable[[Endpoint], Awaitable[Answer]]) -> Answer:
        """Return the answer of the first endpoint that gives one."""
        error: UnavailableError | None = None
        for endpoint in self.endpoints:
            try:
                await self._check(endpoint)
                return await ask(endpoint)
            except UnavailableError as exc:
                error = error or exc
        raise error or UnavailableError("no node answered")

    async def ask(self, method: str, *params: JsonValue) -> JsonValue:
        """Return the result of a call from the first endpoint that answers it."""
        return await self.first(lambda endpoint: endpoint.call(method, *params))

    async def _answers(self, ask: Callable[[Endpoint], Awaitable[Answer]]) -> list[Answer]:
        """Return what the endpoints answer. Raises unless enough of them do."""

        async def one(endpoint: Endpoint) -> Answer:
            await self._check(endpoint)
            return await ask(endpoint)

        outcomes = await asyncio.gather(*(one(e) for e in self.endpoints), return_exceptions=True)
        answers: list[Answer] = []
        failure: UnavailableError | None = None
        for outcome in outcomes:
            if isinstance(outcome, UnavailableError):
                failure = failure or outcome
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                answers.append(outcome)
        if len(answers) >= self.agree:
            return answers
        if failure is not None and len(self.endpoints) == 1:
            raise failure
        raise UnavailableError(f"{len(answers)} of {len(self.endpoints)} nodes answer, {self.agree} are needed")

    async def _check(self, endpoint: Endpoint) -> None:
        """Ask an endpoint once which chain it is on."""
        if endpoint in self._checked:
            return
        found = quantity(await endpoint.call("eth_chainId"))
        if found != self.chain_id:
            raise VerificationError(f"the node {endpoint.name} is on chain {found}, chain {self.chain_id} is expected")
        self._checked.add(endpoint)

    async def _final_number(self, endpoint: Endpoint) -> int:
        if isinstance(self.finality, str):
            return (await _block(endpoint, self.finality)).number
        return max(0, await _height(endpoint) - self.finality)


def at(block: Block) -> JsonObject:
    """Return the parameter that pins a call to a block, and refuses it where the block left the chain (EIP-1898)."""
    return {"blockHash": to_hex(block.hash), "requireCanonical": True}


async def logs(endpoint: Endpoint, address: bytes, topic: bytes, start: int, stop: int) -> list[Log]:
    """Return the events of one kind in the blocks start..stop, in order, from one endpoint.

    Nodes refuse ranges or answers that are too long for them, each in words of its own: any refusal halves the range.
    """
    found: list[Log] = []
    span = most = MAX_LOGS_SPAN
    while start <= stop:
        last = min(stop, start + span - 1)
        wanted = {
            "address": to_hex(address),
            "topics": [to_hex(topic)],
            "fromBlock": to_hex(start),
            "toBlock": to_hex(last),
        }
        try:
            answer = await endpoint.call("eth_getLogs", wanted)
        except RpcError:
            if last == start:
                raise
            # Nearly what was refused is not asked for again, else every other request would be in vain.
            most = max(1, (last - start) * 3 // 4)
            span = max(1, (last - start + 1) // 2)
            continue
        if not isinstance(answer, list):
            raise UnavailableError("the node answered something else than a list of logs")
        found += [_log(item, address, topic, start, last) for item in answer]
        start, span = last + 1, min(span * 2, most)
    found.sort(key=lambda log: (log.block, log.position))
    return found


async def logs_in_block(endpoint: Endpoint, address: bytes, topics: Sequence[bytes | None], block: Block) -> list[Log]:
    """Return a contract's events in one block, in order, from one endpoint; a topic that is None may be any.

    The block is named by its hash: a node on another fork answers with an error (EIP-234).
    """
    wanted: JsonObject = {
        "address": to_hex(address),
        "topics": [None if topic is None else to_hex(topic) for topic in topics],
        "blockHash": to_hex(block.hash),
    }
    answer = await endpoint.call("eth_getLogs", wanted)
    if not isinstance(answer, list):
        raise UnavailableError("the node answered something else than a list of logs")
    found = sorted((_parse_log(item, address) for item in answer), key=lambda log: log.position)
    for log in found:
        pairs = zip(topics, log.topics, strict=False)
        matching = len(log.topics) >= len(topics) and all(wish in (None, topic) for wish, topic in pairs)
        if log.block != block.number or not matching:
            raise UnavailableError("the node answered logs that were not asked for")
    if len({log.position for log in found}) != len(found):
        raise UnavailableError("the node answered two logs in one place")
    return found


def _log(item: JsonValue, address: bytes, topic: bytes, start: int, stop: int) -> Log:
    log = _parse_log(item, address)
    if log.topics[:1] != (topic,) or not start <= log.block <= stop:
        raise UnavailableError("the node answered logs that were not asked for")
    return log


def _parse_log(item: JsonValue, address: bytes) -> Log:
    event = as_object(item)
    topics = member(event, "topics")
    if not isinstance(topics, list):
        raise UnavailableError("the node answered a log without topics")
    log = Log(
        block=quantity(member(event, "blockNumber")),
        position=quantity(member(event, "logIndex")),
        topics=tuple(data(value, WORD_BYTES) for value in topics),
        data=data(member(event, "data")),
    )
    if data(member(event, "address")) != address:
        raise UnavailableError("the node answered logs that were not asked for")
    if event.get("removed"):
        raise UnavailableError("the node answered a log that left the chain")
    return log


async def _header(endpoint: Endpoint, number: int) -> Header:
    found = await endpoint.call("eth_getBlockByNumber", to_hex(number), False)
    if found is None:
        raise UnavailableError(f"the node {endpoint.name} has no block {number}")
    header = Header(
        quantity(member(found, "number")),
        data(member(found, "hash"), WORD_BYTES),
        quantity(member(found, "timestamp")),
    )
    if header.number != number:
        raise UnavailableError(f"the node {endpoint.name} answered another block than was asked for")
    return header


async def _block(endpoint: Endpoint, which: str) -> Block:
    found = await endpoint.call("eth_getBlockByNumber", which, False)
    if found is None:
        raise UnavailableError(f"the node {endpoint.name} has no block {which}")
    block = Block(quantity(member(found, "number")), data(member(found, "hash"), WORD_BYTES))
    if which.startswith("0x") and block.number != int(which, 16):
        raise UnavailableError(f"the node {endpoint.name} answered another block than was asked for")
    return block


async def _height(endpoint: Endpoint) -> int:
    return quantity(await endpoint.call("eth_blockNumber"))


async def _data(endpoint: Endpoint, method: str, *params: JsonValue) -> bytes:
    return data(await endpoint.call(method, *params))
