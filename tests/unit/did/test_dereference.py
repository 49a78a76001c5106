"""DID URLs lead to documents, methods, services and URLs, and never out of a service endpoint."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.did.dereference import (
    DocumentFound,
    MethodFound,
    ServicesFound,
    UrlsFound,
    dereference,
    problem_type,
    resolve_reference,
)
from ssi.did.did_parameters import parse_did_parameters
from ssi.did.document import parse_document
from ssi.did.methods.webvh import DidWebvh
from ssi.did.resolver import Resolution, ResolutionMetadata, Resolver
from ssi.errors import (
    DidNotFoundError,
    InvalidDidError,
    InvalidInputError,
    InvalidSignatureError,
    InvalidVerificationMethodError,
    NotFoundError,
    ProofPurposeError,
    SsiError,
    UnavailableError,
    UnsupportedDidMethodError,
)
from tests.unit.did.documents import DID, document, fresh, multikey
from tests.unit.did.webvh.author import NOW, Author, key
from tests.unit.did.webvh.test_method import URL, Web
from tests.unit.did.webvh.test_moved import NEW_URL, OLD_URL, moved

KEY = fresh()
# The endpoint and the DID URL of the example of DID Resolution, "Dereferencing to service endpoint URL".
SERVICES = [
    {"id": "#messages", "type": "MessagingService", "serviceEndpoint": "https://example.com/messages/8377464"},
    {"id": f"{DID}#files", "type": ["Files", "Other"], "serviceEndpoint": ["https://a.example/f/", {"uri": "x"}]},
    {"id": "#map", "type": "Other", "serviceEndpoint": {"uri": "https://a.example"}},
    {"id": "#did", "type": "Chain", "serviceEndpoint": "did:example:agency#did"},
    {"type": "Unnamed", "serviceEndpoint": "https://u.example"},
]
RAW = document(
    multikey(KEY), multikey(KEY, "theirs", controller="did:example:b"), assertionMethod=["#key-1", "#theirs"]
) | {"service": SERVICES}


class Method:
    method = "example"

    def __init__(self, raw: dict[str, Any] = RAW, **metadata: Any) -> None:
        self.raw, self.metadata, self.asked = raw, metadata, []  # type: ignore[var-annotated]

    async def resolve(self, did: str, *, version_id: str | None = None, version_time: int | None = None) -> Resolution:
        self.asked.append((did, version_id, version_time))
        if did != self.raw["id"]:
            raise DidNotFoundError("none")
        metadata = ResolutionMetadata(source="example", version_id=version_id, **self.metadata)
        return Resolution(parse_document(self.raw, did=did), metadata)


def resolver(method: Method | None = None) -> Resolver:
    return Resolver([method or Method()])


async def found(rest: str = "", **options: Any) -> Any:
    return await dereference(f"{DID}{rest}", resolver=resolver(), **options)


async def test_a_did_names_its_document() -> None:
    result = await found()
    assert isinstance(result, DocumentFound)
    assert result.resolution.document.raw is RAW
    method = Method()
    for query, asked in (
        ("versionId=4-x", (DID, "4-x", None)),
        ("versionTime=2021-05-10T17:00:00Z", (DID, None, 1_620_666_000)),
        ("", (DID, None, None)),
    ):
        result = await dereference(f"{DID}?{query}", resolver=resolver(method))
        assert isinstance(result, DocumentFound)
        assert method.asked[-1] == asked


async def test_a_fragment_names_a_method_or_a_service() -> None:
    result = await found("#key-1")
    assert isinstance(result, MethodFound)
    assert result.method.id == f"{DID}#key-1"
    result = await found("?versionId=2#files")
    assert isinstance(result, ServicesFound)
    assert result.services[0].raw is SERVICES[1]
    for nothing in ("#nothing", "#", "#KEY-1", "#key%2D1"):
        with pytest.raises(NotFoundError):
            await found(nothing)


async def test_a_method_and_a_service_of_one_id_are_refused() -> None:
    raw = RAW | {"service": [{"id": "#key-1", "type": "T", "serviceEndpoint": "https://a.example"}]}
    with pytest.raises(InvalidInputError, match="same id"):
        await dereference(f"{DID}#key-1", resolver=resolver(Method(raw)))


async def test_a_method_is_asked_for_its_relationship() -> None:
    result = await found("#key-1", verification_relationship="assertionMethod")
    assert isinstance(result, MethodFound)
    with pytest.raises(ProofPurposeError):
        await found("#key-1", verification_relationship="authentication")
    with pytest.raises(InvalidVerificationMethodError, match="control"):
        await found("#theirs", verification_relationship="assertionMethod")
    for no_method in ("", "#files", "?service=messages"):
        with pytest.raises(InvalidVerificationMethodError):
            await found(no_method, verification_relationship="assertionMethod")
    with pytest.raises(InvalidInputError, match="unknown verification relationship"):
        await found("#key-1", verification_relationship="assertion")
    deactivated = resolver(Method(deactivated=True))
    with pytest.raises(InvalidVerificationMethodError, match="deactivated"):
        await dereference(f"{DID}#key-1", resolver=deactivated, verification_relationship="assertionMethod")
    assert (await dereference(DID, resolver=deactivated)).resolution.metadata.deactivated


async def test_services_are_selected_by_id_and_type() -> None:
    for named in ("messages", "%23messages", quote(f"{DID}#messages", safe="")):
        result = await found(f"?service={named}")
        assert isinstance(result, ServicesFound)
        assert result.urls == ("https://example.com/messages/8377464",)
        assert result.document == RAW | {"service": [SERVICES[0]]}
    result = await found("?serviceType=Other")
    assert [service.raw for service in result.services] == [SERVICES[1], SERVICES[2]]
    assert result.urls == ("https://a.example/f/",)
    assert len((await found("?service=files&serviceType=Other")).services) == 1
    for nothing in ("?service=nothing", "?serviceType=nothing", "?service=files&serviceType=Chain", "?service="):
        with pytest.raises(NotFoundError):
            await found(nothing)


async def test_a_reference_leads_below_the_endpoint() -> None:
    result = await found("?service=messages&relativeRef=%2Fsome%2Fpath%3Fquery#frag")
    assert isinstance(result, UrlsFound)
    assert result.urls == ("https://example.com/messages/8377464/some/path?query#frag",)
    assert (await found("?service=files&relativeRef=/resume.pdf")).urls == ("https://a.example/f/resume.pdf",)
    assert (await found("?service=messages#intro")).urls == ("https://example.com/messages/8377464#intro",)
    with pytest.raises(NotFoundError, match="no endpoint"):
        await found("?service=map&relativeRef=x")
    with pytest.raises(NotFoundError, match="no URL"):
        await found("?service=map#x")
    with pytest.raises(InvalidDidError, match="https or http"):
        await found("?service=did&relativeRef=x")
    with pytest.raises(InvalidDidError, match="without fragment"):
        await found("?service=messages&relativeRef=%23a#b")


@pytest.mark.parametrize(
    "rest",
    [
        "?service=a&service=b",
        "?versionId=1&versionId=1",
        "?versionId=1&versionTime=2021-05-10T17:00:00Z",
        "?versionTime=2021-05-10",
        "?versionTime=2021-05-10T17:00:00.5Z",
        "?versionTime=2021-05-10T17:00:00+00:00",
        "?versionTime=2021-02-30T17:00:00Z",
        "?versionTime=",
        "?versionNumber=0",
        "?versionNumber=01",
        "?versionNumber=-1",
        "?versionNumber=x",
        "?relativeRef=/x",
        "?service=%ff",
        "?" + "&".join(f"p{number}=1" for number in range(33)),
        "?a b",
        "/x?service=messages",
    ],
)
async def test_queries_that_are_none(rest: str) -> None:
    with pytest.raises(InvalidDidError):
        await found(rest)


async def test_what_no_method_dereferences() -> None:
    for rest in ("/path", "/", "?custom=1", "?hl=zQm"):
        with pytest.raises(NotFoundError):
            await found(rest)
    with pytest.raises(InvalidDidError):
        await dereference("did:example_333", resolver=resolver())
    with pytest.raises(DidNotFoundError):
        await dereference("did:example:444", resolver=resolver())
    with pytest.raises(UnsupportedDidMethodError):
        await dereference("did:other:444", resolver=resolver())
    with pytest.raises(InvalidInputError, match="does not number"):
        await found("?versionNumber=1")


@pytest.mark.parametrize(
    "reference",
    [
        "..",
        "../x",
        "/../x",
        "a/../../x",
        "a/..",
        "./x",
        "%2e%2e/x",
        "%2E%2e%2Fx",
        "a/%252e%252e/x",
        "%25252525252e",
        "..%5Cx",
        "a\\b",
        "a%5C..%5Cb",
        "a%00",
        "a%0d%0ab",
        "//evil.example/x",
        "///evil.example/x",
        "/\t/evil.example",
        "https://evil.example/x",
        "javascript:x",
        "a b",
        "é",
        "http://[",
    ],
)
def test_references_that_leave_their_endpoint(reference: str) -> None:
    with pytest.raises(InvalidDidError):
        resolve_reference("https://a.example/base", reference)


@pytest.mark.parametrize(
    "endpoint",
    ["did:example:a", "mailto:a@b.example", "ftp://a.b", "https:///x", "//a.b", "https://a b", "x", "https://a.b?x=y"],
)
def test_endpoints_that_take_no_reference(endpoint: str) -> None:
    with pytest.raises(InvalidDidError):
        resolve_reference(endpoint, "x")


@given(st.text(alphabet="a./%2eEfF5cC\\:?#", max_size=16), st.sampled_from(["", "/", "/b", "/b/c/"]))
def test_any_reference_stays_below_its_endpoint_or_is_refused(reference: str, base: str) -> None:
    try:
        url = resolve_reference(f"https://a.example{base}", reference)
    except InvalidDidError:
        return
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", "a.example")
    assert parts.path.startswith(base.rstrip("/"))
    decoded = parts.path
    for _ in range(8):
        assert not {".", ".."} & set(decoded.replace("\\", "/").split("/"))
        decoded = unquote(decoded)


@given(st.text(alphabet="a=&%2F#/?+é", max_size=24))
def test_any_query_is_read_or_refused(query: str) -> None:
    try:
        parameters = parse_did_parameters(query)
    except InvalidDidError:
        return
    assert not parameters.selects_services


class TestWebvh:
    """did:webvh says what its paths and its whois are."""

    @staticmethod
    async def urls(author: Author, rest: str, *, did: str | None = None) -> tuple[str, ...]:
        web = Web({URL: author.log, NEW_URL: author.log})
        method = DidWebvh(fetch=web, now=lambda: NOW)
        result = await dereference(f"{did or author.did}{rest}", resolver=Resolver([method], now=lambda: NOW))
        assert isinstance(result, UrlsFound | ServicesFound)
        return result.urls

    async def test_paths_and_whois_lie_at_the_place_of_the_did(self) -> None:
        author = Author().first(key(1))
        for rest, url in (
            ("/governance/issuers.json", "https://agency.example/governance/issuers.json"),
            ("/a/b?c=d&versionNumber=1#e", "https://agency.example/a/b?c=d#e"),
            ("/whois", "https://agency.example/whois.vp"),
            ("/whois?versionNumber=1", "https://agency.example/whois.vp"),
            ("?service=whois", "https://agency.example/whois.vp"),
            ("?service=files&relativeRef=/x.json", "https://agency.example/x.json"),
            ("#whois", "https://agency.example/whois.vp"),
        ):
            assert await self.urls(author, rest) == (url,)
        for outside in ("/../x", "/%2e%2e/x", "//evil.example"):
            with pytest.raises(InvalidDidError):
                await self.urls(author, outside)

    async def test_the_document_may_say_otherwise(self) -> None:
        services = [
            {"id": "#files", "type": "relativeRef", "serviceEndpoint": "https://files.example/f"},
            {"id": "#whois", "type": "LinkedVerifiablePresentation", "serviceEndpoint": "https://w.example/?vp=1"},
        ]
        author = Author().first(key(1), change=lambda entry: entry["state"].update(service=services))
        assert await self.urls(author, "/x") == ("https://files.example/f/x",)
        assert await self.urls(author, "/whois") == ("https://w.example/?vp=1",)
        for endpoint in ("ipfs://x", {"uri": "https://a.example"}, ["https://a.example", "https://b.example"]):
            services[0]["serviceEndpoint"] = services[1]["serviceEndpoint"] = endpoint  # type: ignore[assignment]
            author = Author().first(key(1), change=lambda entry: entry["state"].update(service=services))
            for rest in ("/x", "/whois"):
                with pytest.raises(InvalidDidError):
                    await self.urls(author, rest)

    async def test_after_a_move_they_lie_at_the_new_place(self) -> None:
        author, old, new = moved()
        assert OLD_URL == URL
        for did in (old, new):
            assert await self.urls(author, "/whois", did=did) == ("https://new.example/org/whois.vp",)
            assert await self.urls(author, "/a", did=did) == ("https://new.example/org/a",)
            assert await self.urls(author, "?service=whois", did=did) == ("https://new.example/org/whois.vp",)
            named = quote(f"{did}#whois", safe="")
            assert await self.urls(author, f"?service={named}", did=did) == ("https://new.example/org/whois.vp",)

    async def test_versions_are_dereferenced_by_number_id_and_time(self) -> None:
        author = Author().first(key(1)).next(key(1))
        asked = Resolver([DidWebvh(fetch=Web({URL: author.log}), now=lambda: NOW)], now=lambda: NOW)
        first = author.entries[0]["versionId"]
        for query in ("versionNumber=1", f"versionId={first}", "versionTime=2020-09-13T12:26:41Z"):
            result = await dereference(f"{author.did}?{query}", resolver=asked)
            assert result.resolution.metadata.version_number == 1
        for query in ("versionNumber=3", "versionId=1-x", "versionTime=2000-01-01T00:00:00Z"):
            with pytest.raises(NotFoundError):
                await dereference(f"{author.did}?{query}", resolver=asked)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (InvalidDidError("x"), "https://www.w3.org/ns/did#INVALID_DID_URL"),
        (UnsupportedDidMethodError("x"), "https://www.w3.org/ns/did#METHOD_NOT_SUPPORTED"),
        (DidNotFoundError("x"), "https://www.w3.org/ns/did#NOT_FOUND"),
        (NotFoundError("x"), "https://www.w3.org/ns/did#NOT_FOUND"),
        (ProofPurposeError("x"), "https://w3id.org/security#INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD"),
        (InvalidVerificationMethodError("x"), "https://w3id.org/security#INVALID_VERIFICATION_METHOD"),
        (InvalidSignatureError("x"), "https://www.w3.org/ns/did#INVALID_DID"),
        (InvalidInputError("x"), "https://www.w3.org/ns/did#INVALID_OPTIONS"),
        (UnavailableError("x"), "https://www.w3.org/ns/did#INTERNAL_ERROR"),
    ],
)
def test_each_error_has_its_type(error: SsiError, name: str) -> None:
    assert problem_type(error) == name
    assert problem_type(InvalidDidError("x"), resolving=True) == "https://www.w3.org/ns/did#INVALID_DID"
