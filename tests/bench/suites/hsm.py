"""Rows: signatures of a PKCS#11 token, as fast as SoftHSM2 and as slow as a module behind a network."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.pkcs11 import Pkcs11Kms
from tests.bench.harness import Spread
from tests.bench.rows import Absent, Effort, Line, row, value_line
from tests.contracts.softhsm import SLOW_SECONDS, SlowKms, find_module, token_url

SESSIONS = 16


@row("HSM")
def hsm(effort: Effort) -> Iterator[Line]:
    if find_module() is None:
        raise Absent("SoftHSM2 is not installed here")
    rounds, count = (2, 4 * SESSIONS) if effort.quick else (7, 20 * SESSIONS)
    slow, one_slow = asyncio.run(measured(SlowKms, count, rounds))
    fast, one_fast = asyncio.run(measured(Pkcs11Kms, count, rounds))
    yield value_line(
        f"token that takes {SLOW_SECONDS * 1000:.0f} ms a signature: each of a batch, {SESSIONS} sessions",
        slow,
        "ms",
        at_most=2,
        others=f"one after another: {one_slow.median:.1f} ms each; ES256, {count} a batch",
    )
    yield value_line(
        f"SoftHSM2: each of a batch, {SESSIONS} sessions",
        fast,
        "ms",
        others=f"one after another: {one_fast.median:.2f} ms each",
    )


async def measured(store: type[Pkcs11Kms], count: int, rounds: int) -> tuple[Spread, Spread]:
    """Return the milliseconds for each signature of a batch, and of single calls in turn."""
    kms = store.open(token_url("bench/", sessions=SESSIONS))
    label, purpose = "list", KeyPurpose.LIST
    for left in await kms.labels():
        await kms.delete(left)
    await kms.generate(label, curve=Curve.P256, purpose=purpose)
    messages = [b"%d" % number for number in range(count)]
    batched, single = [], []
    await kms.sign_many(label, messages, purpose=purpose)
    for _ in range(rounds):
        begun = time.perf_counter()
        await kms.sign_many(label, messages, purpose=purpose)
        batched.append((time.perf_counter() - begun) / count * 1000)
        begun = time.perf_counter()
        for message in messages[:SESSIONS]:
            await kms.sign(label, message, purpose=purpose)
        single.append((time.perf_counter() - begun) / SESSIONS * 1000)
    await kms.delete(label)
    await kms.close()
    return Spread.of(batched), Spread.of(single)
