"""Rows: issue and verify a VC-JWT and an SD-JWT VC, beside one or two bare P-256 operations."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench import ours, peers, subjects
from tests.bench.harness import Case, compare
from tests.bench.rows import Effort, Line, ratio_line, row


@row("VC-JWT verify")
def vc_jwt_verify(effort: Effort) -> Iterator[Line]:
    primitive = Case("one P-256 verify", subjects.primitive_verify())
    found = compare(primitive, ours.vc_jwt_verify(), peers.vc_jwt_verify(), rounds=effort.rounds)
    yield ratio_line("ES256 VC-JWT verify: policy, validity, cached status", found, at_most=1.7)


@row("VC-JWT verifier")
def verifier(effort: Effort) -> Iterator[Line]:
    primitive = Case("one P-256 verify", subjects.primitive_verify())
    found = compare(primitive, ours.verifier(), rounds=effort.rounds)
    yield ratio_line("the same through `Verifier`, with resolver and report", found, at_most=None)


@row("VC-JWT issue")
def vc_jwt_issue(effort: Effort) -> Iterator[Line]:
    primitive = Case("one P-256 sign", subjects.primitive_sign())
    found = compare(primitive, ours.vc_jwt_issue(), peers.vc_jwt_issue(), rounds=effort.rounds)
    yield ratio_line("ES256 VC-JWT issue", found, at_most=None)


@row("SD-JWT verify")
def sd_jwt_verify(effort: Effort) -> Iterator[Line]:
    primitive = Case("two P-256 verifies", subjects.primitive_verify(2))
    found = compare(primitive, ours.sd_jwt_verify(), peers.sd_jwt_verify(), rounds=effort.rounds)
    yield ratio_line("SD-JWT VC verify, key binding, 20 disclosures", found, at_most=1.7)


@row("SD-JWT issue")
def sd_jwt_issue(effort: Effort) -> Iterator[Line]:
    primitive = Case("one P-256 sign", subjects.primitive_sign())
    found = compare(primitive, ours.sd_jwt_issue(), peers.sd_jwt_issue(), rounds=effort.rounds)
    yield ratio_line("SD-JWT VC issue, 20 disclosures", found, at_most=3.5)
