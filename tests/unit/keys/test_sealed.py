"""Sealed files: every altered byte is refused, and one stretched passphrase serves many files."""

from __future__ import annotations

import json

import pytest

from ssi.encoding.jcs import jcs
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import sealed
from ssi.keys.sealed import MARK, seal, unseal


@pytest.fixture
def derived(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The salts that keys were derived from, cheaply."""
    from cryptography.hazmat.primitives.kdf import argon2

    found: list[bytes] = []
    earnest = argon2.Argon2id

    def noticing(*, salt: bytes, **parameters: int) -> argon2.Argon2id:
        found.append(salt)
        return earnest(salt=salt, **parameters)  # type: ignore[arg-type]

    monkeypatch.setattr(argon2, "Argon2id", noticing)
    monkeypatch.setattr(sealed, "MEMORY_KIB", 8)
    monkeypatch.setattr(sealed, "ITERATIONS", 1)
    return found


@pytest.mark.usefixtures("derived")
def test_what_was_sealed_comes_back_and_every_altered_byte_is_refused() -> None:
    data = seal(b"content", "pass")
    assert unseal(data, b"pass") == b"content"
    assert b"content" not in data
    for position in range(len(data)):
        altered = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        with pytest.raises((InvalidInputError, VerificationError)):
            unseal(altered, "pass")
    with pytest.raises(VerificationError, match="passphrase is wrong"):
        unseal(data, "other")
    with pytest.raises(InvalidInputError, match="expected a passphrase"):
        seal(b"content", "")


@pytest.mark.parametrize(
    "change",
    [{"memory_kib": 7}, {"memory_kib": 1 << 21}, {"iterations": 17}, {"lanes": 2}, {"salt": "AAAA"}, {"nonce": "AAAA"}],
)
def test_a_file_does_not_choose_what_reading_it_costs(derived: list[bytes], change: dict[str, object]) -> None:
    data = seal(b"content", "pass")
    derived.clear()
    end = data.index(b"\n", len(MARK))
    header = json.loads(data[len(MARK) : end]) | change
    with pytest.raises(InvalidInputError):
        unseal(MARK + jcs(header) + data[end:], "pass")
    assert derived == []
