"""Documents that policy pins: schemas, schema credentials and related resources, by URL and digest. Nothing is fetched.

Source:  W3C Verifiable Credentials Data Model v2.0, 4.11 (credentialSchema) and 5.3 (relatedResource).
Input:   a policy's pins, the files beside it, and documents that came otherwise (a bundle, evidence, the caller).
Shapes:  ``sha256`` is hexadecimal, of the document's bytes; what has another digest is not the document.
I/O:     ``load_documents`` reads the files that a policy names.
Errors:  InvalidInputError, NotFoundError.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from ssi.credentials.values import is_url
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError, NotFoundError
from ssi.files import Files

DOCUMENTS: Final = "documents"
"""The folder in evidence, bundles and offline folders."""
MAX_DOCUMENT_BYTES: Final = 1 << 20
MAX_DOCUMENTS: Final = 256
MAX_INDEX_BYTES: Final = 1 << 20
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class PinnedDocument(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A document that a credential may name: which bytes stand for its URL."""

    url: str
    sha256: str
    file: str | None = None
    """Where it is, from the policy's folder; None if a bundle or the caller brings it."""
    content: bytes | None = None
    """The document itself, which ``Policy.load`` reads."""

    def __post_init__(self) -> None:
        """Refuse a pin that pins nothing, or content that is not what is pinned."""
        if not is_url(self.url) or _DIGEST.fullmatch(self.sha256) is None:
            raise InvalidInputError("document: expected a url, and sha256 in 64 hexadecimal digits")
        if self.content is not None and not self.fits(self.content):
            raise InvalidInputError(f"document: what is given for {self.url} has another sha256")

    def fits(self, data: bytes) -> bool:
        """Return whether ``data`` is the document."""
        return len(data) <= MAX_DOCUMENT_BYTES and sha256(data).hexdigest() == self.sha256


def check_pins(pins: Iterable[PinnedDocument]) -> None:
    """Raise InvalidInputError if there are too many, or two for one URL."""
    urls = [pin.url for pin in pins]
    if len(urls) > MAX_DOCUMENTS or len(set(urls)) != len(urls):
        raise InvalidInputError(f"policy: expected at most {MAX_DOCUMENTS} documents, each url once")


def load_documents(pins: tuple[PinnedDocument, ...], folder: Path) -> tuple[PinnedDocument, ...]:
    """Return the pins with the content of the files that they name, from ``folder``.

    Raises NotFoundError if a file cannot be read, InvalidInputError if it is another document.
    """
    return tuple(
        pin if pin.file is None else msgspec.structs.replace(pin, content=_read(folder / pin.file)) for pin in pins
    )


def known_documents(pins: Iterable[PinnedDocument], brought: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the pinned documents by URL: the policy's own, or those ``brought`` that have the digest."""
    found: dict[str, bytes] = {}
    for pin in pins:
        data = brought.get(pin.url) if pin.content is None else pin.content
        if data is not None and pin.fits(data):
            found[pin.url] = data
    return found


def document_members(documents: Mapping[str, bytes], folder: str, *, suffix: str = "json") -> dict[str, bytes]:
    """Return the members of an archive that hold ``documents``: files in ``folder`` with an index from URL to name."""
    if not documents:
        return {}
    index = {url: f"{number}.{suffix}" for number, url in enumerate(sorted(documents))}
    members = {f"{folder}/{name}": documents[url] for url, name in index.items()}
    return members | {f"{folder}/index.json": json.dumps(index, sort_keys=True).encode()}


def read_documents(files: Files, folder: str) -> dict[str, bytes]:
    """Return what ``document_members`` made, by URL. Raises InvalidInputError."""
    if not files.has(f"{folder}/index.json"):
        return {}
    index = parse_object(files.read(f"{folder}/index.json", max_bytes=MAX_INDEX_BYTES))
    found = {}
    for url, name in index.items():
        if not isinstance(name, str) or "/" in name:
            raise InvalidInputError("expected an index of documents to name files beside it")
        found[url] = files.read(f"{folder}/{name}", max_bytes=MAX_DOCUMENT_BYTES)
    return found


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as exc:
        raise NotFoundError(f"{path.name} cannot be read") from exc
