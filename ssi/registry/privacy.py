"""Search a ledger for people: the values of a register, their hashes, and their hashes under keys that anybody knows.

Source:  the project's answerability text, section 6 (attacker test, b); design decision 10.
Input:   the ledger's entries; rows of a register, each a mapping from field name to text.
Shapes:  a finding names entry, row, field and form, and never repeats the value. Values of fewer than ``min_length``
         letters and digits are searched as hashes only: as words they stand everywhere.
I/O:     none; the entries may come from anywhere. Memory grows with the ledger's texts, time with rows.
Errors:  none: an entry that is no JSON and no JWS is searched as the bytes that it is.

What this finds is certain; what it does not find may still be there under a secret key. The guard is the other half.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import unquote

import msgspec

from ssi.encoding.multibase import base58_decode
from ssi.errors import InvalidInputError
from ssi.ledger.port import Withheld
from ssi.registry.privacy_forms import combinations, digests, spellings, squeezed, words
from ssi.types import JsonValue

MIN_LENGTH: Final = 4
MIN_SQUEEZED: Final = 6
MAX_KEYS: Final = 32
"""How many DIDs and public keys of the ledger are tried as keys, besides the caller's."""
_KEYED_SPELLINGS: Final = 8
_HEX_WINDOW: Final = 128
_PREFIX: Final = 8
"""A truncated hash of fewer bytes than this is not looked for: it would match by chance."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9_+/=-]{11,}")
_HEX: Final = re.compile(r"[0-9A-Fa-f]{16,}")
_OPAQUE: Final = re.compile(r"[A-Za-z0-9_-]{20,}")


class PrivacyFinding(msgspec.Struct, frozen=True, order=True):
    """A person's datum on the ledger. ``person`` counts the rows from 0; ``form`` is ``plain`` or names the hash."""

    entry: int
    person: int
    field: str
    form: str


def privacy_check(
    entries: Iterable[bytes | Withheld],
    people: Iterable[Mapping[str, str]],
    *,
    keys: Sequence[bytes] = (),
    fields: Collection[str] | None = None,
    min_length: int = MIN_LENGTH,
) -> tuple[PrivacyFinding, ...]:
    """Return every place where a value of ``people`` stands in ``entries``, plain or hashed.

    ``fields`` limits the search to these columns (all by default: leave out what people share with organisations,
    such as a town). ``keys`` are tried as HMAC keys and salts, besides the empty one and the DIDs and public keys that
    the ledger itself shows.
    """
    index = _Index(entries)
    known = (b"", *keys, *index.public_keys)
    seen: dict[tuple[str, str], tuple[tuple[int, str], ...]] = {}
    found: set[PrivacyFinding] = set()
    for person, row in enumerate(people):
        kept = {name: text for name, text in row.items() if (fields is None or name in fields) and text.strip()}
        for name, text in kept.items():
            if (name, text) not in seen:  # towns and first names come back in many rows
                seen[name, text] = tuple(_search(index, name, text, known, min_length))
            found.update(PrivacyFinding(entry, person, name, form) for entry, form in seen[name, text])
        for name, text in combinations(kept):
            for form, digest in digests(text, ()):
                found.update(PrivacyFinding(entry, person, name, form) for entry in index.hashed(digest))
    return tuple(sorted(found))


def _search(index: _Index, name: str, text: str, keys: Sequence[bytes], min_length: int) -> Iterator[tuple[int, str]]:
    """Yield (entry, form) wherever one value stands."""
    for entry in index.plain(text, min_length):
        yield entry, "plain"
    for count, spelling in enumerate(spellings(name, text)):
        for form, digest in digests(spelling, keys if count < _KEYED_SPELLINGS else ()):
            for entry in index.hashed(digest):
                yield entry, form


