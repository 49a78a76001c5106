"""Replay the W3C vectors of bbs-2023: lines, groups, hashes, base proof and derived proof, byte for byte.

Three walks: the sailing document, the permanent resident card, and the driver's licence with anonymous holder binding.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ssi.encoding.jsonld import BUNDLED, Contexts, to_quads
from ssi.encoding.rdfc import canonicalize
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import Curve, PrivateKey, PublicKey
from ssi.keys.bbs import SHA_256, blind, proof
from ssi.proofs.bbs_2023 import Bbs2023, HolderSecret, derive_proof, verify_base_proof
from ssi.proofs.bbs_proof_value import Feature, encode_base, encode_derived, parse_base, parse_derived
from ssi.proofs.data_integrity import verify_proof
from ssi.proofs.selective.grouping import Grouped, canonicalize_and_group, disclosed_labels, relative_indexes
from ssi.proofs.selective.labels import shuffled_labels
from ssi.types import JsonObject
from tests.unit.proofs.party import altered, leaves
from tests.vectors.support import VectorCount, load_json, vectors_dir

FOLDER = "w3c/vc-di-bbs"
NOW = 1_780_000_000
WALKS = {
    "": ("windMandatory.json", "windSelective.json"),
    "prc/": ("prCredMandatory.json", "prCredSelective.json"),
    "HolderBinding/": ("FeatureInputs/licenseMandatory.json", "FeatureInputs/licenseSelective.json"),
}
count = VectorCount(FOLDER)
text_count = VectorCount("w3c")
_TRANSCRIBED: JsonObject = json.loads((Path(__file__).parent / "bbs_2023.json").read_text(encoding="utf-8"))
each = pytest.mark.parametrize("folder", WALKS)


class Signer:
    """Signs with the published key."""

    def __init__(self, key: PrivateKey) -> None:
        self.key = key

    async def __call__(self, message: bytes) -> bytes:
        raise AssertionError("bbs-2023 signs lists of messages")

    async def public_key(self) -> PublicKey:
        return self.key.public_key

    async def bbs_sign(self, *, header: bytes, messages: Any, commitment: bytes | None = None) -> bytes:
        return self.key.bbs_sign(messages, header=header, commitment=commitment)


def _key() -> PrivateKey:
    material = load_json(FOLDER, "BBSKeyMaterial.json")
    key = PrivateKey.from_raw(Curve.BLS12_381_G2, bytes.fromhex(material["privateKeyHex"]))
    assert key.public_key.to_raw().hex() == material["publicKeyHex"]
    return key


def _hmac_key() -> bytes:
    return bytes.fromhex(load_json(FOLDER, "BBSKeyMaterial.json")["hmacKeyString"])


def _base(folder: str) -> tuple[JsonObject, JsonObject, str]:
    """Return the document, the proof without its value, and the value."""
    signed = load_json(FOLDER, f"{folder}addSignedSDBase.json")
    config = dict(signed.pop("proof"))
    return signed, config, config.pop("proofValue")


def _pointers(folder: str) -> tuple[list[str], list[str]]:
    mandatory, selective = (load_json(FOLDER, name) for name in WALKS[folder])
    return mandatory, selective


def _grouped(folder: str) -> Grouped:
    mandatory, selective = _pointers(folder)
    pointers = {"mandatory": mandatory, "selective": selective, "combined": [*mandatory, *selective]}
    return canonicalize_and_group(_base(folder)[0], pointers, shuffled_labels(_hmac_key()), contexts=BUNDLED)


def _holder(folder: str) -> HolderSecret | None:
    if folder != "HolderBinding/":
        return None
    secret = load_json(FOLDER, "FeatureInputs/holderSecret.json")["holderSecretHex"]
    info = load_json(FOLDER, f"{folder}commitmentInfo.json")
    return HolderSecret(bytes.fromhex(secret), bytes.fromhex(info["secretProverBlind"]))


@each
def test_lines_and_groups(folder: str) -> None:
    document, _, _ = _base(folder)
    grouped = _grouped(folder)
    canonical = list(canonicalize(to_quads(document)).lines)
    assert canonical == load_json(FOLDER, f"{folder}addBaseDocCanon.json")
    assert list(grouped.lines) == load_json(FOLDER, f"{folder}addBaseDocHMACCanon.json")
    count.ran(2)
    transform = load_json(FOLDER, f"{folder}addBaseTransform.json")
    groups = {"mandatory": grouped.groups["mandatory"], "nonMandatory": grouped.others("mandatory")}
    for name, indexes in groups.items():
        assert [[index, grouped.lines[index]] for index in indexes] == transform[name]["value"]
        count.ran()
    published = load_json(FOLDER, f"{folder}derivedGroupIndexes.json")
    for name, expected in published.items():
        indexes = grouped.others("mandatory") if name == "nonMandatoryIndexes" else grouped.groups[name[:-7]]
        assert list(indexes) == expected
        count.ran()


@each
def test_hashes(folder: str) -> None:
    document, config, value = _base(folder)
    published = load_json(FOLDER, f"{folder}addProofConfig.json")
    assert {**config, "@context": document["@context"]} == published
    text = (vectors_dir(FOLDER) / folder / "addProofConfigCanon.txt").read_text(encoding="utf-8")
    assert canonicalize(to_quads(published)).text.strip() == text.strip()
    hashes = load_json(FOLDER, f"{folder}addHashData.json")
    assert parse_base(value).header.hex() == hashes["proofHash"] + hashes["mandatoryHash"]
    count.ran(4)


@each
async def test_base_proof(folder: str) -> None:
    document, config, value = _base(folder)
    mandatory, _ = _pointers(folder)
    commitment = None
    if folder == "HolderBinding/":
        commitment = bytes.fromhex(load_json(FOLDER, f"{folder}commitmentInfo.json")["commitmentWithProof"])
    suite = Bbs2023(mandatory, holder_commitment=commitment, hmac_key=_hmac_key())
    assert suite.configure(document, config) == config
    assert await suite.prove(document, config, Signer(_key())) == value
    count.ran()
    parsed, raw = parse_base(value), load_json(FOLDER, f"{folder}addRawBaseSignatureInfo.json")
    assert parsed.signature.hex() == raw["bbsSignature"]
    assert list(parsed.mandatory_pointers) == mandatory == raw["mandatoryPointers"]
    assert parsed.feature is (Feature.BASELINE if commitment is None else Feature.HOLDER_BINDING)
    assert encode_base(parsed) == value
    recovered = load_json(FOLDER, f"{folder}derivedRecoveredBaseData.json")
    assert parsed.hmac_key.hex() == recovered["hmacKey"]
    count.ran(3)
    signed = {**document, "proof": {**config, "proofValue": value}}
    assert verify_base_proof(signed, key=_key().public_key, holder=_holder(folder)) == parsed
    with pytest.raises(VerificationError):
        _verify(signed)
    for path in leaves(signed):
        with pytest.raises((InvalidInputError, VerificationError)):
            verify_base_proof(altered(signed, path), key=_key().public_key, holder=_holder(folder))
    count.ran()


@each
def test_disclosure(folder: str) -> None:
    grouped = _grouped(folder)
    published = load_json(FOLDER, f"{folder}derivedDisclosureData.json")
    combined, others = grouped.groups["combined"], grouped.others("mandatory")
    labels = published["labelMap"]
    assert disclosed_labels(grouped, combined) == dict(labels["value"] if isinstance(labels, dict) else labels)
    mandatory = relative_indexes(grouped.groups["mandatory"], combined)
    selective = relative_indexes(grouped.groups["selective"], others)
    assert mandatory == published["mandatoryIndexes"]
    assert selective == published["adjSelectiveIndexes"]
    adjusted = load_json(FOLDER, f"{folder}derivedAdjIndexes.json")
    assert (mandatory, selective) == (adjusted["adjMandatoryIndexes"], adjusted["adjSelectiveIndexes"])
    count.ran(5)
    if folder == "HolderBinding/":
        assert len(others) == published["lengthBBSMessages"]
        count.ran()


@each
def test_derived_proof(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the published seed in place of random numbers, the derived document is the published one."""
    document, config, value = _base(folder)
    material = load_json(FOLDER, "BBSDeriveMaterial.json")
    revealed = load_json(FOLDER, f"{folder}derivedRevealDocument.json")
    assert _verify(revealed) == {name: member for name, member in revealed.items() if name != "proof"}
    count.ran()
    seed = bytes.fromhex(material["pseudoRandSeedHex"])
    for module, interface in ((proof, "H2G_HM2S_"), (blind, "BLIND_H2G_HM2S_")):
        dst = SHA_256.identifier + interface.encode()
        for name in ("proof_gen", "blind_proof_gen"):
            if hasattr(module, name):
                made = lambda number, dst=dst: proof.seeded_random_scalars(seed, dst, number)  # noqa: E731
                monkeypatch.setitem(getattr(module, name).__kwdefaults__, "random", made)
    derived = derive_proof(
        {**document, "proof": {**config, "proofValue": value}},
        selective_pointers=_pointers(folder)[1],
        presentation_header=bytes.fromhex(material["presentationHeaderHex"]),
        holder=_holder(folder),
    )
    unsigned = {name: member for name, member in derived.items() if name != "proof"}
    assert unsigned == load_json(FOLDER, f"{folder}derivedUnsignedReveal.json")
    count.ran()
    assert derived == revealed
    count.ran()
    parsed = parse_derived(derived["proof"]["proofValue"])
    assert parsed.proof.hex() == load_json(FOLDER, f"{folder}derivedDisclosureData.json")["bbsProof"]
    assert encode_derived(parsed) == derived["proof"]["proofValue"]
    count.ran(2)


