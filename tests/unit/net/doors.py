"""A door that believes the test's authority, and name servers whose answers change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ssi.net import HttpDoor
from tests.unit.net.tls_server import Authority, TlsServer

HOST = "agency.example"


class Names:
    """A name server whose answers change with every question."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = answers or (["127.0.0.1"],)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers[(self.asked - 1) % len(self.answers)]


def door(authority: Authority, server: TlsServer, names: Names | None = None, **options: Any) -> HttpDoor:
    options.setdefault("loopback", [(HOST, server.port)])
    return HttpDoor(ca_file=authority.ca_file, look_up=names or Names(), **options)


def url(server: TlsServer, path: str = "/did.json", host: str = HOST) -> str:
    return f"https://{host}:{server.port}{path}"
