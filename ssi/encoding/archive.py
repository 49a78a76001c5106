"""One file that holds many: an uncompressed zip with exactly one spelling for the same contents.

Source:  PKWARE APPNOTE 6.3.3, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (end); CRC-32.
Input:   members by name; or the bytes of an archive that anybody may have made.
Shapes:  members stored, in the order of their names, dated 1980-01-01, without comments, extra fields, folders or
         encryption. Names are lower and upper case letters, digits, ``.``, ``_`` and ``-`` in parts between ``/``.
         Any zip program opens it; one that writes it again writes other bytes, and those are refused.
I/O:     none.
Errors:  InvalidInputError, whatever comes in.

Two readers of one zip may see two contents: by local headers or by the directory, first or last of two equal names. So
the archive is read once, from its first byte, and every byte after the names and contents is held against what this
module would have written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from struct import Struct
from typing import Final
from zlib import crc32

from ssi.errors import InvalidInputError

MAX_MEMBERS: Final = 20_000
MAX_NAME: Final = 200
MAX_ARCHIVE_BYTES: Final = 1 << 30

_NAME: Final = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/){0,8}[A-Za-z0-9_-][A-Za-z0-9._-]*")
_LOCAL: Final = Struct("<4s5H3I2H")
_CENTRAL: Final = Struct("<4s6H3I5H2I")
_END: Final = Struct("<4s4H2IH")
_LOCAL_MARK: Final = b"PK\x03\x04"
_VERSION: Final = 10
_DATE: Final = 0x21
_MODE: Final = 0o100600 << 16


def build_archive(members: Mapping[str, bytes]) -> bytes:
    """Return the archive of ``members``. Raises InvalidInputError for a name that none may have, or too much."""
    if len(members) > MAX_MEMBERS:
        raise InvalidInputError(f"expected at most {MAX_MEMBERS} members of an archive")
    parts: list[bytes] = []
    offset = 0
    for name in sorted(members):
        _check_name(name)
        header = _local_header(name, members[name])
        parts += [header, members[name]]
        offset += len(header) + len(members[name])
        if offset > MAX_ARCHIVE_BYTES:
            raise InvalidInputError(f"expected at most {MAX_ARCHIVE_BYTES} bytes in an archive")
    parts.append(_directory([(name, members[name]) for name in sorted(members)], offset))
    return b"".join(parts)


def parse_archive(data: bytes, *, max_bytes: int = MAX_ARCHIVE_BYTES) -> dict[str, bytes]:
    """Return the members of an archive that ``build_archive`` could have made, and of no other."""
    if len(data) > max_bytes:
        raise InvalidInputError(f"expected an archive of at most {max_bytes} bytes")
    members: list[tuple[str, bytes]] = []
    offset = 0
    while data[offset : offset + 4] == _LOCAL_MARK:
        name, content, offset = _member(data, offset)
        if len(members) >= MAX_MEMBERS:
            raise InvalidInputError(f"expected at most {MAX_MEMBERS} members of an archive")
        if members and name <= members[-1][0]:
            raise InvalidInputError("expected the members of an archive in the order of their names, each once")
        members.append((name, content))
    if not members or data[offset:] != _directory(members, offset):
        raise InvalidInputError("expected an uncompressed archive as this library writes it")
    return dict(members)


def _member(data: bytes, offset: int) -> tuple[str, bytes, int]:
    start = offset + _LOCAL.size
    if start > len(data):
        raise InvalidInputError("expected a whole archive")
    *_, size, name_length, _extra = _LOCAL.unpack_from(data, offset)
    end = start + name_length + size
    if name_length > MAX_NAME or end > len(data):
        raise InvalidInputError("expected a whole archive")
    try:
        name = data[start : start + name_length].decode("ascii")
    except UnicodeDecodeError as exc:
        raise InvalidInputError("expected plain names in an archive") from exc
    _check_name(name)
    content = data[start + name_length : end]
    if data[offset : start + name_length] != _local_header(name, content):
        raise InvalidInputError("expected an uncompressed archive as this library writes it")
    return name, content, end


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME or _NAME.fullmatch(name) is None:
        raise InvalidInputError("expected plain names in an archive, without dots at the start of any part")


def _local_header(name: str, content: bytes) -> bytes:
    size, encoded = len(content), name.encode("ascii")
    fields = (_VERSION, 0, 0, 0, _DATE, crc32(content), size, size, len(encoded), 0)
    return _LOCAL.pack(_LOCAL_MARK, *fields) + encoded


def _directory(members: list[tuple[str, bytes]], length: int) -> bytes:
    """Return the central directory and the end record of members that fill the first ``length`` bytes."""
    parts: list[bytes] = []
    offset = 0
    for name, content in members:
        size, encoded = len(content), name.encode("ascii")
        fields = (0x0300 | _VERSION, _VERSION, 0, 0, 0, _DATE, crc32(content), size, size, len(encoded), 0, 0, 0, 0)
        parts.append(_CENTRAL.pack(b"PK\x01\x02", *fields, _MODE, offset) + encoded)
        offset += _LOCAL.size + len(encoded) + size
    directory = b"".join(parts)
    count = len(members)
    return directory + _END.pack(b"PK\x05\x06", 0, 0, count, count, len(directory), length, 0)
