"""A log on the test server, its head file, and ways to change it behind the library's back."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ssi.errors import InclusionProofError
from ssi.ledger import open_ledger
from tests.contracts.postgres import Server
from tests.unit.ledger.heads import put_head


class Log:
    """A new log, its head file, and what a test does to it behind the library's back."""

    def __init__(self, place: Server) -> None:
        self.server = place
        self.url = place.url()
        found = re.search(r"schema=(\w+)", self.url)
        assert found is not None
        self.schema = found[1]
        self.head = place.directory / f"{self.schema}.head"

    def text(self, statement: str) -> str:
        """Return a statement that says ``S`` for the schema."""
        return statement.replace("S.", f'"{self.schema}".')

    async def sql(self, *statements: str) -> Any:
        """Run statements with ``S`` as the schema's name; return the rows of the last."""
        import asyncpg

        connection = await asyncpg.connect(self.server.base())
        try:
            for statement in statements:
                rows = await connection.fetch(self.text(statement))
            return rows
        finally:
            await connection.close()

    async def filled(self, count: int = 20, *, start: int = 0, head: bool = True) -> bytes | None:
        """Append entries, sign the head, close."""
        ledger = open_ledger(self.url)
        await ledger.append([b"entry %d" % i for i in range(start, start + count)])
        note = await put_head(ledger) if head else await ledger.checkpoint()
        await ledger.close()
        return note

    def refused(self, match: str, kind: type[Exception] = InclusionProofError) -> None:
        with pytest.raises(kind, match=match):
            open_ledger(self.url)
