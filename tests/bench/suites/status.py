"""Rows: publish a status list of 2^20 entries, look one status up in a cached list."""

from __future__ import annotations

import asyncio
import random
import time
import zlib
from collections.abc import Iterator

from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.status import (
    StatusFormat,
    StatusListCache,
    StatusPolicy,
    check_status,
    parse_status_list,
    verify_status_list,
)
from ssi.status.lists import CredentialState, StatusArray, StatusFamily
from ssi.status.publish import publish_lists
from tests.bench import subjects
from tests.bench.harness import Spread
from tests.bench.rows import Effort, Line, row, value_line

ENTRIES = 1 << 20
DENSITIES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5)
URI = "https://registry.example/status/1"
LABEL = "list"


def family(format: StatusFormat) -> StatusFamily:
    """Return the family that is published."""
    return StatusFamily(format=format, issuer=subjects.ISSUER, uri=URI, entries=ENTRIES)


def states(density: float) -> StatusArray:
    """Return states of which the share ``density`` is revoked, at random places that every run has alike."""
    draw = random.Random(density)
    chosen = draw.sample(range(ENTRIES), int(ENTRIES * density))
    return StatusArray(ENTRIES, ((index, CredentialState.REVOKED) for index in chosen))


async def kms() -> MemoryKms:
    """Return a key store with one key for lists."""
    store = MemoryKms()
    await store.generate(LABEL, curve=Curve.P256, purpose=KeyPurpose.LIST)
    return store


def publish_spread(format: StatusFormat, array: StatusArray, rounds: int) -> Spread:
    """Return the milliseconds that one publication of the family takes."""

    async def measure() -> Spread:
        store, described = await kms(), family(format)
        times = []
        for _ in range(rounds + 1):
            begun = time.perf_counter()
            await publish_lists(described, array, kms=store, label=LABEL, kid=subjects.KID, now=subjects.NOW)
            times.append((time.perf_counter() - begun) * 1000)
        return Spread.of(times[1:])

    return asyncio.run(measure())


def size_ratio(format: StatusFormat, array: StatusArray) -> float:
    """Return the size of our compressed list, as a share of what zlib makes of it at level 6."""
    from ssi.status.deflate import Wrapper, deflate

    data = array.token_list() if format is StatusFormat.TOKEN else array.bitstring("revocation")
    return len(deflate(data, Wrapper.ZLIB)) / len(zlib.compress(data, 6))


@row("status publish")
def publish(effort: Effort) -> Iterator[Line]:
    rounds = 3 if effort.quick else 15
    for name, format_, lists in (
        ("token, 2 bits", StatusFormat.TOKEN, 1),
        ("bitstring, 1 bit", StatusFormat.BITSTRING, 2),
    ):
        measured = []
        for density in DENSITIES[-1:] if effort.quick else DENSITIES:
            array = states(density)
            spread = publish_spread(format_, array, rounds).times(1 / lists)
            measured.append((spread, density, size_ratio(format_, array)))
        worst, density, _ = max(measured)
        largest = max(ratio for _, _, ratio in measured)
        line = value_line(
            f"status list, 2^20 entries ({name}): compress and sign, worst density",
            worst,
            "ms",
            at_most=10,
            others=f"worst at {density:.1%}; size at most {largest:.2f} × level 6 of all densities",
        )
        met = bool(line.met) and largest <= 1.4
        yield line._replace(target=f"{line.target}, ≤ 1.4 × level-6 size", met=met)


@row("status look-up")
def look_up(effort: Effort) -> Iterator[Line]:
    cache, policy, issuers = (
        StatusListCache(max_age_seconds=300),
        StatusPolicy(max_age_seconds=86_400),
        (subjects.ISSUER,),
    )
    store = asyncio.run(kms())
    for format_ in StatusFormat:
        described, array = family(format_), states(0.01)
        published = asyncio.run(
            publish_lists(described, array, kms=store, label=LABEL, kid=subjects.KID, now=subjects.NOW)
        )
        key = asyncio.run(store.public_key(LABEL))
        for item in published:
            verified = verify_status_list(
                parse_status_list(item.compact), key, expected_uri=item.uri, issuer=subjects.ISSUER, now=subjects.NOW
            )
            cache.put(verified, retrieved_at=subjects.NOW)
        reference = described.references(next(i for i in range(ENTRIES) if array[i] is CredentialState.VALID))[0]

        def once(reference=reference) -> None:  # type: ignore[no-untyped-def]
            kept = cache.get(reference.uri, now=subjects.NOW)
            assert kept is not None
            check_status(reference, kept, issuers=issuers, now=subjects.NOW, policy=policy)

        times = []
        for _ in range(effort.rounds):
            begun = time.perf_counter()
            for _ in range(2000):
                once()
            times.append((time.perf_counter() - begun) / 2000 * 1e6)
        yield value_line(f"status look-up, cached list, {format_.value}", Spread.of(times), "µs", at_most=2)
