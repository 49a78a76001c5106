"""Rows: what the first use costs a fresh process."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.harness import Spread
from tests.bench.rows import Effort, Line, row, value_line
from tests.unit.import_cost import run_fresh

TIMED = """import time
start = time.perf_counter()
{statement}
print((time.perf_counter() - start) * 1000)"""

PEERS = ("openvc", "sd_jwt.verifier", "joserfc.jws")


def cost(statement: str, rounds: int) -> Spread:
    """Return the milliseconds that ``statement`` takes in fresh interpreters, byte code cached."""
    program = TIMED.format(statement=statement)
    run_fresh(program)
    return Spread.of([float(run_fresh(program)) for _ in range(rounds)])


@row("imports")
def imports(effort: Effort) -> Iterator[Line]:
    rounds = 3 if effort.quick else 15
    peers = "; ".join(f"import {name}: {cost(f'import {name}', rounds).median:.0f} ms" for name in PEERS)
    spread = cost("import verifier", rounds)
    yield value_line("import verifier, over bare Python", spread, "ms", at_most=150, others=peers)
