"""Contexts of one's own: a URL, the digest that its document must have, and the document.

Source:  VC Data Integrity 1.0, 2.4 and 4.6 (contexts are pinned by digest, not fetched).
Input:   ``[[context]]`` tables of a TOML file: ``url``, ``sha256`` and ``file``, the name of a file beside it.
Shapes:  a digest is SHA-256 in hex, over the bytes of the file, which are UTF-8.
I/O:     ``read_pins`` reads the files.
Errors:  InvalidInputError (a document without its digest, or none), NotFoundError.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from ssi.encoding.jsonld.contexts import BUNDLED, Contexts, PinnedContext
from ssi.encoding.jsonld.keywords import quoted
from ssi.errors import InvalidInputError, NotFoundError
from ssi.types import JsonObject

MAX_CONTEXT_BYTES: Final = 1 << 20
MAX_PINS: Final = 64
_DIGEST: Final = re.compile("[0-9a-fA-F]{64}")


class ContextPin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One context that is allowed."""

    url: str
    sha256: str
    document: str | None = None
    """Its text; None if it comes from elsewhere, such as an offline bundle."""

    def __post_init__(self) -> None:
        """Refuse what is no pin, and a document that is not the pinned one."""
        if not self.url.startswith(("https://", "http://", "urn:")) or not _DIGEST.fullmatch(self.sha256):
            raise InvalidInputError("context: expected a url and its sha256 in hex")
        if self.document is not None and sha256(_encoded(self.document)).hexdigest() != self.sha256.lower():
            raise InvalidInputError(f"expected the context {quoted(self.url)} to have the digest it is pinned by")


def read_pins(tables: object, *, beside: Path) -> list[JsonObject]:
    """Return ``[[context]]`` tables with the text of each ``file`` in its place, which is beside the file they are in.

    What else is wrong with the tables is found when they become pins.
    """
    if not isinstance(tables, list) or len(tables) > MAX_PINS or not all(isinstance(item, dict) for item in tables):
        raise InvalidInputError(f"context: expected at most {MAX_PINS} tables")
    return [_with_text(table, beside) for table in tables]


def pins_of(tables: object, *, beside: Path) -> tuple[ContextPin, ...]:
    """Return the pins of ``[[context]]`` tables; as ``read_pins``."""
    try:
        return msgspec.convert(read_pins(tables, beside=beside), tuple[ContextPin, ...])
    except msgspec.ValidationError as exc:
        raise InvalidInputError(f"context: {exc}") from exc


def with_documents(pins: tuple[ContextPin, ...], documents: Mapping[str, bytes]) -> tuple[ContextPin, ...]:
    """Return ``pins``, those without a document with that of ``documents``, by URL; one is not replaced."""
    return tuple(
        pin
        if pin.document is not None or pin.url not in documents
        else msgspec.structs.replace(pin, document=_decoded(documents[pin.url], pin.url))
        for pin in pins
    )


@lru_cache(64)
def pinned_contexts(pins: tuple[ContextPin, ...]) -> Contexts:
    """Return the bundled contexts and ``pins``. Raises InvalidInputError for one whose document is not there."""
    if not pins:
        return BUNDLED
    pinned: dict[str, PinnedContext] = {}
    for pin in pins:
        if pin.document is None:
            raise InvalidInputError(f"the context {quoted(pin.url)} is pinned, and its document is not there")
        if pin.url in pinned:
            raise InvalidInputError(f"expected the context {quoted(pin.url)} to be pinned once")
        pinned[pin.url] = PinnedContext(pin.document.encode(), pin.sha256)
    return BUNDLED.with_pinned(pinned)


def _with_text(table: JsonObject, beside: Path) -> JsonObject:
    name = table.get("file")
    if name is None:
        return table
    if not isinstance(name, str) or Path(name).name != name or "document" in table:
        raise InvalidInputError("context: expected file to name a file beside the one that pins it")
    try:
        with beside.with_name(name).open("rb") as file:
            data = file.read(MAX_CONTEXT_BYTES + 1)
    except OSError as exc:
        raise NotFoundError(f"{name} cannot be read") from exc
    if len(data) > MAX_CONTEXT_BYTES:
        raise InvalidInputError(f"{name}: expected at most {MAX_CONTEXT_BYTES} bytes")
    return {key: value for key, value in table.items() if key != "file"} | {"document": _decoded(data, name)}


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise InvalidInputError(f"{quoted(name)}: expected a context in UTF-8") from exc


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise InvalidInputError("context: expected text without lone surrogates") from exc
