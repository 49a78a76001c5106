"""What an issuer keeps of its lists: one state per credential, whatever format the credential has.

Source:  draft-ietf-oauth-status-list-20, sections 7.1 (VALID, INVALID, SUSPENDED) and 13.2 (no index twice);
         W3C Bitstring Status List v1.0, sections 2.1 (purposes, random indexes) and 3.3 (packing).
Shapes:  a state is a number of two bits; entry 0 is the least significant bits of byte 0, as in a token list.
I/O:     none. Rows in the issuer's store are the truth; ``StatusArray`` is rebuilt from them and may be thrown away.
Errors:  InvalidInputError, StatusError (no entry at the index).

A bitstring family is two one-bit lists, for revocation and for suspension, which share their indexes; a token family is
one two-bit list. Both are drawn, set and published by the same code.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from enum import IntEnum
from functools import cache
from typing import Final

import msgspec

from ssi.errors import InvalidInputError
from ssi.status.bits import read_right, write_right
from ssi.status.content import MINIMUM_ENTRIES
from ssi.status.deflate import MAX_EXPANDED_BYTES
from ssi.status.reference import REVOCATION, SUSPENSION, StatusFormat, StatusReference, parse_status_claim

DEFAULT_ENTRIES: Final = 1 << 20
DEFAULT_TTL_SECONDS: Final = 300
DEFAULT_LIFETIME_SECONDS: Final = 86_400
MAX_FILL: Final = 0.5
"""A family takes no more credentials once half of its indexes are claimed: a draw then needs two tries on average."""


class CredentialState(IntEnum):
    """The state of a credential, with the number that a token list gives it (section 7.1)."""

    VALID = 0
    REVOKED = 1
    SUSPENDED = 2


_STATE_BY_PURPOSE: Final = {REVOCATION: CredentialState.REVOKED, SUSPENSION: CredentialState.SUSPENDED}


class StatusFamily(msgspec.Struct, frozen=True, kw_only=True):
    """The lists that one batch of credentials refers to."""

    format: StatusFormat
    issuer: str
    """The DID (or URL) that signs the lists."""
    uri: str
    """Address of the token list; a bitstring family serves ``{uri}/revocation`` and ``{uri}/suspension``."""
    entries: int = DEFAULT_ENTRIES
    ttl_seconds: int = DEFAULT_TTL_SECONDS
    """How long a verifier may keep a list before it asks again: the issuer's share in the time to a refusal."""
    lifetime_seconds: int = DEFAULT_LIFETIME_SECONDS
    """How long a list holds; the issuer publishes again before that, even if nothing changed."""

    def __post_init__(self) -> None:
        """Refuse lists that nobody could read, or that would not hide one credential among many."""
        if not MINIMUM_ENTRIES <= self.entries <= MAX_EXPANDED_BYTES * 4 or self.entries % 8:
            raise InvalidInputError(f"expected a multiple of 8 from {MINIMUM_ENTRIES} entries on")
        if not 0 < self.ttl_seconds <= self.lifetime_seconds:
            raise InvalidInputError("expected a positive ttl that is no longer than the lifetime of the list")
        parse_status_claim({"status_list": {"idx": 0, "uri": self.uri}})

    @property
    def list_uris(self) -> tuple[tuple[str, str], ...]:
        """Purpose and address of every list; a token list has the purpose ""."""
        if self.format is StatusFormat.TOKEN:
            return (("", self.uri),)
        return tuple((purpose, f"{self.uri}/{purpose}") for purpose in (REVOCATION, SUSPENSION))

    @property
    def capacity(self) -> int:
        """How many indexes may be claimed before a new family is opened."""
        return int(self.entries * MAX_FILL)

    def references(self, index: int) -> tuple[StatusReference, ...]:
        """Return what the credential at ``index`` carries. Raises InvalidInputError if there is no such index."""
        if not 0 <= index < self.entries:
            raise InvalidInputError(f"expected an index from 0 to {self.entries - 1}")
        return tuple(
            StatusReference(format=self.format, uri=uri, index=index, purpose=purpose)
            for purpose, uri in self.list_uris
        )


class StatusArray:
    """The states of all credentials of a family, packed; memory is two bits per entry."""

    __slots__ = ("_data", "entries")

    entries: int

    def __init__(self, entries: int, states: Iterable[tuple[int, CredentialState]] = ()) -> None:
        """Start with every entry valid, then set ``states`` (index, state). Raises as ``set``."""
        if entries < 8 or entries % 8:
            raise InvalidInputError("expected a positive multiple of 8 entries")
        self.entries = entries
        self._data = bytearray(entries // 4)
        for index, state in states:
            self.set(index, state)

    def __getitem__(self, index: int) -> CredentialState:
        """Return the state at ``index``. Raises StatusError past the end."""
        return CredentialState(read_right(self._data, index, 2))

    def set(self, index: int, state: CredentialState) -> None:
        """Set the state at ``index``. Raises StatusError past the end."""
        write_right(self._data, index, state, 2)

    def token_list(self) -> bytes:
        """Return the bytes of a token list with two bits per entry."""
        return bytes(self._data)

    def bitstring(self, purpose: str) -> bytes:
        """Return the bitstring of the revocation or suspension list, index 0 left-most.

        Raises InvalidInputError for another purpose.
        """
        state = _STATE_BY_PURPOSE.get(purpose)
        if state is None:
            raise InvalidInputError("expected the purpose revocation or suspension")
        # Every byte holds four entries, and two of them make a byte of the bitstring: a table turns each into half a
        # byte, and the halves are joined as two long integers, which takes a fiftieth of a loop over the bytes.
        high, low = _tables(state)
        left = int.from_bytes(self._data[0::2].translate(high))
        right = int.from_bytes(self._data[1::2].translate(low))
        return (left | right).to_bytes(self.entries // 8)


def draw_index(entries: int, *, draw_below: Callable[[int], int] = secrets.randbelow) -> int:
    """Return a random index below ``entries``: neither the time of issue nor the number issued can be read from it.

    Uniqueness is not decided here. The store claims the index under a unique key, in the transaction that records the
    credential, and draws again if it was taken; so no index is used twice, whatever crashes or runs beside it.
    """
    return draw_below(entries)


def _nibble(byte: int, state: CredentialState) -> int:
    """Return four bits, left-most first: which of the four entries in ``byte`` have ``state``."""
    return sum((byte >> 2 * place & 3 == state) << 3 - place for place in range(4))


@cache
def _tables(state: CredentialState) -> tuple[bytes, bytes]:
    """Return, for every byte of four entries, the half byte that it gives: in the left half, in the right half."""
    low = bytes(_nibble(byte, state) for byte in range(256))
    return bytes(nibble << 4 for nibble in low), low
