"""Read one credential's status out of a verified list, and decide on it.

Source:  W3C Bitstring Status List v1.0, section 3.2; draft-ietf-oauth-status-list-20, sections 7.1 and 8.3.
Input:   the reference of a verified credential and the verified list that it names.
I/O:     none.
Errors:  StatusError with its ``reason``: revoked, suspended, other, expired or unreliable. There is no other way out:
         whatever does not fit is refused, for a status that cannot be read protects nobody.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final

import msgspec

from ssi.errors import StatusError
from ssi.status.bits import read_left, read_right
from ssi.status.content import MINIMUM_ENTRIES
from ssi.status.reference import REFRESH, REVOCATION, SUSPENSION, StatusFormat, StatusReference
from ssi.status.verify import VerifiedStatusList


class StatusState(StrEnum):
    """What a status means."""

    VALID = "valid"
    REVOKED = "revoked"
    SUSPENDED = "suspended"
    OTHER = "other"
    """Not 0, and of a purpose or number whose meaning only the applications know."""


class StatusPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What a verifier asks of lists; ``max_age_seconds`` has no default because none is safe for everybody."""

    max_age_seconds: int | None
    """A list issued longer ago is refused. None leaves the age to the list's own end."""
    accept_without_end: bool = False
    """Whether a list with no end of validity may be used under ``max_age_seconds=None``."""
    tolerated_purposes: frozenset[str] = frozenset({REFRESH})
    """Purposes whose status may be other than 0; revocation and suspension always count.

    ``refresh`` says that a newer credential exists and "does not invalidate the verifiable credential" (section 2.1).
    """
    minimum_entries: int = MINIMUM_ENTRIES
    """The fewest entries of a bitstring list: smaller ones betray who is looked up (section 6.1)."""


class StatusResult(msgspec.Struct, frozen=True):
    """What one list says of one credential, and how fresh that is. It names the list and never the entry."""

    state: StatusState
    value: int
    purpose: str
    uri: str
    issuer: str
    issued_at: int | None
    expires_at: int | None
    ttl_seconds: int | None
    digest: str
    message: str = ""
    """What the credential says that the value means, for a list of purpose ``message``; for developers only."""


_BY_NUMBER: Final = {0: StatusState.VALID, 1: StatusState.REVOKED, 2: StatusState.SUSPENDED}
_BY_PURPOSE: Final = {REVOCATION: StatusState.REVOKED, SUSPENSION: StatusState.SUSPENDED}
_BITSTRING: Final = StatusFormat.BITSTRING


def check_status(
    reference: StatusReference,
    status_list: VerifiedStatusList,
    *,
    issuers: Collection[str],
    now: int,
    policy: StatusPolicy,
) -> StatusResult:
    """Return the status of a credential that may be accepted; arguments as for ``read_status``.

    Raises StatusError with reason ``revoked``, ``suspended`` or ``other`` if the list says so, and as ``read_status``.
    """
    result = read_status(reference, status_list, issuers=issuers, now=now, policy=policy)
    state = result.state
    if state is not StatusState.VALID and (state is not StatusState.OTHER or not _tolerated(result, policy)):
        raise StatusError(f"expected a credential that is valid, its issuer's list says {state.value}", state.value)
    return result


def read_status(
    reference: StatusReference,
    status_list: VerifiedStatusList,
    *,
    issuers: Collection[str],
    now: int,
    policy: StatusPolicy,
) -> StatusResult:
    """Return what ``status_list`` says at ``now``, without deciding on it: a wallet shows this to its holder.

    ``issuers`` are those whose lists count for this credential: its own issuer, and delegates that policy names.
    Raises StatusError (``expired`` or ``unreliable``) if the list is of another address, format, purpose or issuer, is
    too old, too small or has no entry at the index.
    """
    if status_list.uri != reference.uri or status_list.format is not reference.format:
        raise StatusError("expected the status list that the credential refers to")
    if status_list.issuer not in issuers:
        raise StatusError("expected a status list of the credential's issuer or of a delegate that policy names")
    _check_freshness(status_list, now, policy)
    if reference.format is _BITSTRING:
        value = _read_bitstring(reference, status_list, policy)
        purpose = reference.purpose
        state = StatusState.VALID if value == 0 else _BY_PURPOSE.get(purpose, StatusState.OTHER)
    else:
        value = read_right(status_list.data, reference.index, status_list.size or 1)
        purpose = ""
        state = _BY_NUMBER.get(value, StatusState.OTHER)
    return StatusResult(
        state,
        value,
        purpose,
        status_list.uri,
        status_list.issuer,
        status_list.issued_at,
        status_list.expires_at,
        status_list.ttl_seconds,
        status_list.digest,
        dict(reference.messages).get(value, "") if reference.messages else "",
    )


def _check_freshness(status_list: VerifiedStatusList, now: int, policy: StatusPolicy) -> None:
    expires_at, max_age = status_list.expires_at, policy.max_age_seconds
    if expires_at is not None:
        if expires_at <= now:
            raise StatusError(f"expected a status list that holds at {now}, got one until {expires_at}", "expired")
    elif max_age is None and not policy.accept_without_end:
        raise StatusError("expected a status list that says until when it holds")
    if max_age is not None:
        issued_at = status_list.issued_at
        if issued_at is None:
            raise StatusError("expected a status list that says when it was issued")
        if issued_at + max_age < now:
            raise StatusError(f"expected a status list issued at most {max_age} seconds before {now}", "expired")


def _read_bitstring(reference: StatusReference, status_list: VerifiedStatusList, policy: StatusPolicy) -> int:
    if reference.purpose not in status_list.purposes:
        raise StatusError("expected a status list for the purpose that the credential's entry has")
    size, data = reference.size, status_list.data
    if status_list.size is not None and status_list.size != size:
        raise StatusError("expected list and credential to agree on statusSize")
    if (len(data) << 3) < policy.minimum_entries * size:
        raise StatusError(f"expected a status list of at least {policy.minimum_entries} entries")
    return read_left(data, reference.index, size)


def _tolerated(result: StatusResult, policy: StatusPolicy) -> bool:
    return result.purpose in policy.tolerated_purposes
