"""Put disclosures back where their digests stand.

Source:  RFC 9901 section 7.1, steps 3 to 5, and the rules for names in 4.1, 4.1.1 and 4.2.4.
Input:   the claims of the issuer-signed JWT (from the parse gate) and the texts of the disclosures.
Shapes:  the result has no ``_sd``, ``_sd_alg`` and ``...``; elements that were withheld are gone.
I/O:     none. Work is linear in the input: each digest and each disclosure is looked at once.
Errors:  DisclosureError (anything that the RFC says MUST be rejected), InvalidInputError (a disclosure is no JSON, or
         the result nests too deep).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ssi.credentials.sd_jwt.disclosure import Disclosed, read_disclosures
from ssi.credentials.sd_jwt.hashing import digests_of, hash_name_of
from ssi.credentials.sd_jwt.paths import ClaimPath
from ssi.encoding.gate import MAX_JSON_DEPTH
from ssi.errors import DisclosureError, InvalidInputError
from ssi.types import JsonObject, JsonValue

RESERVED_NAMES: Final = frozenset(("_sd", "...", "_sd_alg"))
_ONLY_TEXT: Final = frozenset((str,))


class Processed(msgspec.Struct, frozen=True, gc=False):
    """The processed payload, and which disclosure put which claim there."""

    claims: JsonObject
    disclosed: dict[ClaimPath, str]
    """Path of each disclosed claim, parents before children, to the text of its disclosure."""
    hash_name: str


def process(issuer_claims: JsonObject, disclosures: Sequence[str]) -> Processed:
    """Return the processed payload of ``issuer_claims`` with all of ``disclosures`` (7.1, steps 2.d and 3 to 5).

    Raises DisclosureError or InvalidInputError as the module says. ``issuer_claims`` is not changed.
    """
    hash_name = hash_name_of(issuer_claims)
    by_digest = dict(zip(digests_of(disclosures, hash_name), read_disclosures(disclosures), strict=True))
    if len(by_digest) != len(disclosures):
        raise DisclosureError("a disclosure is there more than once")
    walk = _Walk(by_digest)
    claims = walk.object(issuer_claims, (), 1)
    if len(set(walk.seen)) != len(walk.seen):
        raise DisclosureError("a digest is there more than once")
    if walk.unused:
        raise DisclosureError(f"{len(walk.unused)} disclosures have no digest in what the issuer signed")
    return Processed(claims, walk.disclosed, hash_name)


class _Walk:
    """State of one run: digests seen anywhere, disclosures not used yet, claims found."""

    __slots__ = ("disclosed", "seen", "unused")

    def __init__(self, by_digest: dict[str, Disclosed]) -> None:
        self.unused = by_digest
        self.disclosed: dict[ClaimPath, str] = {}
        self.seen: list[str] = []

    def object(self, source: JsonObject, path: ClaimPath, depth: int) -> JsonObject:
        if depth > MAX_JSON_DEPTH:
            raise InvalidInputError(f"expected claims nested at most {MAX_JSON_DEPTH} deep once disclosed")
        target: JsonObject = {}
        for name, value in source.items():
            if name in RESERVED_NAMES:
                _check_reserved(name, value, path)
                continue
            kind = type(value)
            if kind is dict:
                value = self.object(value, (*path, name), depth + 1)
            elif kind is list:
                value = self.array(value, (*path, name), depth + 1)
            target[name] = value
        if "_sd" in source:
            self._properties(source["_sd"], target, path, depth + 1)
        return target

    def array(self, source: list[JsonValue], path: ClaimPath, depth: int) -> list[JsonValue]:
        if depth > MAX_JSON_DEPTH:
            raise InvalidInputError(f"expected claims nested at most {MAX_JSON_DEPTH} deep once disclosed")
        target: list[JsonValue] = []
        for value in source:
            if type(value) is dict and "..." in value:
                digest = value["..."]
                if len(value) != 1 or type(digest) is not str:
                    raise DisclosureError('expected an array element with "..." to have a digest and nothing else')
                self.seen.append(digest)
                disclosure = self.unused.pop(digest, None)
                if disclosure is None:
                    continue  # Withheld, or a decoy: step 3.d removes the element.
                text, name, value = disclosure
                if name is not None:
                    raise DisclosureError("expected the disclosure of an array element to be [salt, value]")
                self.disclosed[(*path, len(target))] = text
            kind = type(value)
            if kind is dict:
                value = self.object(value, (*path, len(target)), depth + 1)
            elif kind is list:
                value = self.array(value, (*path, len(target)), depth + 1)
            target.append(value)
        return target

    def _properties(self, digests: list[JsonValue], target: JsonObject, path: ClaimPath, depth: int) -> None:
        """Insert what the digests of one ``_sd`` stand for into ``target``, the object they lie in (step 3.c.ii)."""
        if digests and set(map(type, digests)) != _ONLY_TEXT:
            raise DisclosureError("expected digests to be strings")
        self.seen += digests
        unused = self.unused
        for digest in digests:
            disclosure = unused.pop(digest, None)
            if disclosure is None:
                continue  # Withheld, or a decoy.
            text, name, value = disclosure
            if name is None:
                raise DisclosureError("expected the disclosure of an object property to be [salt, name, value]")
            if name in RESERVED_NAMES:
                raise DisclosureError("a disclosure has a reserved name for its claim")
            if name in target:
                raise DisclosureError("a disclosure names a claim that is there already")
            here = (*path, name)
            self.disclosed[here] = text
            kind = type(value)
            if kind is dict:
                value = self.object(value, here, depth)
            elif kind is list:
                value = self.array(value, here, depth)
            target[name] = value


def _check_reserved(name: str, value: JsonValue, path: ClaimPath) -> None:
    """Refuse a member with a reserved ``name`` where it may not stand; hash_name_of has checked ``_sd_alg``'s value."""
    if name == "_sd":
        if type(value) is not list:
            raise DisclosureError("expected _sd to be an array of digests")
    elif name != "_sd_alg" or path:
        raise DisclosureError(f'"{name}" stands where RFC 9901 does not allow it')
