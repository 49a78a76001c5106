"""ecdsa-sd-2023 beside its vectors: the walk through the key store, what each party refuses, and the one entry."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.cbor import encode_cbor
from ssi.encoding.cbor_plain import decode_plain
from ssi.errors import InvalidInputError, InvalidSignatureError, ProofPurposeError, ValidityError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.bbs_2023 import HolderSecret
from ssi.proofs.data_integrity import VerifiedDocument, verify_proofs
from ssi.proofs.derive import derive_proof, mandatory_pointers_of, verify_base_proof
from ssi.proofs.ecdsa_sd_2023 import EcdsaSd2023
from ssi.proofs.ecdsa_sd_proof_value import MAX_STATEMENTS, parse_base, parse_derived
from ssi.proofs.suites import SUITES, is_selective, issuing_suite
from ssi.types import JsonObject
from tests.unit.import_cost import run_fresh
from tests.unit.proofs import base_proofs
from tests.unit.proofs.base_proofs import MANDATORY, NOW, add_base_proof
from tests.unit.proofs.party import altered, leaves

METHOD = "did:example:issuer#p256"
REFUSED = (InvalidInputError, VerificationError)
DOCUMENT: JsonObject = {
    **base_proofs.DOCUMENT,
    "credentialSubject": {**base_proofs.DOCUMENT["credentialSubject"], "a/b~c": "escaped"},
}


KEYS = {"p256": PrivateKey.generate(Curve.P256), "ed": PrivateKey.generate(Curve.ED25519)}


def key(label: str = "p256") -> PrivateKey:
    return KEYS[label]


async def store() -> MemoryKms:
    kms = MemoryKms()
    for label in ("p256", "ed"):
        await kms.add(label, key(label), purpose=KeyPurpose.CREDENTIAL)
    return kms


async def signed(document: JsonObject = DOCUMENT, label: str = "p256", **changed: Any) -> JsonObject:
    """Return ``document`` with a base proof."""
    own = {"kms": await store(), "label": label, "verification_method": METHOD, "suite": EcdsaSd2023(MANDATORY)}
    return await add_base_proof(document, **{**own, **changed})


def keys(_: str, __: str, /) -> PublicKey:
    return key().public_key


def verify(document: JsonObject, **changed: Any) -> VerifiedDocument:
    return verify_proofs(document, **{"keys": keys, "expected_purpose": "assertionMethod", "now": NOW, **changed})


async def test_issue_hold_show_verify() -> None:
    base = await signed()
    assert verify_base_proof(base, key=key().public_key) == tuple(MANDATORY) == mandatory_pointers_of(base)
    shown = derive_proof(base, selective_pointers=["/credentialSubject/born", "/credentialSubject/a~1b~0c"])
    verified = verify(shown)
    assert verified.document == {
        "@context": DOCUMENT["@context"],
        "type": DOCUMENT["type"],
        "issuer": DOCUMENT["issuer"],
        "credentialSubject": {"born": 1990, "a/b~c": "escaped", "parts": [{"kind": "k"}]},
    }
    assert {**shown["proof"], "proofValue": ""} == {**base["proof"], "proofValue": ""}
    assert mandatory_pointers_of(shown) is None
    verify(derive_proof(base, selective_pointers=[]))
    whole = derive_proof(base, selective_pointers=[f"/{name}" for name in DOCUMENT])
    assert verify(whole).document == DOCUMENT


async def test_an_array_keeps_its_order_and_loses_its_gaps() -> None:
    base = await signed()
    shown = verify(derive_proof(base, selective_pointers=["/credentialSubject/parts/1/size"])).document
    assert shown["credentialSubject"]["parts"] == [{"kind": "k"}, {"size": 2}]
    for pointer in (
        "/credentialSubject/parts/2",
        "/credentialSubject/parts/-",
        "/credentialSubject/parts/01",
        "/proof",
    ):
        with pytest.raises(InvalidInputError):
            derive_proof(base, selective_pointers=[pointer])
    for pointers in (["/issuer"] * 1025, ["/" + "a" * 5000], ["/a~2"]):
        with pytest.raises(InvalidInputError):
            derive_proof(base, selective_pointers=pointers)


async def test_a_verifier_takes_no_base_proof_and_a_holder_no_derived_one() -> None:
    base = await signed()
    with pytest.raises(VerificationError, match="expected a derived proof"):
        verify(base)
    shown = derive_proof(base, selective_pointers=[])
    for refuse in (
        lambda: derive_proof(shown, selective_pointers=[]),
        lambda: verify_base_proof(shown, key=key().public_key),
    ):
        with pytest.raises(VerificationError, match="expected a base proof"):
            refuse()
    with pytest.raises(InvalidInputError):
        derive_proof(DOCUMENT, selective_pointers=["/issuer"])


async def test_every_altered_leaf_is_refused_by_holder_and_verifier() -> None:
    base = await signed()
    for path in leaves(base):
        with pytest.raises(REFUSED):
            verify_base_proof(altered(base, path), key=key().public_key)
    shown = derive_proof(base, selective_pointers=["/credentialSubject"])
    for path in leaves(shown):
        with pytest.raises(REFUSED):
            verify(altered(shown, path))
    other = PrivateKey.generate(Curve.P256).public_key
    with pytest.raises(InvalidSignatureError):
        verify_base_proof(base, key=other)
    with pytest.raises(InvalidSignatureError):
        verify(shown, keys=lambda *_: other)
    with pytest.raises(VerificationError, match="P-256"):
        verify(shown, keys=lambda *_: key("ed").public_key)
    with pytest.raises(VerificationError, match="P-256"):
        verify_base_proof(base, key=key("ed").public_key)
    with pytest.raises(ValidityError):
        verify(shown, now=NOW - 1000)


async def test_what_two_proofs_of_one_document_have_in_common() -> None:
    """Nothing but what is signed: names of blank nodes, keys and signatures are those of one proof alone."""
    one, two = parse_base((await signed())["proof"]["proofValue"]), parse_base((await signed())["proof"]["proofValue"])
    assert one.hmac_key != two.hmac_key
    assert one.public_key != two.public_key
    assert set(one.signatures).isdisjoint(two.signatures)
    shown = [parse_derived(derive_proof(await signed(), selective_pointers=[])["proof"]["proofValue"]) for _ in "ab"]
    assert set(shown[0].label_map.values()).isdisjoint(shown[1].label_map.values())


async def test_who_can_issue() -> None:
    with pytest.raises(VerificationError):
        await signed(label="ed")
    with pytest.raises(ProofPurposeError):
        await signed(purpose=KeyPurpose.LIST)
    for pointers in (["/nothing"], ["/proof"]):
        with pytest.raises(InvalidInputError):
            await signed(suite=EcdsaSd2023(pointers))
    for malformed in (["issuer"], [""], [1], ["/a~"]):
        with pytest.raises(InvalidInputError):
            EcdsaSd2023(malformed)  # type: ignore[arg-type]
    many = {**DOCUMENT, "credentialSubject": {"many": list(range(MAX_STATEMENTS + 1))}}
    with pytest.raises(InvalidInputError, match=str(MAX_STATEMENTS)):
        await signed(many, suite=EcdsaSd2023())
    suite = issuing_suite("ecdsa-sd-2023", key().public_key, MANDATORY)
    assert mandatory_pointers_of(await signed(suite=suite)) == tuple(MANDATORY)
    assert issuing_suite("ecdsa-jcs-2019", key().public_key, ["no pointer"]).name == "ecdsa-jcs-2019"
    assert [is_selective(name) for name in ("ecdsa-sd-2023", "bbs-2023", "ecdsa-rdfc-2019")] == [True, True, False]


async def test_the_most_statements_fit() -> None:
    many = {**DOCUMENT, "credentialSubject": {"many": list(range(MAX_STATEMENTS - 10))}}
    base = await signed(many, suite=EcdsaSd2023(["/issuer"]))
    whole = derive_proof(base, selective_pointers=["/credentialSubject", "/type", "/validFrom"])
    assert verify(whole).document == many


async def test_without_mandatory_pointers_something_is_selected() -> None:
    base = await signed(suite=EcdsaSd2023())
    with pytest.raises(InvalidInputError):
        derive_proof(base, selective_pointers=[])
    assert "issuer" not in verify(derive_proof(base, selective_pointers=["/validFrom"])).document


async def test_lists_of_json_ld_are_not_signed() -> None:
    context = [*DOCUMENT["@context"], {"steps": {"@id": "https://example.org/#steps", "@container": "@list"}}]
    with pytest.raises(InvalidInputError, match="lists"):
        await signed({**DOCUMENT, "@context": context, "credentialSubject": {"steps": ["a", "b"]}})


async def test_sets_and_chains() -> None:
    base = await signed()
    both = await signed(base, label="ed", suite=issuing_suite("eddsa-jcs-2022", key("ed").public_key, ()))
    shown = derive_proof(both, selective_pointers=["/validFrom"])
    assert shown["proof"]["cryptosuite"] == "ecdsa-sd-2023"
    verify(shown)
    with pytest.raises(VerificationError):
        verify(both, keys=lambda *_: key().public_key)
    plain = both["proof"][1]
    for proofs in ([plain], [base["proof"], base["proof"]], [], None, "x"):
        with pytest.raises(InvalidInputError):
            derive_proof({**base, "proof": proofs}, selective_pointers=[])
        assert mandatory_pointers_of({**base, "proof": proofs}) is None
    first = await signed(options={"id": "urn:first"})
    with pytest.raises(VerificationError):
        await signed(first, previous_proof="urn:first")


async def test_what_only_bbs_has_is_refused() -> None:
    base = await signed()
    with pytest.raises(InvalidInputError):
        derive_proof(base, selective_pointers=[], presentation_header=b"nonce")
    with pytest.raises(InvalidInputError):
        derive_proof(base, selective_pointers=[], holder=HolderSecret(bytes(32), bytes(32)))


async def test_a_proof_has_the_context_of_its_document_or_none() -> None:
    base = await signed()
    shown = derive_proof(base, selective_pointers=[])
    verify({**shown, "proof": {**shown["proof"], "@context": shown["@context"]}})
    other = {**shown, "proof": {**shown["proof"], "@context": ["https://www.w3.org/ns/credentials/v2"]}}
    with pytest.raises(VerificationError):
        verify(other)


def _rewritten(document: JsonObject, place: int, value: Any) -> JsonObject:
    data = b64url_decode(document["proof"]["proofValue"][1:])
    parts = decode_plain(data[3:], max_bytes=1 << 20)
    parts[place] = value(parts[place])
    text = "u" + b64url_encode(data[:3] + encode_cbor(parts))
    return {**document, "proof": {**document["proof"], "proofValue": text}}


def _other_point(octets: bytes) -> bytes:
    return octets[:2] + key().public_key.to_raw()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, lambda signature: signature[:-1] + bytes([signature[-1] ^ 1])),
        (0, lambda signature: bytes(64)),
        (0, lambda signature: signature[:-1]),
        (0, lambda signature: "text"),
        (1, _other_point),
        (1, lambda octets: octets[2:]),
        (1, lambda octets: b"\xed\x01" + octets[2:]),
        (1, lambda octets: octets[:2] + b"\x05" + octets[3:]),
        (1, lambda octets: octets[:2] + bytes(33)),
        (2, lambda signatures: signatures[:-1]),
        (2, lambda signatures: [*signatures, signatures[0]]),
        (2, lambda signatures: signatures[::-1]),
        (2, lambda signatures: [bytes(64)] * len(signatures)),
        (2, lambda signatures: [signature[:63] for signature in signatures]),
        (2, lambda signatures: b"".join(signatures)),
        (3, lambda labels: {}),
        (3, lambda labels: {**labels, 7: bytes(32)}),
        (3, lambda labels: dict.fromkeys(labels, labels[0])),
        (3, lambda labels: {name: labels[len(labels) - 1 - name] for name in labels}),
        (3, lambda labels: {name: label[:31] for name, label in labels.items()}),
        (3, lambda labels: dict.fromkeys(labels, 0)),
        (3, lambda labels: {name + (1 << 17): label for name, label in labels.items()}),
        (3, lambda labels: list(labels.values())),
        (4, lambda indexes: indexes[:-1]),
        (4, lambda indexes: []),
        (4, lambda indexes: [*indexes, 99]),
        (4, lambda indexes: [*indexes, 1 << 40]),
        (4, lambda indexes: indexes[::-1]),
        (4, lambda indexes: [*indexes, indexes[-1]]),
        (4, lambda indexes: ["0"]),
        (4, lambda indexes: {}),
    ],
)
async def test_an_altered_component_is_refused(place: int, value: Any) -> None:
    shown = derive_proof(await signed(), selective_pointers=["/validFrom", "/credentialSubject/born"])
    assert _rewritten(shown, place, lambda part: part) == shown
    verify(shown)
    with pytest.raises(REFUSED):
        verify(_rewritten(shown, place, value))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, lambda signature: bytes(64)),
        (1, _other_point),
        (2, lambda hmac_key: bytes(32)),
        (2, lambda hmac_key: hmac_key[:31]),
        (3, lambda signatures: signatures[:-1]),
        (3, lambda signatures: signatures[::-1]),
        (4, lambda pointers: []),
        (4, lambda pointers: [*pointers, "/validFrom"]),
        (4, lambda pointers: ["issuer"]),
        (4, lambda pointers: [1]),
        (4, lambda pointers: ["/nothing"]),
    ],
)
async def test_an_altered_base_proof_gives_nothing(place: int, value: Any) -> None:
    base = await signed()
    assert _rewritten(base, place, lambda part: part) == base
    changed = _rewritten(base, place, value)
    with pytest.raises(REFUSED):
        verify_base_proof(changed, key=key().public_key)
    try:
        shown = derive_proof(changed, selective_pointers=["/credentialSubject"])
    except REFUSED:
        return
    with pytest.raises(REFUSED):
        verify(shown)


@pytest.mark.parametrize(
    "text",
    ["", "u", "z3hb", "u2V0B", "u2V0Agg", "u2V0CgA", "u" + "A" * (1 << 19), "u2V0BhQBAQEBA", "u2V0AhYCAQEBA"]
    + ["u" + b64url_encode(b"\xd9\x5d" + bytes([number])) for number in range(4)]
    + ["u" + b64url_encode(b"\xd9\x5d\x01" + bytes.fromhex(tail)) for tail in ("85", "9fff", "8540408080a0", "f6")],
)
async def test_what_is_no_proof_value_is_refused(text: str) -> None:
    base = await signed()
    document = {**base, "proof": {**base["proof"], "proofValue": text}}
    for call in (
        lambda: verify(document),
        lambda: derive_proof(document, selective_pointers=[]),
        lambda: verify_base_proof(document, key=key().public_key),
    ):
        with pytest.raises(REFUSED):
            call()


async def test_a_holder_adds_nothing_that_no_statement_says() -> None:
    """Members that make no quad would be claims that nobody signed: "convictions": [] is one."""
    shown = derive_proof(await signed(), selective_pointers=["/credentialSubject/born"])
    subject = shown["credentialSubject"]
    nothing: list[Any] = [[], None, {}, [None], [[]], {"@set": []}, {"@list": []}, {"@value": None}, {"@id": None}]
    for value in nothing:
        for name in ("convictions", "termsOfUse", "@included", "@index", "@nest", "@reverse"):
            for forged in ({**shown, name: value}, {**shown, "credentialSubject": {**subject, name: value}}):
                with pytest.raises(REFUSED):
                    verify(forged)
    with pytest.raises(REFUSED):
        verify({**shown, "credentialSubject": {**subject, "born": "1990"}})
    with pytest.raises(REFUSED):
        verify({**shown, "@context": [*shown["@context"], {"age": "https://example.org/#born"}], "age": 1990})


async def test_a_proof_under_the_name_of_another_suite_is_refused() -> None:
    base = await signed()
    shown = derive_proof(base, selective_pointers=[])
    for document in (base, shown):
        for name in [*SUITES, "ecdsa-sd-2024"]:
            if name == shown["proof"]["cryptosuite"]:
                continue
            named = {**document, "proof": {**document["proof"], "cryptosuite": name}}
            for find in (keys, lambda *_: key("ed").public_key):
                with pytest.raises(REFUSED):
                    verify(named, keys=find)
            with pytest.raises(REFUSED):
                derive_proof(named, selective_pointers=[])
    plain = await signed(label="ed", suite=issuing_suite("eddsa-jcs-2022", key("ed").public_key, ()))
    for name in ("ecdsa-sd-2023", "bbs-2023"):
        with pytest.raises(REFUSED):
            verify({**plain, "proof": {**plain["proof"], "cryptosuite": name}})


def test_no_extra_is_needed() -> None:
    answer = run_fresh(
        """
import sys
sys.modules['cbor2'] = sys.modules['py_arkworks_bls12381'] = None
import json
from pathlib import Path
from ssi.keys import PublicKey
from ssi.proofs.data_integrity import verify_proof
from ssi.proofs.derive import derive_proof, verify_base_proof
example = json.loads(Path('tests/vectors/ecdsa_sd_2023.json').read_text())
key = PublicKey.from_multikey(example['publicKeyMultibase'])
verify_base_proof(example['base'], key=key)
shown = derive_proof(example['base'], selective_pointers=example['selectivePointers'])
verify_proof(shown, key=key, expected_purpose='assertionMethod', now=1_780_000_000)
print('held')
"""
    )
    assert answer.strip() == "held"
