"""did:ebsi over the HTTP shape of its registry, and the did:key with a JWK that natural persons use there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.did.methods.ebsi import DidEbsi, did_ebsi, ebsi_identifier
from ssi.did.methods.key import DidKey, build_key_document, did_key, did_key_of_jwk
from ssi.did.resolver import default_resolver
from ssi.encoding.jcs import jcs
from ssi.encoding.multibase import base58btc_encode
from ssi.encoding.multicodec import JWK_JCS_PUB
from ssi.errors import DidNotFoundError, InvalidDidError, InvalidInputError, UnavailableError
from ssi.keys import Curve, PrivateKey
from ssi.keys.curves import JOSE_CURVES
from tests.unit.did.documents import document, fresh, multikey
from tests.unit.did.test_methods import Server

REGISTRY = "https://registry.example/did-registry/v5/identifiers"
DID = did_ebsi(bytes(range(16)))
KEY = fresh()
RAW = document(multikey(KEY, did=DID), did=DID, assertionMethod=[f"{DID}#key-1"])


def served(raw: Any, *, query: str = "") -> Server:
    return Server({f"{REGISTRY}/{DID}{query}": raw if isinstance(raw, bytes) else json.dumps(raw).encode()})


async def test_a_document_is_read_from_the_registry() -> None:
    resolution = await DidEbsi(served(RAW), registry=REGISTRY + "/").resolve(DID)
    assert resolution.document.keys("assertionMethod") == {f"{DID}#key-1": KEY}
    assert resolution.metadata.source == "https"
    assert "ebsi" in default_resolver(fetch=served(RAW), ebsi_registry=REGISTRY).methods


async def test_a_past_version_is_asked_by_time() -> None:
    server = served(RAW, query="?valid-at=2023-11-14T22%3A13%3A20Z")
    assert (await DidEbsi(server, registry=REGISTRY).resolve(DID, version_time=1_700_000_000)).document.id == DID
    with pytest.raises(InvalidInputError, match="no version ids"):
        await DidEbsi(server, registry=REGISTRY).resolve(DID, version_id="1")


async def test_what_the_registry_does_not_have_or_says_of_another() -> None:
    with pytest.raises(DidNotFoundError):
        await DidEbsi(Server({}), registry=REGISTRY).resolve(DID)
    for raw in (b"", b"[]", {**RAW, "id": did_ebsi(bytes(16))}, {"title": "Not Found"}):
        with pytest.raises(InvalidInputError):
            await DidEbsi(served(raw), registry=REGISTRY).resolve(DID)
    with pytest.raises(UnavailableError):
        await DidEbsi(Server({f"{REGISTRY}/{DID}": UnavailableError("down")}), registry=REGISTRY).resolve(DID)


@pytest.mark.parametrize(
    "did",
    [
        "did:ebsi:z",
        "did:ebsi:" + did_ebsi(bytes(16))[10:],
        f"did:ebsi:{base58btc_encode(bytes([2]) + bytes(32))}",
        f"did:ebsi:{base58btc_encode(bytes([0]) + bytes(16))}",
        f"did:ebsi:{base58btc_encode(bytes([1]) + bytes(15))}",
        f"did:ebsi:{base58btc_encode(bytes([1]) + bytes(17))}",
        f"{DID}:x",
        f"{DID}%2F..",
        "did:ebsi:u" + "A" * 23,
        "did:ebsi:z" + "1" * 9000,
        DID.replace("ebsi", "web"),
    ],
)
async def test_nothing_is_asked_for_what_is_no_legal_entity(did: str) -> None:
    server = Server({})
    with pytest.raises(InvalidDidError):
        await DidEbsi(server, registry=REGISTRY).resolve(did)
    assert server.seen == []


@pytest.mark.parametrize(
    "registry", ["http://r.example/i", "https:///i", "https://r.example?a=b", "r.example", "https://["]
)
def test_registries_that_are_none(registry: str) -> None:
    with pytest.raises(InvalidInputError):
        DidEbsi(Server({}), registry=registry)


@given(st.binary(min_size=16, max_size=16))
def test_an_identifier_is_given_back(identifier: bytes) -> None:
    assert ebsi_identifier(did_ebsi(identifier)) == identifier


def test_identifiers_are_drawn() -> None:
    assert did_ebsi() != did_ebsi()
    with pytest.raises(InvalidInputError):
        did_ebsi(bytes(15))


@pytest.mark.parametrize("curve", JOSE_CURVES)
async def test_a_jwk_did_key_gives_its_own_key_back(curve: Curve) -> None:
    key = fresh(curve)
    did = did_key_of_jwk(key)
    found = (await DidKey().resolve(did)).document
    assert list(found.keys("authentication").values()) == [key]
    assert list(found.keys("assertionMethod")) == [f"{did}#{did.removeprefix('did:key:')}"]
    assert found.keys("keyAgreement") == {}
    assert did != did_key(key)


def jwk_did(raw: bytes) -> str:
    return f"did:key:{base58btc_encode(JWK_JCS_PUB + raw)}"


JWK = PrivateKey.from_raw(Curve.P256, bytes([9]) * 32).public_key.to_jwk()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        json.dumps(JWK).encode(),
        jcs({**JWK, "kid": "x"}),
        jcs({**JWK, "alg": "ES256"}),
        jcs({name: value for name, value in JWK.items() if name != "y"}),
        jcs({**JWK, "d": JWK["x"]}),
        jcs({**JWK, "y": JWK["x"]}),
        jcs({"kty": "oct", "k": "AAAA"}),
        jcs({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
    ],
)
def test_what_is_no_jwk_did_key(raw: bytes) -> None:
    with pytest.raises(InvalidDidError):
        build_key_document(jwk_did(raw))


@given(st.binary(max_size=80))
def test_any_bytes_are_a_jwk_did_key_or_refused(raw: bytes) -> None:
    with pytest.raises(InvalidDidError):
        build_key_document(jwk_did(raw))
