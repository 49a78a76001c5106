"""What an issuer wants on the ledger: signed, kept with its effect, and open until a receipt is in.

Source:  decisions 7 and 11 of the design: append is idempotent by entry, and the database decides.
Shapes:  an intent keeps the entry's bytes as they were signed, so that the same bytes are submitted after any crash.
         Times are Unix seconds; an index is a place on the ledger.
I/O:     that of the store. Every method is one transaction.
Errors:  UnavailableError.

An intent is PENDING until the ledger has given a receipt (DONE), or a newer act has taken its place (SUPERSEDED). One
that the registry's guard refuses is REFUSED, and is tried again: what it lacks (an accreditation, say) may come. One
that the ledger took back after all is PENDING again, and keeps the receipt that it had: it proves what was there.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec


class IntentKind(StrEnum):
    """What an entry is about."""

    LIST = "list"
    """A commitment to a status list: its URI and epoch."""
    BATCH = "batch"
    """A commitment to a batch of the issuance book: the book's URI and epoch."""
    LINE = "did-line"
    """A line of the issuer's DID log: the DID and the number of the version."""
    DECLARATION = "declaration"
    """An ending that declares a key compromised: the key and when that was signed."""


class IntentState(StrEnum):
    """How far an intent has come."""

    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"
    SUPERSEDED = "superseded"


OPEN = (IntentState.PENDING, IntentState.REFUSED)


class NewIntent(msgspec.Struct, frozen=True, kw_only=True):
    """An entry that is to be on the ledger."""

    kind: IntentKind
    subject: str
    number: int
    """Among intents of one kind and subject, a higher number is the newer one."""
    entry: bytes
    made_at: int


class Intent(NewIntent, frozen=True, kw_only=True):
    """An intent as the store has it."""

    id: int
    state: IntentState
    index: int | None
    receipt: bytes | None
    reason: str
    """Why it is refused, superseded, or pending again."""


class Outbox(Protocol):
    """The part of a store that keeps intents."""

    async def put_intents(self, intents: Sequence[NewIntent]) -> Sequence[Intent]:
        """Keep intents, in order, and return them.

        Of one kind, subject and number only the first is kept, which is then returned, until it is superseded.
        """
        ...

    async def intents(self, states: Sequence[IntentState] = OPEN, *, after: int = 0) -> Sequence[Intent]:
        """Return intents in one of ``states`` with an id above ``after``, in order, at most a thousand."""
        ...

    async def last_done(self) -> Intent | None:
        """Return the DONE intent with the highest index, or None."""
        ...

    async def settle(
        self,
        intent: Intent,
        state: IntentState,
        *,
        reason: str = "",
        index: int | None = None,
        receipt: bytes | None = None,
        entry: bytes | None = None,
    ) -> None:
        """Give an intent its state, and in the same transaction what that means: the receipt of a list, say.

        ``entry`` is what stands on the ledger, where that is the same statement under another signature. PENDING takes
        a receipt away from what it was for; the intent keeps it.
        """
        ...

    async def renew_intent(self, intent: Intent, new: NewIntent) -> Intent:
        """Close an open intent as superseded and keep ``new`` in its place; return what is in that place now."""
        ...

    async def forget_intents(self, *, before: int) -> int:
        """Drop what was closed and made before then, but for the one with the highest index; return how many."""
        ...
