"""The benchmark measures what it says: ratios of work, spreads, and targets met or missed."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from tests.bench.harness import Case, Comparison, Measured, Spread, compare
from tests.bench.rows import ratio_line, value_line

REPOSITORY = Path(__file__).resolve().parents[3]


def hashes(count: int) -> Case:
    data = b"\0" * 4096

    def run() -> None:
        for _ in range(count):
            sha256(data).digest()

    return Case(f"{count} hashes", run)


async def twenty_hashes() -> None:
    hashes(20).run()


def test_twice_the_work_is_a_ratio_of_two() -> None:
    found = compare(hashes(20), hashes(40), [Case("awaited", twenty_hashes)], rounds=9, slice_seconds=0.002)
    assert found.ours is not None
    assert found.ours.ratio.median == pytest.approx(2, rel=0.25)
    assert found.peers[0].ratio.median == pytest.approx(1, rel=0.25)
    assert found.primitive.ratio == Spread(1, 1, 1)
    assert found.ours.ratio.low <= found.ours.ratio.median <= found.ours.ratio.high


def test_a_case_that_raises_ends_the_measurement() -> None:
    def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        compare(hashes(1), Case("broken", fail), rounds=1, slice_seconds=0.001)


@pytest.mark.parametrize(("measured", "met"), [(1.7, True), (1.704, True), (1.71, False)])
def test_a_target_is_met_as_printed(measured: float, met: bool) -> None:
    primitive = Measured("sign", Spread(1e-5, 1e-5, 1e-5), Spread(1, 1, 1))
    ours = Measured("ours", Spread(2e-5, 2e-5, 2e-5), Spread(measured, measured, measured))
    line = ratio_line("operation", Comparison(primitive, ours, ()), at_most=1.7)
    assert (line.target, line.met) == ("≤ 1.7 × sign", met)
    assert line.measured.endswith("20 µs")


def test_values_have_bounds_on_either_side() -> None:
    assert value_line("x", Spread.of([4.0, 5.0, 6.0]), "ms", at_most=5).met is True
    assert value_line("x", Spread.of([14_000.0]), "/s", at_least=15_000).met is False
    assert value_line("x", Spread.of([1.0]), "ms").met is None


@pytest.mark.slow
@pytest.mark.interop
def test_every_row_runs() -> None:
    command = [sys.executable, "-m", "tests.bench", "--quick"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("    target ") >= 10
