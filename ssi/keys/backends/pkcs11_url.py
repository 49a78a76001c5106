"""Read the URL of a PKCS#11 token, and the PIN from where the URL says it is.

Source:  RFC 7512 (attributes, percent-encoding); section 2.4 on ``pin-value`` and on commands in ``pin-source``.
Input:   ``pkcs11:token=LABEL;object-prefix=TEXT?module-path=FILE&pin-source=FILE``; ``serial`` tells tokens of one
         label apart, ``sessions`` bounds how many are opened (8 if left out).
Shapes:  ``object-prefix`` is ours: it stands before every label, so that several programs share a token.
I/O:     ``read_pin`` reads one small file.
Errors:  InvalidInputError; no message contains the PIN. UnavailableError (the PIN file cannot be read).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from ssi.errors import InvalidInputError, UnavailableError

DEFAULT_SESSIONS: Final = 8
MAX_SESSIONS: Final = 256
_MAX_PIN_BYTES: Final = 255
_PATH: Final = frozenset({"token", "serial", "object-prefix"})
_QUERY: Final = frozenset({"module-path", "pin-source", "sessions"})
_ESCAPES: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


class TokenUrl(msgspec.Struct, frozen=True, kw_only=True):
    """Which token, through which module, and where its PIN is."""

    token: str
    module_path: str
    serial: str = ""
    object_prefix: str = ""
    pin_source: str = ""
    sessions: int = DEFAULT_SESSIONS


def parse_token_url(url: str) -> TokenUrl:
    """Return what ``url`` says. An attribute that is not understood is refused: leaving it out could mean another key.

    A ``pin-value`` is refused too, because URLs end up in logs and process lists.
    """
    scheme, _, rest = url.partition(":")
    if scheme != "pkcs11":
        raise InvalidInputError("expected a URL that starts with pkcs11:")
    path, _, query = rest.partition("?")
    given = {**_attributes(path, ";", _PATH), **_attributes(query, "&", _QUERY)}
    for name in ("token", "module-path"):
        if not given.get(name):
            raise InvalidInputError(f"expected {name} in the pkcs11 URL")
    sessions = given.get("sessions", str(DEFAULT_SESSIONS))
    if not (sessions.isascii() and sessions.isdecimal() and 1 <= int(sessions[:4]) <= MAX_SESSIONS):
        raise InvalidInputError(f"expected 1 to {MAX_SESSIONS} sessions in the pkcs11 URL")
    return TokenUrl(
        token=given["token"],
        module_path=given["module-path"],
        serial=given.get("serial", ""),
        object_prefix=given.get("object-prefix", ""),
        pin_source=_pin_path(given.get("pin-source", "")),
        sessions=int(sessions),
    )


def read_pin(path: str) -> str:
    """Return the PIN in the file at ``path``, one trailing line end left out."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MAX_PIN_BYTES + 3)
    except OSError as exc:
        raise UnavailableError("the file that pin-source names cannot be read") from exc
    return check_pin(data.removesuffix(b"\n").removesuffix(b"\r"))


def check_pin(pin: str | bytes) -> str:
    """Return the PIN as text. Raises InvalidInputError without a word of it."""
    data = pin.encode("utf-8", "surrogatepass") if isinstance(pin, str) else pin
    if not 0 < len(data) <= _MAX_PIN_BYTES or b"\x00" in data:
        raise InvalidInputError(f"expected a PIN of 1 to {_MAX_PIN_BYTES} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInputError("expected a PIN in UTF-8") from None


def _attributes(text: str, separator: str, known: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(separator) if text else ():
        name, equals, value = part.partition("=")
        if name == "pin-value":
            raise InvalidInputError("a PIN does not belong into a URL: put it into a file that pin-source names")
        if not equals or name not in known:
            raise InvalidInputError(f"expected attributes of {', '.join(sorted(known))} in this part of the pkcs11 URL")
        if name in found:
            raise InvalidInputError(f"{name} stands twice in the pkcs11 URL")
        found[name] = _decoded(name, value)
    return found


def _decoded(name: str, value: str) -> str:
    try:
        text = "" if _ESCAPES.search(value) else unquote_to_bytes(value).decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text.isprintable() or not text:
        raise InvalidInputError(f"expected printable, percent-encoded UTF-8 as {name} in the pkcs11 URL")
    return text


def _pin_path(source: str) -> str:
    if source.startswith("|"):
        raise InvalidInputError("a pin-source that runs a command is refused: name a file")
    path = source.removeprefix("file:")
    if path != source and path.startswith("//"):
        host, _, path = path[2:].partition("/")
        if host not in ("", "localhost"):
            raise InvalidInputError("expected a pin-source on this machine")
        path = f"/{path}"
    return path
