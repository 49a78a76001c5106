"""A guard under which nothing may be fetched: whoever asks for an address or opens a connection is found out.

The interpreter itself reports sockets, names and programs to audit hooks (PEP 578), whatever library uses them and
however it was imported, so nothing has to be patched and nothing can be forgotten. What was found is raised as an
exception that no handler for errors catches, and is kept, so that swallowing it does not help either.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

FORBIDDEN = frozenset(
    {
        *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"),
        *("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"),
        *("urllib.Request", "http.client.connect", "ftplib.connect", "smtplib.connect"),
        *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"),
    }
)
_watches: list[list[str]] = []
_hooked = False


class NetworkUsedError(BaseException):
    """Something was asked of the network, or of a program that could ask."""


def _hook(event: str, _: tuple[Any, ...]) -> None:
    if _watches and event in FORBIDDEN:
        for used in _watches:
            used.append(event)
        raise NetworkUsedError(event)


@contextmanager
def no_network() -> Iterator[None]:
    """Raise NetworkUsedError if anything inside uses the network, in any thread, whoever catches what."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True
    used: list[str] = []
    _watches.append(used)
    try:
        yield
    finally:
        _watches.remove(used)
        if used:
            raise NetworkUsedError(", ".join(used))
