"""What a verification returns.

Shapes:  claims as they were shown; texts and unchecked members as ``ssi.credentials.about``.
I/O:     none.
Errors:  InvalidInputError (no evidence was kept).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ssi.credentials.about import About
from ssi.errors import InvalidInputError
from ssi.keys import PublicKey
from ssi.types import JsonObject

from .report import Report

if TYPE_CHECKING:
    from .evidence import Evidence


class VerifiedPresentation(msgspec.Struct, frozen=True, omit_defaults=True):
    """A credential to believe, with what the presenter chose to show of it."""

    issuer: str
    type: str
    """The type that policy accepted it as."""
    claims: JsonObject
    """The claims about the subject, as far as they were shown."""
    holder: PublicKey | None
    """The key that the presenter proved to hold; None where policy does not ask."""
    report: Report
    kept: Evidence | None = None
    """Where ``keep_evidence`` was asked for."""
    about: About | None = None
    """Of a W3C credential: its names for people, and the members that nobody has checked."""

    def evidence(self, keep: str | None = None) -> Evidence:
        """Return the evidence of this verification, to be kept for a duration such as ``P10Y``.

        Raises InvalidInputError unless ``keep_evidence`` was asked for.
        """
        if self.kept is None:
            raise InvalidInputError("no evidence was kept: verify with keep_evidence=True")
        return self.kept if keep is None else self.kept.keep(keep)
