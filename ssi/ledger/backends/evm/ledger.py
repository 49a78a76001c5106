"""The Ledger port over a contract on an EVM chain.

Source:  design decisions 7 and 14; docs/ledgers.md.
Input:   a URL (see ``url``), or options and a signer.
Shapes:  everything that is returned is final: it was read at a final block and gave the contract's own tree head.
I/O:     a mirror in a local file; JSON-RPC on a background loop of this object, so that any event loop may call it.
Errors:  those of the port. VerificationError for a node on another chain or other code at the address.

Reading what the mirror has needs no node. ``size`` asks the chain; ``append`` returns when the entries are final.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from ssi.blocking.loop import Host
from ssi.errors import EntryNotFoundError, InvalidInputError, UnavailableError, UsageError
from ssi.ledger import merkle
from ssi.ledger.backends.evm.contract import Mode
from ssi.ledger.backends.evm.mirror import Identity, Mirror
from ssi.ledger.backends.evm.reader import Reader
from ssi.ledger.backends.evm.tile_bodies import TileBodies
from ssi.ledger.backends.evm.url import EvmOptions, parse_url
from ssi.ledger.backends.evm.writer import Writer
from ssi.ledger.backends.group_commit import AppendRequest, answer
from ssi.ledger.port import Withheld, check_entries
from ssi.net.evm.account import Account
from ssi.net.evm.chain import Chain
from ssi.net.evm.endpoint import Endpoint
from ssi.net.evm.signer import EvmSigner, load_key_file
from ssi.ports import Fetch

Result = TypeVar("Result")


class EvmLedger:
    """A log on a chain. Opening it opens the mirror; the chain is asked by the first call that needs it."""

    def __init__(self, options: EvmOptions, *, signer: EvmSigner | None = None, fetch: Fetch | None = None) -> None:
        """Open the mirror; with a ``signer`` (or a key file among the options) the ledger can append.

        ``fetch`` reads bodies from the web, where the options name such tiles.
        """
        self.options = options
        if signer is None and options.key_file is not None:
            signer = load_key_file(options.key_file, passphrase=_passphrase(options))
        self._signer = signer
        self._tiles = None if options.tiles is None else TileBodies.of(options.tiles, fetch)
        identity = Identity(options.chain_id, options.contract, options.mode)
        self.mirror = Mirror(options.mirror, identity, head=options.head, adopt_head=options.adopt_head)
        self._pid = os.getpid()
        self._closed = False
        self._starting = threading.Lock()
        self._host: Host | None = None
        self._chain: Chain | None = None
        self._reader: Reader | None = None
        self._writer: Writer | None = None
        self._collected: dict[asyncio.AbstractEventLoop, list[AppendRequest]] = {}

    @classmethod
    def from_url(cls, url: str, *, fetch: Fetch | None = None) -> EvmLedger:
        """Open the log that ``url`` names, as a ledger that can erase bodies if only leaf hashes are on chain."""
        try:
            import eth_abi  # noqa: F401
            import eth_keys  # noqa: F401
        except ImportError as exc:
            raise InvalidInputError("a log on a chain needs the extra countersigned[evm]") from exc
        options = parse_url(url)
        return (EvmLeafLedger if options.mode is Mode.LEAVES else EvmLedger)(options, fetch=fetch)

    async def append(self, entries: Sequence[bytes], *, expected_size: int | None = None) -> Sequence[int]:
        """As the port has it. Returns when the entries are final, which is minutes on public chains."""
        check_entries(entries)
        if self._signer is None:
            raise UsageError("this ledger was opened without an account's key: it reads only")
        self._running()
        request = AppendRequest(entries, [merkle.leaf_hash(entry) for entry in entries], expected_size)
        waiting = self._collected.setdefault(request.loop, [])
        waiting.append(request)
        if len(waiting) == 1:
            # What the tasks of one turn ask goes over in one piece.
            request.loop.call_soon(self._hand_over, request.loop)
        indexes: Sequence[int] = await request.future
        return indexes

    async def size(self) -> int:
        """Return the number of final entries, as the chain has it now."""
        await self.refresh()
        return await self.mirror.size()

    async def read(self, start: int, stop: int) -> Sequence[bytes | Withheld]:
        """As the port has it. Bodies that never came to this mirror are looked for in the tiles, and stay here then.

        Raises UnavailableError where one is in neither (see ``supply``).
        """
        try:
            return await self._mirrored(lambda: self.mirror.read(start, stop))
        except EntryNotFoundError:
            raise
        except UnavailableError:
            if self._tiles is None:
                raise
        served = await self._tiles.find(await self.mirror.missing(stop - start, start=start, stop=stop))
        await self.supply(served.bodies)
        return await self._read_around(start, stop, served.orders)

    async def hashes(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """As the port has it."""
        return await self._mirrored(lambda: self.mirror.hashes(level, start, stop))

    async def checkpoint(self) -> bytes | None:
        """Return the newest signed note that was put into this mirror; a reader's is the one that the tiles have."""
        if self._signer is None and self._tiles is not None:
            return await self._tiles.checkpoint()
        return await self.mirror.checkpoint()

    async def put_checkpoint(self, old: bytes | None, new: bytes) -> None:
        """As the port has it; notes are kept in the mirror, not on the chain."""
        await self.refresh()
        await self.mirror.put_checkpoint(old, new)

    async def check_storage(self) -> None:
        """Check the mirror, and hold its tree head against the chain's."""
        await self.refresh()
        await self.mirror.check_storage()

    async def refresh(self) -> None:
        """Read from the chain what became final. Raises if it does not hold together with what was final before."""

        async def work() -> None:
            assert self._reader is not None  # noqa: S101  (set before the loop hears of this)
            await self._reader.refresh()

        await self._on_loop(work)

    async def supply(self, bodies: Sequence[bytes]) -> int:
        """Fill in bodies of entries that other writers appended; return how many were missing.

        They may come from anywhere: a body is taken only where its leaf hash is in the log.
        """
        check_entries(bodies)
        return await self.mirror.supply(bodies)

    async def missing(self, limit: int = 1000) -> Sequence[int]:
        """Return the first entries whose bodies are not in this mirror."""
        return await self.mirror.missing(limit)

    async def close(self) -> None:
        """Stop and release everything. Appends that are not final end with UnavailableError; asking again is safe."""
        if self._closed:
            return
        self._closed = True
        if os.getpid() == self._pid and self._host is not None:
            host = self._host
            await asyncio.wrap_future(host.submit(self._end))
            await asyncio.get_running_loop().run_in_executor(None, host.stop)
        await self.mirror.close()

    async def _end(self) -> None:
        if self._writer is not None:
            await self._writer.close()
        if self._reader is not None:
            await self._reader.close()
        if self._chain is not None:
            await self._chain.close()

    async def _mirrored(self, look: Callable[[], Awaitable[Result]]) -> Result:
        """Look into the mirror, and once more if the chain may have gone on since."""
        try:
            return await look()
        except EntryNotFoundError:
            await self.refresh()
            return await look()

    async def _read_around(self, start: int, stop: int, orders: Mapping[int, str]) -> Sequence[bytes | Withheld]:
        """Read from the mirror, but for entries that the tiles say are withheld and whose bodies are not here."""
        found: list[bytes | Withheld] = []
        for index in await self.mirror.missing(stop - start, start=start, stop=stop):
            if index not in orders:
                continue
            found += await self.mirror.read(start, index)
            found += [Withheld(leaf, orders[index]) for leaf in await self.mirror.hashes(0, index, index + 1)]
            start = index + 1
        found += await self.mirror.read(start, stop)
        return found

    async def _on_loop(self, work: Callable[[], Awaitable[Result]]) -> Result:
        return await asyncio.wrap_future(self._running().submit(work))

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        requests = self._collected.pop(loop, [])
        if self._closed:
            answer(requests, [UnavailableError("the ledger is closed: nothing was sent")] * len(requests))
            return

        async def accept() -> None:
            assert self._writer is not None  # noqa: S101  (set before the loop hears of this)
            self._writer.accept(requests)

        self._running().submit(accept)

    def _running(self) -> Host:
        """Return the background loop with everything that runs on it."""
        if self._closed:
            raise UnavailableError("the ledger is closed")
        if os.getpid() != self._pid:
            raise UnavailableError("the ledger was opened before fork: open it again in this process")
        with self._starting:
            return self._host or self._start()

    def _start(self) -> Host:
        options = self.options
        endpoints = [Endpoint(url, ca_file=options.ca_file) for url in options.endpoints]
        self._chain = Chain(endpoints, chain_id=options.chain_id, agree=options.agree, finality=options.finality)
        self._reader = Reader(self._chain, options.contract, options.mode, self.mirror)
        if self._signer is not None:
            account = Account(self._chain, self._signer, max_fee=options.max_fee, stuck_seconds=options.stuck_seconds)
            self._writer = Writer(
                self._reader, account, poll_seconds=options.poll_seconds, wait_seconds=options.wait_seconds
            )
        self._host = Host()
        return self._host


class EvmLeafLedger(EvmLedger):
    """A log with leaf hashes on chain, whose bodies can therefore be erased."""

    async def withhold(self, index: int, *, order: str) -> None:
        """Erase the body of an entry from this mirror for good; other mirrors have to be told."""
        await self._mirrored(lambda: self.mirror.withhold(index, order=order))


def _passphrase(options: EvmOptions) -> bytes | None:
    if options.passphrase_file is None:
        return None
    try:
        return Path(options.passphrase_file).read_bytes().rstrip(b"\r\n")
    except OSError as exc:
        raise UnavailableError("the file with the passphrase of the account's key cannot be read") from exc
