"""aiohttp connectors for the outbound door: one that connects to checked addresses only.

Source:  none; aiohttp's ``AbstractResolver`` contract.
Shapes:  the name given is still what TLS checks and what the Host header says.
I/O:     the connectors connect; nothing is looked up by the pinned one.
Errors:  OSError if another name is asked for, which the door turns into UnavailableError.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address

from aiohttp import TCPConnector, ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult


class _Pinned(AbstractResolver):
    def __init__(self, host: str, addresses: Sequence[str]) -> None:
        self._host = host
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        if host != self._host:
            raise OSError("only the checked name is resolved")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET if ip_address(address).version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is held open."""


def pinned_connector(host: str, addresses: Sequence[str]) -> TCPConnector:
    """Return a connector for one request that reaches ``host`` at the given addresses and nowhere else."""
    return TCPConnector(resolver=_Pinned(host, addresses), use_dns_cache=False, force_close=True, limit=1)


def plain_connector() -> TCPConnector:
    """Return a connector for one request through a proxy, whose own name is looked up by the operating system."""
    return TCPConnector(resolver=ThreadedResolver(), use_dns_cache=False, force_close=True, limit=1)
