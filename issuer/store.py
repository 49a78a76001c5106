"""What an issuer remembers, as a port that a database of any size can stand behind.

A credential is a row without claims. Its status index is drawn and claimed by a unique key in the transaction that
makes the row, so that no crash and no second process can use it twice. Every method is one transaction.

Shapes:  times are Unix seconds; ``reference`` is the agency's own case number; a family is a set of status lists whose
         entries share an index (the W3C format has one list for each purpose, the IETF format one for all).
Errors:  NotFoundError, ConflictError, UnavailableError; nothing was changed when one is raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ssi.errors import InvalidInputError
from ssi.status import StatusFormat
from ssi.status.lists import CredentialState

from .outbox import NewIntent, Outbox


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A credential that is about to be issued."""

    reference: str
    type: str
    format: str
    id: str
    """The credential's identifier, ``urn:uuid:…``, random."""
    key: str
    """Label of the key that signs it."""
    holder: str | None
    """Multikey of the holder's key, None for a bearer credential."""
    request_tag: bytes
    """Keyed digest of the claims, by which a repeated request is told from another one; erased after the retry time."""
    issued_at: int
    valid_until: int
    retained: bytes | None = None
    """The claims as JSON if the type keeps them, None if it does not."""
    retained_until: int = 0


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A credential as the store knows it."""

    number: int
    """Row number; later credentials have higher ones."""
    reference: str
    type: str
    format: str
    id: str
    key: str
    holder: str | None
    request_tag: bytes | None
    issued_at: int
    valid_until: int
    family: int | None
    index: int | None
    state: CredentialState
    replaced_by: int | None
    """Number of the credential that was issued in its place, None for the current one of its reference."""


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which credentials an act is about: all that match every member given. Only current ones, unless ``replaced``."""

    reference: str | None = None
    type: str | None = None
    key: str | None = None
    numbers: tuple[int, ...] | None = None
    """These rows, replaced ones too."""
    replaced: bool = False


def select(reference: str | None, type: str | None, key: str | None) -> Selection:
    """Return what an act is about. Raises InvalidInputError if nobody said it."""
    if reference is None and type is None and key is None:
        raise InvalidInputError("expected a reference, a type or a key: an act on everything must be said by type")
    return Selection(reference=reference, type=type, key=key)


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A family of status lists."""

    id: int
    format: StatusFormat
    uri: str
    """What the addresses of its lists begin with."""
    entries: int
    """Entries of each list."""
    capacity: int
    """How many of them may be taken."""
    version: int
    """Grows with every change of a state."""
    adopted: bool = False
    """Whether another system made it."""
    held: bool = False
    """Whether that system still serves it: until it is released, nothing here may publish or change it."""


class AdoptedCredential(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A credential that another system issued, without its claims."""

    reference: str
    type: str
    format: str
    id: str
    key: str
    """Label that the signing key has here."""
    issued_at: int
    valid_until: int
    index: int
    state: CredentialState
    holder: str | None = None


