"""``ssi ledger serve``; see ``ssi.cli.ledger_tiles``."""

from __future__ import annotations

from ssi.cli.ledger_tiles import serve as command

__all__ = ["command"]