@each
def test_every_altered_leaf_of_a_derived_document_is_refused(folder: str) -> None:
    revealed = load_json(FOLDER, f"{folder}derivedRevealDocument.json")
    for path in leaves(revealed):
        with pytest.raises((InvalidInputError, VerificationError)):
            _verify(altered(revealed, path))


@pytest.mark.parametrize("folder", ["prc/", "HolderBinding/"])
def test_what_the_verifier_reads(folder: str) -> None:
    if folder == "prc/":  # The other folder has its lines without what is mandatory, and the names of its labels.
        value = parse_derived(load_json(FOLDER, f"{folder}derivedRevealDocument.json")["proof"]["proofValue"])
        published = load_json(FOLDER, f"{folder}verifyDerivedProofValue.json")
        assert value.proof.hex() == published["bbsProof"]
        count.ran()
    lines = load_json(FOLDER, f"{folder}verifyNQuads.json")
    grouped = _grouped(folder)
    assert [grouped.lines[index] for index in grouped.groups["combined"]] == lines
    count.ran()


@pytest.mark.parametrize("folder", ["Pseudonym/", "PseudonymHB/"])
def test_pseudonyms_are_refused(folder: str) -> None:
    for name in ("addSignedSDBase.json", "derivedRevealDocument.json"):
        signed = load_json(FOLDER, f"{folder}{name}")
        with pytest.raises(VerificationError, match="pseudonyms"):
            parse_base(signed["proof"]["proofValue"])
        with pytest.raises(VerificationError, match="pseudonyms"):
            _verify(signed)
    files = [path for path in (vectors_dir(FOLDER) / folder).iterdir() if path.is_file()]
    count.left_out(
        "pseudonyms are refused: these vectors disagree with the text (header bytes 08 for 06, a tagged bignum)",
        len(files),
    )


