"""What watchers say of a log, and what follows from it."""

from __future__ import annotations

import pytest

from ssi.did.webvh import verify_log
from ssi.did.webvh.log import WebvhLog
from ssi.did.webvh.watchers import Finding, WatcherReport, ask_watchers, compare_watched, require_watched, watcher_url
from ssi.errors import InvalidInputError, UnavailableError, VerificationError
from ssi.ports import Fetched
from tests.unit.did.webvh.author import NOW, Author, did_key, key
from tests.unit.did.webvh.test_method import Web
from tests.unit.did.webvh.test_moved import move

A, W = key(1), key(11)
ONE, TWO, OTHER = "https://one.example/w", "https://two.example/w/", "did:web:three.example"


def author(*ttls: int) -> Author:
    made = Author().first(A, watchers=[ONE, TWO, OTHER], portable=True)
    for ttl in ttls:
        made.next(A, ttl=ttl)
    return made


def read(made: Author, proofs: bytes | None = None) -> WebvhLog:
    return verify_log(made.log, did=made.did, now=NOW, witness_proofs=proofs)


def log_url(watcher: str, made: Author) -> str:
    return f"{watcher.rstrip('/')}/log?scid={made.scid}"


def finding(made: Author, watched: bytes) -> Finding:
    return compare_watched(read(made), watched, watcher=ONE, now=NOW).finding


def test_what_a_watchers_log_means() -> None:
    ours = author(2, 3)
    assert finding(ours, ours.log) is Finding.AGREES
    assert finding(ours, author(2).log) is Finding.BEHIND
    assert finding(ours, author(2, 3, 4).log) is Finding.AHEAD
    assert finding(ours, author(2, 9).log) is Finding.FORKED
    report = compare_watched(read(ours), author(9, 3, 4, 5).log, watcher=ONE, now=NOW)
    assert (report.finding, report.common, report.newest) == (Finding.FORKED, 1, 5)


@pytest.mark.parametrize("watched", [b"", b"{}", b"\xff", b"[]\n[]"])
def test_what_does_not_verify_proves_nothing(watched: bytes) -> None:
    assert finding(author(2), watched) is Finding.UNUSABLE
    other = Author().first(key(2)).log
    assert finding(author(2), other) is Finding.UNUSABLE
    forged = author(2, 3)
    forged.entries[2]["parameters"]["ttl"] = 5
    # The part that verifies still counts, and it is the same log.
    assert finding(author(2), forged.log) is Finding.AGREES


def test_a_watcher_that_missed_a_move_is_behind() -> None:
    ours = author(2).next(A, change=move)
    assert finding(ours, author(2).log) is Finding.BEHIND
    assert finding(author(2), ours.log) is Finding.AHEAD


async def test_watchers_are_asked_in_order_and_none_of_them_is_a_must() -> None:
    ours = author(2)
    web = Web({log_url(ONE, ours): ours.log})
    reports = await ask_watchers(read(ours), fetch=web, now=NOW)
    assert [report.finding for report in reports] == [Finding.AGREES, Finding.UNKNOWN, Finding.UNUSABLE]
    assert web.asked == [log_url(ONE, ours), log_url(TWO, ours)]
    require_watched(reports)
    with pytest.raises(VerificationError, match="1 watchers have the same log, 2 must"):
        require_watched(reports, at_least=2)
    require_watched([], at_least=0)


async def test_a_watcher_that_is_down_is_no_evidence() -> None:
    async def down(url: str, *, accept: str = "", max_bytes: int = 0) -> Fetched:
        raise UnavailableError("down")

    reports = await ask_watchers(read(author()), fetch=down, now=NOW)
    assert {report.finding for report in reports} == {Finding.UNUSABLE}
    with pytest.raises(VerificationError, match="0 watchers"):
        require_watched(reports)


async def test_the_witness_proofs_of_a_watched_log_come_from_the_watcher() -> None:
    made = Author().first(A, watchers=[ONE], witness={"threshold": 1, "witnesses": [{"id": did_key(W)}]}).next(A)
    proofs = made.witnessed((2, W))
    pages = {log_url(ONE, made): made.log, f"{ONE}/witness?scid={made.scid}": proofs}
    assert (await ask_watchers(read(made, proofs), fetch=Web(pages), now=NOW))[0].finding is Finding.AGREES
    del pages[f"{ONE}/witness?scid={made.scid}"]
    report = (await ask_watchers(read(made, proofs), fetch=Web(pages), now=NOW))[0]
    assert (report.finding, "0 witnesses" in report.reason) == (Finding.UNUSABLE, True)


async def test_only_so_many_are_asked() -> None:
    made = Author().first(A, watchers=[f"https://w{number}.example" for number in range(100)])
    assert len(await ask_watchers(read(made), fetch=Web({}), now=NOW)) == 8


def test_one_watcher_is_enough_to_refuse() -> None:
    agrees = WatcherReport(ONE, Finding.AGREES, 2, 2)
    with pytest.raises(VerificationError, match="from version 2 on"):
        require_watched([agrees, WatcherReport(TWO, Finding.FORKED, 1, 4)])
    with pytest.raises(VerificationError, match="has version 4, and the log ends at 2"):
        require_watched([agrees, WatcherReport(TWO, Finding.AHEAD, 2, 4)])


@pytest.mark.parametrize(
    "watcher",
    ["http://w.example", "did:web:w.example", "https://", "https://w.example?a=b", "https://w.example#x", "https://["],
)
def test_watchers_that_are_not_asked(watcher: str) -> None:
    with pytest.raises(InvalidInputError):
        watcher_url(watcher, "log", "Qm")
