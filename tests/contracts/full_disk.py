"""A file system that is really full: run in a mount namespace of its own, where it can be made and grow.

Input:   ``python -m tests.contracts.full_disk KIND FOLDER [NODE ADDRESS]``, by ``unshare --map-root-user --mount``.
Shapes:  prints one JSON object: how many were acknowledged before the disk was full, and what was said then.
I/O:     mounts a tmpfs of SMALL at FOLDER, and enlarges it once it is full.
Errors:  AssertionError: something was lost, written twice, or not to be repeated.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from ssi.errors import UnavailableError
from ssi.ledger import Ledger, Withheld, merkle, open_ledger
from ssi.ledger.backends.tile_folder import TileFolder
from ssi.ledger.storage import verify_storage
from tests.contracts.ledger import unsigned
from tests.contracts.tiles import Publisher
from tests.unit.ledger.heads import KEY

SMALL, LARGE = "320k", "8m"
BODY = b"what stands in an entry" * 100
MOST = 2_000


def mount(folder: Path, size: str, *, again: bool = False) -> None:
    options = f"{'remount,' if again else ''}size={size}"
    source = [] if again else ["-t", "tmpfs", "none"]
    subprocess.run(["mount", "-o", options, *source, str(folder)], check=True, capture_output=True)


def entry(number: int) -> bytes:
    return b"%d " % number + BODY


async def until_full(act: Callable[[int], Awaitable[object]]) -> tuple[int, str]:
    """Call ``act`` with 0, 1, … until it says that there is no room; return how often it went well, and the words."""
    for number in range(MOST):
        try:
            await act(number)
        except UnavailableError as exc:
            return number, str(exc)
    raise AssertionError("the disk was never full")


async def head_of(ledger: Ledger) -> bytes:
    size = await ledger.size()
    return unsigned(size, await merkle.root(ledger, size), KEY)


async def a_ledger(url: str, folder: Path) -> tuple[int, str]:
    """Append until the disk is full, then again with room: what was acknowledged is there, the rest comes in once."""
    ledger = open_ledger(url)
    await ledger.put_checkpoint(None, await head_of(ledger))
    done, words = await until_full(lambda number: ledger.append([entry(number)]))
    again, _ = await until_full(lambda number: ledger.append([entry(done + number)]))
    assert again == 0  # asked again while it is full, it says the same
    assert await _bodies(ledger, done) == [entry(number) for number in range(done)]
    await ledger.close()
    mount(folder, LARGE, again=True)
    ledger = open_ledger(url)
    batch = [entry(number) for number in range(done + 5)]
    assert list(await ledger.append(batch)) == list(range(done + 5))
    assert await ledger.size() == done + 5
    assert (await verify_storage(ledger)).size == done + 5
    await ledger.put_checkpoint(await ledger.checkpoint(), await head_of(ledger))
    await ledger.close()
    ledger = open_ledger(url)
    assert await _bodies(ledger, done + 5) == batch
    await ledger.close()
    return done, words


async def _bodies(ledger: Ledger, size: int) -> list[bytes | Withheld]:
    return [each for start in range(0, size, 50) for each in await ledger.read(start, min(start + 50, size))]


async def tiles(folder: Path) -> tuple[int, str]:
    """Publish until the folder is full, then again with room; what is there always holds together."""
    publisher = Publisher()
    keys, target = [await publisher.key()], TileFolder(folder)

    async def publish(number: int) -> None:
        await publisher.ledger.append([entry(number)])
        await publisher.sign()
        await target.update(publisher.ledger)

    done, words = await until_full(publish)
    shown = open_ledger(f"tiles:{folder}", keys=keys)
    assert await shown.size() == done
    assert (await verify_storage(shown)).size == done
    mount(folder, LARGE, again=True)
    assert (await target.update(publisher.ledger)).size == done + 1
    assert (await verify_storage(open_ledger(f"tiles:{folder}", keys=keys))).size == done + 1
    await publish(done + 1)
    return done, words


async def run(kind: str, folder: Path, rest: list[str]) -> tuple[int, str]:
    mount(folder, SMALL)
    if kind == "sqlite":
        return await a_ledger(f"sqlite://{folder}/log.db", folder)
    if kind == "tiles":
        return await tiles(folder)
    return await a_ledger(f"{rest[0]}&mirror={folder}/mirror.db", folder)


def main(arguments: list[str]) -> int:
    kind, folder, *rest = arguments
    done, words = asyncio.run(run(kind, Path(folder), rest))
    print(json.dumps({"acknowledged": done, "words": words}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
