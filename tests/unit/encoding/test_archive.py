"""Archives: one spelling for the same contents, and no other is read."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.encoding.archive import build_archive, parse_archive
from ssi.errors import InvalidInputError

NAMES = st.from_regex(r"[a-z0-9_]{1,8}(/[a-z0-9_]{1,8}){0,2}\.?[a-z]{1,3}", fullmatch=True)
MEMBERS = {"a.json": b"{}", "lists/x.jwt": b"list" * 9, "z": b""}


@given(st.dictionaries(NAMES, st.binary(max_size=60), min_size=1, max_size=6))
def test_what_is_built_is_read(members: dict[str, bytes]) -> None:
    data = build_archive(members)
    assert parse_archive(data) == members
    with zipfile.ZipFile(io.BytesIO(data)) as other:
        assert other.testzip() is None
        assert {name: other.read(name) for name in other.namelist()} == members


def test_every_byte_counts() -> None:
    data = build_archive(MEMBERS)
    for position in range(len(data)):
        for bit in (1, 0x80):
            changed = bytearray(data)
            changed[position] ^= bit
            with pytest.raises(InvalidInputError):
                parse_archive(bytes(changed))
        with pytest.raises(InvalidInputError):
            parse_archive(data[:position])
    for more in (data + b"\0", b"\0" + data, data + data):
        with pytest.raises(InvalidInputError):
            parse_archive(more)


@given(st.binary(max_size=300))
def test_anything_is_read_or_refused(data: bytes) -> None:
    for tried in (data, b"PK\x03\x04" + data):
        with pytest.raises(InvalidInputError):
            parse_archive(tried)


@pytest.mark.parametrize(
    "name",
    ["../x", "/x", "a//b", "a/../b", ".hidden", "a\\b", "C:x", "a/", "", "ä", "a b", "x" * 201, "a/b/" * 9 + "c"],
)
def test_names_lead_nowhere_else(name: str) -> None:
    with pytest.raises(InvalidInputError):
        build_archive({name: b""})
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as other:
        other.writestr(zipfile.ZipInfo(name or "/"), b"x")
    with pytest.raises(InvalidInputError):
        parse_archive(made.getvalue())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_other_spellings_of_a_zip_are_refused() -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", method) as other:
            other.writestr("a.json", b"{}" * 1000)
            other.writestr("a.json", b"[]" * 1000)
        with pytest.raises(InvalidInputError):
            parse_archive(made.getvalue())


def test_sizes_are_bounded() -> None:
    with pytest.raises(InvalidInputError, match="at most 50 bytes"):
        parse_archive(build_archive(MEMBERS), max_bytes=50)
    with pytest.raises(InvalidInputError, match="members"):
        build_archive({f"n{number}": b"" for number in range(20_001)})
