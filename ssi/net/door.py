"""The one outbound HTTP door: https to the public internet, one request, nothing followed, everything bounded.

Source:  RFC 9110; the rules against server-side request forgery are this project's (a name is resolved once, every
         address is checked, and the connection goes to a checked address under the name's own certificate).
Input:   a URL from a DID, a credential, a status reference or a metadata document.
Shapes:  timeouts in seconds, sizes in bytes; ``loopback`` holds (host, port) pairs.
I/O:     name look-up and one TLS connection per call. No cookies, no redirects, no decompression, no connection kept.
         Nothing is read from the environment, neither proxies nor certificate files nor TLS key logs.
Errors:  ForbiddenUrlError, NotFoundError, UnavailableError. Messages name the host, never the path or the query.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from ssi.errors import ForbiddenUrlError, InvalidInputError, NotFoundError, UnavailableError
from ssi.net.address import check_addresses
from ssi.net.tls import client_context
from ssi.net.url import HttpsUrl, parse_url
from ssi.ports import Fetched

if TYPE_CHECKING:
    from aiohttp import BaseConnector, ClientResponse

LookUp: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the IP addresses of a host name and port, as text."""

_CHUNK: Final = 1 << 16
_LOCAL_SUFFIXES: Final = (".localhost", ".local", ".internal", ".home.arpa", ".lan")


class HttpDoor:
    """Implements the ``Fetch`` port.

    ``ca_file`` is a PEM file of the only certificate authorities to believe; without it those that OpenSSL was built
    to use. ``loopback`` names the (host, port) pairs that may resolve to a loopback address, for development and tests.
    ``proxy`` is the URL of an egress proxy: it then resolves the names, and which addresses it reaches is its policy;
    the loopback pairs do not pass through it.
    """

    def __init__(
        self,
        *,
        ca_file: str | Path | None = None,
        loopback: Collection[tuple[str, int]] = (),
        proxy: str | None = None,
        timeout_seconds: float = 5.0,
        look_up: LookUp | None = None,
    ) -> None:
        if timeout_seconds <= 0:
            raise InvalidInputError("a time-out is longer than nothing")
        if proxy is not None and not proxy.startswith(("http://", "https://")):
            raise InvalidInputError("an egress proxy is given by its http or https URL")
        self._tls = client_context(ca_file)
        self._loopback = frozenset((host.lower(), port) for host, port in loopback)
        self._proxy = proxy
        self._timeout = timeout_seconds
        self._look_up = look_up_system if look_up is None else look_up

    async def __call__(self, url: str, *, accept: str = "application/json", max_bytes: int = 1 << 20) -> Fetched:
        """Return the answer to one GET, whole, within the door's time-out; see ``ssi.ports.Fetch``.

        Raises ForbiddenUrlError before any connection is made, NotFoundError on 404 and 410, else UnavailableError.
        """
        target = parse_url(url)
        if not accept.isascii() or not accept.isprintable():
            raise InvalidInputError("an Accept header is printable ASCII")
        return await self._timed(target, "GET", {"Accept": accept}, None, max_bytes)

    async def post(self, url: str, body: bytes, *, content_type: str, max_bytes: int = 1 << 20) -> Fetched:
        """Return the answer to one POST, whatever its status but a redirect; see ``ssi.ports.Post``.

        For servers that whoever runs this named: what a stranger's document names is only ever read.
        """
        target = parse_url(url)
        return await self._timed(target, "POST", {"Accept": "*/*", "Content-Type": content_type}, body, max_bytes)

    async def _timed(
        self, target: HttpsUrl, method: str, headers: dict[str, str], body: bytes | None, max_bytes: int
    ) -> Fetched:
        try:
            async with asyncio.timeout(self._timeout):
                return await self._send(target, method, headers, body, max_bytes)
        except TimeoutError as exc:
            raise UnavailableError(f"{target.host} did not answer within {self._timeout} s") from exc

    async def _send(
        self, target: HttpsUrl, method: str, headers: dict[str, str], body: bytes | None, max_bytes: int
    ) -> Fetched:
        import aiohttp
        from yarl import URL

        local = (target.host, target.port) in self._loopback
        proxy = None if local else self._proxy
        # The URL is used as it was checked: yarl would decode and re-encode it otherwise.
        checked = URL(target.text, encoded=True)
        connector = await self._connector(target, local=local, proxied=proxy is not None)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    trust_env=False,
                    auto_decompress=False,
                    timeout=aiohttp.ClientTimeout(total=None),  # the caller's time-out covers the look-up too
                    headers={**headers, "Accept-Encoding": "identity", "User-Agent": "countersigned"},
                ) as session,
                session.request(
                    method, checked, data=body, allow_redirects=False, ssl=self._tls, proxy=proxy
                ) as response,
            ):
                _check_status(response.status, target.host, any_answer=method == "POST")
                found = await _read(response, host=target.host, max_bytes=max_bytes)
                content_type = response.headers.get("Content-Type", "")
                return Fetched(target.text, response.status, content_type, found)
        except (aiohttp.ClientError, OSError, ValueError, UnicodeError) as exc:
            # A proxy's URL may hold its password, and a library's message the URL: only the kind of error is told.
            raise UnavailableError(f"{target.host} could not be read ({type(exc).__name__})") from exc

    async def _connector(self, target: HttpsUrl, *, local: bool, proxied: bool) -> BaseConnector:
        from ssi.net.pinned import pinned_connector, plain_connector

        if target.is_address and not local:
            raise ForbiddenUrlError("the host is an IP address")
        if proxied:
            if "." not in target.host or target.host.endswith(_LOCAL_SUFFIXES):
                raise ForbiddenUrlError("the host is a local name")
            return plain_connector()
        try:
            addresses = [target.host] if target.is_address else list(await self._look_up(target.host, target.port))
        except (OSError, UnicodeError) as exc:
            raise UnavailableError(f"the name {target.host} could not be resolved") from exc
        if not addresses:
            raise UnavailableError(f"the name {target.host} has no address")
        check_addresses(addresses, loopback=local)
        return pinned_connector(target.host, addresses)


async def look_up_system(host: str, port: int) -> list[str]:
    """Return the addresses that the operating system's resolver gives, without duplicates. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _check_status(status: int, host: str, *, any_answer: bool) -> None:
    if any_answer and not 300 <= status < 400:
        return
    if status in {404, 410}:
        raise NotFoundError(f"{host} answered {status}")
    if status != 200:
        raise UnavailableError(f"{host} answered {status}, expected 200; redirects are not followed")


async def _read(response: ClientResponse, *, host: str, max_bytes: int) -> bytes:
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnavailableError(f"{host} sent a compressed body although none was asked for")
    if response.content_length is not None and response.content_length > max_bytes:
        raise UnavailableError(f"{host} announces {response.content_length} bytes, at most {max_bytes} are read")
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > max_bytes:
            raise UnavailableError(f"{host} sends more than {max_bytes} bytes")
    return bytes(body)
