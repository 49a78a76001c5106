"""Every exchange of the interop matrix, one test each."""

from __future__ import annotations

import pytest

from tests import needs
from tests.interop.exchanges import load
from tests.interop.matrix import EXCHANGES, Exchange, NotBuilt, Outcome, PeerAbsent, table

pytestmark = pytest.mark.interop
needs.module("openvc")
load()


@pytest.mark.parametrize("item", EXCHANGES, ids=lambda item: f"{item.peer}, {item.format}, {item.direction}")
def test_exchange(item: Exchange) -> None:
    try:
        item.run()
    except (NotBuilt, PeerAbsent) as absent:
        needs.absent(str(absent))


def test_the_matrix_shows_each_direction_and_why_a_peer_differs() -> None:
    cell = Exchange("peer", "format", "theirs here", lambda: None, "it follows another text")
    assert table([Outcome(cell, "refused*", "")])[1:] == [
        "peer                   format refused*     –",
        "* peer, format: it follows another text",
    ]
