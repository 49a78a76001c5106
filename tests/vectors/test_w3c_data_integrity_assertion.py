"""Replay the documents of W3C-CCG's data integrity assertions: previousProof as it should and should not be.

What the documents are made to show, which links of a chain are acceptable, is checked on the published proofs, whose
suite is eddsa-rdfc-2022, and again on the same document with the same links and ids whose proofs are made by each of
our JCS suites.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ssi.encoding.multibase import multibase_decode
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import Curve, PrivateKey, PublicKey
from ssi.proofs.data_integrity import jcs_suite_for, parse_proofs, verify_proof, verify_proofs
from ssi.proofs.proof import match_all
from ssi.types import JsonObject
from tests.vectors.support import VectorCount, load_json, vectors_dir, vectors_root

FOLDER = "w3c/test-suites/data-integrity-assertion"
INPUTS = f"{FOLDER}/inputs/eddsa-rdfc-2022"
NOW = 1_780_000_000
REFUSED = (InvalidInputError, VerificationError)
KEYS = [
    PrivateKey.from_raw(curve, bytes(31) + b"\1" + bytes(size - 32))
    for curve, size in ((Curve.ED25519, 32), (Curve.P256, 32), (Curve.P384, 48))
]

count = VectorCount(FOLDER)


def _names() -> list[str]:
    folder: Path = vectors_root() / INPUTS
    return sorted(path.name for path in folder.glob("*.json"))


def _named(verification_method: str, _: str, /) -> PublicKey:
    return PublicKey.from_multikey(verification_method.partition("#")[2])


def _resecured(document: JsonObject, key: PrivateKey) -> JsonObject:
    """Return ``document`` with proofs of ``key`` in place of the published ones; a missing id secures nothing."""
    suite = jcs_suite_for(key.public_key)
    bare = {name: value for name, value in document.items() if name != "proof"}
    proofs: list[Any] = []
    for published in document["proof"]:
        options = {name: value for name, value in published.items() if name != "proofValue"}
        config = suite.configure(bare, {**options, "cryptosuite": suite.name})
        links = options.get("previousProof", [])
        links = links if isinstance(links, list) else [links]
        matching = [proof for proof in proofs if proof.get("id") in links]
        hashed = {**bare, "proof": matching} if matching else bare
        proofs.append({**config, "proofValue": suite.encode(key.sign(suite.hash_data(hashed, config)))})
    return {**bare, "proof": proofs}


@pytest.mark.parametrize("name", _names() or ["absent"])
def test_links_of_a_chain(name: str) -> None:
    document = load_json(INPUTS, name)
    if "Ok" in name:
        first, second = match_all(parse_proofs(document["proof"]))
        assert (first, second) == ([], document["proof"][:1])
    else:
        with pytest.raises(REFUSED):
            match_all(parse_proofs(document["proof"]))
    if "Ok" in name:
        verified = verify_proofs(document, keys=_named, expected_purpose="assertionMethod", now=NOW)
        assert {**verified.document, "proof": document["proof"]} == document
    else:
        with pytest.raises(REFUSED):
            verify_proofs(document, keys=_named, expected_purpose="assertionMethod", now=NOW)
    for key in KEYS:
        secured = _resecured(document, key)

        def keys(_: str, __: str, found: PublicKey = key.public_key) -> PublicKey:
            return found

        if "Ok" in name:
            verified = verify_proofs(secured, keys=keys, expected_purpose="assertionMethod", now=NOW)
            assert {**verified.document, "proof": document["proof"]} == document
        else:
            with pytest.raises(REFUSED):
                verify_proofs(secured, keys=keys, expected_purpose="assertionMethod", now=NOW)
    count.ran()


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("file", ["eddsa/p25519KeyPair", "ecdsa/p256KeyPair", "ecdsa/p384KeyPair"])
def test_fixtures_are_secured_with_the_published_keys(version: str, file: str) -> None:
    pair = load_json(f"{FOLDER}/tests/fixtures/keys", f"{file}.json")
    document = load_json(f"{FOLDER}/tests/fixtures/credentials", f"dl-{version}.json")["credential"]
    key = PublicKey.from_multikey(pair["publicKeyMultibase"])
    length = 48 if key.curve is Curve.P384 else 32
    secret = PrivateKey.from_raw(key.curve, multibase_decode(pair["secretKeyMultibase"])[2 : 2 + length])
    assert secret.public_key == key
    proof = {"type": "DataIntegrityProof", "verificationMethod": pair["id"], "proofPurpose": "assertionMethod"}
    secured = _resecured({**document, "proof": [proof]}, secret)
    assert verify_proof(secured, key=key, expected_purpose="assertionMethod", now=NOW) == document
    count.ran()


def test_what_is_left_out() -> None:
    vectors_dir(FOLDER)
    with pytest.raises(REFUSED):
        parse_proofs(load_json(FOLDER, "validVc.json").get("proof"))
    count.left_out("an older proof type or cryptosuite (validVc.json, issuedVc.json)", 2)
    count.left_out("BBS keys are not built yet", 1)