class _Index:
    """The ledger's texts, ready to be searched for many values."""

    def __init__(self, entries: Iterable[bytes | Withheld]) -> None:
        self._digests: dict[bytes, list[tuple[bytes, int]]] = {}
        self._words = _Haystack()
        self._squeezed = _Haystack()
        self._first: set[str] = set()
        self._grams: set[str] = set()
        self.public_keys: list[bytes] = []
        known: dict[bytes, None] = {}
        for number, entry in enumerate(entries):
            if isinstance(entry, Withheld):
                continue
            for text in _texts(entry):
                self._add(number, text)
                if text.startswith(("did:", "z6Mk", "zDn")) and len(known) < MAX_KEYS:
                    known[text.encode()] = None
        self.public_keys.extend(known)
        self._words.seal()
        self._squeezed.seal()

    def plain(self, value: str, min_length: int) -> Iterator[int]:
        """Yield the entries in which the value stands as words, or run together if it is long enough."""
        sought = words(value)
        tight = squeezed(value)
        if len(tight) < min_length:
            return
        if sought.split()[0] in self._first:
            yield from self._words.find(sought)
        if len(tight) >= MIN_SQUEEZED and tight[:MIN_SQUEEZED] in self._grams:
            yield from self._squeezed.find(tight)

    def hashed(self, digest: bytes) -> Iterator[int]:
        """Yield the entries that hold the digest, or at least eight bytes of its beginning."""
        for candidate, entry in self._digests.get(digest[:_PREFIX], ()):
            if digest.startswith(candidate) or candidate.startswith(digest):
                yield entry

    def _add(self, number: int, text: str) -> None:
        for raw in _decoded(text):
            if len(raw) >= _PREFIX:
                self._digests.setdefault(raw[:_PREFIX], []).append((raw, number))
            inner = _readable(raw)
            if inner is not None:
                self._add_words(number, inner)
        self._add_words(number, text)
        if "%" in text:
            self._add_words(number, unquote(text))

    def _add_words(self, number: int, text: str) -> None:
        # Keys, hashes and identifiers hold every short word by chance; they are searched as hashes.
        readable = _OPAQUE.sub(lambda match: " " if _is_opaque(match[0]) else match[0], text)
        self._words.add(number, words(readable))
        self._first.update(words(readable).split())
        tight = squeezed(readable)
        self._squeezed.add(number, tight)
        self._grams.update(tight[i : i + MIN_SQUEEZED] for i in range(len(tight) - MIN_SQUEEZED + 1))


class _Haystack:
    """Many texts as one, and which entry each position belongs to."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._starts: list[int] = []
        self._entries: list[int] = []
        self._length = 0
        self._text = ""

    def add(self, number: int, text: str) -> None:
        self._starts.append(self._length)
        self._entries.append(number)
        self._parts.append(text)
        self._length += len(text) + 1

    def seal(self) -> None:
        self._text = "\n".join(self._parts)
        self._parts.clear()

    def find(self, sought: str) -> Iterator[int]:
        position = self._text.find(sought)
        while position >= 0:
            yield self._entries[bisect_right(self._starts, position) - 1]
            position = self._text.find(sought, position + 1)


def _texts(entry: bytes) -> Iterator[str]:
    """Yield every text of an entry: the strings and numbers of its JSON, or all of it."""
    values = [_json(entry)]
    parts = entry.split(b".")
    if values == [None] and len(parts) == 3:
        values = [_json(_base64(part)) for part in parts[:2]]
    if None in values:
        yield entry.decode("utf-8", "replace")
    for value in values:
        yield from _strings(value)


def _json(data: bytes | None) -> JsonValue:
    try:
        return None if data is None else json.loads(data)
    except (ValueError, RecursionError):
        return None


def _strings(value: JsonValue) -> Iterator[str]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            stack.extend(item.keys())
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
        elif isinstance(item, int | float) and not isinstance(item, bool):
            yield str(item)


def _decoded(text: str) -> Iterator[bytes]:
    """Yield what the tokens of a text are in hexadecimal, base64 and base58, with multibase and multihash prefixes."""
    for run in _HEX.findall(text):
        for start in range(max(1, len(run) - 31)):  # a hash may stand inside a longer run
            yield bytes.fromhex(run[start : start + (len(run) - start) // 2 * 2])
    for token in dict.fromkeys([*_TOKEN.findall(text), *re.split(r"[^A-Za-z0-9]+", text)]):
        if len(token) < 11:
            continue
        for body in (token, token[1:]):
            for raw in (_base64(body.encode()), _base58(body)):
                if raw is not None:
                    yield raw
                    if len(raw) > 2 and raw[1] == len(raw) - 2:  # multihash: code, length, digest
                        yield raw[2:]


def _base64(data: bytes) -> bytes | None:
    tidy = data.rstrip(b"=").translate(bytes.maketrans(b"+/", b"-_"))
    try:
        return base64.b64decode(tidy + b"=" * (-len(tidy) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None


def _base58(text: str) -> bytes | None:
    if len(text) > 128:
        return None
    try:
        return base58_decode(text)
    except InvalidInputError:
        return None


def _readable(raw: bytes) -> str | None:
    """Return bytes as text if they are one, as when a value was only encoded and not hashed."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text.isprintable() else None


def _is_opaque(token: str) -> bool:
    return any(char.isdigit() for char in token) and any(char.isalpha() for char in token)
