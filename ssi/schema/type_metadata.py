"""SD-JWT VC type metadata: what an issuer says about a credential type.

Source:  draft-ietf-oauth-sd-jwt-vc-18, section 5 (format, extending, claim paths) and 6 (integrity).
Input:   the document's bytes, the ``vct`` that named it and, if the credential or an extending type gives one, the
         integrity text: the caller fetched or ships the document.
Shapes:  a path is a list of member names, array indexes and None for every element.
I/O:     none.
Errors:  InvalidInputError (not the shape), VerificationError (another digest, or another type's document).

Members for display stay in ``raw``: they are for wallets to show and decide nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, TypeAlias

import msgspec

from ssi.credentials.integrity import check_sri, parse_sri
from ssi.encoding.gate import parse_object
from ssi.errors import InvalidInputError, VerificationError
from ssi.types import JsonObject, JsonValue

MAX_CLAIMS: Final = 1_000
MAX_CHAIN: Final = 8
"""Most types that one type may extend, one through the other; ours, the draft asks for some bound."""

ClaimPath: TypeAlias = tuple[str | int | None, ...]
_DISCLOSURE: Final = ("always", "allowed", "never")


class ClaimMetadata(msgspec.Struct, frozen=True):
    """One claim of a type; ``sd`` says whether it is selectively disclosable: always, allowed or never."""

    path: ClaimPath
    mandatory: bool = False
    sd: str = "allowed"


class TypeMetadata(msgspec.Struct, frozen=True):
    """The metadata document of the type ``vct``."""

    vct: str
    raw: JsonObject
    name: str | None = None
    description: str | None = None
    extends: str | None = None
    extends_integrity: str | None = None
    claims: tuple[ClaimMetadata, ...] = ()


def parse_type_metadata(data: bytes, *, vct: str, integrity: str | None = None) -> TypeMetadata:
    """Return the type metadata in ``data``, which was found under ``vct``.

    Raises VerificationError if ``data`` has not the digest of ``integrity``, or describes another type.
    """
    if integrity is not None:
        check_sri(data, integrity, "vct#integrity")
    raw = parse_object(data)
    if _text(raw, "vct") != vct:
        raise VerificationError("expected the metadata of the type that was asked for")
    extends = _text(raw, "extends")
    extends_integrity = _text(raw, "extends#integrity")
    if extends_integrity is not None:
        parse_sri(extends_integrity, "extends#integrity")
    entries = raw.get("claims", [])
    if type(entries) is not list or len(entries) > MAX_CLAIMS:
        raise InvalidInputError(f"expected claims to be a list of at most {MAX_CLAIMS} objects")
    claims = tuple(_claim(entry) for entry in entries)
    if len({_typed(claim.path) for claim in claims}) != len(claims):
        raise InvalidInputError("expected each claim path once")
    return TypeMetadata(vct, raw, _text(raw, "name"), _text(raw, "description"), extends, extends_integrity, claims)


def merge_type_metadata(chain: Sequence[TypeMetadata]) -> tuple[ClaimMetadata, ...]:
    """Return the claims of ``chain[0]`` with those it inherits from ``chain[1:]``, each extended by the one before.

    The nearer type replaces a claim of the same path, but may not make a mandatory claim optional nor change an ``sd``
    of always or never (5.6.5). Raises VerificationError if the chain is none, or breaks that rule.
    """
    if not 1 <= len(chain) <= MAX_CHAIN or len({one.vct for one in chain}) != len(chain):
        raise VerificationError(f"expected a chain of at most {MAX_CHAIN} different types")
    if any(near.extends != far.vct for near, far in pairwise(chain)):
        raise VerificationError("expected each type to extend the next")
    merged: dict[object, ClaimMetadata] = {}
    for one in reversed(chain):
        for claim in one.claims:
            inherited = merged.get(_typed(claim.path))
            if inherited is not None:
                fixed = inherited.sd != "allowed" and claim.sd != inherited.sd
                if fixed or (inherited.mandatory and not claim.mandatory):
                    raise VerificationError("expected a type that keeps what the type it extends makes binding")
            merged[_typed(claim.path)] = claim
    return tuple(merged.values())


def _typed(path: ClaimPath) -> tuple[tuple[type, str | int | None], ...]:
    return tuple((type(step), step) for step in path)


def _claim(value: JsonValue) -> ClaimMetadata:
    if type(value) is not dict:
        raise InvalidInputError("expected claims to hold objects")
    path = value.get("path")
    if type(path) is not list or not 1 <= len(path) <= 32 or not all(_is_step(step) for step in path):
        raise InvalidInputError("expected path to be a list of names, indexes and nulls")
    mandatory = value.get("mandatory", False)
    disclosure = value.get("sd", "allowed")
    if type(mandatory) is not bool or disclosure not in _DISCLOSURE:
        raise InvalidInputError("expected mandatory to be true or false and sd one of always, allowed, never")
    return ClaimMetadata(tuple(path), mandatory, disclosure)


def _is_step(value: JsonValue) -> bool:
    return value is None or type(value) is str or (type(value) is int and value >= 0)


def _text(value: JsonObject, name: str) -> str | None:
    text = value.get(name)
    if text is not None and type(text) is not str:
        raise InvalidInputError(f"expected {name} to be a string")
    return text
