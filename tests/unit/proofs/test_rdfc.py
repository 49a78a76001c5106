"""Every suite signs the same credential: each leaf, each wrong name and each poison is refused."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from ssi.encoding.multibase import base58btc_encode, base64url_multibase_encode
from ssi.errors import CanonicalizationError, InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys import Curve, KeyPurpose
from ssi.proofs.data_integrity import (
    ECDSA_RDFC_2019_P256,
    ECDSA_RDFC_2019_P384,
    EDDSA_JCS_2022,
    EDDSA_RDFC_2022,
    SUITES,
    Cryptosuite,
    add_further_proof,
    add_proof,
    parse_proof,
)
from ssi.proofs.ecdsa_rdfc_2019 import EcdsaRdfc2019
from ssi.proofs.plain import PlainCryptosuite
from ssi.proofs.suites import ED25519_SIGNATURE_2020
from ssi.types import JsonObject
from tests.unit.proofs.party import CONTEXTS, EXAMPLES, KEYS, NOW, altered, copy, kms, leaves, method, verify

REFUSED = (InvalidInputError, VerificationError)
LABELS = {Curve.ED25519: "ed", Curve.P256: "p256", Curve.P384: "p384"}
PLAIN = [suite for suites in SUITES.values() for suite in suites.values() if isinstance(suite, PlainCryptosuite)]
RDFC = [EDDSA_RDFC_2022, ECDSA_RDFC_2019_P256, ECDSA_RDFC_2019_P384, ED25519_SIGNATURE_2020]
DOCUMENT: JsonObject = {
    "@context": [
        "https://www.w3.org/ns/credentials/v2",
        EXAMPLES,
        "https://w3id.org/security/suites/ed25519-2020/v1",
    ],
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": {"@value": "Zeugnis", "@language": "de"},
    "issuer": {"id": "did:example:issuer", "name": "Example"},
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": [
        {"alumniOf": {"name": "The School", "established": 1965}},
        {"id": "did:example:b", "alumniOf": {"name": "The School", "established": 1966, "open": True}},
    ],
}


def _name(suite: Cryptosuite) -> str:
    return f"{suite.name}-{suite.curve}"


async def sign(document: JsonObject, suite: Cryptosuite, previous: Any = None, **options: Any) -> JsonObject:
    label = LABELS[suite.curve]
    arguments: dict[str, Any] = {
        "kms": await kms(),
        "label": label,
        "purpose": KeyPurpose.CREDENTIAL,
        "verification_method": method(label),
        "proof_purpose": "assertionMethod",
        "created": NOW,
        "suite": suite,
        "options": options,
        "contexts": CONTEXTS,
    }
    if "proof" in document:
        return await add_further_proof(document, previous_proof=previous, **arguments)
    return await add_proof(document, **arguments)


@pytest.mark.parametrize("suite", PLAIN, ids=_name)
async def test_each_suite_and_every_leaf_of_what_it_signed(suite: Cryptosuite) -> None:
    secured = await sign(DOCUMENT, suite, expires="2030-01-01T00:00:00Z", domain="a.example", challenge="c")
    assert verify(secured).document == DOCUMENT
    assert verify({**DOCUMENT, "proof": [secured["proof"]]}).document == DOCUMENT
    for path in leaves(secured):
        with pytest.raises(REFUSED):
            verify(altered(secured, path))
    for name in secured:
        with pytest.raises(REFUSED):
            verify({key: value for key, value in secured.items() if key != name})
    for name in secured["proof"]:
        with pytest.raises(REFUSED):
            verify({**secured, "proof": {key: value for key, value in secured["proof"].items() if key != name}})


@pytest.mark.parametrize("value", ["removed", None, 7, "x", [], {}], ids=repr)
@pytest.mark.parametrize("suite", PLAIN, ids=_name)
async def test_every_leaf_removed_or_of_another_type(suite: Cryptosuite, value: Any) -> None:
    # A graph does not change with a context of which nothing is used, so there is none.
    used = DOCUMENT["@context"] if suite is ED25519_SIGNATURE_2020 else DOCUMENT["@context"][:2]
    secured = await sign({**DOCUMENT, "@context": used}, suite, challenge="c")
    for path in leaves(secured):
        changed = copy(secured)
        holder: Any = changed
        for step in path[:-1]:
            holder = holder[step]
        if value == "removed":
            del holder[path[-1]]
        else:
            holder[path[-1]] = value
        with pytest.raises(REFUSED):
            verify(changed)


@pytest.mark.parametrize("suite", RDFC, ids=_name)
async def test_what_is_added_is_refused(suite: Cryptosuite) -> None:
    """A term that a context defines changes the hash; one that none defines, or an unknown context, is no input."""
    secured = await sign(DOCUMENT, suite)
    proof = secured["proof"]
    assert "@context" not in proof
    assert ("cryptosuite" in proof) == (suite is not ED25519_SIGNATURE_2020)
    with pytest.raises(InvalidSignatureError):
        verify({**secured, "description": "added"})
    with pytest.raises(InvalidSignatureError):
        verify({**secured, "proof": {**proof, "challenge": "added"}})
    for context in ("https://evil.example/v1", "https://www.w3.org/ns/credentials/v3"):
        with pytest.raises(REFUSED):
            verify({**secured, "@context": [*DOCUMENT["@context"], context]})
    plain = {**DOCUMENT, "@context": [url for url in DOCUMENT["@context"] if url != EXAMPLES]}
    plain["credentialSubject"], plain["type"] = {"id": "did:example:b"}, ["VerifiableCredential"]
    secured = await sign(plain, suite)
    with pytest.raises(REFUSED):
        verify({**secured, "undefined": "x"})
    with pytest.raises(REFUSED):
        verify({**secured, "proof": {**secured["proof"], "undefined": "x"}})
    with pytest.raises(REFUSED):
        await sign({**plain, "undefined": "x"}, suite)
    with pytest.raises(InvalidInputError):
        await sign({"id": "urn:x:1"}, suite)


@pytest.mark.parametrize("suite", RDFC, ids=_name)
async def test_the_order_of_members_and_of_sets_says_nothing(suite: Cryptosuite) -> None:
    secured = await sign(DOCUMENT, suite)
    turned = {name: secured[name] for name in reversed(secured)}
    turned["type"] = turned["type"][::-1]
    turned["credentialSubject"] = turned["credentialSubject"][::-1]
    assert verify(turned).document == {name: value for name, value in turned.items() if name != "proof"}


@pytest.mark.parametrize("suite", RDFC, ids=_name)
async def test_a_proof_with_a_context_of_its_own(suite: Cryptosuite) -> None:
    secured = await sign(DOCUMENT, suite)
    same = {**secured, "proof": {**secured["proof"], "@context": DOCUMENT["@context"]}}
    assert verify(same).document == DOCUMENT
    others: list[Any] = [DOCUMENT["@context"][:1], [], "https://w3id.org/security/data-integrity/v2", None]
    for context in others:
        with pytest.raises(VerificationError, match="@context"):
            verify({**secured, "proof": {**secured["proof"], "@context": context}})


@pytest.mark.parametrize("other", PLAIN, ids=_name)
@pytest.mark.parametrize("suite", PLAIN, ids=_name)
async def test_a_proof_of_one_suite_named_as_another(suite: Cryptosuite, other: Cryptosuite) -> None:
    if suite.name == other.name:
        return
    secured = copy(await sign(DOCUMENT, suite))
    proof = secured["proof"]
    if other is ED25519_SIGNATURE_2020:
        proof["type"] = other.name
        proof.pop("cryptosuite")
    else:
        proof["type"], proof["cryptosuite"] = "DataIntegrityProof", other.name
    for context in (proof.get("@context"), DOCUMENT["@context"]):
        with pytest.raises(REFUSED):
            verify({**secured, "proof": {**proof, "@context": context} if context else proof})


async def test_the_type_of_a_proof_is_not_a_cryptosuite_nor_the_other_way_round() -> None:
    secured = await sign(DOCUMENT, ED25519_SIGNATURE_2020)
    proof = secured["proof"]
    assert parse_proof(proof).cryptosuite == "Ed25519Signature2020"
    for changed in (
        {"cryptosuite": "Ed25519Signature2020"},
        {"cryptosuite": "eddsa-rdfc-2022"},
        {"type": "DataIntegrityProof"},
        {"type": "DataIntegrityProof", "cryptosuite": "Ed25519Signature2020"},
        {"type": ["Ed25519Signature2020"]},
        {"type": "https://w3id.org/security#Ed25519Signature2020"},
    ):
        with pytest.raises(InvalidInputError):
            verify({**secured, "proof": {**proof, **changed}})
    with pytest.raises(InvalidInputError, match="created"):
        verify({**secured, "proof": {name: value for name, value in proof.items() if name != "created"}})
    with pytest.raises(InvalidInputError):
        verify({**secured, "proof": {**proof, "created": "2023-02-24"}})
    secured = await sign(DOCUMENT, EDDSA_RDFC_2022)
    with pytest.raises(InvalidInputError):
        verify({**secured, "proof": {**secured["proof"], "type": "eddsa-rdfc-2022"}})


async def test_p384_is_hashed_with_sha_384_alone() -> None:
    config = {"type": "DataIntegrityProof", "cryptosuite": "ecdsa-rdfc-2019", "verificationMethod": method("p384")}
    assert len(ECDSA_RDFC_2019_P384.hash_data(DOCUMENT, config, contexts=CONTEXTS)) == 96
    hashed = ECDSA_RDFC_2019_P256.hash_data(DOCUMENT, config, contexts=CONTEXTS)
    assert len(hashed) == 64
    value = ECDSA_RDFC_2019_P384.encode(KEYS["p384"].sign(hashed))
    with pytest.raises(InvalidSignatureError):
        ECDSA_RDFC_2019_P384.verify(DOCUMENT, config, value, KEYS["p384"].public_key, contexts=CONTEXTS)
    with pytest.raises(VerificationError, match="P-256"):
        ECDSA_RDFC_2019_P256.verify(DOCUMENT, config, value, KEYS["p384"].public_key, contexts=CONTEXTS)
    with pytest.raises(ValueError, match="P-256 or P-384"):
        EcdsaRdfc2019(Curve.ED25519)


async def _chain() -> Any:
    """A set over three suites, a proof over two of them, and one of the legacy type over that."""
    secured = await sign(DOCUMENT, ECDSA_RDFC_2019_P256, id="urn:n:1")
    secured = await sign(secured, ECDSA_RDFC_2019_P384, id="urn:n:2")
    secured = await sign(secured, EDDSA_RDFC_2022)
    secured = await sign(secured, EDDSA_RDFC_2022, ["urn:n:2", "urn:n:1"], id="urn:n:4")
    return await sign(secured, ECDSA_RDFC_2019_P256, "urn:n:4")


async def test_a_set_and_chain_of_several_suites() -> None:
    secured = await _chain()
    verified = verify(secured)
    assert verified.document == DOCUMENT
    assert [item.proof.id for item in verified.proofs] == ["urn:n:1", "urn:n:2", None, "urn:n:4", None]
    for path in leaves(secured):
        with pytest.raises(REFUSED):
            verify(altered(secured, path))
    for number in (0, 1, 3):
        dropped = copy(secured)
        del dropped["proof"][number]
        with pytest.raises(VerificationError, match="previousProof"):
            verify(dropped)
    without = copy(secured)
    del without["proof"][2]
    assert len(verify(without).proofs) == 4
    looping = copy(secured)
    looping["proof"][0]["previousProof"] = "urn:n:4"
    with pytest.raises(VerificationError, match="comes before itself"):
        verify(looping)


@pytest.mark.parametrize("bad", range(len(RDFC)))
async def test_a_set_with_one_bad_member_is_refused(bad: int) -> None:
    secured = DOCUMENT
    for suite in RDFC:
        secured = await sign(secured, suite)
    assert len(verify(secured).proofs) == len(RDFC)
    other = await sign({**DOCUMENT, "id": "urn:x:2"}, RDFC[bad])
    secured["proof"][bad] = other["proof"]
    with pytest.raises(InvalidSignatureError):
        verify(secured)


@pytest.mark.parametrize("suite", RDFC, ids=_name)
async def test_proof_values_in_no_canonical_form(suite: PlainCryptosuite) -> None:
    secured = await sign(DOCUMENT, suite)
    proof, signature = secured["proof"], suite.decode(secured["proof"]["proofValue"])
    for value in (
        base64url_multibase_encode(signature),
        base58btc_encode(signature + b"\0"),
        base58btc_encode(b"\0" + signature),
        base58btc_encode(signature[:-1]),
        f"z1{proof['proofValue'][1:]}",
        f"{proof['proofValue']} ",
        proof["proofValue"].lstrip("z"),
        f"{proof['proofValue'][:-1]}0",
        "z" * 1000,
        "z",
        "",
    ):
        with pytest.raises(InvalidInputError):
            verify({**secured, "proof": {**proof, "proofValue": value}})


async def test_a_poison_graph_is_refused() -> None:
    names = [f"_:n{number}" for number in range(9)]
    nodes: list[Any] = [{"id": name, "knows": [{"id": other} for other in names]} for name in names]
    poison = {**DOCUMENT, "credentialSubject": nodes}
    secured = {**poison, "proof": (await sign(DOCUMENT, EDDSA_RDFC_2022))["proof"]}
    with pytest.raises(CanonicalizationError, match="bounded work"):
        verify(secured)
    with pytest.raises(CanonicalizationError, match="bounded work"):
        await sign(poison, EDDSA_RDFC_2022)


async def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    secured = [await sign(DOCUMENT, suite) for suite in RDFC]

    def opened(*_: Any, **__: Any) -> Any:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", opened)
    monkeypatch.setattr(socket, "getaddrinfo", opened)
    for document in secured:
        assert verify(document).document == DOCUMENT
        for url in ("https://www.w3.org/ns/credentials/v3", "http://127.0.0.1/context", "file:///etc/hostname", "v2"):
            with pytest.raises(InvalidInputError, match="context"):
                verify({**document, "@context": [*DOCUMENT["@context"], url]})


async def test_a_long_document_with_many_proofs_is_refused_before_a_key_is_looked_for() -> None:
    long = {**DOCUMENT, "description": "x" * 400_000}
    secured = await sign(long, EDDSA_RDFC_2022)
    assert verify(secured).document == long
    secured = await sign(secured, ECDSA_RDFC_2019_P256)
    assert len(verify(secured).proofs) == 2
    secured = await sign(secured, EDDSA_RDFC_2022)

    def unasked(_: str, __: str, /) -> Any:
        raise AssertionError("a key was looked for")

    with pytest.raises(InvalidInputError, match="bytes"):
        verify(secured, keys=unasked)
    with pytest.raises(InvalidInputError, match="gate"):
        verify({**secured, "description": "\ud800"}, keys=unasked)
    # The suites that hash what is written cost little, and do not count.
    secured = await sign(long, EDDSA_RDFC_2022)
    for _ in range(3):
        secured = await sign(secured, EDDSA_JCS_2022)
    assert len(verify(secured).proofs) == 4


async def test_a_chain_over_suites_of_both_kinds() -> None:
    """The proof of a JCS suite keeps its @context, which then stands inside the graph that the next proof secures."""
    secured = await sign(DOCUMENT, EDDSA_JCS_2022, id="urn:n:1")
    secured = await sign(secured, ECDSA_RDFC_2019_P256, "urn:n:1", id="urn:n:2")
    secured = await sign(secured, EDDSA_JCS_2022, ["urn:n:1", "urn:n:2"], id="urn:n:3")
    secured = await sign(secured, ED25519_SIGNATURE_2020, "urn:n:3")
    assert verify(secured).document == DOCUMENT
    for path in leaves(secured["proof"], ("proof",)):
        with pytest.raises(REFUSED):
            verify(altered(secured, path))
