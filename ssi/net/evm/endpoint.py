"""One JSON-RPC endpoint of an EVM node.

Source:  JSON-RPC 2.0; Ethereum JSON-RPC.
Input:   a URL that the operator configured: https, or http to this machine. It may hold a provider's access token in
         its path or query, so no message ever shows it.
Shapes:  one request object, or an array of them, each with an id of its own.
I/O:     HTTP POST over aiohttp; no redirects, no proxies or certificates from the environment, bounded time and size.
Errors:  RpcError (the node's own error), UnavailableError (no answer, or none of the right shape), InvalidInputError
         (the URL).
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from ssi.encoding.gate import parse_json
from ssi.errors import InvalidInputError, RpcError, UnavailableError
from ssi.types import JsonValue

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_SECONDS: Final = 20.0
MAX_ANSWER_BYTES: Final = 64 << 20
MAX_MESSAGE: Final = 200

Call = tuple[str, Sequence[JsonValue]]


class Endpoint:
    """A node, reached by HTTP. Bound to the event loop of its first call."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT_SECONDS, ca_file: str | Path | None = None) -> None:
        check_url(url)
        self._url = url
        self._timeout = timeout
        self._ca_file = ca_file
        self._ids = itertools.count(1)
        self._session: aiohttp.ClientSession | None = None
        self._closed = False
        self.name = urlsplit(url).hostname or ""

    async def call(self, method: str, *params: JsonValue) -> JsonValue:
        """Return the result of one call."""
        (result,) = await self.batch([(method, params)])
        if isinstance(result, RpcError):
            raise result
        return result

    async def batch(self, calls: Sequence[Call]) -> list[JsonValue | RpcError]:
        """Return the result or the node's error of each call, in order, from one HTTP request."""
        ids = [next(self._ids) for _ in calls]
        requests = [
            {"jsonrpc": "2.0", "id": key, "method": method, "params": list(params)}
            for key, (method, params) in zip(ids, calls, strict=True)
        ]
        answer = await self._post(requests[0] if len(requests) == 1 else requests)
        answers = answer if isinstance(answer, list) else [answer]
        found: dict[Any, JsonValue | RpcError] = {}
        for item in answers:
            if not isinstance(item, dict) or item.get("jsonrpc") != "2.0" or not isinstance(item.get("id"), int):
                # A whole batch that is refused is answered by one error without an id.
                raise _error(item) if isinstance(item, dict) and item.get("error") else _shapeless(self.name)
            found[item["id"]] = _error(item) if item.get("error") is not None else item.get("result")
        if len(answers) != len(ids) or found.keys() != set(ids):
            raise _shapeless(self.name)
        return [found[key] for key in ids]

    async def close(self) -> None:
        """Close the connections; no call is made after that."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _post(self, body: object) -> JsonValue:
        import aiohttp

        if self._closed:
            raise UnavailableError(f"the connection to the node {self.name} is closed")
        session = self._session or self._open()
        try:
            async with session.post(
                self._url,
                data=msgspec.json.encode(body),
                headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
                allow_redirects=False,
            ) as response:
                content = bytearray()
                async for part in response.content.iter_chunked(1 << 16):
                    content += part
                    if len(content) > MAX_ANSWER_BYTES:
                        raise UnavailableError(f"the node {self.name} answered more than {MAX_ANSWER_BYTES} bytes")
                status = response.status
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as exc:
            raise UnavailableError(f"the node {self.name} did not answer: {type(exc).__name__}") from exc
        try:
            return parse_json(bytes(content), max_bytes=MAX_ANSWER_BYTES)
        except InvalidInputError as exc:
            raise UnavailableError(f"the node {self.name} answered status {status} and no JSON") from exc

    def _open(self) -> aiohttp.ClientSession:
        import aiohttp

        from ssi.net.tls import client_context

        context = client_context(self._ca_file) if self._url.startswith("https:") else False
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
        )
        return self._session


def check_url(url: str) -> None:
    """Raise InvalidInputError unless ``url`` is https, or http to this machine, without user and password."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as exc:
        raise InvalidInputError("the URL of a node is malformed") from exc
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidInputError("the URL of a node has a host, and neither user, password nor fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and _loopback(host)):
        raise InvalidInputError("a node is reached by https, or by http on this machine")


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _error(item: dict[str, Any]) -> RpcError:
    error = item["error"]
    if not isinstance(error, dict):
        return RpcError(0, "of unknown shape")
    code, message = error.get("code"), error.get("message")
    text = message if isinstance(message, str) else ""
    cleaned = "".join(sign if sign.isprintable() else " " for sign in text[:MAX_MESSAGE])
    return RpcError(code if isinstance(code, int) else 0, cleaned, error.get("data"))


def _shapeless(name: str) -> UnavailableError:
    return UnavailableError(f"the node {name} answered something else than JSON-RPC 2.0")
