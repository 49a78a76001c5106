"""What an error means to whoever called the program: an exit code, one line for people, one object for programs.

Shapes:  0 accepted or done, 1 refused (with the check that failed), 2 bad input, 3 could not check. A failed run prints
         ``{"outcome": "refused" | "bad input" | "could not check", "check", "reason", …}``.
I/O:     none.
Errors:  none.
"""

from __future__ import annotations

import re
from typing import Final

from ssi.errors import (
    BrokenEntryError,
    ConflictError,
    ForkError,
    GuardError,
    InvalidInputError,
    NotFoundError,
    ProtocolError,
    SsiError,
    UnavailableError,
    VerificationError,
)
from ssi.types import JsonObject

OK: Final = 0
REFUSED: Final = 1
BAD_INPUT: Final = 2
COULD_NOT_CHECK: Final = 3
INTERRUPTED: Final = 130

_CODES: Final[tuple[tuple[type[SsiError], int], ...]] = (
    (GuardError, REFUSED),  # well formed, and the registry does not take it
    (InvalidInputError, BAD_INPUT),
    (NotFoundError, BAD_INPUT),  # what was named is not there
    (VerificationError, REFUSED),
    (ConflictError, REFUSED),
    (ProtocolError, REFUSED),
    (UnavailableError, COULD_NOT_CHECK),
)
OUTCOMES: Final = {OK: "ok", REFUSED: "refused", BAD_INPUT: "bad input", COULD_NOT_CHECK: "could not check"}
_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


def exit_code(error: SsiError) -> int:
    """Return the exit code that ``error`` stands for."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), COULD_NOT_CHECK)


def failure(error: SsiError) -> JsonObject:
    """Return what a program is told of ``error``; the check is left out where the input was no input at all."""
    code = exit_code(error)
    document: JsonObject = {"outcome": OUTCOMES[code]}
    if code != BAD_INPUT:
        document["check"] = _check(error)
    document["reason"] = getattr(error, "reason", None) if _reports(error) else str(error)
    if isinstance(error, BrokenEntryError):
        document["entry"] = error.entry
    if isinstance(error, ForkError):
        import json

        document["fork_proof"] = json.loads(error.proof)  # for `ssi ledger verify-fork`, whoever runs it
    if _reports(error):
        document["report"] = error.report.to_json()  # type: ignore[attr-defined]
    return document


def _reports(error: SsiError) -> bool:
    """Tell whether the error is a verifier's verdict, which names its check and carries a report."""
    return hasattr(error, "check") and hasattr(error, "report")


def _check(error: SsiError) -> str:
    if _reports(error):
        return str(error.check)  # type: ignore[attr-defined]
    if isinstance(error, GuardError | ProtocolError):
        return error.code
    return _CAPITAL.sub(" ", type(error).__name__.removesuffix("Error")).lower()
