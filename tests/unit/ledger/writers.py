"""Several processes that append to one log at once, whatever keeps the log."""

from __future__ import annotations

import asyncio
import multiprocessing

from ssi.ledger import open_ledger
from ssi.ledger.storage import verify_storage

WRITERS, EACH = 3, 25


def _append(url: str, writer: int) -> None:
    async def write() -> None:
        ledger = open_ledger(url)
        for number in range(EACH):
            await asyncio.gather(ledger.append([b"%d/%d" % (writer, number)]), ledger.append([b"shared/%d" % number]))
        await ledger.close()

    asyncio.run(write())


async def several_processes_append(url: str) -> None:
    """Let processes append entries of their own and the same entries, and check that each stands once."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_append, args=(url, i)) for i in range(WRITERS)]
    for process in processes:
        process.start()
    for process in processes:
        await asyncio.to_thread(process.join)
        assert process.exitcode == 0
    ledger = open_ledger(url)
    entries = list(await ledger.read(0, await ledger.size()))
    assert len(entries) == len(set(entries)) == (WRITERS + 1) * EACH
    await verify_storage(ledger)
    await ledger.close()
