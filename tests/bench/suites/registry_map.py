"""Rows: one answer with one proof, newest, out of a log and a map of a million records (full: ten)."""

from __future__ import annotations

import asyncio
import json
import random
import resource
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ssi.encoding.base64url import b64url_encode
from ssi.encoding.jcs import jcs
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.ledger import Ledger, open_ledger
from ssi.ledger.checkpoint import sign_checkpoint
from ssi.ledger.note import NoteKey
from ssi.registry.answer import verify_answer
from ssi.registry.answer_desk import AnswerDesk
from ssi.registry.answers_view import AnswersView
from ssi.registry.backends.state_map_sqlite import SqliteStateMap
from ssi.registry.fold import RegistryState
from ssi.registry.state_map import StateMap
from ssi.registry.state_records import STEP, Thing, changes
from ssi.registry.types import StateRoot
from tests.bench.harness import Spread
from tests.bench.rows import Effort, Line, row, value_line
from tests.bench.suites.ledger import directory
from tests.unit.registry.world import NOW, World

LISTS, EPOCH_CHANGES = 200, 1_000


class Times(NamedTuple):
    """What was measured, times in milliseconds."""

    answers: list[float]
    checks: list[float]
    epochs: list[float]
    kilobytes: float
    build: float
    """Records a second."""
    memory: float
    """Mebibytes that the process grew by while the map was built and asked."""


@row("newest proof")
def newest(effort: Effort) -> Iterator[Line]:
    count = 20_000 if effort.quick else 10_000_000 if effort.full else 1_000_000
    with directory() as place:
        times = asyncio.run(answer_times(place, count, effort.rounds))
    others = f"map built at {times.build:,.0f} records/s in bounded memory ({times.memory:.0f} MiB more); "
    others += f"verifying: {statistics.median(times.checks):.2f} ms; {times.kilobytes:.1f} KiB of JSON"
    yield value_line(
        f"one answer, included and newest, log and map of {count:,} on SQLite",
        Spread.of(times.answers),
        "ms",
        at_most=5,
        others=others,
    )
    yield value_line(f"an epoch of {EPOCH_CHANGES:,} changes in a map of {count:,}", Spread.of(times.epochs), "ms")


async def answer_times(place: Path, count: int, rounds: int) -> Times:
    """Build a log and a map of ``count`` and ask for lists that are really there."""
    world, kms = World(), MemoryKms()
    key = NoteKey("bench", await kms.generate("log", curve=Curve.ED25519, purpose=KeyPurpose.CHECKPOINT))
    ledger, state_map = open_ledger(f"sqlite://{place / 'log.db'}"), await SqliteStateMap.open(place / "map.db")
    uris = {f"https://agency.example/status/{number}": number for number in range(LISTS)}
    try:
        # The lists that are asked for stand all over the log.
        step = (count - len(world.entries)) // LISTS
        uris = {uri: len(world.entries) + number * step for uri, number in uris.items()}
        await fill(ledger, count, world, uris)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begun = time.perf_counter()
        await load(state_map, world, count, uris)
        build = count / (time.perf_counter() - begun)
        epochs = [await epoch(state_map, count, number) for number in range(5)]
        await log_root(ledger, state_map, world, kms)
        desk, draw = AnswerDesk(ledger, state_map), random.Random(count)
        answers, checks, data = [], [], b""
        for _ in range(rounds * 5):
            uri = draw.choice(sorted(uris))
            begun = time.perf_counter()
            data = await desk.answer("list", uri)
            answers.append((time.perf_counter() - begun) * 1_000)
            begun = time.perf_counter()
            found = verify_answer(data, log_keys=[key], roots=[world.root.did], expected=("list", uri))
            commitment = AnswersView([found]).newest_commitment(uri)
            checks.append((time.perf_counter() - begun) * 1_000)
            assert commitment is not None
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return Times(answers, checks, epochs, len(data) / 1024, build, (after - before) / 1024)
    finally:
        await ledger.close()
        await state_map.close()


def synthetic(first: int, stop: int) -> dict[Thing, bytes]:
    """Return records of lists that nobody asks for, of the size of real ones."""
    return {
        ("list", f"https://elsewhere.example/status/{number}"): json.dumps(
            {"digest": b64url_encode(number.to_bytes(32, "big")), "entries": [number]}, separators=(",", ":")
        ).encode()
        for number in range(first, stop)
    }


async def load(state_map: StateMap, world: World, count: int, uris: Mapping[str, int]) -> None:
    """Put the real records and as many others into the map."""
    state = RegistryState([world.root.did])
    for entry in world.entries:
        state.apply(entry)

    def batches() -> Iterator[dict[Thing, bytes]]:
        yield from changes(state.at(), 0)
        digest = b64url_encode(b"list".ljust(32, b"\0"))
        yield {("list", uri): jcs({"digest": digest, "entries": [index]}) for uri, index in uris.items()}
        for first in range(0, count, STEP):
            yield synthetic(first, min(first + STEP, count))

    await state_map.load(batches(), size=count, keep=False)


async def fill(ledger: Ledger, count: int, world: World, uris: Mapping[str, int]) -> None:
    """Make a log of ``count`` entries: the world's, commitments at their places, and entries of no meaning between."""
    real = dict(enumerate(world.entries)) | {index: world.agency.commit(uri, 1) for uri, index in uris.items()}
    for start in range(0, count, 2_000):
        numbers = range(start, min(start + 2_000, count))
        await ledger.append([real.get(number) or number.to_bytes(64, "big") for number in numbers])


async def epoch(state_map: StateMap, count: int, number: int) -> float:
    """Return the milliseconds of one epoch's changes, at random places."""
    draw = random.Random(number)
    records = {
        thing: value + b" "
        for first in draw.sample(range(count), EPOCH_CHANGES)
        for thing, value in synthetic(first, first + 1).items()
    }
    begun = time.perf_counter()
    await state_map.commit(await state_map.plan(records), size=count)
    return (time.perf_counter() - begun) * 1_000


async def log_root(ledger: Ledger, state_map: StateMap, world: World, kms: MemoryKms) -> None:
    """Log the root that the map has, and sign the head."""
    size, root = await state_map.head()
    body = StateRoot(iss=world.root.did, iat=NOW, size=size, root=b64url_encode(root))
    await ledger.append([world.root.sign(body)], expected_size=size)
    note = await sign_checkpoint(ledger, kms=kms, label="log", origin="bench", now=NOW)
    await ledger.put_checkpoint(None, note)
