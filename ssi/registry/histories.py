"""Everything that the fold remembers, by what it is asked for.

Source:  design decision 8 (the registry's answers at any index).
Shapes:  lists are in ledger order and only grow at their ends, so the past is a prefix of each.
I/O:     none.
Errors:  none.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ssi.registry.did_history import DidHistories
from ssi.registry.history import Accepted, Entry
from ssi.registry.types import Accreditation, CheckpointAnchor, Ending, StateRoot, StatusCommitment, Withholding

STATE_ROOTS: Final = "state roots"


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
    state_roots: dict[str, list[Accepted[StateRoot]]] = msgspec.field(default_factory=dict)
    """All under STATE_ROOTS."""
