"""VC-API: requests as values, and the responses that answer them.

Source:  W3C CCG Verifiable Credentials API v0.7, sections "Issuing", "Verifying", "Presenting" (credentials/issue,
         credentials/status, credentials/verify, presentations/verify, credentials/derive, presentations/prove); RFC
         9457 for the members of an error.
Input:   the JSON object of a body that came through the gate.
Shapes:  JSON Pointers are those of RFC 6901. A document that holds answers 200 with ``verified: true``,
         one that does not 400 with its errors.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ssi.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    SsiError,
    UnavailableError,
    VerificationError,
)
from ssi.protocols.http import HttpResponse, build_json
from ssi.types import JsonObject, JsonValue

MAX_POINTERS: Final = 256
MAX_BODY_BYTES: Final = 1 << 20
PROBLEM_BASE: Final = "https://www.w3.org/ns/credentials#"


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """One way of securing: who signs, with which key, by what. VC-API calls it an instance."""

    name: str
    did: str
    method: str
    """The verification method, a DID URL."""
    label: str
    """Of the key in the key store."""
    cryptosuite: str | None
    """None for an envelope (``vc+jwt``)."""
    list_label: str | None = None
    """Of the key that signs status lists; where there is one, what is issued gets an entry in such a list."""
    list_method: str | None = None
    """The verification method of that key, None for ``method``."""


class IssueRequest(msgspec.Struct, frozen=True):
    """``credentials/issue``: a credential without proof."""

    credential: JsonObject
    mandatory_pointers: tuple[str, ...] | None = None
    """None if the request does not say: the issuer's own choice then."""
    credential_id: str | None = None
    """By which the status of the credential is changed later."""


class StatusRequest(msgspec.Struct, frozen=True):
    """``credentials/status``: set or clear one status of a credential that was issued here."""

    credential_id: str
    purpose: str
    set: bool


class VerifyRequest(msgspec.Struct, frozen=True):
    """``credentials/verify`` and ``presentations/verify``."""

    document: JsonObject
    domain: str | tuple[str, ...] | None = None
    challenge: str | None = None
    checks: tuple[str, ...] = ("proof", "status")


class DeriveRequest(msgspec.Struct, frozen=True):
    """``credentials/derive``: disclose some of a credential."""

    credential: JsonObject
    selective_pointers: tuple[str, ...]


class ProveRequest(msgspec.Struct, frozen=True):
    """``presentations/prove``: a presentation without proof."""

    presentation: JsonObject
    domain: str | tuple[str, ...] | None = None
    challenge: str | None = None


def parse_issue(body: JsonObject) -> IssueRequest:
    """Read the body of ``credentials/issue``. Raises InvalidInputError."""
    options = _options(body)
    pointers = _pointers(options, "mandatoryPointers") if "mandatoryPointers" in options else None
    return IssueRequest(_object(body, "credential"), pointers, _text(options, "credentialId"))


def parse_status(body: JsonObject) -> StatusRequest:
    """Read the body of ``credentials/status``. Raises InvalidInputError."""
    identifier = _text(body, "credentialId")
    if identifier is None:
        raise InvalidInputError("expected credentialId")
    entry = _object(body, "credentialStatus")
    if entry.get("type") != "BitstringStatusListEntry":
        raise InvalidInputError("expected a credentialStatus of type BitstringStatusListEntry")
    value = body.get("status", True)
    if not isinstance(value, bool):
        raise InvalidInputError("expected status to be true or false")
    return StatusRequest(identifier, _text(entry, "statusPurpose") or "revocation", value)


def parse_verify(body: JsonObject, member: str) -> VerifyRequest:
    """Read the body of ``credentials/verify`` or ``presentations/verify``, which has the document in ``member``.

    Raises InvalidInputError.
    """
    options = _options(body)
    checks = options.get("checks", ["proof", "status"])
    if not isinstance(checks, list) or not all(isinstance(item, str) for item in checks):
        raise InvalidInputError("expected checks to be a list of strings")
    return VerifyRequest(
        _object(body, member), _domain(options), _text(options, "challenge"), tuple(dict.fromkeys([*checks, "proof"]))
    )


def parse_derive(body: JsonObject) -> DeriveRequest:
    """Read the body of ``credentials/derive``. Raises InvalidInputError."""
    return DeriveRequest(_object(body, "verifiableCredential"), _pointers(_options(body), "selectivePointers"))


def parse_prove(body: JsonObject) -> ProveRequest:
    """Read the body of ``presentations/prove``. Raises InvalidInputError."""
    options = _options(body)
    return ProveRequest(_object(body, "presentation"), _domain(options), _text(options, "challenge"))


def build_issued(credential: JsonObject) -> HttpResponse:
    """Return the answer to an issue or derive request."""
    return build_json(201, {"verifiableCredential": credential})


def build_proved(presentation: JsonObject) -> HttpResponse:
    """Return the answer to a prove request."""
    return build_json(201, {"verifiablePresentation": presentation})


def build_verified(checks: Sequence[str], warnings: Sequence[JsonObject] = ()) -> HttpResponse:
    """Return the answer to a verify request whose document held; ``checks`` are those that were made."""
    return build_json(200, {"verified": True, "checks": list(checks), "warnings": list(warnings), "errors": []})


def build_refused(error: SsiError) -> HttpResponse:
    """Return the answer to a verify request whose document did not hold, or could not be checked."""
    problem = build_problem(error)
    body = {"verified": False, "checks": [], "warnings": [], "errors": [problem], **problem}
    return build_json(_status(error), body)


def build_error(error: SsiError) -> HttpResponse:
    """Return the answer to any other request that failed."""
    return build_json(_status(error), build_problem(error))


def build_problem(error: SsiError) -> JsonObject:
    """Return ``error`` as problem details; no value of the request is in it."""
    title = "VERIFICATION_ERROR" if isinstance(error, VerificationError) else "PROCESSING_ERROR"
    if isinstance(error, InvalidInputError):
        title = "MALFORMED_VALUE_ERROR"
    return {"type": f"{PROBLEM_BASE}{title}", "status": _status(error), "title": title, "detail": str(error)}


def _status(error: SsiError) -> int:
    if isinstance(error, UnavailableError):
        return 503
    if isinstance(error, NotFoundError):
        return 404
    return 409 if isinstance(error, ConflictError) else 400


def _options(body: JsonObject) -> JsonObject:
    options = body.get("options", {})
    if not isinstance(options, dict):
        raise InvalidInputError("expected options to be an object")
    return options


def _object(body: JsonObject, name: str) -> JsonObject:
    value = body.get(name)
    if not isinstance(value, dict):
        raise InvalidInputError(f"expected {name}, an object")
    return value


def _text(body: JsonObject, name: str) -> str | None:
    value: JsonValue = body.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise InvalidInputError(f"expected {name} to be a string")
    return value


def _domain(options: JsonObject) -> str | tuple[str, ...] | None:
    value = options.get("domain")
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return tuple(value)
    return _text(options, "domain")


def _pointers(options: JsonObject, name: str) -> tuple[str, ...]:
    value = options.get(name)
    if not isinstance(value, list) or len(value) > MAX_POINTERS:
        raise InvalidInputError(f"expected {name} to be a list of at most {MAX_POINTERS} JSON Pointers")
    if not all(isinstance(item, str) and (item == "" or item.startswith("/")) for item in value):
        raise InvalidInputError(f"expected {name} to hold JSON Pointers")
    return tuple(value)
