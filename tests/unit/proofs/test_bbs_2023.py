"""bbs-2023 beside its vectors: the walk through the key store, and what each party refuses."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from ssi.encoding.base64url import b64url_decode, b64url_encode
from ssi.encoding.cbor import decode_cbor, encode_cbor
from ssi.errors import InvalidInputError, InvalidSignatureError, ProofPurposeError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.keys.bbs.blind import commit_to
from ssi.proofs.bbs_2023 import Bbs2023, HolderSecret, derive_proof, verify_base_proof
from ssi.proofs.bbs_proof_value import parse_derived
from ssi.proofs.data_integrity import VerifiedDocument, verify_proofs
from ssi.types import JsonObject
from tests.unit.proofs import base_proofs
from tests.unit.proofs.base_proofs import MANDATORY, NOW, add_base_proof

METHOD = "did:example:issuer#bbs"
DOCUMENT: JsonObject = {**base_proofs.DOCUMENT, "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33"}


@cache
def key() -> PrivateKey:
    return PrivateKey.generate(Curve.BLS12_381_G2)


async def store() -> MemoryKms:
    kms = MemoryKms()
    await kms.add("bbs", key(), purpose=KeyPurpose.CREDENTIAL)
    await kms.generate("p256", curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)
    return kms


async def signed(document: JsonObject = DOCUMENT, label: str = "bbs", **changed: Any) -> JsonObject:
    """Return ``document`` with a base proof."""
    own = {"kms": await store(), "label": label, "verification_method": METHOD, "suite": Bbs2023(MANDATORY)}
    return await add_base_proof(document, **{**own, **changed})


def keys(_: str, __: str, /) -> PublicKey:
    return key().public_key


def verify(document: JsonObject) -> VerifiedDocument:
    return verify_proofs(document, keys=keys, expected_purpose="assertionMethod", now=NOW)


async def test_issue_hold_show_verify() -> None:
    base = await signed()
    value = verify_base_proof(base, key=key().public_key)
    assert list(value.mandatory_pointers) == MANDATORY
    shown = derive_proof(base, selective_pointers=["/credentialSubject/born"], presentation_header=b"nonce")
    verified = verify(shown)
    assert verified.document == {
        "@context": DOCUMENT["@context"],
        "id": DOCUMENT["id"],
        "type": DOCUMENT["type"],
        "issuer": DOCUMENT["issuer"],
        "credentialSubject": {"born": 1990, "parts": [{"kind": "k"}]},
    }
    assert parse_derived(shown["proof"]["proofValue"]).presentation_header == b"nonce"
    assert {**shown["proof"], "proofValue": ""} == {**base["proof"], "proofValue": ""}
    verify(derive_proof(base, selective_pointers=[]))
    whole = derive_proof(base, selective_pointers=[f"/{name}" for name in DOCUMENT])
    assert verify(whole).document == DOCUMENT


async def test_a_verifier_takes_no_base_proof_and_a_holder_no_derived_one() -> None:
    base = await signed()
    with pytest.raises(VerificationError, match="derived"):
        verify(base)
    shown = derive_proof(base, selective_pointers=[])
    for refuse in (
        lambda: derive_proof(shown, selective_pointers=[]),
        lambda: verify_base_proof(shown, key=key().public_key),
    ):
        with pytest.raises(VerificationError, match="base"):
            refuse()
    with pytest.raises(InvalidInputError):
        derive_proof(DOCUMENT, selective_pointers=["/issuer"])


async def test_a_holder_notices_what_was_not_signed() -> None:
    base = await signed()
    other = PrivateKey.generate(Curve.BLS12_381_G2).public_key
    with pytest.raises(VerificationError):
        verify_base_proof(base, key=other)
    with pytest.raises(VerificationError):
        verify_base_proof({**base, "validFrom": "2024-01-01T00:00:00Z"}, key=key().public_key)
    with pytest.raises(VerificationError):
        verify_base_proof({**base, "proof": {**base["proof"], "created": "2024-01-01T00:00:00Z"}}, key=keys("", ""))
    with pytest.raises(VerificationError):
        verify_base_proof(base, key=PrivateKey.generate(Curve.P256).public_key)
    # Deriving from it gives what no verifier takes.
    with pytest.raises(InvalidSignatureError):
        verify(derive_proof({**base, "validFrom": "2024-01-01T00:00:00Z"}, selective_pointers=["/validFrom"]))


async def test_two_showings_have_nothing_in_common_but_what_they_show() -> None:
    base = await signed()
    one, two = (parse_derived(derive_proof(base, selective_pointers=[])["proof"]["proofValue"]) for _ in range(2))
    pieces = [{value.proof[i : i + 16] for i in range(0, len(value.proof), 16)} for value in (one, two)]
    assert pieces[0].isdisjoint(pieces[1])
    other = await signed()
    assert other["proof"]["proofValue"] != base["proof"]["proofValue"]


async def test_only_who_knows_the_secret_shows_a_bound_credential() -> None:
    secret = bytes(range(32))
    made = commit_to([secret])
    base = await signed(suite=Bbs2023(MANDATORY, holder_commitment=made.commitment_with_proof))
    holder = HolderSecret(secret, made.secret_prover_blind)
    assert secret.hex() not in repr(holder)
    verify_base_proof(base, key=key().public_key, holder=holder)
    assert verify(derive_proof(base, selective_pointers=["/validFrom"], holder=holder)).document["validFrom"]
    for refuse in (
        lambda: verify_base_proof(base, key=key().public_key),
        lambda: derive_proof(base, selective_pointers=[]),
    ):
        with pytest.raises(InvalidInputError):
            refuse()
    for thief in (
        HolderSecret(bytes(32), holder.prover_blind),
        HolderSecret(secret, commit_to([]).secret_prover_blind),
    ):
        with pytest.raises(InvalidSignatureError):
            verify_base_proof(base, key=key().public_key, holder=thief)
        with pytest.raises(InvalidSignatureError):
            verify(derive_proof(base, selective_pointers=[], holder=thief))
    broken = bytes([made.commitment_with_proof[0]]) + bytes(143)
    with pytest.raises(InvalidInputError):
        await signed(suite=Bbs2023(MANDATORY, holder_commitment=broken))


async def test_who_can_issue() -> None:
    with pytest.raises(VerificationError):
        await signed(label="p256")
    with pytest.raises(ProofPurposeError):
        await signed(purpose=KeyPurpose.LIST)
    for pointers in (["/nothing"], ["/proof"]):
        with pytest.raises(InvalidInputError):
            await signed(suite=Bbs2023(pointers))
    for malformed in (["issuer"], [""], [1]):
        with pytest.raises(InvalidInputError):
            Bbs2023(malformed)  # type: ignore[arg-type]

    async def message_signer(message: bytes) -> bytes:
        return message

    with pytest.raises(InvalidInputError):
        await Bbs2023().prove(DOCUMENT, {}, message_signer)
    many = {**DOCUMENT, "credentialSubject": {"many": list(range(1100))}}
    with pytest.raises(InvalidInputError, match="1024"):
        await signed(many, suite=Bbs2023())


async def test_without_mandatory_pointers_something_is_selected() -> None:
    base = await signed(suite=Bbs2023())
    with pytest.raises(InvalidInputError):
        derive_proof(base, selective_pointers=[])
    assert "issuer" not in verify(derive_proof(base, selective_pointers=["/validFrom"])).document


async def test_chains_and_sets() -> None:
    base = await signed()
    plain = {"type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022", "proofValue": "z1"}
    shown = derive_proof({**base, "proof": [plain, base["proof"]]}, selective_pointers=[])
    assert shown["proof"]["cryptosuite"] == "bbs-2023"
    verify(shown)
    for proofs in ([plain], [base["proof"], base["proof"]], [], None, "x"):
        with pytest.raises(InvalidInputError):
            derive_proof({**base, "proof": proofs}, selective_pointers=[])
    first = await signed(options={"id": "urn:first"})
    with pytest.raises(VerificationError):
        await signed(first, previous_proof="urn:first")


def _rewritten(document: JsonObject, place: int, value: Any) -> JsonObject:
    data = b64url_decode(document["proof"]["proofValue"][1:])
    parts = decode_cbor(data[3:])
    parts[place] = value(parts[place])
    text = "u" + b64url_encode(data[:3] + encode_cbor(parts))
    return {**document, "proof": {**document["proof"], "proofValue": text}}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, lambda proof: proof[:-1] + bytes([proof[-1] ^ 1])),
        (0, lambda proof: proof[:-32]),
        (0, lambda proof: b""),
        (0, lambda proof: "text"),
        (1, lambda labels: {}),
        (1, lambda labels: {**labels, 7: 7}),
        (1, lambda labels: dict.fromkeys(labels, 0)),
        (1, lambda labels: {name: labels[len(labels) - 1 - name] for name in labels}),
        (1, lambda labels: {name: label + 1 for name, label in labels.items()}),
        (1, lambda labels: {"c14n0": "b0"}),
        (1, lambda labels: {-1: 0}),
        (1, lambda labels: [0, 1]),
        (2, lambda indexes: indexes[:-1]),
        (2, lambda indexes: [*indexes, 99]),
        (2, lambda indexes: [*indexes, 1 << 40]),
        (2, lambda indexes: indexes[::-1]),
        (2, lambda indexes: [*indexes, indexes[-1]]),
        (2, lambda indexes: [True]),
        (3, lambda indexes: indexes[:-1]),
        (3, lambda indexes: [*indexes[:-1], indexes[-1] + 1]),
        (3, lambda indexes: [*indexes, 1000]),
        (3, lambda indexes: None),
        (4, lambda header: header + b"x"),
        (4, lambda header: b""),
        (4, lambda header: "nonce"),
    ],
)
async def test_an_altered_component_is_refused(place: int, value: Any) -> None:
    shown = derive_proof(await signed(), selective_pointers=["/validFrom"], presentation_header=b"nonce")
    assert _rewritten(shown, place, lambda part: part) == shown
    verify(shown)
    with pytest.raises((InvalidInputError, VerificationError)):
        verify(_rewritten(shown, place, value))


@pytest.mark.parametrize(
    "text",
    ["", "u", "z3hb", "u2V0D", "u2V0Dgg", "u2V0BgA", "u2V0D_w", "u" + "A" * (1 << 18), "u2V0D9g", "u2V0DhUBAQEBA"]
    + ["u" + b64url_encode(b"\xd9\x5d" + bytes([number])) for number in range(16)],
)
async def test_what_is_no_proof_value_is_refused(text: str) -> None:
    base = await signed()
    document = {**base, "proof": {**base["proof"], "proofValue": text}}
    for call in (
        lambda: verify(document),
        lambda: derive_proof(document, selective_pointers=[]),
        lambda: verify_base_proof(document, key=key().public_key),
    ):
        with pytest.raises((InvalidInputError, VerificationError)):
            call()
