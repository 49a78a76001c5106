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

from ssi.credentials.sd_jwt.disclosure import read_element, read_property
from ssi.credentials.sd_jwt.hashing import digest_of, hash_name_of
from ssi.credentials.sd_jwt.paths import ClaimPath
from ssi.encoding.gate import MAX_JSON_DEPTH
from ssi.errors import DisclosureError, InvalidInputError
from ssi.types import JsonObject, JsonValue

RESERVED_NAMES: Final = frozenset(("_sd", "...", "_sd_alg"))


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
    by_digest = {digest_of(text.encode("ascii"), hash_name): text for text in disclosures}
    if len(by_digest) != len(disclosures):
        raise DisclosureError("a disclosure is there more than once")
    walk = _Walk(by_digest)
    claims = walk.object(issuer_claims, (), 1)
    if walk.unused:
        raise DisclosureError(f"{len(walk.unused)} disclosures have no digest in what the issuer signed")
    return Processed(claims, walk.disclosed, hash_name)


class _Walk:
    """State of one run: digests seen anywhere, disclosures not used yet, claims found."""

    __slots__ = ("_seen", "disclosed", "unused")

    def __init__(self, by_digest: dict[str, str]) -> None:
        self.unused = by_digest
        self.disclosed: dict[ClaimPath, str] = {}
        self._seen: set[str] = set()

    def object(self, source: JsonObject, path: ClaimPath, depth: int) -> JsonObject:
        if depth > MAX_JSON_DEPTH:
            raise InvalidInputError(f"expected claims nested at most {MAX_JSON_DEPTH} deep once disclosed")
        target: JsonObject = {}
        digests: JsonValue = ()
        for name, value in source.items():
            kind = type(value)
            if name in RESERVED_NAMES:
                digests = self._reserved(name, value, path, digests)
            elif kind is dict:
                target[name] = self.object(value, (*path, name), depth + 1)
            elif kind is list:
                target[name] = self.array(value, (*path, name), depth + 1)
            else:
                target[name] = value
        for digest in digests:
            disclosure = self._take(digest)
            if disclosure is not None:
                self._property(target, disclosure, path, depth)
        return target

    def array(self, source: list[JsonValue], path: ClaimPath, depth: int) -> list[JsonValue]:
        if depth > MAX_JSON_DEPTH:
            raise InvalidInputError(f"expected claims nested at most {MAX_JSON_DEPTH} deep once disclosed")
        target: list[JsonValue] = []
        for element in source:
            value = element
            if type(element) is dict and "..." in element:
                digest = element["..."]
                if len(element) != 1:
                    raise DisclosureError('expected an array element with a member "..." to have no other')
                disclosure = self._take(digest)
                if disclosure is None:
                    continue
                value = read_element(disclosure)
                self.disclosed[(*path, len(target))] = disclosure
            target.append(self._below(value, (*path, len(target)), depth))
        return target

    def _property(self, target: JsonObject, disclosure: str, path: ClaimPath, depth: int) -> None:
        name, value = read_property(disclosure)
        if name in RESERVED_NAMES:
            raise DisclosureError("a disclosure has a reserved name for its claim")
        if name in target:
            raise DisclosureError("a disclosure names a claim that is there already")
        here = (*path, name)
        self.disclosed[here] = disclosure
        target[name] = self._below(value, here, depth)

    def _below(self, value: JsonValue, path: ClaimPath, depth: int) -> JsonValue:
        kind = type(value)
        if kind is dict:
            return self.object(value, path, depth + 1)
        if kind is list:
            return self.array(value, path, depth + 1)
        return value

    def _take(self, digest: JsonValue) -> str | None:
        """Return the disclosure behind ``digest``, or None for a withheld one or a decoy; step 4 on the way."""
        if type(digest) is not str:
            raise DisclosureError("expected digests to be strings")
        if digest in self._seen:
            raise DisclosureError("a digest is there more than once")
        self._seen.add(digest)
        return self.unused.pop(digest, None)

    @staticmethod
    def _reserved(name: str, value: JsonValue, path: ClaimPath, digests: JsonValue) -> JsonValue:
        """Return the digests to follow after a member with a reserved ``name``; refuse it where it may not stand."""
        if name == "_sd":
            if type(value) is not list:
                raise DisclosureError("expected _sd to be an array of digests")
            return value
        if name == "_sd_alg" and not path:
            return digests  # hash_name_of has checked it
        raise DisclosureError(f'"{name}" stands where RFC 9901 does not allow it')
