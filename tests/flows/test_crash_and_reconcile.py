"""``examples.crash_and_reconcile``: killed at three chosen moments and at others, the agency goes on without a hand."""

from __future__ import annotations

import pytest

from examples.crash_and_reconcile import main
from tests import needs


def test_the_example_says_what_it_should(capfd: pytest.CaptureFixture[str]) -> None:
    needs.fork()
    main(["--kills", "1"])
    lines = capfd.readouterr().out.splitlines()
    assert [line.partition(": ")[2] for line in lines[:3]] == [
        "would be submitted; submitted",
        "stands on the ledger: would be confirmed; confirmed in its place",
        "stands on the ledger: would be confirmed; confirmed in its place",
    ]
    assert "all are settled" in lines[3]
    assert lines[4].endswith("none lost; the audit holds")
