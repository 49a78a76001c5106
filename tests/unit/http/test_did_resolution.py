"""The HTTP binding of DID Resolution: what is asked for is what is answered, errors have their status and type."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from ssi.did.document import parse_document
from ssi.did.methods.key import DidKey
from ssi.did.resolver import Resolution, ResolutionMetadata, Resolver
from ssi.errors import DidNotFoundError, UnavailableError
from ssi.http.did_resolution import answer, create_app
from ssi.protocols.did_resolution import DEREFERENCING_TYPE, OLD_PROFILE, RESOLUTION_TYPE
from ssi.protocols.http import HttpRequest
from tests.unit.did.documents import DID, document, fresh, multikey

# The DID and the short one are those of the did:key test suite's mock data.
ED25519 = "did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b"
X25519_METHOD = f"{ED25519}#z6LSfHfAMAopsuBxaBzvp51GXrPf38Az13j2fmwqadbwwrzJ"
SHORT = "did:key:zTjsVPtY"
SERVICES = [{"id": "#files", "type": "Files", "serviceEndpoint": "https://files.example/f"}]
RAW = document(multikey(fresh()), assertionMethod=["#key-1"]) | {"service": SERVICES}


class Method:
    """did:example: one document, versions by number, some of the identifiers gone, away or unknown."""

    method = "example"

    async def resolve(self, did: str, *, version_id: str | None = None, version_time: int | None = None) -> Resolution:
        if did.endswith("nobody"):
            raise DidNotFoundError("no such DID")
        if did.endswith("away"):
            raise UnavailableError("does not answer")
        metadata = ResolutionMetadata(
            source="https", version_id=version_id, created=1_600_000_000, deactivated=did.endswith("gone")
        )
        return Resolution(parse_document(RAW | {"id": did}, did=did), metadata)


RESOLVER = Resolver([DidKey(), Method()], now=lambda: 1_790_000_000)


@pytest.fixture
async def client() -> AsyncIterator[TestClient[Any, Any]]:
    async with TestClient(TestServer(create_app(RESOLVER))) as found:
        yield found


async def get(path: str, accept: str = RESOLUTION_TYPE) -> tuple[int, str, Any]:
    path, _, query = path.partition("?")
    request = HttpRequest("GET", f"/1.0/identifiers/{path}", query, {"accept": accept})
    response = await answer(request, resolver=RESOLVER)
    return response.status, response.content_type, json.loads(response.body) if response.body else None


async def test_a_did_is_resolved_raw_and_encoded(client: TestClient[Any, Any]) -> None:
    for name in (ED25519, quote(ED25519, safe=""), f"{quote(ED25519, safe='')}?expandRelativeUrls=true"):
        url = URL(f"/1.0/identifiers/{name}", encoded=True)
        async with client.get(url, headers={"Accept": RESOLUTION_TYPE}) as response:
            assert response.status == 200
            assert response.headers["Content-Type"] == RESOLUTION_TYPE
            result = json.loads(await response.read())
        assert result["didDocument"]["id"] == ED25519
        assert result["didResolutionMetadata"]["contentType"] == RESOLUTION_TYPE
        assert result["didDocumentMetadata"] == {}


async def test_a_percent_sign_of_the_did_survives() -> None:
    # did:web writes a port with %3A: it is part of the DID, and not encoding of this binding.
    did = f"{DID}%3A8443"
    assert (await get(did))[2]["didDocument"]["id"] == did
    assert (await get(quote(did, safe="")))[2]["didDocument"]["id"] == did


@pytest.mark.parametrize("accept", ["application/did", "application/did+json", "application/did+ld+json"])
async def test_the_document_alone(accept: str) -> None:
    status, content_type, body = await get(ED25519, f"text/html;q=0.9, {accept}")
    assert (status, content_type, body["id"]) == (200, accept, ED25519)
    assert "didResolutionMetadata" not in body


@pytest.mark.parametrize(
    ("did", "status", "code"),
    [
        ("not-a-did", 400, "INVALID_DID"),
        ("did:example", 400, "INVALID_DID"),
        ("", 400, "INVALID_DID"),
        (quote(f"{DID}#key-1", safe=""), 400, "INVALID_DID"),
        ("did:unsupported:123456789abcdefghi", 501, "METHOD_NOT_SUPPORTED"),
        ("did:example:nobody", 404, "NOT_FOUND"),
        (f"{quote(ED25519)}?versionId=1", 400, "INVALID_OPTIONS"),
        (f"{quote(ED25519, safe='')}?versionTime=yesterday", 400, "INVALID_OPTIONS"),
        (f"{quote(ED25519, safe='')}?versionNumber=0", 400, "INVALID_OPTIONS"),
        (f"{quote(ED25519, safe='')}?versionId=1&versionId=2", 400, "INVALID_OPTIONS"),
        ("did:example:away", 503, "INTERNAL_ERROR"),
    ],
)
async def test_an_error_has_its_status_and_type(did: str, status: int, code: str) -> None:
    got, content_type, body = await get(did)
    assert (got, content_type) == (status, RESOLUTION_TYPE)
    assert body["didDocument"] is None
    assert body["didDocumentMetadata"] == {}
    assert body["didResolutionMetadata"]["error"]["type"] == f"https://www.w3.org/ns/did#{code}"
    assert set(body["didResolutionMetadata"]["error"]) == {"type", "title", "detail"}


async def test_a_representation_that_is_not_to_be_had() -> None:
    status, _, body = await get(ED25519, "image/png")
    assert status == 406
    assert body["didResolutionMetadata"]["error"]["type"].endswith("#REPRESENTATION_NOT_SUPPORTED")


async def test_a_deactivated_did_answers_410_and_says_so() -> None:
    status, _, body = await get("did:example:gone")
    assert (status, body["didDocumentMetadata"]["deactivated"]) == (410, True)
    assert body["didDocument"]["id"] == "did:example:gone"


async def test_versions_and_times() -> None:
    _, _, body = await get(f"{quote(DID, safe='')}?versionId=7")
    assert body["didDocumentMetadata"] == {"created": "2020-09-13T12:26:40Z", "versionId": "7"}


async def test_relative_urls_are_expanded_when_asked() -> None:
    _, _, plain = await get(DID)
    assert plain["didDocument"]["service"][0]["id"] == "#files"
    _, _, expanded = await get(f"{quote(DID, safe='')}?expandRelativeUrls=true")
    assert expanded["didDocument"]["service"][0]["id"] == f"{DID}#files"
    assert all(item.startswith(DID) for item in expanded["didDocument"]["assertionMethod"])
    assert (await get(f"{quote(DID, safe='')}?expandRelativeUrls=maybe"))[0] == 400


async def test_a_did_url_is_dereferenced() -> None:
    status, content_type, body = await get(quote(X25519_METHOD, safe=""), DEREFERENCING_TYPE)
    assert (status, content_type) == (200, DEREFERENCING_TYPE)
    assert body["contentStream"]["id"] == X25519_METHOD
    assert body["dereferencingMetadata"]["contentType"] == DEREFERENCING_TYPE
    assert body["contentMetadata"] == {}
    status, _, content = await get(quote(X25519_METHOD, safe=""), "application/json")
    assert (status, content) == (200, body["contentStream"])


async def test_a_service_leads_away() -> None:
    url = f"{DID}?service=files&relativeRef=/a/b.pdf"
    for path in (url, quote(url, safe="")):
        path_only, _, query = path.partition("?")
        request = HttpRequest("GET", f"/1.0/identifiers/{path_only}", query, {"accept": DEREFERENCING_TYPE})
        response = await answer(request, resolver=RESOLVER)
        assert (response.status, response.body) == (303, b"")
        assert response.headers["Location"] == "https://files.example/f/a/b.pdf"
        assert response.content_type == "text/uri-list"


async def test_a_relationship_that_the_method_has_not() -> None:
    path = f"{quote(X25519_METHOD, safe='')}?verificationRelationship="
    assert (await get(f"{path}keyAgreement", DEREFERENCING_TYPE))[0] == 200
    status, _, body = await get(f"{path}assertionMethod", DEREFERENCING_TYPE)
    assert status == 500
    error = body["dereferencingMetadata"]["error"]["type"]
    assert error == "https://w3id.org/security#INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD"
    assert body["contentStream"] is None


@pytest.mark.parametrize(("path", "status"), [(f"{DID}#none", 404), (f"{DID}#a b", 400), (f"{DID}?versionId=1", 200)])
async def test_did_urls_that_fail_and_one_that_does_not(path: str, status: int) -> None:
    assert (await get(quote(path, safe=""), DEREFERENCING_TYPE))[0] == status


async def test_options_may_come_in_a_body(client: TestClient[Any, Any]) -> None:
    url = f"/1.0/identifiers/{DID}"
    async with client.post(url, json={"versionId": "7"}, headers={"Accept": RESOLUTION_TYPE}) as response:
        assert json.loads(await response.read())["didDocumentMetadata"]["versionId"] == "7"
    async with client.post(url, json={"versionId": ["7"]}, headers={"Accept": RESOLUTION_TYPE}) as response:
        assert response.status == 400


async def old(path: str, **options: str) -> tuple[int, Any]:
    query = "&".join(f"{name}={value}" for name, value in options.items())
    status, content_type, body = await get(f"{quote(path, safe='')}?{query}", OLD_PROFILE)
    assert content_type == OLD_PROFILE
    assert body["@context"] == "https://w3id.org/did-resolution/v1"
    assert body["didDocumentMetadata"] == {}
    return status, body


@pytest.mark.parametrize(
    ("did", "error"),
    [
        (ED25519.replace("did:", "notDid:", 1), "invalidDid"),
        (ED25519.replace("key", "experimental"), "methodNotSupported"),
        (ED25519.replace("key:", "key:-4:"), "invalidDid"),
        (ED25519.replace(":z", ":"), "invalidDid"),
        ("did:key:@", "invalidDid"),
        (SHORT, "invalidPublicKeyLength"),
    ],
)
async def test_the_older_text_names_its_errors(did: str, error: str) -> None:
    status, body = await old(did)
    assert status >= 400
    assert body["didResolutionMetadata"] == {"error": error}
    assert body["didDocument"] == {}


async def test_the_older_text_names_its_errors_of_did_urls() -> None:
    status, body = await old(f"{ED25519}/^bar^/?query=`#x")
    assert (status, body["didDereferencingMetadata"]) == (400, {"error": "invalidDidUrl"})
    status, body = await old(X25519_METHOD, publicKeyFormat="Ed25519VerificationKey2018")
    assert (status, body["didDereferencingMetadata"]) == (400, {"error": "invalidPublicKeyType"})
    status, body = await old(ED25519, publicKeyFormat="unknown")
    assert (status, body["didResolutionMetadata"]) == (400, {"error": "unsupportedPublicKeyType"})


async def test_the_older_text_writes_keys_in_the_format_asked_for() -> None:
    status, body = await old(ED25519)
    assert (status, body["didDocument"]["controller"]) == (200, ED25519)
    for name, types in (
        ("Ed25519VerificationKey2020", ["Ed25519VerificationKey2020", "X25519KeyAgreementKey2020"]),
        ("JsonWebKey2020", ["JsonWebKey2020", "JsonWebKey2020"]),
        ("Multikey", ["Multikey", "Multikey"]),
    ):
        _, body = await old(ED25519, publicKeyFormat=name)
        methods = body["didDocument"]["verificationMethod"] + body["didDocument"]["keyAgreement"]
        assert [method["type"] for method in methods] == types
    _, body = await old(ED25519, publicKeyFormat="JsonWebKey2020")
    assert body["didDocument"]["verificationMethod"][0]["publicKeyJwk"]["crv"] == "Ed25519"
    assert body["didDocument"]["keyAgreement"][0]["publicKeyJwk"]["crv"] == "X25519"
    _, body = await old(X25519_METHOD)
    assert body["didDocument"]["controller"] == ED25519
