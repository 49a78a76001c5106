"""did:key, did:jwk and did:web."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.did.methods.jwk import DidJwk, build_jwk_document, did_jwk
from ssi.did.methods.key import DidKey, build_key_document, did_key, x25519_from_ed25519
from ssi.did.methods.web import DidWeb, did_web_url
from ssi.did.parse import parse_did
from ssi.encoding.base64url import b64url_encode
from ssi.encoding.multibase import base58btc_encode, multibase_decode
from ssi.errors import (
    DidNotFoundError,
    InvalidDidError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
    VerificationError,
)
from ssi.keys import Curve, PrivateKey
from ssi.keys.curves import JOSE_CURVES
from ssi.ports import Fetched
from tests.unit.did.documents import document, fresh, multikey


@pytest.mark.parametrize("curve", list(Curve))
async def test_a_did_key_gives_its_own_key_back(curve: Curve) -> None:
    key = fresh(curve)
    did = did_key(key)
    resolution = await DidKey().resolve(did, version_time=5)
    for relationship in ("authentication", "assertionMethod", "capabilityDelegation", "capabilityInvocation"):
        assert resolution.document.keys(relationship) == {f"{did}#{key.to_multikey()}": key}
    assert ("keyAgreement" in resolution.document.raw) is (curve is Curve.ED25519)
    assert resolution.metadata.source == "key"


async def test_a_did_key_has_no_versions() -> None:
    with pytest.raises(InvalidInputError):
        await DidKey().resolve(did_key(fresh()), version_id="1")


@pytest.mark.parametrize(
    "identifier",
    [
        "z",
        "zz",
        "6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
        "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2do",
        "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2do0",
        "1.1:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
        "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK:x",
        "u7QEuKkFnY-fwBvCKpbu94QTpGfFNtdhLyDAB9PoHzKFi5w",
        base58btc_encode(b"\xec\x01" + bytes(31)),
        base58btc_encode(b"\xed\x01" + bytes(33)),
        base58btc_encode(b"\xed" + bytes(32)),
        base58btc_encode(b"\x80\x24\x02" + b"\xff" * 32),
        base58btc_encode(b"\x80\x24\x04" + bytes(64)),
        base58btc_encode(b"\x12\x00" + fresh().to_raw()),
        "z" + "1" * 300,
    ],
)
def test_what_is_no_key_is_no_did_key(identifier: str) -> None:
    with pytest.raises(InvalidDidError):
        build_key_document(f"did:key:{identifier}")


def test_an_x25519_did_key_serves_key_agreement_only() -> None:
    did = "did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F"
    raw = build_key_document(did)
    assert raw["keyAgreement"] == [f"{did}#z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F"]
    assert "authentication" not in raw
    assert "assertionMethod" not in raw


def test_the_derived_key_agrees_with_the_private_one() -> None:
    """The same secret by two ways: RFC 7748 over SHA-512 of the Ed25519 seed, and the map of the public key."""
    from hashlib import sha512

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    for seed in (bytes(32), bytes(range(32)), b"\xff" * 32):
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        scalar = sha512(seed).digest()[:32]
        expected = X25519PrivateKey.from_private_bytes(scalar).public_key().public_bytes_raw()
        assert x25519_from_ed25519(public) == expected


@pytest.mark.parametrize("y", [1, 2**255 - 19, 2**255 - 1])
def test_a_point_without_image_is_refused(y: int) -> None:
    with pytest.raises(InvalidDidError):
        x25519_from_ed25519(y.to_bytes(32, "little"))


@given(st.binary(max_size=70))
def test_any_bytes_are_a_did_key_or_refused(data: bytes) -> None:
    did = "did:key:" + base58btc_encode(data)
    try:
        raw = build_key_document(did)
    except InvalidDidError:
        return
    assert multibase_decode(raw["verificationMethod"][0]["publicKeyMultibase"]) == data


@pytest.mark.parametrize("curve", JOSE_CURVES)
async def test_a_did_jwk_gives_its_own_key_back(curve: Curve) -> None:
    key = fresh(curve)
    did = did_jwk(key.to_jwk())
    resolution = await DidJwk().resolve(did)
    assert resolution.document.keys("assertionMethod") == {f"{did}#0": key}
    assert resolution.document.raw["keyAgreement"] == [f"{did}#0"]


def test_the_use_of_a_did_jwk_decides_its_relationships() -> None:
    jwk = fresh().to_jwk()
    signing = build_jwk_document(did_jwk(jwk | {"use": "sig"}))
    agreeing = build_jwk_document(did_jwk(jwk | {"use": "enc"}))
    assert "keyAgreement" not in signing
    assert "assertionMethod" in signing
    assert "keyAgreement" in agreeing
    assert "assertionMethod" not in agreeing


async def test_a_did_jwk_of_an_unknown_curve_resolves_but_gives_no_key() -> None:
    did = did_jwk({"kty": "OKP", "crv": "X448", "x": "AA"})
    resolution = await DidJwk().resolve(did)
    with pytest.raises(VerificationError):
        resolution.key("#0", "assertionMethod")


def jwk_did(text: bytes) -> str:
    return "did:jwk:" + b64url_encode(text)


@pytest.mark.parametrize(
    "did",
    [
        "did:jwk:",
        "did:jwk:a",
        "did:jwk:e30=",
        "did:jwk:e30",
        "did:jwk:e30:x",
        jwk_did(b"[]"),
        jwk_did(b'{"kty":5}'),
        jwk_did(b'{"kty":"oct"}'),
        jwk_did(b'{"kty":"EC","kty":"EC"}'),
        jwk_did(b'{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}'),
        jwk_did(json.dumps(PrivateKey.generate(Curve.P256).to_jwk()).encode()),
        jwk_did(b'{"kty":"AKP","alg":"ML-DSA-44","pub":"AA","priv":"AA"}'),
        "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
    ],
)
def test_what_is_no_public_jwk_is_no_did_jwk(did: str) -> None:
    with pytest.raises(InvalidDidError):
        build_jwk_document(did)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_did_jwk_or_refused(data: bytes) -> None:
    with contextlib.suppress(InvalidDidError):
        build_jwk_document(jwk_did(data))


@pytest.mark.parametrize(
    ("did", "url"),
    [
        ("did:web:w3c-ccg.github.io", "https://w3c-ccg.github.io/.well-known/did.json"),
        ("did:web:w3c-ccg.github.io:user:alice", "https://w3c-ccg.github.io/user/alice/did.json"),
        ("did:web:example.com%3A3000", "https://example.com:3000/.well-known/did.json"),
        ("did:web:example.com%3a3000:user:alice", "https://example.com:3000/user/alice/did.json"),
        ("did:web:Example.COM:u:Bob", "https://example.com/u/Bob/did.json"),
        ("did:web:example.com:caf%C3%A9", "https://example.com/caf%C3%A9/did.json"),
    ],
)
def test_the_url_of_a_did_web(did: str, url: str) -> None:
    assert did_web_url(did) == url


@pytest.mark.parametrize(
    "identifier",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "10.0.0.1%3A8443",
        "%5B%3A%3A1%5D",
        "example.com.",
        "-a.example",
        "a_b.example",
        "example..com",
        "example.com%3A",
        "example.com%3A0",
        "example.com%3A65536",
        "example.com%3A80a",
        "example.com%3A080",
        "example.com%3A80%3A80",
        "user%40example.com",
        "example.com%2Fx",
        "example.com%00",
        "example.com::a",
        "example.com:..:a",
        "example.com:.",
        "example.com:%2e%2e",
        "example.com:a%2Fb",
        "example.com:a%5Cb",
        "example.com:a%0d%0ab",
        "example.com:a%3Fb",
        "example.com:a%23b",
        "example.com:%ff",
        "a" * 64 + ".example",
        ".".join(["a" * 60] * 5),
    ],
)
def test_what_could_be_another_place_is_no_did_web(identifier: str) -> None:
    with pytest.raises(InvalidDidError):
        did_web_url(f"did:web:{identifier}")


class Server:
    """A ``Fetch`` port that answers from a dictionary and remembers what was asked."""

    def __init__(self, pages: dict[str, bytes | Exception]) -> None:
        self.pages = pages
        self.seen: list[str] = []

    async def __call__(self, url: str, *, accept: str = "application/json", max_bytes: int = 1 << 20) -> Fetched:
        self.seen.append(url)
        page = self.pages.get(url, NotFoundError("404"))
        if isinstance(page, Exception):
            raise page
        return Fetched(url, 200, accept, page)


WEB = "did:web:agency.example"
WEB_URL = "https://agency.example/.well-known/did.json"


def served(raw: Any) -> Server:
    return Server({WEB_URL: json.dumps(raw).encode()})


async def test_a_did_web_document_is_read() -> None:
    key = fresh()
    raw = document(multikey(key, did=WEB), did=WEB, assertionMethod=[f"{WEB}#key-1"])
    resolution = await DidWeb(served(raw)).resolve(WEB)
    assert resolution.document.key("#key-1", "assertionMethod") == key
    assert resolution.metadata.source == "https"


@pytest.mark.parametrize(
    "raw",
    [
        document(did="did:web:other.example"),
        document(multikey(fresh(), did=WEB, id="#key-1"), did=WEB),
        [],
        "text",
    ],
)
async def test_a_did_web_document_of_the_wrong_shape_is_refused(raw: Any) -> None:
    with pytest.raises(InvalidInputError):
        await DidWeb(served(raw)).resolve(WEB)


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"id":"%s","id":"%s"}' % (WEB.encode(), WEB.encode()), b"\xff", b"[" * 100_000]
)
async def test_a_did_web_body_that_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInputError):
        await DidWeb(Server({WEB_URL: body})).resolve(WEB)


async def test_a_did_web_that_is_not_there_and_one_that_cannot_be_asked() -> None:
    with pytest.raises(DidNotFoundError):
        await DidWeb(Server({})).resolve(WEB)
    with pytest.raises(UnavailableError):
        await DidWeb(Server({WEB_URL: UnavailableError("no answer")})).resolve(WEB)


async def test_a_did_web_has_no_history_and_nothing_is_fetched_for_it() -> None:
    server = served(document(did=WEB))
    for question in ({"version_id": "1"}, {"version_time": 5}):
        with pytest.raises(InvalidInputError):
            await DidWeb(server).resolve(WEB, **question)
    with pytest.raises(InvalidDidError):
        await DidWeb(server).resolve("did:web:10.0.0.1")
    assert server.seen == []


@given(st.text(alphabet="abz.%:3A2eE5Cf0F_-9", min_size=1, max_size=40))
def test_any_did_web_url_stays_on_its_host(identifier: str) -> None:
    from urllib.parse import urlsplit

    did = f"did:web:{identifier}"
    try:
        url = did_web_url(did)
    except InvalidDidError:
        return
    parts = urlsplit(url)
    assert parts.scheme == "https"
    assert parts.hostname == parse_did(did).id.split(":")[0].split("%")[0].lower()
    assert parts.path.endswith("/did.json")
    assert not {"", ".", ".."} & set(parts.path[1:].split("/"))
