"""What the issuer's acts answer."""

from __future__ import annotations

import msgspec


class IssuedCredential(msgspec.Struct, frozen=True, kw_only=True):
    """A credential to hand over; the issuer keeps no copy of it."""

    credential: str
    id: str
    reference: str
    type: str
    format: str
    issued_at: int
    valid_until: int


class StatusChange(msgspec.Struct, frozen=True, kw_only=True):
    """What an act on statuses came to."""

    references: tuple[str, ...]
    """The cases whose credential changed."""
    anchored: bool
    """Whether the ledger holds the commitments of all lists; if not, ``publish`` tries again."""
