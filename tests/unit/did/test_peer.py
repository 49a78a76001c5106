"""did:peer, numalgo 2 and 4: what is written is read again, and what is none is refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.did.document import RELATIONSHIPS
from ssi.did.methods.peer import DidPeer
from ssi.did.methods.peer2 import PeerKey, build_peer_2_document, did_peer_2, peer_3_of
from ssi.did.methods.peer4 import build_peer_4_document, did_peer_4, split_peer_4
from ssi.did.resolver import Resolver, default_resolver
from ssi.encoding.base64url import b64url_encode
from ssi.encoding.multibase import base58btc_encode
from ssi.encoding.multicodec import X25519_PUB
from ssi.errors import DidNotFoundError, InvalidDidError, InvalidInputError
from ssi.keys import Curve, PrivateKey
from ssi.keys.curves import FACTS

KEYS = {
    curve: PrivateKey.from_raw(curve, (7).to_bytes(FACTS[curve].coordinate_length, "big")).public_key for curve in Curve
}
ED = KEYS[Curve.ED25519].to_multikey()
X = base58btc_encode(X25519_PUB + bytes.fromhex("42" * 32))
SERVICE = {"type": "DIDCommMessaging", "serviceEndpoint": {"uri": "https://a.example", "accept": ["didcomm/v2"]}}

_NAMES = st.sampled_from(["uri", "x", "routingKeys", "accept", "type", "é"])
_VALUES = st.recursive(
    st.text(max_size=8) | st.integers(0, 9) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=6,
)
_SERVICES = st.fixed_dictionaries(
    {"type": st.sampled_from(["DIDCommMessaging", "did-communication", "X"]), "serviceEndpoint": _VALUES},
    optional={"routingKeys": _VALUES, "accept": _VALUES},
)
_KEYS = st.builds(
    PeerKey, st.sampled_from([key.to_multikey() for key in KEYS.values()] + [X]), st.sampled_from(RELATIONSHIPS)
)


@given(st.lists(_KEYS, min_size=1, max_size=5), st.lists(_SERVICES, max_size=3))
def test_numalgo_2_gives_back_what_was_written(keys: list[PeerKey], services: list[dict[str, Any]]) -> None:
    did = did_peer_2(keys, services)
    document = build_peer_2_document(did)
    assert [item["publicKeyMultibase"] for item in document["verificationMethod"]] == [key.multikey for key in keys]
    for number, key in enumerate(keys, start=1):
        assert f"#key-{number}" in document[key.relationship]
    assert [{k: v for k, v in item.items() if k != "id"} for item in document.get("service", [])] == services
    ids = ["#service", "#service-1", "#service-2"][: len(services)]
    assert [item["id"] for item in document.get("service", [])] == ids
    assert document["alsoKnownAs"] == [peer_3_of(did)]


async def test_numalgo_2_gives_each_key_for_its_purpose_only() -> None:
    ed, p256 = KEYS[Curve.ED25519], KEYS[Curve.P256]
    did = did_peer_2([PeerKey(ed.to_multikey(), "authentication"), PeerKey(p256.to_multikey(), "assertionMethod")])
    document = (await DidPeer().resolve(did)).document
    assert document.keys("authentication") == {f"{did}#key-1": ed}
    assert document.keys("assertionMethod") == {f"{did}#key-2": p256}
    assert document.keys("capabilityInvocation") == {}


def test_services_with_an_id_keep_it() -> None:
    document = build_peer_2_document(did_peer_2([PeerKey(ED)], [{**SERVICE, "id": "#mine"}, SERVICE, SERVICE]))
    assert [item["id"] for item in document["service"]] == ["#mine", "#service", "#service-1"]


def service_of(raw: Any) -> str:
    return f"did:peer:2.V{ED}.S{b64url_encode(raw if isinstance(raw, bytes) else json.dumps(raw).encode())}"


@pytest.mark.parametrize(
    "did",
    [
        "did:peer:2",
        "did:peer:2.",
        f"did:peer:2{ED}",
        f"did:peer:2.X{ED}",
        f"did:peer:2.V{ED}.",
        f"did:peer:2.Vu{ED[1:]}",
        "did:peer:2.Vz6Mk",
        f"did:peer:2.V{X[:-1]}",
        f"did:peer:2.V{'z' + '1' * 4000}",
        "did:peer:2" + f".V{ED}" * 65,
        f"did:peer:2.V{ED}.Se30=",
        service_of(b"\xff"),
        service_of(b"[]"),
        service_of({}),
        service_of({"t": "dm"}),
        service_of({"t": "x", "type": "y", "s": "https://a.example"}),
        service_of({"t": "x", "s": "https://a.example", "id": "did:example:other#x"}),
        service_of({"t": "x", "s": "https://a.example", "id": 1}),
    ],
)
def test_what_is_no_numalgo_2(did: str) -> None:
    with pytest.raises(InvalidDidError):
        build_peer_2_document(did)


@pytest.mark.parametrize("kind", [[], [1], {}, 5, None])
async def test_service_types_that_are_none(kind: Any) -> None:
    with pytest.raises(InvalidInputError):
        await DidPeer().resolve(service_of({"t": kind, "s": "https://a.example"}))


@pytest.mark.parametrize(
    ("keys", "services"),
    [
        ([], []),
        ([PeerKey(ED, "keyAgrement")], []),
        ([PeerKey("z6Mk")], []),
        ([PeerKey(ED)], [{"type": "X"}]),
        ([PeerKey(ED)], [{**SERVICE, "id": "did:example:a#b"}]),
        ([PeerKey(ED)], [{**SERVICE, "type": "dm"}]),
        ([PeerKey(ED)], [{**SERVICE, "t": "X"}]),
        ([PeerKey(ED)], [{**SERVICE, "serviceEndpoint": {"accept": [], "a": []}}]),
        ([PeerKey(ED)], [{**SERVICE, "id": "#a"}, {**SERVICE, "id": "#a"}]),
    ],
)
def test_what_cannot_be_written_as_numalgo_2(keys: list[PeerKey], services: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidInputError):
        did_peer_2(keys, services)


DOCUMENT = {
    "@context": ["https://www.w3.org/ns/did/v1"],
    "verificationMethod": [{"id": "#k", "type": "Multikey", "publicKeyMultibase": ED}],
    "assertionMethod": ["#k", {"id": "#e", "type": "Multikey", "publicKeyMultibase": ED}],
    "service": [{"id": "#s", **SERVICE}],
}


@given(st.dictionaries(st.text(max_size=5).filter(lambda name: name != "id"), _VALUES, max_size=4))
def test_numalgo_4_gives_back_what_was_written(members: dict[str, Any]) -> None:
    did = did_peer_4({**DOCUMENT, **members})
    short, _ = split_peer_4(did)
    for found, own, other in (
        (build_peer_4_document(did), did, short),
        (build_peer_4_document(did, short=True), short, did),
    ):
        assert (found["id"], found["alsoKnownAs"]) == (own, [other])
        assert found["verificationMethod"][0]["controller"] == own
        assert found["assertionMethod"][1]["controller"] == own
        assert {name: found[name] for name in members} == members


async def test_a_short_form_resolves_once_its_long_form_was_seen() -> None:
    did = did_peer_4(DOCUMENT)
    short, _ = split_peer_4(did)
    method = DidPeer(max_remembered=2)
    resolver = Resolver([method])
    with pytest.raises(DidNotFoundError):
        await resolver.resolve(short)
    long = await resolver.resolve(did)
    found = await resolver.resolve(short)
    assert found.document.keys("assertionMethod") == {f"{short}#{name}": KEYS[Curve.ED25519] for name in "ke"}
    assert long.is_about(short)
    assert found.is_about(did)
    assert long.metadata.canonical_id == found.metadata.canonical_id == short
    assert long.key(f"{short}#k", "assertionMethod") == found.key(f"{did}#k", "assertionMethod")
    for number in range(2):
        assert method.remember(did_peer_4({**DOCUMENT, "x": number})) != short
    with pytest.raises(DidNotFoundError):
        await DidPeer.resolve(method, short)
    with pytest.raises(InvalidDidError):
        method.remember(short)


def _long(raw: bytes, *, prefix: bytes = b"\x80\x04") -> str:
    from hashlib import sha256

    encoded = base58btc_encode(prefix + raw)
    return f"did:peer:4{base58btc_encode(bytes([0x12, 0x20]) + sha256(encoded.encode()).digest())}:{encoded}"


@pytest.mark.parametrize(
    "did",
    [
        "did:peer:4",
        split_peer_4(did_peer_4(DOCUMENT))[0],
        did_peer_4(DOCUMENT) + "z",
        did_peer_4(DOCUMENT).replace(":z", ":u"),
        f"{split_peer_4(did_peer_4({'a': 1}))[0]}:{split_peer_4(did_peer_4(DOCUMENT))[1]}",
        _long(b"{}", prefix=b"\x80\x02"),
        _long(b"[]"),
        _long(b'{"a":1,"a":1}'),
        _long(b'{"id":"did:example:a"}'),
        _long(b'{"alsoKnownAs":"x"}'),
        _long(b'{"verificationMethod":[{"id":"did:example:a#k"}]}'),
        _long(b'{"authentication":["did:example:a#k"]}'),
        _long(b'{"service":[{"id":5}]}'),
        _long(b"x" * 9000),
    ],
)
def test_what_is_no_numalgo_4(did: str) -> None:
    with pytest.raises(InvalidDidError):
        build_peer_4_document(did)


@pytest.mark.parametrize("member", ["verificationMethod", "authentication", "service"])
@pytest.mark.parametrize("value", [5, "x", {}, [5], [{"id": "#a"}]])
def test_input_documents_that_are_none(member: str, value: Any) -> None:
    with pytest.raises(InvalidInputError):
        did_peer_4({member: value})
    with pytest.raises(InvalidInputError):
        did_peer_4({"id": "did:example:a"})


def test_a_document_that_is_too_long_is_not_written() -> None:
    with pytest.raises(InvalidInputError, match="at most 8192"):
        did_peer_4({"x": "y" * 8000})


@given(st.binary(max_size=60))
def test_any_bytes_are_a_document_or_refused(raw: bytes) -> None:
    with contextlib.suppress(InvalidDidError):
        build_peer_4_document(_long(raw))


@given(st.text(max_size=40))
async def test_any_text_is_a_peer_did_or_refused(text: str) -> None:
    for did in (f"did:peer:{text}", f"did:peer:2.{text}", f"did:peer:4zQm{text}"):
        with pytest.raises((InvalidInputError, DidNotFoundError)):
            await DidPeer().resolve(did)


async def test_other_numalgos_and_versions_are_refused() -> None:
    for did in (f"did:peer:0{ED}", "did:peer:1zQm", peer_3_of("did:peer:2.V"), f"did:key:{ED}"):
        with pytest.raises(InvalidDidError, match="numalgo 2 or 4"):
            await DidPeer().resolve(did)
    with pytest.raises(InvalidInputError, match="no versions"):
        await DidPeer().resolve(did_peer_2([PeerKey(ED)]), version_id="1")
    assert "peer" in default_resolver().methods
