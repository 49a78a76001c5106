"""Open a key store by its URL, loading the backend only then.

``memory:`` keeps keys in this process; ``file:PATH`` keeps them encrypted under a passphrase; ``pkcs11:…`` names a
token, whose PIN is in a file or is the passphrase. Other schemes join through the entry-point group
``countersigned.key_stores``: a callable that takes the URL and the passphrase.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

from ssi.errors import InvalidInputError
from ssi.keys.kms import Kms

_BUILT_IN: Final = {
    "memory": "ssi.keys.backends.memory",
    "file": "ssi.keys.backends.file",
    "pkcs11": "ssi.keys.backends.pkcs11",
}
_GROUP: Final = "countersigned.key_stores"


def open_kms(url: str, *, passphrase: str | bytes | None = None) -> Kms:
    """Return the key store that ``url`` names. Raises InvalidInputError for an unknown scheme."""
    scheme, colon, _ = url.partition(":")
    opener: Callable[..., Kms]
    if colon and scheme in _BUILT_IN:
        opener = import_module(_BUILT_IN[scheme]).open_url
    else:
        from importlib.metadata import entry_points

        found = entry_points(group=_GROUP, name=scheme)
        if not colon or not found:
            raise InvalidInputError(
                f"expected a key store URL with a scheme of {', '.join(_BUILT_IN)}, or of a plug-in"
            )
        opener = next(iter(found)).load()
    return opener(url, passphrase=passphrase)
