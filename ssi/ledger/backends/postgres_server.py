"""Connections to the PostgreSQL server of a log: what the URL says, what is set on each, what its errors mean.

Source:  PostgreSQL's connection URIs and error codes (appendix A); asyncpg.
Input:   ``postgresql://user@host:port/database?head=PATH`` with the options of ``Place``.
I/O:     ``connect`` opens one connection; the rest is pure.
Errors:  InvalidInputError (the URL, or the extra is not installed), UnavailableError (no answer, no room, no right,
         outcome unknown), NotFoundError (no such database), InclusionProofError (damage).

Messages of the server are not passed on where they could quote what a statement carried; its five-letter state is.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from ssi.errors import InclusionProofError, InvalidInputError, NotFoundError, SsiError, UnavailableError
from ssi.ledger.backends.postgres_schema import STATE_SHORTER

if TYPE_CHECKING:
    import asyncpg

DEFAULT_SCHEMA: Final = "countersigned_log"
DEFAULT_TIMEOUT: Final = 10.0
_OWN: Final = {"schema", "head", "adopt_head", "timeout"}
# What else may stand in the URL: asyncpg would send any other option to the server as a setting.
_PASSED: Final = {
    "host",
    "port",
    "user",
    "passfile",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslcrl",
    "ssl_min_protocol_version",
    "target_session_attrs",
}
_SCHEMA: Final = re.compile(r"(?!pg_)[a-z_][a-z0-9_]{0,62}")
# Classes of states that pass, or that somebody can mend outside: connection, transaction rolled back, authorisation,
# resources (disk full, too many connections), limits, object in use, operator intervention, system error.
_PASSING: Final = {"08", "25", "28", "40", "42501", "53", "54", "55", "57", "58"}
_DAMAGE: Final = {"21", "22", "23", "42", "P0", "XX"}


class Place(msgspec.Struct, frozen=True):
    """Where a log is, and how to speak to it; ``timeout_seconds`` bounds a statement, waiting for locks included."""

    dsn: str
    schema: str
    head: Path | None
    adopt_head: bool
    timeout_seconds: float


def parse_url(url: str) -> Place:
    """Read the URL of a log. Raises InvalidInputError, which never quotes the URL: it may hold a password."""
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        hosts = _hosts(parts.netloc, dict(pairs))
    except ValueError as exc:
        raise InvalidInputError("the URL of the PostgreSQL ledger is malformed") from exc
    options = dict(pairs)
    if parts.scheme != "postgresql" or parts.fragment or len(parts.path) < 2 or len(options) != len(pairs):
        raise InvalidInputError("a PostgreSQL ledger is named postgresql://user@host/database?head=PATH")
    if unknown := options.keys() - _OWN - _PASSED:
        raise InvalidInputError(f"a PostgreSQL ledger has no option {min(unknown)!r}")
    schema = options.get("schema", DEFAULT_SCHEMA)
    if not _SCHEMA.fullmatch(schema):
        raise InvalidInputError("the schema of a PostgreSQL ledger is named in lower-case letters, digits and '_'")
    if options.get("adopt_head", "0") not in {"0", "1"}:
        raise InvalidInputError("the option adopt_head is 0 or 1")
    passed = {name: value for name, value in options.items() if name in _PASSED}
    if "sslmode" not in passed and "PGSSLMODE" not in os.environ and not all(map(_is_local, hosts)):
        passed["sslmode"] = "verify-full"
    dsn = urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(passed), ""))
    head = Path(options["head"]).absolute() if options.get("head") else None
    return Place(dsn, schema, head, options.get("adopt_head") == "1", _timeout(options.get("timeout")))


def _hosts(netloc: str, options: dict[str, str]) -> list[str]:
    named = netloc.rpartition("@")[2] or options.get("host") or os.environ.get("PGHOST", "")
    return [part if part.startswith("/") else (urlsplit(f"//{part}").hostname or "") for part in named.split(",")]


def _is_local(host: str) -> bool:
    """Return whether what is said to ``host`` stays on this machine: a Unix socket or the loopback interface."""
    if host in {"", "localhost"} or host.startswith(("/", "%2f", "%2F")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _timeout(text: str | None) -> float:
    if text is None:
        return DEFAULT_TIMEOUT
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9]{1,3})?", text) or not float(text):
        raise InvalidInputError("the option timeout is a number of seconds above 0")
    return float(text)


async def connect(place: Place) -> asyncpg.Connection[Any]:
    """Open one connection. Raises as the module says."""
    library = _module()
    milliseconds = str(int(place.timeout_seconds * 1000))
    with translated():
        connection: asyncpg.Connection[Any] = await library.connect(
            place.dsn,
            timeout=place.timeout_seconds,
            # The server ends a statement first; this one is for a server or a network that says nothing.
            command_timeout=place.timeout_seconds + 2,
            server_settings={
                "application_name": "countersigned",
                "statement_timeout": milliseconds,
                "idle_in_transaction_session_timeout": milliseconds,
                "default_transaction_isolation": "read committed",
            },
        )
    return connection


def _module() -> Any:
    try:
        import asyncpg
    except ModuleNotFoundError as exc:
        raise InvalidInputError("the PostgreSQL ledger needs the extra countersigned[postgres]") from exc
    return asyncpg


@contextmanager
def translated() -> Iterator[None]:
    """Turn what asyncpg and sockets raise into our tree."""
    asyncpg = _module()
    try:
        yield
    except SsiError:
        raise
    except asyncpg.PostgresError as exc:
        raise _from_state(exc) from exc
    except asyncpg.ClientConfigurationError as exc:
        raise InvalidInputError(
            "the URL of the PostgreSQL ledger is malformed, or a certificate file that its sslmode needs is not there"
        ) from exc
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError, EOFError) as exc:
        raise UnavailableError(f"the ledger database did not answer: {type(exc).__name__}") from exc


def _from_state(error: asyncpg.PostgresError) -> SsiError:
    state = str(getattr(error, "sqlstate", None) or "")
    if state == STATE_SHORTER:
        return InclusionProofError(f"the database went back: {error}")
    if state == "3D000":
        return NotFoundError("the server has no database of that name")
    if state in _PASSING or state[:2] in _PASSING or state[:2] not in _DAMAGE:
        return UnavailableError(f"the ledger database did not answer: {type(error).__name__} ({state})")
    return InclusionProofError(f"the ledger database is damaged: {type(error).__name__} ({state})")
