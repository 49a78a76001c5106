"""The forms in which one person's datum could have slipped onto a ledger: words, and hashes of many spellings.

Source:  the project's answerability text, section 6 (attacker test, b: plain, known-key and enumerated hashes).
Input:   a row of a register, and the keys that anybody could know.
Shapes:  ``words`` is lower case with single spaces between runs of letters and digits; ``squeezed`` has no spaces.
I/O:     none.
Errors:  none.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

SEPARATORS: Final = ("", " ", "|", ",", ";", ":", "-", "_")
_PAIR_SEPARATORS: Final = ("", " ", "|")

_HASHES: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "md5": lambda data: hashlib.md5(data, usedforsecurity=False).digest(),
    "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "sha224": lambda data: hashlib.sha224(data).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "sha384": lambda data: hashlib.sha384(data).digest(),
    "sha512": lambda data: hashlib.sha512(data).digest(),
    "sha3-256": lambda data: hashlib.sha3_256(data).digest(),
    "sha3-512": lambda data: hashlib.sha3_512(data).digest(),
    "blake2b": lambda data: hashlib.blake2b(data).digest(),
    "blake2b-256": lambda data: hashlib.blake2b(data, digest_size=32).digest(),
    "blake2s": lambda data: hashlib.blake2s(data).digest(),
    "double sha256": lambda data: hashlib.sha256(hashlib.sha256(data).digest()).digest(),
}
_KEYED: Final[Mapping[str, Callable[[bytes, bytes], bytes]]] = {
    "hmac-sha256": lambda key, data: hmac.digest(key, data, "sha256"),
    "hmac-sha512": lambda key, data: hmac.digest(key, data, "sha512"),
    "hmac-sha1": lambda key, data: hmac.digest(key, data, "sha1"),
    "sha256 of key and value": lambda key, data: hashlib.sha256(key + data).digest(),
    "sha256 of value and key": lambda key, data: hashlib.sha256(data + key).digest(),
}


def words(text: str) -> str:
    """Return ``text`` in lower case, its runs of letters and digits between single spaces, spaces at both ends."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return f" {' '.join(''.join(char if char.isalnum() else ' ' for char in folded).split())} "


def squeezed(text: str) -> str:
    """Return the letters and digits of ``text`` in lower case, nothing between them."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).casefold() if char.isalnum())


def spellings(field: str, value: str) -> Iterator[str]:
    """Yield the texts that somebody could have hashed for one value, each once."""
    text = unicodedata.normalize("NFC", value)
    bare = " ".join(text.split())
    candidates = (
        value,
        text,
        bare,
        bare.lower(),
        bare.upper(),
        bare.title(),
        squeezed(bare),
        squeezed(bare).upper(),
        unicodedata.normalize("NFD", bare),
        bare + "\n",
        f"{field}={bare}",
        f"{field}:{bare}",
        json.dumps(bare, ensure_ascii=False),
        json.dumps({field: bare}, ensure_ascii=False, separators=(",", ":")),
        # An SD-JWT disclosure that somebody made without its salt.
        json.dumps([field, bare], ensure_ascii=False),
        json.dumps([field, bare], ensure_ascii=False, separators=(",", ":")),
    )
    yield from dict.fromkeys(candidates)


def combinations(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of values written one after the other: whole rows, and every ordered pair."""
    items = [(field, " ".join(value.split())) for field, value in row.items() if value.strip()]
    if len(items) > 2:
        name = "+".join(field for field, _ in items)
        for separator in SEPARATORS:
            yield name, separator.join(value for _, value in items)
    for field, value in items:
        for other, second in items:
            if field == other:
                continue
            for separator in _PAIR_SEPARATORS:
                yield f"{field}+{other}", f"{value}{separator}{second}"
                yield f"{field}+{other}", f"{value}{separator}{second}".lower()


def digests(text: str, keys: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield (algorithm, digest) of a text, plain and under every key."""
    data = text.encode("utf-8", "surrogatepass")
    for name, plain in _HASHES.items():
        yield name, plain(data)
    for key in keys:
        for name, keyed in _KEYED.items():
            yield name, keyed(key, data)
