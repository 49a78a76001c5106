from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ssi.errors import StatusError, UnavailableError
from ssi.ports import Accredited, Commitment
from ssi.status import Anchoring, AnchoringPolicy, AnchoringReport, check_anchoring
from ssi.status.reference import StatusFormat
from tests.unit.status.lists import ISSUER, NOW, URI, verified_lists

POLICY = AnchoringPolicy(max_staleness_seconds=600, max_unanchored_seconds=120)
LIST = verified_lists(StatusFormat.TOKEN)[0]
COMMITMENT = Commitment(URI, 4, LIST.digest, NOW, NOW + 86_400, ISSUER, 17)
OLDER = Commitment(URI, 3, "another-digest", NOW - 500, NOW + 80_000, ISSUER, 12)
NEWER = Commitment(URI, 5, "another-digest", NOW + 1, NOW + 90_000, ISSUER, 19)


class View(msgspec.Struct):
    """A registry at one size; only what a status list is held against is filled in."""

    newest: Commitment | None
    checkpoint_time: int | None = NOW
    size: int = 20

    def newest_commitment(self, uri: str) -> Commitment | None:
        return self.newest if uri == URI else None

    def did_log(self, did: str) -> bytes:
        raise AssertionError("no list is held against this")

    def commitment_before_compromise(self, kid: str, *, uri: str, digest: str) -> Commitment | None:
        raise AssertionError("no list is held against this")

    def compromised_since(self, kid: str, *, at: int) -> int | None:
        raise AssertionError("no list is held against this")

    def may_issue(self, issuer: str, credential_type: str, *, at: int) -> Accredited | None:
        raise AssertionError("no list is held against this")


def anchored(
    view: View | None,
    receipt: Commitment | None = None,
    *,
    policy: AnchoringPolicy | None = POLICY,
    now: int = NOW,
    **changes: Any,
) -> AnchoringReport:
    return check_anchoring(msgspec.structs.replace(LIST, **changes), view=view, receipt=receipt, policy=policy, now=now)


def refusal(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(StatusError) as caught:
        anchored(*args, **kwargs)
    return caught.value.reason


def test_the_newest_list() -> None:
    report = anchored(View(COMMITMENT))
    assert report == AnchoringReport(anchoring=Anchoring.NEWEST, entry=17, epoch=4, checkpoint_time=NOW)


def test_an_old_list_replayed_is_refused_though_it_is_on_the_ledger() -> None:
    assert refusal(View(NEWER)) == "superseded"
    assert refusal(View(NEWER), COMMITMENT) == "superseded"
    assert refusal(View(NEWER), COMMITMENT, policy=None) == "superseded"


def test_a_registry_that_is_too_old_or_unproven_decides_nothing() -> None:
    for view in (View(COMMITMENT, NOW - 601), View(COMMITMENT, None), View(NEWER, NOW - 601)):
        with pytest.raises(UnavailableError):
            anchored(view)
    assert anchored(View(COMMITMENT, NOW - 600)).anchoring is Anchoring.NEWEST


@pytest.mark.parametrize("newest", [None, OLDER])
def test_a_list_published_a_moment_ago(newest: Commitment | None) -> None:
    assert anchored(View(newest), now=NOW + 120).anchoring is Anchoring.PENDING
    assert refusal(View(newest, NOW + 121), now=NOW + 121) == "unanchored"
    strict = AnchoringPolicy(max_staleness_seconds=600, max_unanchored_seconds=0)
    assert refusal(View(newest), policy=strict) == "unanchored"
    assert refusal(View(newest), issued_at=None) in {"unanchored", "superseded"}


def test_a_list_of_the_same_second_as_the_newest_is_not_told_from_a_replaced_one() -> None:
    assert refusal(View(msgspec.structs.replace(OLDER, valid_from=NOW))) == "superseded"


def test_a_commitment_by_somebody_else_does_not_count() -> None:
    foreign = msgspec.structs.replace(COMMITMENT, issuer="did:example:other")
    assert refusal(View(foreign)) == "unanchored"
    offline = msgspec.structs.replace(POLICY, receipt_suffices=True)
    assert refusal(None, foreign, policy=offline) == "unanchored"
    assert anchored(View(foreign), policy=None).anchoring is Anchoring.NOT_ASKED


def test_a_commitment_that_has_ended() -> None:
    view = View(COMMITMENT, NOW + 86_400)
    assert refusal(view, now=NOW + 86_400) == "expired"


def test_without_the_fold_a_receipt_shows_inclusion_only() -> None:
    for receipt in (COMMITMENT, None):
        with pytest.raises(UnavailableError):
            anchored(None, receipt)
    offline = msgspec.structs.replace(POLICY, receipt_suffices=True)
    report = anchored(None, COMMITMENT, policy=offline)
    assert report == AnchoringReport(anchoring=Anchoring.INCLUDED, entry=17, epoch=4)
    assert report.anchoring.value == "anchored; freshness by exp and ttl only"
    with pytest.raises(UnavailableError):
        anchored(None, None, policy=offline)
    for other in (OLDER, msgspec.structs.replace(COMMITMENT, uri=URI + "8")):
        assert refusal(None, other, policy=offline) == "unanchored"


def test_what_is_reported_when_nothing_is_asked() -> None:
    assert anchored(None, policy=None).anchoring is Anchoring.NOT_ASKED
    assert anchored(None, OLDER, policy=None).anchoring is Anchoring.NOT_ASKED
    assert anchored(None, COMMITMENT, policy=None).anchoring is Anchoring.INCLUDED
    assert anchored(View(COMMITMENT), policy=None).anchoring is Anchoring.NEWEST
    assert anchored(View(OLDER), policy=None).anchoring is Anchoring.NOT_ASKED
    assert anchored(View(None), policy=None).anchoring is Anchoring.NOT_ASKED
    assert anchored(View(NEWER), policy=None, issued_at=None).anchoring is Anchoring.NOT_ASKED
    assert anchored(View(None), COMMITMENT, policy=None).anchoring is Anchoring.INCLUDED
