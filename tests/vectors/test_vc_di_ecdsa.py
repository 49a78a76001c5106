"""Replay the W3C vectors of ecdsa-jcs-2019 on P-256 and P-384: canonical text, hashes, signature and proof value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ssi.encoding.multibase import multibase_decode
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.data_integrity import add_proof, verify_proof
from ssi.proofs.ecdsa_jcs_2019 import EcdsaJcs2019
from ssi.types import JsonObject
from tests.unit.proofs.party import altered, leaves
from tests.vectors.jcs_files import replay_hashes
from tests.vectors.support import VectorCount, load_json, vectors_dir

FOLDER = "w3c/vc-di-ecdsa"
NOW = 1_780_000_000
CURVES = (Curve.P256, Curve.P384)

count = VectorCount(FOLDER)
_TRANSCRIBED: JsonObject = json.loads((Path(__file__).parent / "ecdsa_jcs_2019.json").read_text(encoding="utf-8"))


def _verify(signed: JsonObject, key: PublicKey) -> JsonObject:
    return verify_proof(signed, key=key, expected_purpose="assertionMethod", now=NOW)


@pytest.mark.parametrize("curve", CURVES)
def test_the_transcribed_examples(curve: Curve) -> None:
    example, unsigned = _TRANSCRIBED["curves"][curve], _TRANSCRIBED["unsigned"]
    signed = example["signed"]
    config = {name: value for name, value in signed["proof"].items() if name != "proofValue"}
    assert EcdsaJcs2019(curve).hash_data(unsigned, config).hex() == example["proofHash"] + example["docHash"]
    key = PublicKey.from_multikey(example["publicKeyMultibase"])
    assert _verify(signed, key) == unsigned
    for path in leaves(signed):
        with pytest.raises((InvalidInputError, VerificationError)):
            _verify(altered(signed, path), key)


@pytest.mark.parametrize("curve", CURVES)
async def test_published_files(curve: Curve) -> None:
    number = curve.removeprefix("P-")
    folder, end = vectors_dir(f"{FOLDER}/ecdsa-jcs-2019-p{number}"), f"JCSECDSAP{number}"
    suite = EcdsaJcs2019(curve)

    def text(name: str) -> str:
        return (folder / f"{name}{end}.txt").read_text(encoding="utf-8").strip()

    unsigned, pair = load_json(FOLDER, "unsigned.json"), load_json(FOLDER, f"p{number}KeyPair.json")
    config, signed = (json.loads((folder / f"{name}{end}.json").read_text()) for name in ("proofConfig", "signed"))
    combined = replay_hashes(suite, unsigned, config, text, count)
    key = PublicKey.from_multikey(pair["publicKeyMultibase"])
    key.verify(bytes.fromhex(text("sigHex")), combined)
    assert suite.encode(bytes.fromhex(text("sigHex"))) == text("sigBTC58") == signed["proof"]["proofValue"]
    count.ran(2)
    assert _verify(signed, key) == unsigned
    count.ran()
    # ECDSA draws a number for each signature, so ours is another one; all else of the document is the same.
    kms = MemoryKms()
    secret = PrivateKey.from_raw(curve, multibase_decode(pair["secretKeyMultibase"])[2:])
    assert secret.public_key == key
    await kms.add("key", secret, purpose=KeyPurpose.CREDENTIAL)
    ours = await add_proof(
        unsigned,
        kms=kms,
        label="key",
        purpose=KeyPurpose.CREDENTIAL,
        verification_method=config["verificationMethod"],
        proof_purpose=config["proofPurpose"],
        created=1_677_281_798,
        suite=suite,
    )
    assert {**ours, "proof": {**ours["proof"], "proofValue": signed["proof"]["proofValue"]}} == signed
    assert _verify(ours, key) == unsigned
    count.ran()
