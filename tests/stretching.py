"""Stretch each passphrase once in a test run: what Argon2id gave for the same input before, it gives again at once.

Source:  RFC 9106: the function is deterministic, its cost is its purpose.
Input:   whatever the library hands to ``cryptography``; the costs that it asks for stay those of production.
Shapes:  what is remembered is keyed by every parameter, the salt and the passphrase, so that a new salt, another
         passphrase and changed settings are computed in earnest.
I/O:     none. Only this process: programs that tests start compute for themselves.
Errors:  those of ``cryptography``.
"""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.kdf import argon2

_Earnest = argon2.Argon2id
_known: dict[tuple[Any, ...], bytes] = {}


class RememberedArgon2id:
    """Stands in for ``Argon2id``, of which the library uses ``derive`` alone."""

    def __init__(self, **parameters: Any) -> None:
        self._parameters = parameters
        self._kdf = _Earnest(**parameters)

    def derive(self, key_material: bytes) -> bytes:
        """Return the key; computed when these parameters and this secret come for the first time."""
        key = (bytes(key_material), *sorted(self._parameters.items()))
        if key not in _known:
            _known[key] = self._kdf.derive(key_material)
        return _known[key]


def remember() -> None:
    """Put it in the place of ``Argon2id``; to be called before the library is imported."""
    argon2.Argon2id = RememberedArgon2id  # type: ignore[assignment]
