"""Claim paths: how issuer, holder and verifier name one claim in nested data.

Source:  the claims path pointer of OpenID4VP 1.0 section 7.1, which SD-JWT VC type metadata uses too.
Shapes:  a tuple of ``str`` (member of an object), ``int`` ≥ 0 (element of an array) and ``None`` (every element).
         Indexes count the elements that the reader can see; decoys and withheld elements have none.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from ssi.errors import InvalidInputError
from ssi.types import JsonValue

ClaimPath: TypeAlias = tuple[str | int | None, ...]


def path_text(path: Sequence[str | int | None]) -> str:
    """Return ``path`` for an error message; names and indexes only, never values."""
    return "/" + "/".join("*" if step is None else str(step) for step in path)


def check_path(path: object) -> ClaimPath:
    """Return ``path`` as a tuple, or raise InvalidInputError if it has no step or a step of another type."""
    if type(path) is tuple and len(path) == 1 and type(path[0]) is str:
        return path
    if type(path) is not tuple and type(path) is not list:
        raise InvalidInputError("expected a claim path to be a tuple of names, indexes and None")
    steps = tuple(path)
    if not steps:
        raise InvalidInputError("expected a claim path with at least one step")
    for step in steps:
        if step is not None and type(step) is not str and (type(step) is not int or step < 0):
            raise InvalidInputError("expected each step of a claim path to be a name, an index from 0 or None")
    return steps


def locate(claims: JsonValue, paths: Iterable[Sequence[str | int | None]]) -> set[ClaimPath]:
    """Return the concrete paths (no ``None``) in ``claims`` that ``paths`` select.

    Raises InvalidInputError naming the first path at which there is no claim.
    """
    found: set[ClaimPath] = set()
    for path in paths:
        here: list[tuple[ClaimPath, JsonValue]] = [((), claims)]
        for step in check_path(path):
            here = [below for position, value in here for below in _below(position, value, step)]
        if not here:
            raise InvalidInputError(f"no claim at {path_text(path)}")
        found.update(position for position, _ in here)
    return found


def _below(position: ClaimPath, value: JsonValue, step: str | int | None) -> list[tuple[ClaimPath, JsonValue]]:
    kind = type(value)
    if type(step) is str:
        return [((*position, step), value[step])] if kind is dict and step in value else []
    if kind is not list:
        return []
    if step is None:
        return [((*position, index), element) for index, element in enumerate(value)]
    assert type(step) is int  # noqa: S101  (check_path let nothing else through; this only tells the type checker)
    return [((*position, step), value[step])] if step < len(value) else []
