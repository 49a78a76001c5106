"""A document gives each key only for what it lists it for."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.did.document import RELATIONSHIPS, parse_controlled_document, parse_document
from ssi.encoding.gate import parse_object
from ssi.encoding.multibase import base58_encode
from ssi.errors import InvalidDidError, InvalidInputError, ProofPurposeError, SsiError, VerificationError
from ssi.keys import Curve, PrivateKey, PublicKey
from tests.unit.did.documents import DID, document, fresh, multikey

KEY = fresh()
RAW = document(multikey(KEY), assertionMethod=["#key-1"])


def test_a_key_is_found_by_its_absolute_and_its_relative_id() -> None:
    parsed = parse_document(RAW, did=DID)
    assert parsed.key(f"{DID}#key-1", "assertionMethod") == KEY
    assert parsed.key("#key-1", "assertionMethod") is parsed.key("#key-1", "assertionMethod")
    assert parsed.keys("assertionMethod") == {f"{DID}#key-1": KEY}
    assert parsed.raw is RAW


@pytest.mark.parametrize("relationship", [name for name in RELATIONSHIPS if name != "assertionMethod"])
def test_a_key_is_not_given_for_another_relationship(relationship: str) -> None:
    parsed = parse_document(RAW, did=DID)
    with pytest.raises(ProofPurposeError):
        parsed.key("#key-1", relationship)
    assert parsed.keys(relationship) == {}


def test_a_relationship_that_did_core_does_not_know_is_refused() -> None:
    parsed = parse_document(RAW, did=DID)
    for name in ("verificationMethod", "assertion", ""):
        with pytest.raises(InvalidInputError):
            parsed.key("#key-1", name)
        with pytest.raises(InvalidInputError):
            parsed.keys(name)


@pytest.mark.parametrize("method_id", ["#key-2", "key-1", "", DID, "did:example:other#key-1", f"{DID}#", "#"])
def test_an_unknown_method_gives_no_key(method_id: str) -> None:
    with pytest.raises(VerificationError):
        parse_document(RAW, did=DID).key(method_id, "assertionMethod")


def test_an_embedded_method_serves_only_where_it_stands() -> None:
    parsed = parse_document(document(authentication=[multikey(KEY)]), did=DID)
    assert parsed.key("#key-1", "authentication") == KEY
    with pytest.raises(ProofPurposeError):
        parsed.key("#key-1", "assertionMethod")


def test_a_method_that_another_did_controls_gives_no_key() -> None:
    for foreign in (
        multikey(KEY, controller="did:example:other"),
        multikey(KEY, id="did:example:other#key-1"),
        multikey(KEY, id=f"{DID}/path#key-1"),
    ):
        parsed = parse_document(document(foreign, assertionMethod=[foreign["id"]]), did=DID)
        with pytest.raises(VerificationError):
            parsed.key(foreign["id"], "assertionMethod")
        assert parsed.keys("assertionMethod") == {}


def test_a_method_without_controller_is_read_and_gives_no_key() -> None:
    method = multikey(KEY)
    del method["controller"]
    parsed = parse_document(document(method, assertionMethod=["#key-1"]), did=DID)
    assert [found.id for found in parsed.verification_methods] == [f"{DID}#key-1"]
    with pytest.raises(VerificationError):
        parsed.key("#key-1", "assertionMethod")


def test_the_id_of_another_did_is_refused() -> None:
    for other in ("did:example:other", DID + "x", DID.upper(), None, 5, [DID]):
        with pytest.raises(InvalidDidError):
            parse_document(RAW | {"id": other}, did=DID)


@pytest.mark.parametrize(
    "raw",
    [
        document(multikey(KEY), multikey(fresh())),
        document(multikey(KEY), multikey(KEY, id="#key-1")),
        document(multikey(KEY), authentication=[multikey(KEY)]),
        document(authentication=[multikey(KEY)], assertionMethod=[multikey(KEY)]),
    ],
)
def test_two_methods_of_one_id_are_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="same id"):
        parse_document(raw, did=DID)


PRIVATE = PrivateKey.generate(Curve.P256)


@pytest.mark.parametrize(
    "members",
    [
        {"privateKeyMultibase": "z1"},
        {"secretKeyMultibase": "z1"},
        {"privateKeyJwk": {}},
        {"privateKeyBase58": "1"},
        {"type": "JsonWebKey", "publicKeyJwk": PRIVATE.to_jwk()},
        {"type": "Unknown2099", "publicKeyJwk": {"kty": "oct", "k": "AA"}},
    ],
)
def test_a_published_private_key_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="private key"):
        parse_document(document(multikey(KEY, **members)), did=DID)


def typed(kind: str, **material: Any) -> dict[str, Any]:
    return {"id": "#key-1", "type": kind, "controller": DID, **material}


ED, K1, P384 = fresh(Curve.ED25519), fresh(Curve.SECP256K1), fresh(Curve.P384)


@pytest.mark.parametrize(
    ("method", "key"),
    [
        (typed("Multikey", publicKeyMultibase=P384.to_multikey()), P384),
        (typed("JsonWebKey", publicKeyJwk=K1.to_jwk()), K1),
        (typed("JsonWebKey2020", publicKeyJwk=KEY.to_jwk() | {"use": "sig", "key_ops": ["verify"]}), KEY),
        (typed("Ed25519VerificationKey2020", publicKeyMultibase=ED.to_multikey()), ED),
        (typed("Ed25519VerificationKey2018", publicKeyBase58=base58_encode(ED.to_raw())), ED),
        (typed("EcdsaSecp256k1VerificationKey2019", publicKeyBase58=base58_encode(K1.to_raw())), K1),
        (typed("EcdsaSecp256k1VerificationKey2019", publicKeyHex=K1.to_raw().hex()), K1),
        (typed("EcdsaSecp256k1VerificationKey2019", publicKeyJwk=K1.to_jwk()), K1),
    ],
)
def test_every_supported_form_gives_the_same_key(method: dict[str, Any], key: PublicKey) -> None:
    parsed = parse_document(document(method, assertionMethod=["#key-1"]), did=DID)
    assert parsed.key("#key-1", "assertionMethod") == key


@pytest.mark.parametrize(
    "method",
    [
        typed("Multikey"),
        typed("Multikey", publicKeyJwk=KEY.to_jwk()),
        typed("Multikey", publicKeyMultibase=KEY.to_multikey(), publicKeyJwk=ED.to_jwk()),
        typed("Multikey", publicKeyMultibase=KEY.to_multikey()[:-1]),
        typed("Multikey", publicKeyMultibase=5),
        typed("Multikey", publicKeyMultibase="z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"),
        typed("JsonWebKey", publicKeyJwk="text"),
        typed("JsonWebKey", publicKeyJwk={}),
        typed("JsonWebKey", publicKeyJwk=KEY.to_jwk() | {"use": "enc"}),
        typed("JsonWebKey", publicKeyJwk=KEY.to_jwk() | {"key_ops": ["deriveBits"]}),
        typed("JsonWebKey", publicKeyJwk=KEY.to_jwk() | {"y": ED.to_jwk()["x"]}),
        typed("Ed25519VerificationKey2020", publicKeyMultibase=K1.to_multikey()),
        typed("Ed25519VerificationKey2018", publicKeyJwk=KEY.to_jwk()),
        typed("EcdsaSecp256k1VerificationKey2019", publicKeyHex="zz"),
        typed("EcdsaSecp256k1VerificationKey2019", publicKeyHex=KEY.to_raw().hex()[2:]),
        typed("EcdsaSecp256k1VerificationKey2019", publicKeyJwk=KEY.to_jwk()),
        typed("Future2099", publicKeyMultibase=KEY.to_multikey()),
    ],
)
def test_material_that_is_not_supported_gives_no_key(method: dict[str, Any]) -> None:
    parsed = parse_document(document(method, assertionMethod=["#key-1"]), did=DID)
    with pytest.raises(VerificationError):
        parsed.key("#key-1", "assertionMethod")
    assert parsed.keys("assertionMethod") == {}


def test_an_expiring_method_needs_a_time() -> None:
    # 2027-01-01 and 2026-07-01; the earlier counts.
    method = multikey(KEY, expires="2027-01-01T00:00:00Z", revoked="2026-07-01T02:00:00+02:00")
    parsed = parse_document(document(method, assertionMethod=["#key-1"]), did=DID)
    end = 1_782_864_000
    assert parsed.verification_methods[0].ends_at == end
    assert parsed.key("#key-1", "assertionMethod", at=end - 1) == KEY
    for at in (end, None):
        with pytest.raises(VerificationError):
            parsed.key("#key-1", "assertionMethod", at=at)
    assert parsed.keys("assertionMethod") == {}
    assert parsed.keys("assertionMethod", at=end - 1) == {f"{DID}#key-1": KEY}


@pytest.mark.parametrize("moment", ["2027-01-01T00:00:00", "2027-01-01", "soon", "", 5, None, "9999-99-99T00:00:00Z"])
def test_an_end_without_a_time_zone_is_refused(moment: object) -> None:
    with pytest.raises(InvalidInputError):
        parse_document(document(multikey(KEY, expires=moment)), did=DID)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        "text",
        RAW | {"verificationMethod": {}},
        RAW | {"verificationMethod": None},
        RAW | {"verificationMethod": ["#key-1"]},
        RAW | {"verificationMethod": [{}]},
        RAW | {"authentication": "#key-1"},
        RAW | {"authentication": [5]},
        RAW | {"authentication": ["key-1"]},
        RAW | {"authentication": ["http://example.com/#key-1"]},
        RAW | {"authentication": ["https://user@example.com/#key-1"]},
        document(multikey(KEY, id="key-1")),
        document(multikey(KEY, type=["Multikey"])),
        document(multikey(KEY, controller=[DID])),
        document(multikey(KEY, controller="example.com")),
        RAW | {"service": {}},
        RAW | {"service": [{"id": None, "type": "T", "serviceEndpoint": ""}]},
        RAW | {"service": [{"id": 5, "type": "T", "serviceEndpoint": ""}]},
        RAW | {"service": [{"id": "#a", "type": "T"}]},
        RAW | {"service": [{"id": "#a", "type": [], "serviceEndpoint": "https://a.example"}]},
        RAW
        | {
            "service": [
                {"id": "#a", "type": "T", "serviceEndpoint": ""},
                {"id": f"{DID}#a", "type": "T", "serviceEndpoint": ""},
            ]
        },
    ],
)
def test_what_is_no_document_is_refused(raw: object) -> None:
    with pytest.raises(InvalidInputError):
        parse_document(raw, did=DID)


def test_services_are_read() -> None:
    endpoint = {"uri": "https://a.example"}
    raw = RAW | {"service": [{"id": "#files", "type": ["A", "B"], "serviceEndpoint": endpoint}]}
    (service,) = parse_document(raw, did=DID).services
    assert (service.id, service.type, service.endpoint) == (f"{DID}#files", ("A", "B"), endpoint)


def test_absolute_ids_are_asked_for_where_a_method_wants_them() -> None:
    assert parse_document(document(multikey(KEY)), did=DID, absolute_ids=True)
    for raw in (RAW, document(multikey(KEY, id="#key-1")), document(authentication=[multikey(KEY, id="#key-1")])):
        with pytest.raises(InvalidDidError):
            parse_document(raw, did=DID, absolute_ids=True)


def test_pydids_model_leaves_the_document_as_it_is() -> None:
    method = typed(
        "EcdsaSecp256k1RecoveryMethod2020", blockchainAccountId="eip155:1:0x89a932207c485f85226d86f7cd486a89a24fcc12"
    )
    raw = document(method | {"id": f"{DID}#key-1"}, authentication=[f"{DID}#key-1"])
    raw["@context"] = "https://www.w3.org/ns/did/v1"
    before = copy.deepcopy(raw)
    parsed = parse_document(raw, did=DID)
    assert str(parsed.model.id) == DID
    assert parsed.model is parsed.model
    assert raw == before
    assert type(parse_document(RAW, did=DID).model.verification_method[0]).__name__ == "Multikey"


def test_what_pydid_cannot_model_is_an_error_of_ours() -> None:
    parsed = parse_document(RAW | {"alsoKnownAs": 5}, did=DID)
    with pytest.raises(InvalidInputError):
        _ = parsed.model


TEXT = st.text(alphabet="did:example#zM5 é", max_size=8)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["#key-1", DID, f"{DID}#key-1", "Multikey"]) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(["id", "verificationMethod", "service", *RELATIONSHIPS])
METHOD_MEMBERS = st.sampled_from(
    ["id", "type", "controller", "publicKeyMultibase", "publicKeyJwk", "expires", "revoked"]
)


@given(st.dictionaries(MEMBERS, JSON), st.dictionaries(METHOD_MEMBERS, JSON))
def test_any_json_is_a_document_or_an_error_of_ours(members: dict[str, Any], changes: dict[str, Any]) -> None:
    raw = document(multikey(KEY) | changes, assertionMethod=["#key-1"]) | members
    try:
        parsed = parse_document(raw, did=DID)
        for relationship in RELATIONSHIPS:
            parsed.keys(relationship)
        parsed.key("#key-1", "assertionMethod")
    except SsiError:
        pass


URL = "https://controller.example/123"


def test_a_controlled_document_gives_its_keys() -> None:
    raw = document(
        multikey(KEY, did=URL), did=URL, assertionMethod=["#key-1"], service=[{"type": "T", "serviceEndpoint": ""}]
    )
    parsed = parse_controlled_document(raw, identifier=URL)
    assert parsed.key(f"{URL}#key-1", "assertionMethod") == KEY
    assert parsed.services[0].id is None
    with pytest.raises(InvalidInputError, match="pydid"):
        _ = parsed.model
    with pytest.raises(InvalidDidError):
        parse_controlled_document(raw, identifier="https://controller.example/124")
    with pytest.raises(InvalidDidError):
        parse_document(raw, did=URL)
    assert parse_controlled_document(document(did=DID), identifier=DID).id == DID


def test_a_controlled_document_speaks_for_itself_only() -> None:
    other = "https://other.example/1"
    raw = document(multikey(KEY, did=other), did=URL, assertionMethod=[f"{other}#key-1", f"{other}#key-2"])
    parsed = parse_controlled_document(raw, identifier=URL)
    for name in ("key-1", "key-2"):
        with pytest.raises(VerificationError):
            parsed.key(f"{other}#{name}", "assertionMethod")


@pytest.mark.parametrize(
    "identifier",
    [
        "http://a.example",
        "https://",
        "https://a.example#x",
        "https://user@a.example",
        "https://a.example:0",
        "https://a.example/\u00e9",
        "https://a.example/%zz",
        "https://[::1]/",
        "ftp://a.example",
        "did:example",
        "",
        5,
    ],
)
def test_identifiers_that_are_none(identifier: Any) -> None:
    with pytest.raises(InvalidDidError):
        parse_controlled_document({"id": identifier}, identifier=identifier)


def test_methods_and_services_are_found_by_their_ids() -> None:
    raw = document(
        multikey(KEY),
        multikey(KEY, "key-2", controller="did:example:b"),
        service=[{"id": "#a", "type": "T", "serviceEndpoint": ""}],
        authentication=["#key-2"],
    )
    parsed = parse_document(raw, did=DID)
    for text in ("#key-1", f"{DID}#key-1"):
        found = parsed.method(text)
        assert found is not None
        assert found.id == f"{DID}#key-1"
    assert parsed.method("#key-3") is None
    for text in ("#a", f"{DID}#a"):
        assert parsed.service(text) == parsed.services[0]
    assert parsed.service("#b") is None
    with pytest.raises(ProofPurposeError):
        parsed.authorised("#key-1", "authentication")
    with pytest.raises(VerificationError, match="control"):
        parsed.authorised("#key-2", "authentication")


def test_a_document_is_written_in_the_order_that_it_was_read_in() -> None:
    body = b'{"id":"did:example:agency","x":{"b":[1,"\xc3\xa9"],"a":null},"service":[]}'
    assert parse_document(parse_object(body), did=DID).to_json() == body