class AdoptedFamily(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A family of status lists that another system made, with every index that it has given away."""

    format: StatusFormat
    uri: str
    entries: int
    capacity: int = 0
    """How many indexes may be taken in all; new credentials come into the family only while fewer are."""
    credentials: tuple[AdoptedCredential, ...] = ()
    taken: tuple[tuple[int, CredentialState], ...] = ()
    """Index and state of what was issued under no reference that is known here: it keeps its state for ever."""


class StoredList(msgspec.Struct, frozen=True, kw_only=True):
    """A status list as it was published last."""

    uri: str
    family: int
    epoch: int
    """Grows by one with every publication; 1 for the first."""
    version: int
    """The family's version that it shows."""
    body: bytes
    media_type: str
    issued_at: int
    valid_until: int
    receipt: bytes | None
    """None until its commitment is on the ledger."""


class FoundFamily(msgspec.Struct, frozen=True, kw_only=True):
    """A family as its published lists show it."""

    format: StatusFormat
    uri: str
    entries: int
    states: tuple[tuple[int, CredentialState], ...]
    """Index and state of every entry that is not VALID."""
    lists: tuple[StoredList, ...]
    """The published lists; ``family`` and ``version`` of these count for nothing."""


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """What an older store takes over to go on."""

    families: tuple[FoundFamily, ...]
    reason: str
    by: str
    at: int


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What was done to a credential, by which unit, and why: for the agency's own records."""

    number: int
    act: str
    reason: str
    by: str
    at: int


class IssuerStore(Outbox, Protocol):
    """The store of one issuer, with its outbox: what it wants on the ledger is kept together with its effect."""

    async def claim(
        self,
        draft: Draft,
        family: Family | None,
        *,
        replaces: int | None = None,
        when: Sequence[CredentialState] = tuple(CredentialState),
    ) -> Issued:
        """Keep a draft and claim a random free index of ``family``, in one transaction.

        If the reference has a current credential already and ``replaces`` is not its number, that one is returned and
        nothing is kept. With ``replaces``, that credential becomes REVOKED and replaced by the new one. Raises
        ConflictError if the family is full, or ``replaces`` is no longer the current credential of the reference, or is
        in none of the states of ``when``: what was revoked meanwhile must not be given back.
        """
        ...

    async def rekey(self, number: int, key: str) -> Issued:
        """Record that the current credential ``number`` was signed again with another key, and return it.

        Raises ConflictError if it is not the current credential of its reference any more.
        """
        ...

    async def find(self, reference: str) -> Issued:
        """Return the current credential of a reference. Raises NotFoundError."""
        ...

    async def select(self, selection: Selection, *, after: int = 0, limit: int = 1000) -> Sequence[Issued]:
        """Return matching credentials with a number above ``after``, in order, at most ``limit``."""
        ...

    async def retained(self, number: int) -> bytes | None:
        """Return the claims kept for a credential, or None."""
        ...

    async def erase_due(self, *, now: int, retry_before: int) -> int:
        """Erase retained claims whose time is over, and request tags of before ``retry_before``; return how many."""
        ...

    async def change(
        self,
        selection: Selection,
        state: CredentialState,
        *,
        when: Sequence[CredentialState],
        act: str,
        reason: str,
        by: str,
        at: int,
    ) -> Sequence[Issued]:
        """Give ``state`` to matching credentials that are in a state of ``when``, and record the act.

        Returns those that were changed, as they are now. Their families' versions grow.
        """
        ...

    async def acts(self, number: int) -> Sequence[Act]:
        """Return what was done to a credential, oldest first."""
        ...

    async def open_family(self, format: StatusFormat, *, entries: int, capacity: int, base: str) -> Family:
        """Return the family that new credentials of ``format`` use: the newest with room, or a new ``base/<id>``."""
        ...

    async def family(self, id: int) -> Family:
        """Return a family. Raises NotFoundError."""
        ...

    async def families(self) -> Sequence[Family]:
        """Return all families, oldest first."""
        ...

    async def states(self, family: int) -> tuple[int, Sequence[tuple[int, CredentialState]]]:
        """Return a family's version, and index and state of every credential in it that is not VALID."""
        ...

    async def put_lists(self, lists: Sequence[StoredList], intents: Sequence[NewIntent] = ()) -> None:
        """Publish the lists of one family together, and keep the intents to commit to them.

        Raises ConflictError if an epoch is not above the stored one: another process has published meanwhile.
        A list gets its receipt when its intent is settled (``Outbox.settle``), unless a later epoch was published.
        """
        ...

    async def list_at(self, uri: str) -> StoredList:
        """Return the list published last at ``uri``. Raises NotFoundError."""
        ...

    async def lists(self) -> Sequence[StoredList]:
        """Return every list as published last."""
        ...

    async def adopt(self, families: Sequence[AdoptedFamily]) -> Sequence[Family]:
        """Keep all of another system's families and credentials, held, or nothing.

        No index given here is drawn again. While a family is held, ``claim`` makes no new row, ``change`` leaves its
        credentials alone and ``open_family`` makes no family: each raises ConflictError. So does this method if an
        index is given twice, or an address, reference or identifier is here already.
        """
        ...

    async def adopted(self, family: int) -> Sequence[tuple[int, CredentialState]]:
        """Return every index that an adopted family came with, in order, and the state it had then."""
        ...

    async def release(self) -> Sequence[Family]:
        """Let the held families be published and changed from here on, and return them."""
        ...

    async def abandon(self) -> int:
        """Forget the adopted families that were never published, and return how many credentials went with them.

        Raises ConflictError if one of them was published, or changed here since: the other system does not know.
        """
        ...

    async def is_newest(self) -> bool:
        """Return whether something outside of the database says that nothing was done in it that it does not know.

        False where nothing says so, such as in memory. Raises RestoredStoreError if the database is known to be older:
        then every act raises it, too.
        """
        ...

    async def recover(self, recovery: Recovery) -> None:
        """Let an older database go on as the newest.

        Credentials get the states that are published, unless they are revoked here. No family that stands in the
        database or in ``recovery`` takes new credentials; those opened later have addresses that were never used.
        """
        ...

    async def secret(self) -> bytes:
        """Return 32 random bytes that stay the same for this store; they key the request tags."""
        ...

    async def close(self) -> None:
        """Release the store."""
        ...