def _verify(signed: JsonObject, contexts: Contexts = BUNDLED) -> JsonObject:
    key = _key().public_key
    return verify_proof(signed, key=key, expected_purpose="assertionMethod", now=NOW, contexts=contexts)


def test_the_committed_secret_is_that_of_the_vector() -> None:
    info = load_json(FOLDER, "HolderBinding/commitmentInfo.json")
    holder = _holder("HolderBinding/")
    assert holder is not None
    assert holder.secret.hex() not in json.dumps(info)
    assert holder.secret.hex() not in repr(holder)
    made = blind.commit_to([holder.secret])
    assert len(made.commitment_with_proof) == len(bytes.fromhex(info["commitmentWithProof"]))
    count.ran()


def test_the_transcribed_example() -> None:
    key = PublicKey.from_raw(Curve.BLS12_381_G2, bytes.fromhex(_TRANSCRIBED["publicKeyHex"]))
    base, derived = _TRANSCRIBED["base"], _TRANSCRIBED["derived"]
    verify_base_proof(base, key=key)
    about = bytes.fromhex(_TRANSCRIBED["presentationHeaderHex"])
    ours = derive_proof(base, selective_pointers=_TRANSCRIBED["selectivePointers"], presentation_header=about)
    assert {**ours, "proof": None} == {**derived, "proof": None}
    for document in (ours, derived):
        verify_proof(document, key=key, expected_purpose="assertionMethod", now=NOW)
        for path in leaves(document):
            with pytest.raises((InvalidInputError, VerificationError)):
                verify_proof(altered(document, path), key=key, expected_purpose="assertionMethod", now=NOW)


def test_the_examples_of_the_text() -> None:
    """Two keys and two documents with their canonical forms; other blocks stand in files of their own."""
    blocks = load_json("w3c", "vc-di-bbs-cr-text-vectors.json")["blocks"]
    unsigned: JsonObject | None = None
    for block in blocks:
        text = block["text"].strip()
        if block["section"] == "Verification Methods > Multikey":
            multikey = "".join(re.findall(r'"publicKeyMultibase": "([^"]*)"', text)[0].split())
            assert PublicKey.from_multikey(multikey).to_multikey() == multikey
            text_count.ran()
        elif text.startswith("{"):
            unsigned = json.loads(
                re.sub(r"//.*", "", text.replace("https://", "https:@@")).replace("https:@@", "https://")
            )
        elif text.startswith("_:") and unsigned is not None:
            lines = canonicalize(to_quads(unsigned)).lines
            assert [line.strip() for line in lines] == [line.strip() for line in text.splitlines()]
            text_count.ran()
        else:
            text_count.left_out("vc-di-bbs-cr-text-vectors.json: a block that includes a file of vc-di-bbs, or nothing")
