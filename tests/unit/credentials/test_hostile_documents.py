"""Documents made to cost: refused or done with bounded memory, with our own errors, whatever they try."""

from __future__ import annotations

import tracemalloc

import pytest

from ssi.did.resolver import default_resolver
from ssi.encoding.gate import parse_object
from ssi.encoding.jsonld import BUNDLED
from ssi.errors import SsiError
from ssi.protocols.vc_api import VerifyRequest
from tests.tools.hostile_documents import documents
from verifier.documents import DocumentVerifier

DOCUMENTS = documents()
MAX_PEAK = 64 << 20


def verifier() -> DocumentVerifier:
    return DocumentVerifier(
        resolver=default_resolver(),
        contexts=BUNDLED,
        now=lambda: 1_790_000_000,
        lists=lambda _: None,
        issuer_is_controller=False,
        inline_contexts=True,
    )


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_it_is_refused_in_bounded_memory(name: str) -> None:
    """The time is bounded by the work that the parts count; the bench shows it."""
    tracemalloc.start()
    with pytest.raises(SsiError):
        await verifier().credential(VerifyRequest(parse_object(DOCUMENTS[name])))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MAX_PEAK


@pytest.mark.parametrize("cryptosuite", ["eddsa-jcs-2022", "ecdsa-rdfc-2019", "bbs-2023", "unknown"])
async def test_it_is_refused_under_any_suite(cryptosuite: str) -> None:
    for text in DOCUMENTS.values():
        with pytest.raises(SsiError):
            await verifier().credential(
                VerifyRequest(parse_object(text.replace(b"eddsa-rdfc-2022", cryptosuite.encode())))
            )
