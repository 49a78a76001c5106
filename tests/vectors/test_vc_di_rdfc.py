"""Replay the W3C vectors of the suites that canonicalise RDF: every published step, byte for byte."""

from __future__ import annotations

import json
from hashlib import sha256, sha384
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ssi.encoding.jsonld import to_quads
from ssi.encoding.multibase import multibase_decode
from ssi.encoding.rdfc import HashName, canonicalize
from ssi.encoding.timestamps import parse_seconds
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.data_integrity import (
    ECDSA_RDFC_2019_P256,
    ECDSA_RDFC_2019_P384,
    EDDSA_RDFC_2022,
    Cryptosuite,
    add_further_proof,
    add_proof,
    verify_proof,
    verify_proofs,
)
from ssi.proofs.rdfc import RdfcCryptosuite
from ssi.proofs.suites import ED25519_SIGNATURE_2020
from ssi.types import JsonObject
from tests.unit.proofs.party import CONTEXTS, altered, leaves
from tests.vectors.support import VectorCount, load_json, vectors_dir

EDDSA, ECDSA = "w3c/vc-di-eddsa", "w3c/vc-di-ecdsa"
NOW = 1_780_000_000
REFUSED = (InvalidInputError, VerificationError)

counts = {EDDSA: VectorCount(EDDSA), ECDSA: VectorCount(ECDSA)}


class Published(NamedTuple):
    """One folder of published steps: the file of a step is its name with ``ending``."""

    root: str
    folder: str
    ending: str
    suite: RdfcCryptosuite
    unsigned: str
    keys: str

    def text(self, name: str) -> str:
        return (vectors_dir(f"{self.root}/{self.folder}") / f"{name}{self.ending}.txt").read_text(encoding="utf-8")

    def json(self, name: str) -> Any:
        return load_json(f"{self.root}/{self.folder}", f"{name}{self.ending}.json")

    @property
    def secret(self) -> PrivateKey:
        pair = load_json(self.root, self.keys)
        raw = multibase_decode(pair.get("secretKeyMultibase") or pair["privateKeyMultibase"])[2:]
        secret = PrivateKey.from_raw(self.suite.curve, raw)
        assert secret.public_key == PublicKey.from_multikey(pair["publicKeyMultibase"])
        return secret


def _both(root: str, folder: str, ending: str, suite: RdfcCryptosuite, keys: str) -> list[Published]:
    return [
        Published(root, folder, ending, suite, "unsigned.json", keys),
        Published(root, f"{folder}/employ", ending, suite, "employmentAuth.json", keys),
    ]


PUBLISHED = [
    *_both(EDDSA, "eddsa-rdfc-2022", "DataInt", EDDSA_RDFC_2022, "keyPair.json"),
    Published(EDDSA, "Ed25519Signature2020", "EdSig", ED25519_SIGNATURE_2020, "unsigned.json", "keyPair.json"),
    *_both(ECDSA, "ecdsa-rdfc-2019-p256", "ECDSAP256", ECDSA_RDFC_2019_P256, "p256KeyPair.json"),
    *_both(ECDSA, "ecdsa-rdfc-2019-p384", "ECDSAP384", ECDSA_RDFC_2019_P384, "p384KeyPair.json"),
]


