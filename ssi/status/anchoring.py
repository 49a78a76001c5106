"""Is this list anchored on the ledger, and is it the newest one for its address?

Source:  design decision 9 of this project; RFC 6962 for what inclusion in a log proves.
Input:   a verified list; the registry folded up to a checkpoint, or the commitment that a receipt proves.
Shapes:  times are Unix seconds; a digest is unpadded base64url of the SHA-256 of the signed list's bytes.
I/O:     none.
Errors:  StatusError (``superseded``: a newer list is anchored; ``unanchored``: the grace period is over),
         UnavailableError (there is nothing to hold the list against, or it is too old: ask again).

Inclusion alone does not mean newest: yesterday's list, in which a credential was still valid, stays on the ledger. Only
the fold over all entries knows the newest commitment, so a receipt alone leaves freshness to exp and ttl.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from ssi.errors import StatusError, UnavailableError
from ssi.ports import Commitment, RegistryView
from ssi.status.verify import CLOCK_SKEW_SECONDS, VerifiedStatusList


class Anchoring(StrEnum):
    """What the ledger says of a list."""

    NEWEST = "anchored, newest at the checkpoint"
    INCLUDED = "anchored; freshness by exp and ttl only"
    PENDING = "not anchored yet, within the time allowed"
    NOT_ASKED = "not asked; freshness by exp and ttl only"


class AnchoringPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How a verifier wants lists anchored."""

    max_staleness_seconds: int
    """The oldest checkpoint that the registry may have been proven against."""
    max_unanchored_seconds: int
    """How long after its issue a list may be used before its commitment is on the ledger; 0 allows none."""
    receipt_suffices: bool = False
    """Whether a list with a receipt is accepted where no registry is at hand, and its freshness left to exp and ttl."""


class AnchoringReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found; ``entry``, ``epoch`` and ``checkpoint_time`` are None where they do not apply."""

    anchoring: Anchoring
    entry: int | None = None
    epoch: int | None = None
    checkpoint_time: int | None = None


def check_anchoring(
    status_list: VerifiedStatusList,
    *,
    view: RegistryView | None,
    receipt: Commitment | None,
    policy: AnchoringPolicy | None,
    now: int,
) -> AnchoringReport:
    """Return how ``status_list`` is anchored, if that satisfies ``policy``; None asks for nothing.

    ``receipt`` is the commitment that a receipt proved to be on the ledger: whoever verified inclusion and signature of
    the entry passes it. Raises StatusError or UnavailableError.
    """
    if policy is None:
        return _unasked(status_list, view, receipt)
    if view is None:
        return _from_receipt(status_list, receipt, policy, now)
    checked = view.checkpoint_time
    if checked is None or checked + policy.max_staleness_seconds < now:
        raise UnavailableError(
            f"expected a registry proven against a checkpoint of the last {policy.max_staleness_seconds} seconds"
        )
    newest = view.newest_commitment(status_list.uri)
    if newest is not None and newest.issuer != status_list.issuer:
        raise StatusError("expected the list's commitment to be made by the list's issuer", "unanchored")
    if newest is not None and newest.digest == status_list.digest:
        _check_period(newest, now)
        return AnchoringReport(
            anchoring=Anchoring.NEWEST, entry=newest.entry, epoch=newest.epoch, checkpoint_time=checked
        )
    _check_pending(status_list, newest, policy, now)
    return AnchoringReport(anchoring=Anchoring.PENDING, checkpoint_time=checked)


def _unasked(status_list: VerifiedStatusList, view: RegistryView | None, receipt: Commitment | None) -> AnchoringReport:
    """Report what is known anyway. Proof at hand that the list was replaced is not passed over: nobody wants that."""
    newest = None if view is None else view.newest_commitment(status_list.uri)
    if view is not None and newest is not None and newest.issuer == status_list.issuer:
        if newest.digest == status_list.digest:
            return AnchoringReport(
                anchoring=Anchoring.NEWEST, entry=newest.entry, epoch=newest.epoch, checkpoint_time=view.checkpoint_time
            )
        if status_list.issued_at is not None and status_list.issued_at < newest.valid_from:
            raise StatusError("expected the newest status list, a newer one is anchored", "superseded")
    if receipt is not None and _commits(receipt, status_list):
        return AnchoringReport(anchoring=Anchoring.INCLUDED, entry=receipt.entry, epoch=receipt.epoch)
    return AnchoringReport(anchoring=Anchoring.NOT_ASKED)


def _from_receipt(
    status_list: VerifiedStatusList, receipt: Commitment | None, policy: AnchoringPolicy, now: int
) -> AnchoringReport:
    if not policy.receipt_suffices:
        raise UnavailableError("expected a registry to tell whether the status list is the newest")
    if receipt is None:
        raise UnavailableError("expected a registry, or a receipt of the status list")
    if not _commits(receipt, status_list):
        raise StatusError("expected a receipt of this status list, got one of another", "unanchored")
    _check_period(receipt, now)
    return AnchoringReport(anchoring=Anchoring.INCLUDED, entry=receipt.entry, epoch=receipt.epoch)


def _commits(commitment: Commitment, status_list: VerifiedStatusList) -> bool:
    return (
        commitment.digest == status_list.digest
        and commitment.uri == status_list.uri
        and commitment.issuer == status_list.issuer
    )


def _check_period(newest: Commitment, now: int) -> None:
    if not newest.valid_from - CLOCK_SKEW_SECONDS <= now < newest.valid_until:
        raise StatusError(f"expected a commitment that holds at {now}", "expired")


def _check_pending(
    status_list: VerifiedStatusList, newest: Commitment | None, policy: AnchoringPolicy, now: int
) -> None:
    """Accept only a list that is newer than everything anchored and too young to be there.

    A list is published at once and its commitment follows. A list of the same second as the newest commitment, or of
    no known time, cannot be told from a replaced one and is refused.
    """
    issued_at = status_list.issued_at
    if newest is not None and (issued_at is None or issued_at <= newest.valid_from):
        raise StatusError("expected the newest status list, a newer one is anchored", "superseded")
    if issued_at is None or issued_at + policy.max_unanchored_seconds < now or policy.max_unanchored_seconds == 0:
        raise StatusError(
            f"expected a status list to be anchored {policy.max_unanchored_seconds} seconds after its issue",
            "unanchored",
        )
