"""Prints the counts of the vectors after a run, and fails a complete run in which a folder passed nothing."""

from __future__ import annotations

import pytest

from tests.vectors import support

REQUIRED = (
    "did/did-ethr",
    "did/did-jwk",
    "did/did-key",
    "did/did-webvh",
    "ietf/cbor",
    "ietf/cose",
    "ietf/jcs",
    "ietf/jose-cookbook",
    "ietf/sd-jwt",
    "ietf/sd-jwt-vc",
    "ietf/token-status-list",
    "tlog/merkle",
    "tlog/signed-note",
    "w3c/test-suites/data-integrity-assertion",
    "w3c/test-suites/vc-jose-cose",
    "w3c/vc-di-ecdsa",
    "w3c/vc-di-eddsa",
    "wycheproof",
)
"""Folders of which a complete run (``make vectors``) must have passed at least one case."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--vectors-complete", action="store_true", help="fail if a required folder passed no case")


def pytest_configure(config: pytest.Config) -> None:
    support.watch_opened_files()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed and "tests/vectors/" in report.nodeid:
        support.record_failure(report.nodeid)


def missing_folders() -> list[str]:
    """Return the required folders of which no case passed, neither at the folder nor below it."""
    passed = [folder for folder, tally in support.tallies.items() if tally.passed]
    return [wanted for wanted in REQUIRED if not any(f == wanted or f.startswith(f"{wanted}/") for f in passed)]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.getoption("--vectors-complete", False) and missing_folders() and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not support.tallies:
        return
    if not config.getoption("--vectors-complete", False):
        terminalreporter.write_line(f"published vectors, of which `make vectors` says more: {support.summary()}")
        return
    terminalreporter.section("published vectors")
    for line in support.table():
        terminalreporter.write_line(line)
    for folder in missing_folders():
        terminalreporter.write_line(f"no case of {folder} passed", red=True)
