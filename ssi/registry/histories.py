"""Everything that the fold remembers, by what it is about.

Source:  design decisions 7 and 8.
Shapes:  every list is in ascending order of ledger index (``ssi.registry.history``).
I/O:     none.
Errors:  none.
"""

from __future__ import annotations

import msgspec

from ssi.registry.did_history import DidHistories
from ssi.registry.history import Accepted, Entry
from ssi.registry.types import Accreditation, CheckpointAnchor, Ending, StatusCommitment, Withholding


class Histories(msgspec.Struct):
    """Everything the fold remembers; only the fold writes here, at the ends of the lists."""

    entries: dict[str, Entry] = msgspec.field(default_factory=dict)
    dids: DidHistories = msgspec.field(default_factory=DidHistories)
    accreditations: dict[str, list[Accepted[Accreditation]]] = msgspec.field(default_factory=dict)
    """By subject."""
    endings: dict[str, list[Accepted[Ending]]] = msgspec.field(default_factory=dict)
    """By the id of what ends."""
    compromises: dict[str, list[Accepted[Ending]]] = msgspec.field(default_factory=dict)
    """By the verification method that is compromised."""
    commitments: dict[str, list[Accepted[StatusCommitment]]] = msgspec.field(default_factory=dict)
    """By the status list's URI."""
    anchors: dict[str, list[Accepted[CheckpointAnchor]]] = msgspec.field(default_factory=dict)
    """By the other log's origin."""
    withholdings: dict[int, list[Accepted[Withholding]]] = msgspec.field(default_factory=dict)
    """By the index whose body is withheld."""
