"""Exchanges with other implementations, and the matrix of how they went.

Source:  none.
Input:   functions registered by ``exchange``: each makes an artefact on one side and verifies it on the other.
Shapes:  a direction is "theirs here" (they make, we verify) or "ours there" (we make, they verify).
I/O:     none here.
Errors:  an exchange that raises has failed; ``NotBuilt`` says that our side does not exist yet, ``PeerAbsent`` that
         theirs is not to be had on this machine.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

HERE, THERE = "theirs here", "ours there"
DIRECTIONS = (HERE, THERE)


class NotBuilt(Exception):
    """Our side of an exchange does not exist yet."""


class PeerAbsent(Exception):
    """The other implementation cannot be run here: its runtime or its packages are missing."""


class Exchange(NamedTuple):
    """One cell of the matrix. ``differs`` explains a peer that follows another text: then each side must refuse."""

    peer: str
    format: str
    direction: str
    run: Callable[[], Any]
    differs: str


class Outcome(NamedTuple):
    """How one exchange went: a word for the cell, and the traceback of a failure."""

    exchange: Exchange
    word: str
    failure: str


EXCHANGES: list[Exchange] = []


def exchange(peer: str, format: str, direction: str, *, differs: str = "") -> Callable[[Callable[[], Any]], Any]:
    """Register a function as one cell of the matrix.

    With ``differs`` the function must show that the artefact is refused, as the texts demand.
    """

    def register(function: Callable[[], Any]) -> Callable[[], Any]:
        EXCHANGES.append(Exchange(peer, format, direction, function, differs))
        return function

    return register


def attempt(item: Exchange) -> Outcome:
    """Run one exchange and say how it went."""
    try:
        item.run()
    except NotBuilt:
        return Outcome(item, "not built", "")
    except PeerAbsent:
        return Outcome(item, "absent", "")
    except Exception:
        return Outcome(item, "FAILED", traceback.format_exc())
    return Outcome(item, "refused*" if item.differs else "ok", "")


def table(outcomes: list[Outcome]) -> list[str]:
    """Return the matrix as lines of text: peers and formats down, directions across, then the notes."""
    keys = list(dict.fromkeys((o.exchange.peer, o.exchange.format) for o in outcomes))
    width = max((len(form) for _, form in keys), default=0)
    column = max([22, *(len(peer) for peer, _ in keys)])
    lines = [f"{'peer':<{column}} {'format':<{width}} {HERE:<12} {THERE:<12}"]
    cells = {(o.exchange.peer, o.exchange.format, o.exchange.direction): o.word for o in outcomes}
    for peer, form in keys:
        words = [cells.get((peer, form, direction), "–") for direction in DIRECTIONS]
        lines.append(f"{peer:<{column}} {form:<{width}} {words[0]:<12} {words[1]:<12}".rstrip())
    notes: dict[tuple[str, str], dict[str, None]] = {}
    for item in (outcome.exchange for outcome in outcomes if outcome.exchange.differs):
        notes.setdefault((item.peer, item.differs), {})[item.format] = None
    lines += [f"* {peer}, {'; '.join(formats)}: {differs}" for (peer, differs), formats in notes.items()]
    return lines
