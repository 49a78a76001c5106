"""What the URL of a PostgreSQL ledger may say, and what it means for the connection. Needs no server."""

from __future__ import annotations

import re

import pytest

from ssi.errors import InvalidInputError
from ssi.ledger import open_ledger
from ssi.ledger.backends.postgres_server import parse_url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:",
        "postgresql://host",
        "postgresql://host/",
        "postgresql://host:port/db",
        "postgresql://[/db",
        "postgresql://host/db#fragment",
        "postgresql://host/db?synchronous_commit=off",
        "postgresql://host/db?head=a&head=b",
        "postgresql://host/db?head",
        "postgresql://host/db?schema=Upper",
        "postgresql://host/db?schema=pg_log",
        'postgresql://host/db?schema=a"b',
        "postgresql://host/db?timeout=0",
        "postgresql://host/db?adopt_head=yes",
        "postgres://host/db",
    ],
)
def test_a_url_that_names_no_ledger_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        open_ledger(url)
    assert "host/db" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "mode"),
    [
        ("postgresql://db.example/log", "verify-full"),
        ("postgresql://localhost,db.example/log", "verify-full"),
        ("postgresql:///log?host=db.example", "verify-full"),
        ("postgresql://u:p@127.0.0.1:5432/log", None),
        ("postgresql://[::1]/log", None),
        ("postgresql:///log?host=/var/run/postgresql", None),
        ("postgresql://db.example/log?sslmode=require", "require"),
    ],
)
def test_across_a_network_the_server_proves_who_it_is(
    url: str, mode: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGHOST", raising=False)
    monkeypatch.delenv("PGSSLMODE", raising=False)
    found = re.search("sslmode=([a-z-]+)", parse_url(url).dsn)
    assert (found[1] if found else None) == mode
