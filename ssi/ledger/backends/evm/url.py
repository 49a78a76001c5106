"""The URL of a log on a chain.

Source:  RFC 3986.
Input:   ``evm+https://host/path?contract=0x…&chain_id=N&mirror=PATH`` with options; ``evm+http`` for this machine.
Shapes:  see ``EvmOptions``; option by option in docs/ledgers.md.
I/O:     none.
Errors:  InvalidInputError. Messages name options, never the endpoints (a provider's access token may be in them).

A signing key is never in a URL: ``key_file`` says where it is, ``passphrase_file`` where its passphrase is.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import msgspec

from ssi.errors import InvalidInputError
from ssi.ledger.backends.evm.contract import Mode
from ssi.net.evm.account import GWEI, MAX_FEE, STUCK_SECONDS
from ssi.net.evm.chain import Finality
from ssi.net.evm.endpoint import check_url
from ssi.net.evm.values import format_address, parse_address

MAX_ENDPOINTS: Final = 16
_MANY: Final = {"rpc"}


class EvmOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a URL says: which log, which nodes, how deep is final, where the mirror and the key are."""

    endpoints: tuple[str, ...]
    """The URL's own node first, then those of ``rpc``."""
    contract: bytes
    chain_id: int
    mirror: str
    tiles: str | None = None
    """Where bodies are that never came to the mirror: the https prefix of a log's static files, or ``tiles:FOLDER``."""
    mode: Mode = Mode.LEAVES
    finality: Finality = "finalized"
    """``finalized``, ``safe``, or how many blocks lie above a final one; 0 only where blocks are final at once."""
    agree: int = 1
    """How many nodes have to say the same."""
    key_file: str | None = None
    """The account's key; a ledger without one reads."""
    passphrase_file: str | None = None
    ca_file: str | None = None
    head: str | None = None
    adopt_head: bool = False
    poll_seconds: float = 1.0
    wait_seconds: float = 1800.0
    """How long an append waits to be final before its caller is told to ask again."""
    stuck_seconds: float = STUCK_SECONDS
    """After this a transaction that is in no block is sent again, paying more."""
    max_fee: int = MAX_FEE
    """Wei for each unit of gas, at most."""


def parse_url(url: str) -> EvmOptions:
    """Return what ``url`` says."""
    try:
        parts = urlsplit(url)
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=True)
    except ValueError as exc:
        raise InvalidInputError("the URL of a log on a chain is malformed") from exc
    if parts.scheme not in ("evm+https", "evm+http") or parts.fragment:
        raise InvalidInputError("a log on a chain is named evm+https://node/?contract=0x…&chain_id=N&mirror=PATH")
    if twice := sorted(name for name, values in options.items() if len(values) > 1 and name not in _MANY):
        raise InvalidInputError(f"the option {twice[0]} is given twice")
    own = urlunsplit((parts.scheme.removeprefix("evm+"), parts.netloc, parts.path, "", ""))
    endpoints = (own, *options.pop("rpc", []))
    given = {name: values[0] for name, values in options.items()}
    if missing := [name for name in ("contract", "chain_id", "mirror") if not given.get(name)]:
        raise InvalidInputError(f"the URL of a log on a chain lacks the option {missing[0]}")
    return _checked(endpoints, given)


def format_url(
    node: str,
    contract: bytes,
    *,
    chain_id: int,
    mirror: str,
    mode: Mode = Mode.LEAVES,
    **options: str | int | None,
) -> str:
    """Return the URL of a log, which ``parse_url`` has read once, for a person to keep; None leaves an option out.

    Raises InvalidInputError for a node whose own URL has a query: it can be named by ``rpc`` only.
    """
    if urlsplit(node).query:
        raise InvalidInputError("a node's URL with a query cannot begin the URL of a log: name another node first")
    given = {"contract": format_address(contract), "chain_id": chain_id, "mode": mode, "mirror": mirror, **options}
    query = "&".join(f"{name}={quote(str(value), safe='/:')}" for name, value in given.items() if value is not None)
    url = f"evm+{node}{'' if urlsplit(node).path else '/'}?{query}"
    parse_url(url)
    return url


def _checked(endpoints: tuple[str, ...], given: dict[str, str]) -> EvmOptions:
    for endpoint in endpoints:
        check_url(endpoint)
    if len(set(endpoints)) != len(endpoints) or len(endpoints) > MAX_ENDPOINTS:
        raise InvalidInputError(f"a log on a chain has up to {MAX_ENDPOINTS} different nodes")
    readers: dict[str, Callable[[str], object]] = {
        "contract": parse_address,
        "chain_id": lambda text: _integer("chain_id", text, 1, 2**63 - 1),
        "mirror": _path,
        "tiles": str,
        "mode": _mode,
        "finality": _finality,
        "agree": lambda text: _integer("agree", text, 1, len(endpoints)),
        "key_file": _path,
        "passphrase_file": _path,
        "ca_file": _path,
        "head": _path,
        "adopt_head": lambda text: bool(_integer("adopt_head", text, 0, 1)),
        "poll": lambda text: _seconds("poll", text),
        "wait": lambda text: _seconds("wait", text),
        "stuck": lambda text: _seconds("stuck", text),
        "max_fee_gwei": lambda text: _integer("max_fee_gwei", text, 0, 10**9) * GWEI,
    }
    names = {"poll": "poll_seconds", "wait": "wait_seconds", "stuck": "stuck_seconds", "max_fee_gwei": "max_fee"}
    if unknown := sorted(given.keys() - readers.keys()):
        raise InvalidInputError(f"a log on a chain has no option {unknown[0]!r}; another node is given by rpc=URL")
    values = {names.get(name, name): readers[name](text) for name, text in given.items()}
    return EvmOptions(endpoints=endpoints, **values)  # type: ignore[arg-type]


def _path(text: str) -> str:
    if not text or "\0" in text:
        raise InvalidInputError("a path in the URL of a log on a chain is empty")
    return str(Path(text))


def _mode(text: str) -> Mode:
    if text not in list(Mode):
        raise InvalidInputError("what is on chain is either leaves or entries")
    return Mode(text)


def _finality(text: str) -> Finality:
    if text == "finalized" or text == "safe":
        return "finalized" if text == "finalized" else "safe"
    return _integer("finality", text, 0, 100_000)


def _integer(name: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and least <= int(text) <= most):
        raise InvalidInputError(f"the option {name} is a whole number from {least} to {most}")
    return int(text)


def _seconds(name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0.001 <= value <= 1e6:
        raise InvalidInputError(f"the option {name} is a number of seconds")
    return value
