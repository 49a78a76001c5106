"""Fakes of the ports that a verifier reads from: the web, and where status lists are served.

Shapes:  every request is counted, so that a test can say what must not have been asked for.
I/O:     none.
Errors:  those of the ports: NotFoundError for what is not there, UnavailableError while ``down``.
"""

from __future__ import annotations

from ssi.errors import NotFoundError, UnavailableError
from ssi.ports import Fetched, PublishedList


class MemoryFetch:
    """``Fetch`` over a dictionary: put a body under its URL."""

    def __init__(self, pages: dict[str, bytes] | None = None, *, content_type: str = "application/json") -> None:
        self.pages = dict(pages or {})
        self.content_type = content_type
        self.requests: list[str] = []
        self.down = False

    async def __call__(self, url: str, *, accept: str = "application/json", max_bytes: int = 1 << 20) -> Fetched:
        """As ``Fetch``; ``accept`` is not looked at."""
        self.requests.append(url)
        if self.down:
            raise UnavailableError("the web is down")
        body = self.pages.get(url)
        if body is None:
            raise NotFoundError("404")
        if len(body) > max_bytes:
            raise UnavailableError(f"expected at most {max_bytes} bytes")
        return Fetched(url, 200, self.content_type, body)


class MemoryLists:
    """``StatusListSource`` over a dictionary; ``serve`` puts a list at its URI, or any list at any URI."""

    def __init__(self) -> None:
        self.lists: dict[str, PublishedList] = {}
        self.requests: list[str] = []
        self.down = False

    def serve(self, published: PublishedList, *, at: str | None = None) -> None:
        """Serve a list at its own URI, or at another one, as an attacker who holds the server would."""
        self.lists[at or published.uri] = published

    def serve_text(self, uri: str, text: str, *, media_type: str = "application/statuslist+jwt") -> None:
        """Serve any text at a URI."""
        self.lists[uri] = PublishedList(uri, text.encode(), media_type, None)

    async def status_list(self, uri: str) -> PublishedList:
        """As ``StatusListSource``."""
        self.requests.append(uri)
        if self.down:
            raise UnavailableError("the status lists are down")
        if uri not in self.lists:
            raise NotFoundError("404")
        return self.lists[uri]
