"""Replay the W3C vectors of ecdsa-sd-2023: lines, groups, hashes, signatures, base proof and derived proof.

Signatures were made by RFC 6979, without random numbers, so that here everything is the published bytes.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from ssi.encoding.jsonld import BUNDLED, to_quads
from ssi.encoding.multibase import multibase_decode
from ssi.encoding.rdfc import canonicalize
from ssi.errors import InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys import Curve, PrivateKey, PublicKey
from ssi.keys.ecdsa_signature import raw_signature
from ssi.proofs.data_integrity import verify_proof
from ssi.proofs.derive import derive_proof, verify_base_proof
from ssi.proofs.ecdsa_sd_2023 import EcdsaSd2023
from ssi.proofs.ecdsa_sd_proof_value import encode_base, encode_derived, parse_base, parse_derived
from ssi.proofs.selective.grouping import Grouped, canonicalize_and_group
from ssi.proofs.selective.labels import hmac_labels
from ssi.proofs.selective.suite import Disclosure, mandatory_hash
from ssi.types import JsonObject
from tests.unit.proofs.party import altered, leaves
from tests.vectors.support import VectorCount, load_json, vectors_dir

FOLDER = "w3c/vc-di-ecdsa"
SD = f"{FOLDER}/ecdsa-sd-2023"
NOW = 1_780_000_000
WALKS = {
    "employ": ("employmentAuth.json", "employMandatory.json", "employSelective.json"),
    "prc": ("prCredUnsigned.json", "prCredMandatory.json", "prCredSelective.json"),
}
REFUSED = (InvalidInputError, VerificationError)
count = VectorCount(FOLDER)
text_count = VectorCount("w3c")
_TRANSCRIBED: JsonObject = json.loads((Path(__file__).parent / "ecdsa_sd_2023.json").read_text(encoding="utf-8"))
each = pytest.mark.parametrize("folder", WALKS)


class Deterministic(PrivateKey):
    """A key that signs as RFC 6979 says."""

    def sign(self, message: bytes) -> bytes:
        native = self._native
        assert isinstance(native, ec.EllipticCurvePrivateKey)
        return raw_signature(native.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True)), 32)


def _pair(name: str) -> Deterministic:
    pair = load_json(SD, "SDKeyMaterial.json")[name]
    key = Deterministic.from_raw(Curve.P256, multibase_decode(pair["secretKeyMultibase"])[2:])
    assert key.public_key == PublicKey.from_multikey(pair["publicKeyMultibase"])
    assert isinstance(key, Deterministic)
    return key


def _hmac_key() -> bytes:
    return bytes.fromhex(load_json(SD, "SDKeyMaterial.json")["hmacKeyString"])


def _step(folder: str, name: str) -> Any:
    return load_json(f"{SD}/{folder}", f"{name}.json")


def _inputs(folder: str) -> tuple[JsonObject, list[str], list[str]]:
    """Return the unsigned document, the mandatory and the selective pointers.

    The document is that of the published steps: ``prCredUnsigned.json`` has been edited since.
    """
    _, mandatory, selective = (load_json(FOLDER, name) for name in WALKS[folder])
    return _base(folder)[0], mandatory, selective


def _base(folder: str) -> tuple[JsonObject, JsonObject, str]:
    """Return the document, the proof without its value, and the value."""
    signed = _step(folder, "addSignedSDBase")
    config = dict(signed.pop("proof"))
    return signed, config, config.pop("proofValue")


def _grouped(folder: str) -> Grouped:
    document, mandatory, selective = _inputs(folder)
    pointers = {"mandatory": mandatory, "selective": selective, "combined": [*mandatory, *selective]}
    return canonicalize_and_group(document, pointers, hmac_labels(_hmac_key()), contexts=BUNDLED)


def _disclosure(folder: str) -> Disclosure:
    document, mandatory, selective = _inputs(folder)
    return EcdsaSd2023().disclose(document, mandatory, selective, hmac_labels(_hmac_key()), BUNDLED)


@each
def test_lines_and_groups(folder: str) -> None:
    document, mandatory, _ = _inputs(folder)
    grouped = _grouped(folder)
    assert list(canonicalize(to_quads(document)).lines) == _step(folder, "addBaseDocCanon")
    assert list(grouped.lines) == _step(folder, "addBaseDocHMACCanon")
    count.ran(2)
    for entry in _step(folder, "addPointerValues"):
        assert entry["pointer"] in mandatory
        assert document[entry["pointer"].removeprefix("/")] == entry["value"]
        count.ran()
    transform = _step(folder, "addBaseTransform")
    assert transform["mandatoryPointers"] == mandatory
    assert bytes.fromhex(transform["hmacKeyString"]) == _hmac_key()
    groups = {"mandatory": grouped.groups["mandatory"], "nonMandatory": grouped.others("mandatory")}
    for name, indexes in groups.items():
        assert [[index, grouped.lines[index]] for index in indexes] == transform[name]["value"]
        count.ran()
    for name, expected in _step(folder, "derivedGroupIndexes").items():
        indexes = grouped.others("mandatory") if name == "nonMandatoryIndexes" else grouped.groups[name[:-7]]
        assert list(indexes) == expected
        count.ran()


@each
def test_all_group_data(folder: str) -> None:
    """The text has URNs where we have labels: the groups and the graph are the same, but for these names."""
    document, _, _ = _inputs(folder)
    grouped, published = _grouped(folder), _step(folder, "derivedAllGroupData")
    for name, group in published["groups"].items():
        indexes = grouped.groups[name]
        assert [[index, grouped.lines[index]] for index in indexes] == group["matching"]["value"]
        others = grouped.others(name)
        assert [[index, grouped.lines[index]] for index in others] == group["nonMatching"]["value"]
        assert len(group["deskolemizedNQuads"]) == len(indexes)
        count.ran(3)
    assert published["nquads"] == list(grouped.lines)
    assert sorted(value for _, value in published["labelMap"]["value"]) == sorted(grouped.labels.values())
    assert len(published["deskolemizedNQuads"]) == len(grouped.lines)
    skolemized = published["skolemized"]["compact"]
    assert skolemized.keys() == {*document, "id"}
    count.ran(4)
    count.left_out("ecdsa-sd-2023: documents with URNs for blank nodes, in whose place we have labels", 1)


@each
def test_hashes(folder: str) -> None:
    document, config, _ = _base(folder)
    given = load_json(FOLDER, WALKS[folder][0])
    assert {name for name in given if given[name] != document[name]} <= {"description"}
    published = _step(folder, "addProofConfig")
    assert {**config, "@context": document["@context"]} == published
    text = (vectors_dir(SD) / folder / "addProofConfigCanon.txt").read_text(encoding="utf-8")
    assert canonicalize(to_quads(published)).text.strip() == text.strip()
    hashes = _step(folder, "addHashData")
    assert EcdsaSd2023().config_hash(document, config, BUNDLED).hex() == hashes["proofHash"]
    assert mandatory_hash([_grouped(folder).text("mandatory")]).hex() == hashes["mandatoryHash"]
    count.ran(5)


@each
async def test_base_proof(folder: str) -> None:
    document, config, value = _base(folder)
    _, mandatory, _ = _inputs(folder)
    suite = EcdsaSd2023(mandatory, hmac_key=_hmac_key(), proof_key=_pair("proofKeyPair"))
    assert suite.configure(document, config) == config
    issuer = _pair("baseKeyPair")

    async def sign(message: bytes) -> bytes:
        return issuer.sign(message)

    assert await suite.prove(document, config, sign) == value
    count.ran()
    parsed = parse_base(value)
    for name in ("addRawBaseSignatureInfo", "derivedRecoveredBaseData"):
        raw = _step(folder, name)
        assert parsed.signature.hex() == raw["baseSignature"]
        assert parsed.public_key.to_multikey() == (raw.get("publicKey") or raw["proofPublicKey"])
        assert [signature.hex() for signature in parsed.signatures] == raw["signatures"]
        assert list(parsed.mandatory_pointers) == raw["mandatoryPointers"]
        count.ran(4)
    assert parsed.hmac_key == _hmac_key()
    assert encode_base(parsed) == value
    count.ran(2)
    signed = {**document, "proof": {**config, "proofValue": value}}
    assert verify_base_proof(signed, key=issuer.public_key) == tuple(mandatory)
    count.ran()
    with pytest.raises(VerificationError, match="derived"):
        _verify(signed)
    for path in leaves(signed):
        with pytest.raises(REFUSED):
            verify_base_proof(altered(signed, path), key=issuer.public_key)


@each
def test_disclosure(folder: str) -> None:
    shown = _disclosure(folder)
    signatures = parse_base(_base(folder)[2]).signatures
    published = _step(folder, "derivedDisclosureData")
    assert shown.label_map == dict(published["labelMap"]["value"])
    assert list(shown.mandatory_indexes) == published["mandatoryIndexes"]
    assert list(shown.mandatory_indexes) == _step(folder, "derivedAdjMandatoryIndexes")["adjMandatoryIndexes"]
    adjusted = _step(folder, "derivedAdjSignatures")
    assert list(shown.selective_indexes) == adjusted["adjSignatureIndexes"]
    filtered = [signatures[index].hex() for index in shown.selective_indexes]
    assert filtered == adjusted["filteredSignatures"] == published["signatures"]
    assert shown.document == _step(folder, "derivedUnsignedReveal")
    count.ran(7)


@each
def test_derived_proof(folder: str) -> None:
    document, config, value = _base(folder)
    signed = {**document, "proof": {**config, "proofValue": value}}
    derived = derive_proof(signed, selective_pointers=_inputs(folder)[2])
    published = _step(folder, "derivedRevealDocument")
    assert derived == published
    assert _verify(published) == {name: member for name, member in published.items() if name != "proof"}
    count.ran(2)
    parsed = parse_derived(published["proof"]["proofValue"])
    assert encode_derived(parsed) == published["proof"]["proofValue"]
    count.ran()
    for name in ("derivedDisclosureData", "verifyDerivedProofValue"):
        raw = _step(folder, name)
        labels = raw["labelMap"]
        assert parsed.signature.hex() == raw["baseSignature"]
        assert parsed.public_key.to_multikey() == raw["publicKey"]
        assert [signature.hex() for signature in parsed.signatures] == raw["signatures"]
        assert parsed.label_map == dict(labels["value"] if isinstance(labels, dict) else labels)
        assert list(parsed.mandatory_indexes) == raw["mandatoryIndexes"]
        count.ran(5)


@each
def test_what_the_verifier_reads(folder: str) -> None:
    published = _step(folder, "derivedRevealDocument")
    config = dict(published.pop("proof"))
    value = parse_derived(config.pop("proofValue"))
    read = EcdsaSd2023().read_shown(published, value.label_map, value.mandatory_indexes, BUNDLED)
    data = _step(folder, "verifyCreateVerifyData")
    assert read.mandatory_hash.hex() == data["mandatoryHash"]
    assert [line.decode() for line in read.others] == data["nonMandatory"]
    assert EcdsaSd2023().config_hash(published, config, BUNDLED).hex() == data["proofHash"]
    assert value.signature.hex() == data["baseSignature"]
    assert value.public_key.to_multikey() == data["publicKey"]
    assert [signature.hex() for signature in value.signatures] == data["signatures"]
    grouped = _grouped(folder)
    assert [grouped.lines[index] for index in grouped.groups["combined"]] == _step(folder, "verifyNQuads")
    count.ran(7)


@each
def test_every_altered_leaf_of_a_derived_document_is_refused(folder: str) -> None:
    published = _step(folder, "derivedRevealDocument")
    for path in leaves(published):
        with pytest.raises(REFUSED):
            _verify(altered(published, path))


def _verify(signed: JsonObject) -> JsonObject:
    key = PublicKey.from_multikey(load_json(SD, "SDKeyMaterial.json")["baseKeyPair"]["publicKeyMultibase"])
    return verify_proof(signed, key=key, expected_purpose="assertionMethod", now=NOW)


def test_every_file_is_read() -> None:
    names = {path.stem for path in vectors_dir(SD).rglob("*") if path.is_file()}
    source = Path(__file__).read_text(encoding="utf-8")
    assert not {name for name in names if name not in source}


def test_the_examples_of_the_text() -> None:
    """Every block is a file of the folder that is replayed here or beside, or shows a key or a proof."""
    files = {
        "".join(path.read_text(encoding="utf-8").split()) for path in vectors_dir(FOLDER).rglob("*") if path.is_file()
    }
    for block in load_json("w3c", "vc-di-ecdsa-rec-text-vectors.json")["blocks"]:
        text = block["text"]
        if "".join(text.split()) in files:
            text_count.ran()
            continue
        keys = re.findall(r'"publicKeyMultibase": "([^"]*)"', text)
        for key in keys:
            multikey = "".join(key.split())
            assert PublicKey.from_multikey(multikey).to_multikey() == multikey
            text_count.ran()
        if not keys:
            text_count.left_out("vc-di-ecdsa-rec-text-vectors.json: an example from which nothing is computed")


def test_the_transcribed_example() -> None:
    key = PublicKey.from_multikey(_TRANSCRIBED["publicKeyMultibase"])
    base, derived = _TRANSCRIBED["base"], _TRANSCRIBED["derived"]
    verify_base_proof(base, key=key)
    assert derive_proof(base, selective_pointers=_TRANSCRIBED["selectivePointers"]) == derived
    verify_proof(derived, key=key, expected_purpose="assertionMethod", now=NOW)
    for path in leaves(derived):
        with pytest.raises(REFUSED):
            verify_proof(altered(derived, path), key=key, expected_purpose="assertionMethod", now=NOW)
    other = PrivateKey.generate(Curve.P256).public_key
    with pytest.raises(InvalidSignatureError):
        verify_proof(derived, key=other, expected_purpose="assertionMethod", now=NOW)
