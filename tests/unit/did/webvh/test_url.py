"""The DID and where its log lies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.did.webvh import build_webvh_did, did_to_url, parse_webvh_did
from ssi.errors import InvalidDidError

SCID = "QmdmPkUdYzbr9txmx8gM2rsHPgr5L6m3gHjJGAf4vUFoGE"


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("example.com", "https://example.com/.well-known/did.jsonl"),
        ("issuer.example.com", "https://issuer.example.com/.well-known/did.jsonl"),
        ("example.com:dids:issuer", "https://example.com/dids/issuer/did.jsonl"),
        ("example.com%3A3000", "https://example.com:3000/.well-known/did.jsonl"),
        ("example.com%3a3000:dids:issuer", "https://example.com:3000/dids/issuer/did.jsonl"),
        ("EXAMPLE.com", "https://example.com/.well-known/did.jsonl"),
        ("a-b.example.x1", "https://a-b.example.x1/.well-known/did.jsonl"),
        ("1.example", "https://1.example/.well-known/did.jsonl"),
        # The specification's internationalised example, in the encoding that DID syntax asks for.
        (
            "jp%E7%B4%8D%E8%B1%86.%E4%BE%8B.jp:%E7%94%A8%E6%88%B7",
            "https://xn--jp-cd2fp15c.xn--fsq.jp/%E7%94%A8%E6%88%B7/did.jsonl",
        ),
        ("example.com:a%20b:c~d".replace("~", "%7E"), "https://example.com/a%20b/c~d/did.jsonl"),
        ("example.com:a%3Fb%23c", "https://example.com/a%3Fb%23c/did.jsonl"),
        ("example.com:%252E%252E", "https://example.com/%252E%252E/did.jsonl"),
        ("example.com:...", "https://example.com/.../did.jsonl"),
    ],
)
def test_transformations(place: str, url: str) -> None:
    did = f"did:webvh:{SCID}:{place}"
    assert did_to_url(did) == url
    assert parse_webvh_did(did).witness_url == url.replace("did.jsonl", "did-witness.json")


@pytest.mark.parametrize(
    "place",
    [
        "",
        "com",
        "localhost",
        "localhost%3A8080",
        "127.0.0.1",
        "127.0.0.1%3A8080",
        "127.0.0.1%3a8080",
        "127%2E0%2E0%2E1",
        "127.0.0%2E1",
        "127.1",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "127.0.0.0x1",
        "example.0x",
        "example.com.1",
        "169.254.169.254",
        "%31%32%37.0.0.%31",
        "%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1",  # fullwidth digits
        "127%E3%80%820.0.1",  # ideographic full stop
        "%5B%3A%3A1%5D",
        "[::1]",
        "example..com",
        ".example.com",
        "example.com.",
        "-a.example",
        "a-.example",
        "a_b.example",
        f"{'a' * 64}.example",
        f"{'a.' * 126}example",
        "exa%mple.com",
        "exa%2mple.com",
        "%FF.example",
        "example.com%252E",
        "example%2Fcom.x",
        "example.com%2F",
        "user%40example.com",
        "user@example.com",
        "example.com%00",
        "example.com%0D%0A",
        "example.com%3A",
        "example.com%3A0",
        "example.com%3A65536",
        "example.com%3A123456",
        "example.com%3A80%3A80",
        "example%3A80.com",
        "example.com%3Aab",
        "%3A80",
        "example.com:",
        "example.com::a",
        "example.com:.",
        "example.com:..",
        "example.com:..:..:admin",
        "example.com:%2E%2E:admin",
        "example.com:%2e%2e:admin",
        "example.com:%2E",
        "example.com:a%2Fb",
        "example.com:a%5Cb",
        "example.com:a%00",
        "example.com:%20a",
        "example.com:a%0A",
        "example.com:a%C2%A0",
        "example.com:a%ZZ",
        "example.com:%FF",
        "example.com:a b",
        "example.com:a/b",
        "example.com/path",
        "example.com?versionId=1",
        "example.com#key",
        "127.0.0.1#x",
        "example.com:a#x",
        "例.jp",
        "example.com:用户",
        "xn--a.example%E4%BE%8B%ff",
        "example.com\n",
        "example.com:a\n",
    ],
)
def test_places_that_are_refused(place: str) -> None:
    with pytest.raises(InvalidDidError):
        did_to_url(f"did:webvh:{SCID}:{place}")


@pytest.mark.parametrize(
    "did",
    [
        "",
        "did:webvh",
        "did:webvh:",
        f"did:webvh:{SCID}",
        "did:webvh:{SCID}:example.com",
        "did:webvh:Qm0000000000000000000000000000000000000000000000:example.com",
        f"did:webvh:{SCID[:-1]}:example.com",
        f"did:webvh:{SCID}1:example.com",
        f"did:webvh:Qm{'z' * 44}:example.com",
        f"did:webvh::{SCID}:example.com",
        f"did:web:{SCID}:example.com",
        f"DID:webvh:{SCID}:example.com",
        f"did:WEBVH:{SCID}:example.com",
        f" did:webvh:{SCID}:example.com",
        f"did:webvh:{SCID}:example.com:{'a' * 2048}",
        None,
        5,
        b"did:webvh",
    ],
)
def test_dids_that_are_refused(did: object) -> None:
    with pytest.raises(InvalidDidError):
        did_to_url(did)  # type: ignore[arg-type]


@given(st.text(max_size=60))
def test_any_text_is_a_place_or_refused(place: str) -> None:
    try:
        url = did_to_url(f"did:webvh:{SCID}:{place}")
    except InvalidDidError:
        return
    assert url.startswith("https://")
    assert url.isascii()
    assert ".." not in url.split("/")


_SEGMENT = st.text(min_size=1, max_size=12).filter(
    lambda text: text not in (".", "..") and text == text.strip() and not set(text) & set("/\\\0")
)


@given(
    st.lists(
        _SEGMENT.filter(lambda text: text.isprintable() and not any(0xD800 <= ord(c) <= 0xDFFF for c in text)),
        max_size=3,
    )
)
def test_building_is_the_inverse_of_parsing(path: list[str]) -> None:
    did = build_webvh_did("Agency.example", port=8443, path=path, scid=SCID)
    parsed = parse_webvh_did(did)
    assert (parsed.host, parsed.port, list(parsed.path), parsed.did) == ("agency.example", 8443, path, did)


def test_building_refuses_what_parsing_refuses() -> None:
    for domain, port, path in (
        ("127.0.0.1", None, ()),
        ("localhost", None, ()),
        ("a.example:80", None, ()),
        ("a.example", 0, ()),
        ("a.example", 70_000, ()),
        ("a.example", None, ("..",)),
        ("a.example", None, ("",)),
        ("a.example", None, ("a/b",)),
    ):
        with pytest.raises(InvalidDidError):
            build_webvh_did(domain, port=port, path=path, scid=SCID)
