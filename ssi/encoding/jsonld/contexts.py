"""The allow-list of contexts: which URLs a document may name, and what they stand for.

Source:  VC Data Integrity 1.0, 2.4 and 4.6 (contexts are pinned by digest, not fetched); JSON-LD 1.1 Processing
         Algorithms, 9.4 (document loader).
Input:   package data (``data/index.json`` and the files it names), and what a caller pins.
Shapes:  a digest is SHA-256 in lower-case hex: over the bytes of a context given as bytes, over its JCS form if it is
         given as an object.
I/O:     reads package data on first use; never the network.
Errors:  InvalidInputError (a pin that does not hold), JsonLdError (``context not allowed``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from ssi.encoding.gate import parse_object
from ssi.encoding.jcs import jcs
from ssi.encoding.jsonld.keywords import quoted
from ssi.encoding.jsonld.terms import ActiveContext
from ssi.errors import InvalidInputError, JsonLdError
from ssi.types import JsonObject, JsonValue

_DATA: Final = Path(__file__).parent / "data"
_MAX_KEPT: Final = 400_000
"""Terms, and what takes as much memory, in all that is compiled; past that all is forgotten, and compiled anew."""


class PinnedContext(msgspec.Struct, frozen=True):
    """A context document, and the digest that it must have."""

    document: bytes | JsonObject
    sha256: str


class Contexts:
    """An allow-list of contexts by URL. It never changes; ``with_pinned`` makes a longer one.

    What documents need is compiled once and kept with the list, so keep lists as long as possible.
    """

    __slots__ = ("_bundled", "_kept", "_locals", "_pinned", "_root")

    def __init__(self, pinned: Mapping[str, PinnedContext] | None = None, *, bundled: bool = False) -> None:
        """Allow ``pinned`` contexts, and with ``bundled`` those of this package.

        Raises InvalidInputError if a document does not have the digest it is pinned by, is no context document, or
        says something else than the context that this package has under the URL.
        """
        self._bundled = bundled
        self._pinned: dict[str, bytes] = {}
        self._locals: dict[str, JsonValue] = {}
        self._kept = 0
        self._root = ActiveContext(self)
        for url, pin in (pinned or {}).items():
            self._pinned[url] = _checked(url, pin)
            if bundled and url in _index() and jcs(_bundled_document(url)) != jcs(parse_object(self._pinned[url])):
                raise InvalidInputError(f"expected {quoted(url)} to be the context that is bundled")

    def with_pinned(self, pinned: Mapping[str, PinnedContext]) -> Contexts:
        """Return a list that allows ``pinned`` as well; a URL that is allowed already is replaced.

        Raises InvalidInputError as the constructor does.
        """
        longer = Contexts(pinned, bundled=self._bundled)
        longer._pinned = self._pinned | longer._pinned
        return longer

    def __contains__(self, url: object) -> bool:
        return url in self._pinned or (self._bundled and url in _index())

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(_index() if self._bundled else ()), **dict.fromkeys(self._pinned)})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def document(self, url: str) -> JsonObject:
        """Return the context document of ``url``. Raises JsonLdError if it is not allowed."""
        if url in self._pinned:
            return parse_object(self._pinned[url])
        if self._bundled and url in _index():
            return _bundled_document(url)
        raise JsonLdError("context not allowed", f"expected contexts of the allow-list, got {quoted(url)}")

    def local_context(self, url: str) -> JsonValue:
        """Return what ``@context`` is in the document of ``url``; as ``document``, but parsed once."""
        if url not in self._locals:
            self._locals[url] = self.document(url)["@context"]
        return self._locals[url]

    def remember(self, units: int) -> None:
        """Note that so much more was compiled, in terms of a context; forget all when that is too much."""
        self._kept += units
        if self._kept > _MAX_KEPT:
            self._kept = 0
            self._root = ActiveContext(self)

    @property
    def root(self) -> ActiveContext:
        """The context that documents start in; what is compiled hangs below it."""
        return self._root


def recorded_digests(url: str) -> tuple[str, ...]:
    """Return the SHA-256 digests of what is published at ``url``, as far as we recorded them.

    They are digests of the published bytes, and for a context that is not bundled those to pin it by. A bundled file
    may differ from the published bytes in white space and in the order of members.
    """
    return tuple(_read_index()["published"].get(url, ()))


def _checked(url: str, pin: PinnedContext) -> bytes:
    raw = pin.document if isinstance(pin.document, bytes) else jcs(pin.document)
    if sha256(raw).hexdigest() != pin.sha256.lower():
        raise InvalidInputError(f"expected the context {quoted(url)} to have the digest it is pinned by")
    if "@context" not in parse_object(raw):
        raise InvalidInputError(f"expected {quoted(url)} to be a context document")
    return raw


@cache
def _read_index() -> dict[str, Any]:
    return parse_object((_DATA / "index.json").read_bytes())


def _index() -> dict[str, Any]:
    bundled: dict[str, Any] = _read_index()["bundled"]
    return bundled


@cache
def _bundled_document(url: str) -> JsonObject:
    entry = _index()[url]
    raw = (_DATA / entry["file"]).read_bytes()
    if sha256(raw).hexdigest() != entry["sha256"]:
        raise InvalidInputError(f"expected the bundled file of {quoted(url)} to be as it was packaged")
    return parse_object(raw)


BUNDLED: Final = Contexts(bundled=True)
"""The contexts of this package; read when first used."""
