"""The examples of RFC 8949, appendix A: decoded values, and the encodings that are deterministic."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ssi.encoding.cbor import Tag, decode_cbor, encode_cbor
from ssi.errors import InvalidInputError
from tests.vectors.support import VectorCount, load_json

FOLDER = "ietf/cbor"
TAGS = (0, 1, 2, 3, 23, 24, 32)
SIMPLE_VALUES = {"f7", "f0", "f818", "f8ff"}
count = VectorCount(FOLDER)


def plain(value: Any) -> Any:
    """Return a decoded value as the vectors write it in JSON."""
    if isinstance(value, Tag) and value.number in (2, 3):
        number = int.from_bytes(value.value, "big")
        return number if value.number == 2 else -1 - number
    if isinstance(value, dict):
        return {str(key) if isinstance(key, int) else key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def test_appendix_a() -> None:
    for case in load_json(FOLDER, "appendix_a.json"):
        data = bytes.fromhex(case["hex"])
        if case["hex"] in SIMPLE_VALUES:
            with pytest.raises(InvalidInputError):
                decode_cbor(data)
            count.left_out("undefined and unassigned simple values: refused, no format of this library has them")
            continue
        if "a2026162" in case["hex"] or case["hex"] == "a201020304":
            assert decode_cbor(data) == {1: 2, 3: 4}
        value = decode_cbor(data, tags=TAGS)
        if "decoded" in case:
            same = plain(value) == case["decoded"]
            assert same, case
        deterministic = case["roundtrip"]
        assert (encode_cbor(value) == data) is deterministic, case
        if deterministic:
            decode_cbor(data, tags=TAGS, deterministic=True)
        else:
            with pytest.raises(InvalidInputError, match="deterministic"):
                decode_cbor(data, tags=TAGS, deterministic=True)
        if isinstance(value, float) and math.isnan(value):
            assert case["diagnostic"] == "NaN"
        for cut in range(len(data)):
            with pytest.raises(InvalidInputError):
                decode_cbor(data[:cut], tags=TAGS)
        with pytest.raises(InvalidInputError):
            decode_cbor(data, tags=()) if isinstance(value, Tag) else decode_cbor(data + b"\x00", tags=TAGS)
        count.ran()
