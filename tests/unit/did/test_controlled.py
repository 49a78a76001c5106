"""Keys retrieved by the id of their verification method: each from its own document, or not at all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ssi.did.controlled import retrieve_key
from ssi.did.methods.key import did_key
from ssi.did.resolver import default_resolver
from ssi.errors import InvalidDidError, InvalidInputError, NotFoundError, ProofPurposeError, VerificationError
from tests.unit.did.documents import document, fresh, multikey
from tests.unit.did.test_methods import Server

URL = "https://controller.example/123"
KEY = fresh()
RAW = document(multikey(KEY, did=URL), did=URL, authentication=[f"{URL}#key-1", "https://other.example/x#key-1"])


async def key(method: str, raw: Any = RAW, relationship: str = "authentication") -> Any:
    server = Server({URL: raw if isinstance(raw, bytes) else json.dumps(raw).encode()})
    found = await retrieve_key(method, relationship, resolver=default_resolver(), fetch=server)
    assert server.seen == ([URL] if method.startswith("https") else [])
    return found


async def test_a_key_comes_from_its_own_document() -> None:
    assert await key(f"{URL}#key-1") == KEY
    did = did_key(KEY)
    assert await key(f"{did}#{did.removeprefix('did:key:')}") == KEY


async def test_a_key_for_another_purpose_or_of_another_is_none() -> None:
    with pytest.raises(ProofPurposeError):
        await key(f"{URL}#key-1", relationship="assertionMethod")
    with pytest.raises(VerificationError):
        await key(f"{URL}#key-2")
    stolen = document(multikey(KEY, did=URL, controller="https://other.example/x"), did=URL, authentication=["#key-1"])
    with pytest.raises(VerificationError, match="control"):
        await key(f"{URL}#key-1", stolen)
    # The document lists the method of another document: it is asked for there.
    with pytest.raises(NotFoundError):
        await retrieve_key(
            "https://other.example/x#key-1", "authentication", resolver=default_resolver(), fetch=Server({})
        )


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", document(did="https://controller.example/124")])
async def test_documents_that_are_none_or_of_another(raw: Any) -> None:
    with pytest.raises(InvalidInputError):
        await key(f"{URL}#key-1", raw)


@pytest.mark.parametrize("method", [URL, f"{URL}#", "http://controller.example#k", "https://u@h.example#k", "x", ""])
async def test_ids_that_are_none(method: str) -> None:
    with pytest.raises(InvalidDidError):
        await retrieve_key(method, "authentication", resolver=default_resolver(), fetch=Server({}))
