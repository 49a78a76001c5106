"""The rows of the table: each a small function that measures one operation, registered by a decorator.

Source:  the speed table of docs/adr/0003-speed.md, which names every target.
Input:   ``Effort``: how many rounds to spend.
Shapes:  a row yields ``Line`` values; ``met`` is None when there is no target or nothing to compare yet.
I/O:     none here.
Errors:  a row raises ``Absent`` when this machine lacks what it measures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.bench.harness import Comparison, Measured, Spread


class Absent(Exception):
    """What a row measures is not on this machine; the text says what."""


class Effort(NamedTuple):
    """How much to measure: rounds of interleaved slices, and the size of the large cases."""

    rounds: int
    quick: bool
    full: bool = False
    """Whether the cases that take minutes to prepare have their full size."""


class Line(NamedTuple):
    """One line of the table, as text."""

    operation: str
    target: str
    measured: str
    met: bool | None
    others: str


Row = Callable[[Effort], Iterator[Line]]
ROWS: dict[str, Row] = {}


def row(name: str) -> Callable[[Row], Row]:
    """Register a function as the row ``name``; rows run and print in the order of registration."""

    def register(function: Row) -> Row:
        if name in ROWS:
            raise ValueError(f"two rows are named {name!r}")
        ROWS[name] = function
        return function

    return register


def ratio_line(operation: str, comparison: Comparison, *, at_most: float | None) -> Line:
    """Return the line of a comparison whose target is a ratio to its primitive."""
    primitive = comparison.primitive
    target = f"≤ {at_most:g} × {primitive.label}" if at_most is not None else f"– (of {primitive.label})"
    others = [f"{primitive.label}: {_time(primitive.seconds)}"]
    others += [f"{peer.label}: {_ratio(peer)}" for peer in comparison.peers]
    ours = comparison.ours
    if ours is None:
        return Line(operation, target, "not built yet", None, "; ".join(others))
    met = None if at_most is None else round(ours.ratio.median, 2) <= at_most
    return Line(operation, target, f"{_ratio(ours)}, {_time(ours.seconds)}", met, "; ".join(others))


def value_line(
    operation: str,
    value: Spread,
    unit: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    others: str = "",
) -> Line:
    """Return the line of a measured quantity with a bound in the same unit."""
    target, met = "–", None
    if at_most is not None:
        target, met = f"≤ {at_most:g} {unit}", value.median <= at_most
    elif at_least is not None:
        target, met = f"≥ {at_least:,g} {unit}", value.median >= at_least
    return Line(operation, target, f"{_number(value)} {unit}", met, others)


def _ratio(measured: Measured) -> str:
    spread = measured.ratio
    return f"{spread.median:.2f} × ({spread.low:.2f} to {spread.high:.2f})"


def _number(value: Spread) -> str:
    digits = 0 if value.median >= 100 else 1 if value.median >= 10 else 2
    texts = [f"{number:,.{digits}f}" for number in value]
    return f"{texts[0]} ({texts[1]} to {texts[2]})"


def _time(seconds: Spread) -> str:
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds.median * factor >= 1:
            return f"{seconds.median * factor:.3g} {unit}"
    return f"{seconds.median * 1e6:.3g} µs"
