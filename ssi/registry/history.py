"""What happened to one thing, by ledger index: lists that only grow, cut at a size to look back.

Source:  design decision 7 (entries never move) and 8 (the registry's answers at any index).
Shapes:  every list is in ascending order of ledger index, so the past is a prefix of it.
I/O:     none.
Errors:  none.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Generic, Protocol, TypeAlias, TypeVar

import msgspec

from ssi.did.document import DidDocument
from ssi.did.webvh.log import Version
from ssi.registry.types import StatementBody
from ssi.types import JsonObject


class Indexed(Protocol):
    """Anything that stands at a ledger index."""

    @property
    def index(self) -> int:
        """The ledger index, from 0."""


IndexedT = TypeVar("IndexedT", bound=Indexed)
BodyT = TypeVar("BodyT", bound=StatementBody, covariant=True)


class DidVersion(msgspec.Struct, frozen=True):
    """One admitted line of a DID's log and what is in force after it once it counts."""

    index: int
    id: str
    did: str
    line: bytes
    version: Version
    document: DidDocument
    after: str
    """The versionId of the line before it; the SCID for the first."""
    counts_from: int = -1
    """The ledger index of the entry with which it began to count: its own, or that of a witness's proof."""

    @property
    def scid(self) -> str:
        """What stays the same when the DID moves."""
        return self.version.parameters.scid

    @property
    def version_id(self) -> str:
        """The line's versionId."""
        return self.version.entry.version_id


class WitnessApproval(msgspec.Struct, frozen=True):
    """Admitted proofs of witnesses for one version; each of them holds."""

    index: int
    id: str
    scid: str
    version_id: str
    witnesses: tuple[str, ...]
    """The did:key of each proof's witness, in the order of ``proofs``."""
    proofs: tuple[JsonObject, ...]


class Accepted(msgspec.Struct, Generic[BodyT], frozen=True):
    """A statement that the guard admitted, and its place in the log."""

    index: int
    id: str
    kid: str
    body: BodyT


Entry: TypeAlias = Accepted[StatementBody] | DidVersion | WitnessApproval


class Refused(msgspec.Struct, frozen=True):
    """An entry that stands on the ledger and that the fold ignores."""

    index: int
    kind: str
    """Which check failed: ``envelope``, ``signature``, ``guard`` or ``webvh``."""
    reason: str


def type_of(entry: Entry) -> str:
    """Return the name of the entry's type."""
    if isinstance(entry, Accepted):
        return type(entry.body).__name__
    return "DidLogEntry" if isinstance(entry, DidVersion) else "DidWitnessProofs"


def before(items: Sequence[IndexedT], size: int) -> Sequence[IndexedT]:
    """Return the items whose index is below ``size``: the history as the log of that size knew it."""
    if not items or items[-1].index < size:
        return items
    return items[: bisect_left(items, size, key=_index)]


def last_before(items: Sequence[IndexedT], size: int) -> IndexedT | None:
    """Return the newest item whose index is below ``size``, or None."""
    if items and items[-1].index < size:
        return items[-1]
    position = bisect_left(items, size, key=_index)
    return items[position - 1] if position else None


def _index(item: Indexed) -> int:
    return item.index
