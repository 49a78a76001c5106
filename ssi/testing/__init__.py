"""Issuers, holders and hostile presentations for tests: ours, and those of services that embed this library.

A service has to know that its own policy refuses what must be refused. This package gives it a small world in memory
(a ledger, an accrediting ministry, a town that issues, a citizen who holds) with a clock that stands still, the fakes
that a verifier is put together from, and a catalogue of broken presentations, each with the reason to refuse it.

``TestWorld``       everything together; begin here (``ssi.testing.world``)
``TestFederation``  a ledger in memory and the organisations that its root accredits
``TestIssuer``      signs credentials of every format, keeps their status lists, and signs wrong things on request
``TestHolder``      holds a key; presents honestly or not
``MemoryLists``, ``MemoryFetch``  the ports of status lists and of the web over dictionaries, which count requests
``TestClock``       a clock that a test sets
``broken_presentations``  the catalogue (``ssi.testing.broken``)

Names begin with ``Test`` as in everyday speech; pytest does not collect them.

It imports nothing of the roles: hand its ports to ``Verifier``, or to a verifier of your own. Keys are drawn at random
and are worth nothing. Nothing here belongs into a running service.
"""

from __future__ import annotations

from ssi.testing.broken import Broken, broken_presentations
from ssi.testing.clock import TestClock
from ssi.testing.federation import TestFederation
from ssi.testing.holder import TestHolder
from ssi.testing.issuer import TestFormat, TestIssuer, TestType
from ssi.testing.sources import MemoryFetch, MemoryLists
from ssi.testing.world import TestWorld

__all__ = [
    "Broken",
    "MemoryFetch",
    "MemoryLists",
    "TestClock",
    "TestFederation",
    "TestFormat",
    "TestHolder",
    "TestIssuer",
    "TestType",
    "TestWorld",
    "broken_presentations",
]
