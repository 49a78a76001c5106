"""Rows: what the most expensive of the documents costs that are made to cost, in time and in memory."""

from __future__ import annotations

import asyncio
import contextlib
import time
import tracemalloc
from collections.abc import Iterator
from functools import partial

from ssi.did.resolver import default_resolver
from ssi.encoding.gate import parse_object
from ssi.encoding.jsonld import BUNDLED
from ssi.errors import SsiError
from ssi.protocols.vc_api import VerifyRequest
from tests.bench.harness import Spread, repeated
from tests.bench.rows import Effort, Line, row, value_line
from tests.tools.hostile_documents import documents
from verifier.documents import DocumentVerifier

MAX_SECONDS = 1
MAX_MIB = 64


@row("hostile documents")
def hostile(effort: Effort) -> Iterator[Line]:
    texts = documents()
    rounds = 1 if effort.quick else 3
    for text in texts.values():
        _refused(text)  # what is compiled once is compiled
    slowest = max((repeated(partial(_seconds, text), rounds=rounds), name) for name, text in texts.items())
    largest = max((repeated(partial(_mebibytes, text), rounds=1), name) for name, text in texts.items())
    yield _line("the slowest", len(texts), slowest, "s", MAX_SECONDS)
    yield _line("the largest in memory", len(texts), largest, "MiB", MAX_MIB)


def _line(what: str, count: int, found: tuple[Spread, str], unit: str, at_most: int) -> Line:
    measured, name = found
    return value_line(f"{what} of {count} hostile documents", measured, unit, at_most=at_most, others=name)


def _refused(text: bytes) -> None:
    verifier = DocumentVerifier(
        resolver=default_resolver(),
        contexts=BUNDLED,
        now=lambda: 1_790_000_000,
        lists=lambda _: None,
        issuer_is_controller=False,
        inline_contexts=True,
    )
    with contextlib.suppress(SsiError):
        asyncio.run(verifier.credential(VerifyRequest(parse_object(text))))


def _seconds(text: bytes) -> float:
    begun = time.thread_time()
    _refused(text)
    return time.thread_time() - begun


def _mebibytes(text: bytes) -> float:
    tracemalloc.start()
    _refused(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / (1 << 20)
