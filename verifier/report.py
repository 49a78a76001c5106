"""What was checked, where each answer came from, and how a refusal is said. No claim value is ever in here.

Shapes:  checks stand in the order in which they were made; times are Unix seconds.
I/O:     none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from ssi.errors import (
    DidNotFoundError,
    InvalidInputError,
    KeyBindingError,
    NotFoundError,
    SchemaError,
    SsiError,
    UnavailableError,
    UntrustedIssuerError,
    ValidityError,
    VerificationError,
)
from ssi.ports import RegistryView
from ssi.types import JsonObject

if TYPE_CHECKING:
    from .evidence import Evidence

Step: TypeAlias = Literal[
    "format",
    "issuer",
    "signature",
    "validity",
    "holder",
    "trust",
    "schema",
    "resources",
    "unchecked",
    "status",
    "bundle",
]
"""The steps in their order: what it is, whether its issuer is accepted at all, then from the cheap to the dear.
``unchecked`` is none of them: it names members that nobody checks. Nor is ``bundle``: it fails before the first
question to an offline bundle that must not be used (any more)."""

Outcome: TypeAlias = Literal["passed", "failed", "not asked", "unknown"]

_STEP_BY_ERROR: Final[tuple[tuple[type[SsiError], Step], ...]] = (
    (ValidityError, "validity"),
    (KeyBindingError, "holder"),
    (UntrustedIssuerError, "issuer"),
)
"""What the securing of a credential finds besides its signature, since every format checks these in one go."""


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One check: what came out, by which source, and in words."""

    name: Step
    outcome: Outcome
    source: str = ""
    """Where the answer comes from: a DID and the version of its document, a list's URI, a ledger's size, the policy."""
    detail: str = ""


class Report(msgspec.Struct, frozen=True):
    """All checks of one verification, at the time asked about."""

    at: int
    checks: tuple[Check, ...]

    def to_json(self) -> JsonObject:
        """Return the report as a JSON object."""
        built: JsonObject = msgspec.to_builtins(self)
        return built


class Refused(VerificationError):
    """The presentation is not to be believed: ``check`` failed, for ``reason``."""

    def __init__(self, check: Step, reason: str, report: Report) -> None:
        super().__init__(f"{check}: {reason}")
        self.check = check
        self.reason = reason
        self.report = report
        self.kept: Evidence | None = None
        """Where evidence was asked for: also a refusal can be looked at again."""


class CouldNotCheck(UnavailableError):
    """Nothing is known against the presentation, but ``check`` could not be made; asking again may help."""

    def __init__(self, check: Step, reason: str, report: Report) -> None:
        super().__init__(f"{check}: {reason}")
        self.check = check
        self.reason = reason
        self.report = report


EXCERPT: Final = ", as far as an excerpt shows"


def registry_at(view: RegistryView) -> str:
    """Return in words which state of the registry an answer comes from."""
    return f"registry at size {view.size}{EXCERPT if getattr(view, 'left_out', 0) else ''}"


class Checks:
    """The checks as they are made; turns the error of a step into the refusal that names it."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._made: list[Check] = []
        self._step: Step = "format"

    def begin(self, step: Step) -> None:
        """Say which step comes now: an error until the next one belongs to it."""
        self._step = step

    def passed(self, step: Step, source: str = "", detail: str = "") -> None:
        """Record a check that came out well."""
        self._made.append(Check(step, "passed", source, detail))

    def not_asked(self, step: Step, detail: str) -> None:
        """Record a check that policy does not ask for."""
        self._made.append(Check(step, "not asked", "policy", detail))

    def report(self) -> Report:
        """Return the report so far."""
        return Report(self._at, tuple(self._made))

    def failure(self, error: SsiError) -> SsiError:
        """Return what to raise for ``error``: the refusal, or the error itself if the input was no presentation."""
        if isinstance(error, InvalidInputError) and not isinstance(error, SchemaError) and self._step == "format":
            return error
        step = self._step
        if step == "signature":
            step = next((found for kind, found in _STEP_BY_ERROR if isinstance(error, kind)), step)
        reason = str(error)
        unknown = isinstance(error, UnavailableError | NotFoundError) and not isinstance(error, DidNotFoundError)
        self._made.append(Check(step, "unknown" if unknown else "failed", "", reason))
        return (CouldNotCheck if unknown else Refused)(step, reason, self.report())
