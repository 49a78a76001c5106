"""RFC 8785 against the canonicalization test data: documents byte for byte, and ten thousand numbers."""

from __future__ import annotations

import struct

import pytest

from ssi.encoding.gate import parse_json
from ssi.encoding.jcs import jcs
from ssi.errors import CanonicalizationError
from tests.vectors.support import VectorCount, vectors_dir

FOLDER = "ietf/jcs"
count = VectorCount(FOLDER)

DOCUMENTS = ("arrays", "french", "structures", "unicode", "values", "weird")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document_has_the_published_canonical_form(name: str) -> None:
    folder = vectors_dir(FOLDER)
    value = parse_json((folder / "input" / f"{name}.json").read_bytes())
    canonical = jcs(value)
    assert canonical == (folder / "output" / f"{name}.json").read_bytes()
    assert canonical == bytes.fromhex((folder / "outhex" / f"{name}.txt").read_text())
    assert parse_json(canonical) == value
    count.ran()


def test_numbers_are_written_as_ecmascript_writes_them() -> None:
    lines = (vectors_dir(FOLDER) / "es6testfile-10000.txt").read_text().split()
    assert len(lines) == 10_000
    for line in lines:
        bits, _, expected = line.partition(",")
        number = struct.unpack(">d", int(bits, 16).to_bytes(8, "big"))[0]
        assert jcs(number) == expected.encode(), bits
        assert jcs([number]) == f"[{expected}]".encode()
        assert float(expected) == number
        count.ran()


@pytest.mark.parametrize("bits", ["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"])
def test_numbers_that_json_lacks_are_refused(bits: str) -> None:
    # The three of the RFC's Appendix B that have no form.
    with pytest.raises(CanonicalizationError):
        jcs(struct.unpack(">d", bytes.fromhex(bits))[0])
