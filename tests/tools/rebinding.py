"""Ask the outbound door for names whose server changes its mind; report where connections arrived.

Run as root of a network namespace of its own, see tests/unit/net/test_rebinding.py: a name server on 127.0.0.1:53
answers by turns with a public address, inner ones and both, all of them are addresses of this host, and every TCP
connection to port 443 is written down. Prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from ssi.errors import ForbiddenUrlError, UnavailableError
from ssi.net import HttpDoor

PUBLIC = "8.8.8.8"
INNER = ("10.0.0.1", "169.254.169.254", "127.0.0.1")
ANSWERS = ((PUBLIC,), (INNER[0],), (PUBLIC, INNER[1]), (INNER[2],), (INNER[1], PUBLIC), (PUBLIC,))
_TYPE_A = 1


def answer(query: bytes, addresses: tuple[str, ...]) -> bytes:
    """Return a DNS response to ``query`` (RFC 1035, 4.1): one A record of no lifetime for each address."""
    end = query.index(b"\0", 12) + 5
    records = b"".join(
        struct.pack(">HHHIH", 0xC00C, _TYPE_A, 1, 0, 4) + socket.inet_aton(address) for address in addresses
    )
    return query[:2] + struct.pack(">HHHHH", 0x8180, 1, len(addresses), 0, 0) + query[12:end] + records


def serve_names(server: socket.socket, asked: Counter[str]) -> None:
    """Answer A questions with the next of ``ANSWERS``, others with nothing."""
    while True:
        query, peer = server.recvfrom(512)
        end = query.index(b"\0", 12) + 5
        if query[end - 4 : end - 2] != struct.pack(">H", _TYPE_A):
            server.sendto(answer(query[:end], ()), peer)
            continue
        addresses = ANSWERS[asked["A"] % len(ANSWERS)]
        asked["A"] += 1
        server.sendto(answer(query[:end], addresses), peer)


def serve_connections(server: socket.socket, arrived: Counter[str]) -> None:
    """Accept every connection, write down the address that it was made to, and hang up."""
    while True:
        connection, _ = server.accept()
        arrived[connection.getsockname()[0]] += 1
        connection.close()


def main(ca_file: Path, tries: int) -> None:
    asked: Counter[str] = Counter()
    arrived: Counter[str] = Counter()
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 53))
    listener = socket.create_server(("0.0.0.0", 443), backlog=256)  # noqa: S104  the namespace has no way out
    threading.Thread(target=serve_names, args=(names, asked), daemon=True).start()
    threading.Thread(target=serve_connections, args=(listener, arrived), daemon=True).start()
    # The listener works: an inner address can be reached by whoever does not ask the door.
    for address in INNER:
        socket.create_connection((address, 443), timeout=5).close()
    while arrived.total() < len(INNER):
        time.sleep(0.01)
    arrived.clear()
    outcome = asyncio.run(ask(HttpDoor(ca_file=ca_file), tries))
    print(json.dumps({"asked": asked["A"], "arrived": arrived, "outcome": outcome}))


async def ask(door: HttpDoor, tries: int) -> Counter[str]:
    """Ask the door again and again for one name; return how often it failed in which way."""
    outcome: Counter[str] = Counter()
    for _ in range(tries):
        try:
            await door("https://agency.example/latest/meta-data")
        except (ForbiddenUrlError, UnavailableError) as exc:
            outcome[type(exc).__name__] += 1
    return outcome


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
