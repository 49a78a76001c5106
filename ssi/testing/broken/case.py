"""What a broken presentation is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import TypeAlias

import msgspec

from ssi.testing.world import TestWorld


class Broken(msgspec.Struct, frozen=True, kw_only=True):
    """A presentation that a verifier must refuse, different from a good one in the one thing that ``name`` says."""

    name: str
    """``topic/what``, and the format at the end where both formats have the case."""
    text: str
    """What the presenter sends."""
    why: str
    """Why it must be refused, in words."""
    check: str
    """The step that finds it, as reports of the role ``verifier`` name it; ``format`` also stands for bad input."""


Cases: TypeAlias = Callable[[TestWorld], AsyncIterator[Broken]]