_TRANSCRIBED: JsonObject = json.loads((Path(__file__).parent / "rdfc_suites.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", _TRANSCRIBED["cases"])
def test_the_transcribed_examples(name: str) -> None:
    example = _TRANSCRIBED["cases"][name]
    signed, key = example["signed"], PublicKey.from_multikey(example["publicKeyMultibase"])
    unsigned = {member: value for member, value in signed.items() if member != "proof"}
    options = {member: value for member, value in signed["proof"].items() if member != "proofValue"}
    suite = next(case.suite for case in PUBLISHED if case.folder == name)
    hashed = suite.hash_data(unsigned, options, contexts=CONTEXTS)
    assert hashed.hex() == example["proofHash"] + example["docHash"]
    assert _check(signed, key) == unsigned
    for path in leaves(signed):
        with pytest.raises(REFUSED):
            _check(altered(signed, path), key)


def _check(signed: JsonObject, key: PublicKey) -> JsonObject:
    return verify_proof(signed, key=key, expected_purpose="assertionMethod", now=NOW, contexts=CONTEXTS)


async def _add(document: JsonObject, secret: PrivateKey, suite: Cryptosuite, config: JsonObject) -> JsonObject:
    kms = MemoryKms()
    await kms.add("key", secret, purpose=KeyPurpose.CREDENTIAL)
    arguments: dict[str, Any] = {
        "kms": kms,
        "label": "key",
        "purpose": KeyPurpose.CREDENTIAL,
        "verification_method": config["verificationMethod"],
        "proof_purpose": config["proofPurpose"],
        "created": parse_seconds(config["created"]),
        "suite": suite,
        "contexts": CONTEXTS,
        "options": {"id": config["id"]} if "id" in config else None,
    }
    if "proof" in document:
        return await add_further_proof(document, previous_proof=config.get("previousProof"), **arguments)
    return await add_proof(document, **arguments)


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case.folder)
async def test_published_steps(case: Published) -> None:
    count, suite = counts[case.root], case.suite
    hash_name: HashName = "sha384" if suite.curve is Curve.P384 else "sha256"
    digest = sha384 if suite.curve is Curve.P384 else sha256
    unsigned, config, signed = load_json(case.root, case.unsigned), case.json("proofConfig"), case.json("signed")
    if suite is ED25519_SIGNATURE_2020:  # The published document has one context more than the unsigned one.
        assert signed["@context"][:-1] == unsigned["@context"]
        unsigned = {**unsigned, "@context": signed["@context"]}
    assert {name: value for name, value in signed.items() if name != "proof"} == unsigned
    for document, name in ((unsigned, "canonDoc"), (config, "proofCanon")):
        canonical = canonicalize(to_quads(document, contexts=CONTEXTS), hash_name=hash_name)
        assert canonical.text == case.text(name)
        hashed = case.text("docHash" if name == "canonDoc" else "proofHash").strip()
        assert digest(canonical.text.encode()).hexdigest() == canonical.hash().hex() == hashed
        count.ran(2)
    options = {name: value for name, value in signed["proof"].items() if name != "proofValue"}
    assert suite.configure(unsigned, options) == options
    assert {**options, "@context": unsigned["@context"]} == config
    combined = case.text("combinedHash").strip()
    assert suite.hash_data(unsigned, options, contexts=CONTEXTS).hex() == combined
    count.ran(2)
    signature = bytes.fromhex(case.text("sigHex").strip())
    case.secret.public_key.verify(signature, bytes.fromhex(combined))
    assert suite.encode(signature) == case.text("sigBTC58").strip() == signed["proof"]["proofValue"]
    count.ran(2)
    assert _check(signed, case.secret.public_key) == unsigned
    ours = await _add(unsigned, case.secret, suite, options)
    if suite.curve is Curve.ED25519:
        assert ours == signed
    else:  # ECDSA draws a number for each signature, so ours is another one; all else of the document is the same.
        assert {**ours, "proof": {**ours["proof"], "proofValue": signed["proof"]["proofValue"]}} == signed
        assert _check(ours, case.secret.public_key) == unsigned
    count.ran()


@pytest.mark.parametrize("case", PUBLISHED, ids=lambda case: case.folder)
def test_every_leaf_of_what_was_published(case: Published) -> None:
    signed, key = case.json("signed"), case.secret.public_key
    for path in leaves(signed):
        with pytest.raises(REFUSED):
            _check(altered(signed, path), key)


def _chain(name: str) -> Any:
    return load_json(f"{EDDSA}/proof-set-chain", f"{name}.json")


async def test_the_published_set_and_chain() -> None:
    """Ed25519 draws no number: the documents come out as published, proof after proof."""
    count, pairs, secured = counts[EDDSA], _chain("multiKeyPairs"), _chain("unsigned")
    steps = [
        ("proofSetConfig1", "signedProofSet1"),
        ("proofSetConfig2", "signedProofSet2"),
        ("proofChainConfig1", "signedProofChain1"),
        ("proofChainConfig2", "signedProofChain2"),
    ]
    keys: dict[str, PublicKey] = {}
    for pair, (name, expected) in zip(pairs.values(), steps, strict=True):
        config = _chain(name)
        secret = PrivateKey.from_raw(Curve.ED25519, multibase_decode(pair["privateKeyMultibase"])[2:])
        keys[config["verificationMethod"]] = PublicKey.from_multikey(pair["publicKeyMultibase"])
        secured = await _add(secured, secret, EDDSA_RDFC_2022, config)
        proofs = secured["proof"] if isinstance(secured["proof"], list) else [secured["proof"]]
        published = _chain(expected)
        assert secured == published
        verified = verify_proofs(
            published,
            keys=lambda method, _: keys[method],
            expected_purpose="assertionMethod",
            now=NOW,
            contexts=CONTEXTS,
        )
        assert verified.document == _chain("unsigned")
        assert len(verified.proofs) == len(keys)
        assert proofs[-1] == _chain(name.replace("Config", "ConfigSigned"))
        count.ran(2)
    for number in range(4):
        bad = json.loads(json.dumps(secured))
        value = bad["proof"][number]["proofValue"]
        bad["proof"][number]["proofValue"] = f"z{'3' if value[1] != '3' else '4'}{value[2:]}"
        with pytest.raises(REFUSED):
            verify_proofs(
                bad, keys=lambda method, _: keys[method], expected_purpose="assertionMethod", now=NOW, contexts=CONTEXTS
            )


def test_every_file_is_read_or_another_tests() -> None:
    elsewhere = {"eddsa-jcs-2022", "ecdsa-jcs-2019-p256", "ecdsa-jcs-2019-p384", "proof-set-chain", "ecdsa-sd-2023"}
    for root in counts:
        found: set[Path] = {
            path.parent for path in vectors_dir(root).rglob("*.txt") if elsewhere.isdisjoint(path.parts)
        }
        assert found == {vectors_dir(f"{root}/{case.folder}") for case in PUBLISHED if case.root == root}
        assert all(len(list(folder.glob("*.*"))) == 9 for folder in found)
