"""The memory of stretched passphrases changes no result."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from tests import stretching

SETTINGS: dict[str, Any] = {"length": 32, "iterations": 1, "lanes": 1, "memory_cost": 8}


def test_it_gives_what_the_function_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stretching, "_known", {})
    inputs = [(b"salt of 1", b"a"), (b"salt of 2", b"a"), (b"salt of 1", b"b"), (b"salt of 1", b"a")]
    found = [Argon2id(salt=salt, **SETTINGS).derive(secret) for salt, secret in inputs]
    assert found == [stretching._Earnest(salt=salt, **SETTINGS).derive(secret) for salt, secret in inputs]
    assert len(stretching._known) == 3
    dearer = SETTINGS | {"iterations": 2}
    assert Argon2id(salt=b"salt of 1", **dearer).derive(b"a") not in found
    with pytest.raises(ValueError, match="salt"):
        Argon2id(salt=b"", **SETTINGS)
