"""Select parts of a JSON-LD document by JSON pointers.

Source:  RFC 6901; W3C Data Integrity ECDSA Cryptosuites v1.0, 3.4.10 to 3.4.13 (jsonPointerToPaths,
         createInitialSelection, selectPaths, selectJsonLd).
Input:   a document from the gate, and pointers of a holder or issuer.
Shapes:  a selection has the @context, and of every object on the way its id and type; arrays keep their order and
         lose their gaps. Nothing is copied: a selection shares its values with the document.
I/O:     none.
Errors:  InvalidInputError (no pointer, too many, or one that names nothing).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from ssi.errors import InvalidInputError
from ssi.types import JsonObject, JsonValue

MAX_POINTERS: Final = 1024
"""Most pointers of one selection; ours, the specification sets no bound."""
MAX_POINTER_CHARACTERS: Final = 4096

KEPT: Final = frozenset({"@context", "id", "@id", "type", "@type"})
"""Members that a selected object always has: without them it would be another node, or mean something else."""
_CORE: Final = (
    "issuer",
    "validFrom",
    "validUntil",
    "issuanceDate",
    "expirationDate",
    "credentialStatus",
    "credentialSchema",
    "termsOfUse",
)
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")
_ESCAPE: Final = re.compile(r"~(?![01])")

_Tree: TypeAlias = "dict[str, _Tree]"
"""Selected members by name; one without any is selected whole."""


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """Return the reference tokens of a JSON pointer (RFC 6901, 3 and 4).

    Raises InvalidInputError, also for the empty pointer: the whole document is no selection.
    """
    if not isinstance(pointer, str) or not pointer.startswith("/") or _ESCAPE.search(pointer):
        raise InvalidInputError('expected a JSON pointer, which starts with "/" and has ~ only in ~0 and ~1')
    if len(pointer) > MAX_POINTER_CHARACTERS:
        raise InvalidInputError(f"expected a JSON pointer of at most {MAX_POINTER_CHARACTERS} characters")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def pointer_to(path: Sequence[str | int]) -> str:
    """Return the JSON pointer of a path of names and indexes (RFC 6901, 3)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def select(document: JsonObject, pointers: Iterable[str]) -> JsonObject | None:
    """Return what ``pointers`` select of ``document``, or None if there are none (``selectJsonLd``).

    Raises InvalidInputError if a pointer is malformed or names nothing.
    """
    tree: _Tree = {}
    for number, pointer in enumerate(pointers):
        if number >= MAX_POINTERS:
            raise InvalidInputError(f"expected at most {MAX_POINTERS} JSON pointers")
        tokens = parse_pointer(pointer)
        find(document, tokens)
        _add(tree, tokens)
    if not tree:
        return None
    selected = _select(document, tree)
    assert isinstance(selected, dict)  # noqa: S101  (an object gives an object; this only tells the type checker)
    return selected


def check_pointers(value: JsonValue) -> tuple[str, ...]:
    """Return ``value`` if it is a list of JSON pointers, as proofs carry it. Raises InvalidInputError."""
    if not isinstance(value, list | tuple) or len(value) > MAX_POINTERS:
        raise InvalidInputError(f"expected a list of at most {MAX_POINTERS} JSON pointers")
    for pointer in value:
        parse_pointer(pointer)
    return tuple(value)


def core_pointers(document: JsonObject) -> tuple[str, ...]:
    """Return pointers to those members of a credential that a holder could gain by leaving out.

    They are its issuer, its dates, its status, its schema and its terms of use. An issuer makes them mandatory unless
    it means a holder to choose: a verifier cannot miss what it never saw.
    """
    return tuple(f"/{name}" for name in _CORE if name in document)


def find(value: JsonValue, tokens: Sequence[str]) -> JsonValue:
    """Return the member that the path leads to (RFC 6901, 4). Raises InvalidInputError if there is none."""
    for token in tokens:
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and _INDEX.fullmatch(token) and int(token) < len(value):
            value = value[int(token)]
        else:
            raise InvalidInputError("expected JSON pointers to members that the document has")
    return value


def _add(tree: _Tree, tokens: Sequence[str]) -> None:
    """Add a path; what is selected whole stays so."""
    for number, token in enumerate(tokens):
        below = tree.get(token)
        if number + 1 == len(tokens):
            tree[token] = {}
            return
        if below is None:
            below = tree[token] = {}
        elif not below:
            return
        tree = below


def _select(value: JsonValue, tree: _Tree) -> JsonValue:
    """Return what the paths of ``tree``, which are there, select of ``value``."""
    if not tree:
        return value
    if isinstance(value, dict):
        return {
            name: _select(member, tree.get(name, {})) for name, member in value.items() if name in tree or name in KEPT
        }
    return [_select(value[index], tree[str(index)]) for index in sorted(map(int, tree))]
