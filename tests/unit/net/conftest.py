"""One certificate authority for the session, one server for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.net.doors import HOST
from tests.unit.net.tls_server import Authority, TlsServer, make_authority


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tls"), names=[HOST, "localhost"], addresses=["127.0.0.1"])


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[TlsServer]:
    async with TlsServer(authority) as running:
        yield running
