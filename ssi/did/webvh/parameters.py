"""The parameters of a log: what each entry may say, and what is in force after it.

Source:  did:webvh 1.0, "did:webvh DID Method Parameters" and "Pre-rotation".
Input:   the ``parameters`` object of an entry, from the gate.
Shapes:  lists hold at most 256 different items; ``ttl`` is in seconds, 0 to 2**31.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from ssi.did.webvh.hashing import check_multihash, key_hash
from ssi.did.webvh.keys import MAX_MULTIKEY_CHARACTERS
from ssi.did.webvh.witness import NO_WITNESSES, WitnessRule, parse_witness_rule
from ssi.encoding.multibase import multibase_decode
from ssi.errors import InvalidInputError
from ssi.types import JsonValue

METHOD: Final = "did:webvh:1.0"
"""The one acceptable value of ``method``. An unknown one is refused and never read as this one."""

DEFAULT_TTL_SECONDS: Final = 3600
MAX_LIST_ITEMS: Final = 256
MAX_ITEM_CHARACTERS: Final = 2048

_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")


class Parameters(msgspec.Struct, frozen=True):
    """The parameters in force after an entry."""

    scid: str
    update_keys: tuple[str, ...]
    """Multikeys that may sign the next entry, unless pre-rotation is active."""
    method: str = METHOD
    next_key_hashes: tuple[str, ...] = ()
    """Hashes of the Multikeys that the next entry may use; not empty means that pre-rotation is active."""
    witness: WitnessRule = NO_WITNESSES
    watchers: tuple[str, ...] = ()
    portable: bool = False
    deactivated: bool = False
    ttl_seconds: int = DEFAULT_TTL_SECONDS


def first_parameters(raw: JsonValue) -> Parameters:
    """Read the parameters of the first entry; all take effect at once. Raises InvalidInputError."""
    said = _read(raw)
    for name in ("method", "scid", "update_keys"):
        if name not in said:
            raise InvalidInputError("expected method, scid and updateKeys in the first entry")
    return Parameters(**said)


def next_parameters(active: Parameters, raw: JsonValue) -> Parameters:
    """Return what is in force after a later entry with the parameters ``raw``; what it leaves out stays as it was.

    Raises InvalidInputError, also if pre-rotation is active and the entry does not keep to it.
    """
    said = _read(raw)
    if "scid" in said:
        raise InvalidInputError("expected scid in the first entry only")
    if said.get("portable"):
        raise InvalidInputError("expected portable: true in the first entry only")
    if active.next_key_hashes:
        if "update_keys" not in said or "next_key_hashes" not in said:
            raise InvalidInputError("expected updateKeys and nextKeyHashes in the entry: pre-rotation is active")
        if not {key_hash(key) for key in said["update_keys"]} <= set(active.next_key_hashes):
            raise InvalidInputError("expected only updateKeys whose hashes the entry before committed to")
    return msgspec.structs.replace(active, **said)


def _read(raw: JsonValue) -> dict[str, Any]:
    """Return the parameters that an entry states, under the names of ``Parameters``."""
    if not isinstance(raw, dict):
        raise InvalidInputError("expected parameters to be an object")
    unknown = set(raw) - set(_READERS)
    if unknown:
        raise InvalidInputError(f"expected only parameters of {METHOD}, got {len(unknown)} others")
    return {_FIELDS[name]: _read_one(name, value) for name, value in raw.items()}


def _read_one(name: str, value: JsonValue) -> Any:
    # Early implementations wrote null where the specification now has a typed value; resolvers should take it for the
    # default ("General Rules for Parameters", note).
    if value is None and name in _NULL_MEANS:
        return _NULL_MEANS[name]
    return _READERS[name](value)


def _method(value: JsonValue) -> str:
    if value != METHOD:
        raise InvalidInputError(f"expected the method {METHOD}")
    return METHOD


def _scid(value: JsonValue) -> str:
    return check_multihash(value, "scid")


def _strings(value: JsonValue, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_LIST_ITEMS:
        raise InvalidInputError(f"expected {what} to be a list of at most {MAX_LIST_ITEMS}")
    if not all(isinstance(item, str) and len(item) <= MAX_ITEM_CHARACTERS for item in value):
        raise InvalidInputError(f"expected {what} to hold strings of at most {MAX_ITEM_CHARACTERS} characters")
    if len(set(value)) != len(value):
        raise InvalidInputError(f"expected {what} to hold nothing twice")
    return tuple(value)


def _update_keys(value: JsonValue) -> tuple[str, ...]:
    keys = _strings(value, "updateKeys")
    for key in keys:
        # Only its form is read here: a key of another type authorises nothing under this method version, but is none
        # the less a Multikey.
        if not key.startswith("z") or len(key) > MAX_MULTIKEY_CHARACTERS or len(multibase_decode(key)) < 3:
            raise InvalidInputError("expected updateKeys to hold Multikeys")
    return keys


def _next_key_hashes(value: JsonValue) -> tuple[str, ...]:
    return _strings(value, "nextKeyHashes")


def _watchers(value: JsonValue) -> tuple[str, ...]:
    watchers = _strings(value, "watchers")
    if not all(_URI.fullmatch(watcher) for watcher in watchers):
        raise InvalidInputError("expected watchers to hold URLs")
    return watchers


def _boolean(value: JsonValue) -> bool:
    if not isinstance(value, bool):
        raise InvalidInputError("expected portable and deactivated to be true or false")
    return value


def _ttl(value: JsonValue) -> int:
    if type(value) is not int or not 0 <= value <= 1 << 31:
        raise InvalidInputError("expected ttl to be an integer from 0 to 2**31")
    return value


_READERS: Final[dict[str, Callable[[JsonValue], Any]]] = {
    "method": _method,
    "scid": _scid,
    "updateKeys": _update_keys,
    "nextKeyHashes": _next_key_hashes,
    "witness": parse_witness_rule,
    "watchers": _watchers,
    "portable": _boolean,
    "deactivated": _boolean,
    "ttl": _ttl,
}
_FIELDS: Final = {
    "method": "method",
    "scid": "scid",
    "updateKeys": "update_keys",
    "nextKeyHashes": "next_key_hashes",
    "witness": "witness",
    "watchers": "watchers",
    "portable": "portable",
    "deactivated": "deactivated",
    "ttl": "ttl_seconds",
}
_NULL_MEANS: Final[dict[str, Any]] = {
    "updateKeys": (),
    "nextKeyHashes": (),
    "witness": NO_WITNESSES,
    "watchers": (),
    "ttl": DEFAULT_TTL_SECONDS,
}
