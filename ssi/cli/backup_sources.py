"""What a project consists of, for a backup: its file, its stores, the ledger, the key files.

Input:   a project file; tables of the roles are read by their members' names, not by what they mean.
Shapes:  a member ``store`` or ``url`` with ``sqlite:`` is a database, ``file:`` a key file; ``log``, ``catalogue`` and
         ``ca_file`` name plain files (a log with what its witnesses approved). Of a ledger on a chain its mirror is
         kept, which holds the bodies, and the key file of the account. Passphrase files are left where they are: with
         them, a backup would open itself.
I/O:     looks which files exist.
Errors:  InvalidInputError (a URL that is none).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote

import msgspec

from ssi.cli.organisations import candidate_path, proofs_path
from ssi.cli.project import Project
from ssi.database import sqlite_path
from ssi.types import JsonValue

PLAIN, STORE, LEDGER, KEYS = "plain", "store", "ledger", "keys"
_ORDER: Final = (PLAIN, STORE, LEDGER, KEYS)
"""What refers to others is copied before them: nothing in the copy names an entry, or a key, that it does not have."""
_PLAIN_MEMBERS: Final = ("log", "catalogue", "ca_file")


class Source(msgspec.Struct, frozen=True):
    """One file to keep."""

    path: str
    """From the project file's folder, with ``/``."""
    kind: str
    file: Path


def sources(project: Project) -> tuple[list[Source], tuple[str, ...]]:
    """Return the files of a project in the order to copy them, and what is left out, with the reason."""
    found: dict[str, Source] = {}
    left_out: dict[str, None] = {}
    folder = project.folder.resolve()
    for name, kind, file in [(project.path.name, PLAIN, project.path.absolute()), *_named(project)]:
        if file is None:
            left_out[f"{name}: not a file of this machine"] = None
            continue
        resolved = file.resolve()
        if not resolved.is_relative_to(folder):
            left_out[f"{name}: lies outside of the project file's folder"] = None
        elif not resolved.is_file():
            left_out[f"{name}: is not there"] = None
        else:
            path = resolved.relative_to(folder).as_posix()
            found[path] = Source(path, kind, resolved)
    return sorted(found.values(), key=lambda source: (_ORDER.index(source.kind), source.path)), tuple(left_out)


def _named(project: Project) -> Iterator[tuple[str, str, Path | None]]:
    for member, value, table in _members(project.tables, ""):
        if member in _PLAIN_MEMBERS:
            file = project.file(value)
            yield value, PLAIN, file
            if member == "log":
                yield from ((each.name, PLAIN, each) for each in beside_log(file) if each.is_file())
        elif member in ("store", "url"):
            url = project.url(value).partition("?")[0]
            if url.startswith("sqlite:"):
                yield value, LEDGER if table == "ledger" and member == "url" else STORE, Path(unquote(sqlite_path(url)))
            elif url.startswith("file:"):
                yield value, KEYS, Path(url.removeprefix("file:"))
            elif url.startswith("evm+"):
                options = parse_qs(project.url(value).partition("?")[2])
                for option, kind in (("mirror", STORE), ("key_file", KEYS), ("ca_file", PLAIN)):
                    yield from ((f"{option} of the ledger", kind, Path(path)) for path in options.get(option, ()))
            else:
                yield value.partition(":")[0] + ":", STORE, None


def beside_log(log: Path) -> tuple[Path, Path]:
    """Return where the approvals of a log's witnesses are, and a line that waits for them."""
    return proofs_path(log), candidate_path(log)


def _members(value: JsonValue, table: str) -> Iterator[tuple[str, str, str]]:
    """Yield (member, text, table) for every text below ``value``."""
    for member, inner in value.items():
        for each in inner if isinstance(inner, list) else [inner]:
            if isinstance(each, dict):
                yield from _members(each, member)
            elif isinstance(each, str):
                yield member, each, table
