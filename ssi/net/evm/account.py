"""An account that sends transactions: nonces, fees, replacement of what is stuck.

Source:  EIP-1559 (fees); the replacement rule of nodes (a second transaction of one nonce must pay a tenth more).
Input:   a contract and a payload; bounds that the operator set.
Shapes:  times are seconds of a monotonic clock; fees are wei for each unit of gas.
I/O:     JSON-RPC and the signer.
Errors:  UnavailableError (not taken, or the outcome is unknown), RpcError (the node refuses and says why).

One account belongs to one process at a time. Two that share it replace each other's transactions; nothing is written
twice then, but much is sent twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec

from ssi.errors import RpcError, UnavailableError
from ssi.net.evm.chain import Chain
from ssi.net.evm.endpoint import Endpoint
from ssi.net.evm.signer import EvmSigner
from ssi.net.evm.transaction import Fees, Signed, Transaction, sign
from ssi.net.evm.values import WORD_BYTES, as_object, data, member, quantity, to_hex
from ssi.types import JsonValue

GWEI: Final = 10**9
MAX_FEE: Final = 200 * GWEI
STUCK_SECONDS: Final = 90.0
TELL_SECONDS: Final = 15.0
"""How often nodes are told again of a transaction that waits: a fork, or a full pool, makes them forget it."""
FEES_SECONDS: Final = 5.0
RAISE: Final = 1.25
"""By how much a replacement pays more: nodes ask for 1.1, some for 1.125."""
MAX_RAISES: Final = 24

_KNOWN: Final = ("already known", "already imported", "known transaction", "alreadyknown")
_CHEAP: Final = ("underpriced", "max fee per gas less than block base fee", "feetoolow", "fee too low")
_USED: Final = ("nonce too low", "nonce is too low", "oldnonce", "nonce has already been used")


class NonceUsedError(UnavailableError):
    """The nonce belongs to a transaction that is in a block already: another process uses the account."""


class Receipt(msgspec.Struct, frozen=True):
    """What became of a transaction, in the newest block that the asked node knows; a reorganisation may undo it."""

    succeeded: bool
    block: int
    gas_used: int
    contract: bytes | None


class Sent:
    """A transaction on its way, with every version of it that was sent."""

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction
        self.versions: list[Signed] = []
        self.receipt: Receipt | None = None
        self.sent_at = 0.0
        self.told_at = 0.0


class Account:
    """Sends for one signer on one chain. Used from one event loop."""

    def __init__(
        self,
        chain: Chain,
        signer: EvmSigner,
        *,
        max_fee: int = MAX_FEE,
        stuck_seconds: float = STUCK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.chain = chain
        self.signer = signer
        self.max_fee = max_fee
        self.stuck_seconds = stuck_seconds
        self._clock = clock
        self._next: int | None = None
        self._fees: tuple[float, Fees] | None = None

    def forget_nonce(self) -> None:
        """Ask the chain again which nonce is next: what was sent before and is in no block may be replaced."""
        self._next = None
        self._fees = None

    async def nonce(self) -> int:
        """Return how many transactions of the account are in blocks, at the newest block."""
        parameters = (to_hex(self.signer.address), "latest")
        return quantity(await self.chain.ask("eth_getTransactionCount", *parameters))

    async def send(self, to: bytes, payload: bytes, *, gas: int) -> Sent:
        """Send a transaction with the next nonce.

        Raises NonceUsedError if that nonce is used up, UnavailableError if no node took the transaction.
        """
        nonce = self._next if self._next is not None else await self.nonce()
        sent = Sent(Transaction(self.chain.chain_id, nonce, to, payload, gas, await self.fees()))
        try:
            await self._offer(sent)
        except UnavailableError:
            self.forget_nonce()
            raise
        self._next = nonce + 1
        return sent

    async def fees(self) -> Fees:
        """Return what the next blocks are likely to ask: twice the base fee, and the tip that the node suggests.

        A base fee rises by an eighth with each block, so that twice it lasts for longer than the answer is kept.
        """
        if self._fees is None or self._clock() - self._fees[0] >= FEES_SECONDS:
            self._fees = (self._clock(), await self._market())
        return self._fees[1]

    async def _market(self) -> Fees:
        block = as_object(await self.chain.ask("eth_getBlockByNumber", "latest", False))
        if block.get("baseFeePerGas") is None:
            price = quantity(await self.chain.ask("eth_gasPrice"))
            return Fees(min(price, self.max_fee), None)
        base = quantity(block["baseFeePerGas"])
        try:
            tip = quantity(await self.chain.ask("eth_maxPriorityFeePerGas"))
        except RpcError:
            tip = GWEI
        most = min(2 * base + tip, self.max_fee)
        return Fees(most, min(tip, most))

    async def estimate(self, to: bytes, payload: bytes) -> int:
        """Return the gas that a call would use now. Raises RpcError with the contract's reason if it would fail."""
        request = {"from": to_hex(self.signer.address), "to": to_hex(to), "data": to_hex(payload)}
        if not to:
            del request["to"]
        return quantity(await self.chain.ask("eth_estimateGas", request))

    async def look(self, sent: Sent) -> Receipt | None:
        """Return what became of a transaction, whichever version of it; None while it is in no block."""
        for version in reversed(sent.versions):
            found = await self.chain.ask("eth_getTransactionReceipt", to_hex(version.hash))
            if found is not None:
                sent.receipt = _receipt(found)
                return sent.receipt
        sent.receipt = None
        return None

    async def urge(self, sent: Sent, *, now: bool = False) -> None:
        """Send a transaction again that waits for too long, and pay more if the bounds allow it.

        With ``now`` it is sent again as it is, because a fork took it out of the chain. Raises NonceUsedError.
        """
        waited = self._clock() - sent.sent_at
        if now or self._clock() - sent.told_at >= min(self.stuck_seconds, TELL_SECONDS):
            await self._again(sent)
        if now or waited < self.stuck_seconds:
            return
        fees = raised(sent.transaction.fees, await self.fees(), self.max_fee)
        if fees != sent.transaction.fees:
            sent.transaction = msgspec.structs.replace(sent.transaction, fees=fees)
            await self._offer(sent)
            return
        sent.sent_at = self._clock()

    async def wait(self, sent: Sent, *, poll_seconds: float = 0.5, at_most: float = 120.0) -> Receipt:
        """Wait until a transaction is in a block. Raises UnavailableError after ``at_most`` seconds."""
        deadline = self._clock() + at_most
        while (receipt := await self.look(sent)) is None:
            if self._clock() > deadline:
                raise UnavailableError("the transaction is in no block yet: its outcome is unknown")
            await self.urge(sent)
            await asyncio.sleep(poll_seconds)
        return receipt

    async def _again(self, sent: Sent) -> None:
        try:
            await self._broadcast(sent.versions[-1])
        except RpcError as exc:
            if any(text in exc.reason.lower() for text in _USED):
                raise NonceUsedError("the account's nonce is used up") from exc
            raise
        sent.told_at = self._clock()

    async def _offer(self, sent: Sent) -> None:
        """Sign and send; where a node holds another transaction of this nonce, pay more until it gives way."""
        for _ in range(MAX_RAISES):
            version = await sign(sent.transaction, self.signer)
            try:
                await self._broadcast(version)
            except RpcError as exc:
                reason = exc.reason.lower()
                if any(text in reason for text in _USED):
                    raise NonceUsedError("the account's nonce is used up: another process sends for it") from exc
                fees = raised(sent.transaction.fees, sent.transaction.fees, self.max_fee)
                if not any(text in reason for text in _CHEAP) or fees == sent.transaction.fees:
                    raise
                sent.transaction = msgspec.structs.replace(sent.transaction, fees=fees)
            else:
                sent.versions.append(version)
                sent.sent_at = sent.told_at = self._clock()
                return
        raise UnavailableError("no node took the transaction, whatever it paid")

    async def _broadcast(self, version: Signed) -> None:
        """Send to every endpoint; one that takes it, or has it, is enough."""

        async def one(endpoint: Endpoint) -> None:
            try:
                answer = await endpoint.call("eth_sendRawTransaction", to_hex(version.raw))
            except RpcError as exc:
                if not any(text in exc.reason.lower() for text in _KNOWN):
                    raise
            else:
                if data(answer, WORD_BYTES) != version.hash:
                    raise UnavailableError(f"the node {endpoint.name} took another transaction than was sent")

        outcomes = await asyncio.gather(*map(one, self.chain.endpoints), return_exceptions=True)
        if None in outcomes:
            return
        # A node's reason says more than that another was not to be reached.
        raise next((o for o in outcomes if isinstance(o, RpcError)), None) or _first_error(outcomes)


def raised(fees: Fees, market: Fees, bound: int) -> Fees:
    """Return the fees of a replacement: a quarter more, or what the market asks now, within the bound.

    The same fees come back where the bound leaves no room for a replacement that nodes would take.
    """
    most = min(max(int(fees.most * RAISE) + 1, market.most), bound)
    if most < fees.most * 1.1:
        return fees
    if fees.tip is None:
        return Fees(most, None)
    return Fees(most, min(max(int(fees.tip * RAISE) + 1, market.tip or 0), most))


def _first_error(outcomes: list[BaseException | None]) -> BaseException:
    return next(outcome for outcome in outcomes if outcome is not None)


def _receipt(found: JsonValue) -> Receipt:
    made = member(found, "contractAddress")
    return Receipt(
        succeeded=quantity(member(found, "status")) == 1,
        block=quantity(member(found, "blockNumber")),
        gas_used=quantity(member(found, "gasUsed")),
        contract=None if made is None else data(made, 20),
    )
