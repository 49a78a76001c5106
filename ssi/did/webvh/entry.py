"""One line of a did:webvh log, read but not yet believed.

Source:  did:webvh 1.0, "The DID Log File"; JSON Lines.
Input:   one line from outside, or from the ledger.
Shapes:  exactly versionId, versionTime, parameters, state and proof; versionTime in nanoseconds since the Unix epoch.
I/O:     none.
Errors:  InvalidInputError.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from ssi.did.webvh.hashing import check_multihash
from ssi.encoding.gate import parse_object
from ssi.encoding.timestamps import parse_utc_nanoseconds
from ssi.errors import InvalidInputError
from ssi.proofs.data_integrity import DataIntegrityProof, parse_proofs
from ssi.types import JsonObject

MAX_ENTRY_BYTES: Final = 1 << 18
MAX_LOG_BYTES: Final = 1 << 22
MAX_LOG_ENTRIES: Final = 10_000

_MEMBERS: Final = frozenset({"versionId", "versionTime", "parameters", "state", "proof"})
_VERSION_ID: Final = re.compile(r"([1-9][0-9]{0,8})-([^-]+)")


class LogEntry(msgspec.Struct, frozen=True):
    """One entry as it was read."""

    version_id: str
    number: int
    entry_hash: str
    version_time: str
    time_nanoseconds: int
    parameters: JsonObject
    state: JsonObject
    proofs: tuple[DataIntegrityProof, ...]
    unsigned: JsonObject
    """The entry without its ``proof``: what is hashed and signed."""
    line: bytes
    """The entry as it came, without line feed."""

    @property
    def time_seconds(self) -> int:
        """``versionTime`` in whole Unix seconds, rounded down."""
        return self.time_nanoseconds // 1_000_000_000


def split_log(log: bytes) -> list[bytes]:
    """Return the lines of a log, without line feeds; the last one may lack its own.

    Raises InvalidInputError if there is no line, an empty one, or more than the bounds allow.
    """
    if len(log) > MAX_LOG_BYTES:
        raise InvalidInputError(f"expected a log of at most {MAX_LOG_BYTES} bytes")
    if log.count(b"\n") > MAX_LOG_ENTRIES:
        raise InvalidInputError(f"expected a log of at most {MAX_LOG_ENTRIES} entries")
    lines = log.removesuffix(b"\n").split(b"\n")
    if not all(line.strip() for line in lines):
        raise InvalidInputError("expected a log with one entry on every line")
    return lines


def parse_entry(line: bytes) -> LogEntry:
    """Read one line. Raises InvalidInputError unless it has the members and shapes of an entry."""
    raw = parse_object(line, max_bytes=MAX_ENTRY_BYTES)
    if set(raw) != _MEMBERS:
        raise InvalidInputError(f"expected exactly {', '.join(sorted(_MEMBERS))} in a log entry")
    version_id = raw["versionId"]
    match = _VERSION_ID.fullmatch(version_id) if isinstance(version_id, str) else None
    if match is None:
        raise InvalidInputError("expected versionId to be a number, one dash and the entry hash")
    if not isinstance(raw["state"], dict) or not isinstance(raw["parameters"], dict):
        raise InvalidInputError("expected parameters and state to be objects")
    return LogEntry(
        version_id=version_id,
        number=int(match[1]),
        entry_hash=check_multihash(match[2], "the entry hash"),
        version_time=raw["versionTime"],
        time_nanoseconds=parse_utc_nanoseconds(raw["versionTime"]),
        parameters=raw["parameters"],
        state=raw["state"],
        proofs=parse_proofs(raw["proof"]),
        unsigned={name: value for name, value in raw.items() if name != "proof"},
        line=line,
    )
