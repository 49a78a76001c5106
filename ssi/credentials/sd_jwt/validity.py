"""Is this SD-JWT valid at this time?

Source:  RFC 9901 section 7.1 step 6; RFC 7519 sections 4.1.4 to 4.1.6 (exp, nbf, iat) and 2 (NumericDate).
Input:   a processed payload.
Shapes:  times are Unix seconds; the claims may have fractions.
I/O:     none.
Errors:  InvalidInputError (a time of another type), ValidityError.
"""

from __future__ import annotations

from typing import Final

from ssi.errors import InvalidInputError, ValidityError
from ssi.types import JsonObject

MAX_SKEW_SECONDS: Final = 60
"""How far an issuer's clock may be ahead of ours."""


def numeric_date(claims: JsonObject, name: str) -> int | float | None:
    """Return the NumericDate claim ``name`` or None if it is absent; raises InvalidInputError for another type."""
    if name not in claims:
        return None
    value = claims[name]
    if type(value) is not int and type(value) is not float:
        raise InvalidInputError(f"expected {name} to be a number of seconds")
    return value


def verify_validity(claims: JsonObject, *, now: int, max_skew_seconds: int = MAX_SKEW_SECONDS) -> None:
    """Raise ValidityError unless ``now`` is before ``exp`` and not before ``nbf`` and ``iat``; absent ones do not bind.

    The skew helps a credential that has just been issued. It never lengthens the life of one that has ended.
    """
    not_after, not_before = numeric_date(claims, "exp"), numeric_date(claims, "nbf")
    issued_at = numeric_date(claims, "iat")
    if not_after is not None and now >= not_after:
        raise ValidityError(f"ended at {not_after}, now {now}")
    if not_before is not None and now + max_skew_seconds < not_before:
        raise ValidityError(f"begins at {not_before}, now {now}")
    if issued_at is not None and now + max_skew_seconds < issued_at:
        raise ValidityError(f"was issued at {issued_at}, now {now}")
