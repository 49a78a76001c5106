"""Replay the W3C vectors of eddsa-jcs-2022: hashes, signature and proof value, byte for byte.

Those of eddsa-rdfc-2022 are replayed in ``test_vc_di_rdfc``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ssi.encoding.multibase import multibase_decode
from ssi.encoding.timestamps import parse_seconds
from ssi.errors import InvalidInputError, InvalidSignatureError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.data_integrity import (
    VerifiedDocument,
    add_further_proof,
    add_proof,
    parse_proof,
    parse_proofs,
    verify_proof,
    verify_proofs,
)
from ssi.proofs.eddsa_jcs_2022 import EddsaJcs2022
from ssi.proofs.proof import match_all, matching_proofs
from ssi.types import JsonObject
from tests.vectors.jcs_files import replay_hashes
from tests.vectors.support import VectorCount, load_json, vectors_dir

FOLDER = "w3c/vc-di-eddsa"
NOW = 1_780_000_000

count = VectorCount(FOLDER)
suite = EddsaJcs2022()
_TRANSCRIBED: JsonObject = json.loads((Path(__file__).parent / "eddsa_jcs_2022.json").read_text(encoding="utf-8"))


def _secret(pair: JsonObject) -> PrivateKey:
    return PrivateKey.from_raw(Curve.ED25519, multibase_decode(pair["privateKeyMultibase"])[2:])


async def _sign(document: JsonObject, pair: JsonObject, config: JsonObject) -> JsonObject:
    kms = MemoryKms()
    await kms.add("key", _secret(pair), purpose=KeyPurpose.CREDENTIAL)
    return await add_proof(
        document,
        kms=kms,
        label="key",
        purpose=KeyPurpose.CREDENTIAL,
        verification_method=config["verificationMethod"],
        proof_purpose=config["proofPurpose"],
        created=1_677_281_798,
    )


async def test_the_transcribed_example() -> None:
    unsigned, config, signed = (_TRANSCRIBED[name] for name in ("unsigned", "proofConfig", "signed"))
    pair = _TRANSCRIBED["keyPair"]
    assert suite.hash_data(unsigned, config).hex() == _TRANSCRIBED["proofHash"] + _TRANSCRIBED["docHash"]
    key = PublicKey.from_multikey(pair["publicKeyMultibase"])
    assert verify_proof(signed, key=key, expected_purpose="assertionMethod", now=NOW) == unsigned
    assert await _sign(unsigned, pair, config) == signed


async def test_published_files() -> None:
    folder = vectors_dir(f"{FOLDER}/eddsa-jcs-2022")

    def text(name: str) -> str:
        return (folder / f"{name}JCS.txt").read_text(encoding="utf-8").strip()

    unsigned, pair = load_json(FOLDER, "unsigned.json"), load_json(FOLDER, "keyPair.json")
    config, signed = (load_json(f"{FOLDER}/eddsa-jcs-2022", name) for name in ("proofConfigJCS.json", "signedJCS.json"))
    combined = replay_hashes(suite, unsigned, config, text, count)
    signature = _secret(pair).sign(combined)
    assert signature.hex() == text("sigHex")
    assert suite.encode(signature) == text("sigBTC58") == signed["proof"]["proofValue"]
    count.ran(2)
    assert await _sign(unsigned, pair, config) == signed
    key = PublicKey.from_multikey(pair["publicKeyMultibase"])
    assert verify_proof(signed, key=key, expected_purpose="assertionMethod", now=NOW) == unsigned
    count.ran()


def _chain(name: str) -> Any:
    return load_json(f"{FOLDER}/proof-set-chain", f"{name}.json")


def test_what_the_published_proofs_of_a_chain_secure() -> None:
    """The document that is hashed for each proof of the published chain, which does not depend on the suite."""
    unsigned = _chain("unsigned")
    for number, before in ((1, "signedProofSet2"), (2, "signedProofChain1")):
        config, expected = _chain(f"proofChainConfig{number}"), _chain(f"proofChainTempDoc{number}")
        proofs = parse_proofs(_chain(before)["proof"])
        names = parse_proof({**config, "proofValue": "z"}).previous_proof
        assert {**unsigned, "proof": matching_proofs(proofs, names)} == expected
        count.ran()
    matched = match_all(parse_proofs(_chain("signedProofChain2")["proof"]))
    temporary = [_chain(f"proofChainTempDoc{number}")["proof"] for number in (1, 2)]
    assert list(matched) == [[], [], *temporary]
    count.ran()


async def test_the_published_set_and_chain_under_a_jcs_suite() -> None:
    """The same keys, ids and links as published, with eddsa-jcs-2022 where the published proofs have an RDF suite."""
    pairs, secured = _chain("multiKeyPairs"), _chain("unsigned")
    kms, keys = MemoryKms(), {}
    configs = [
        _chain(name) for name in ("proofSetConfig1", "proofSetConfig2", "proofChainConfig1", "proofChainConfig2")
    ]
    for pair, config in zip(pairs.values(), configs, strict=True):
        keys[config["verificationMethod"]] = PublicKey.from_multikey(pair["publicKeyMultibase"])
        await kms.add(config["verificationMethod"], _secret(pair), purpose=KeyPurpose.CREDENTIAL)
    for config in configs:
        arguments: dict[str, Any] = {
            "kms": kms,
            "label": config["verificationMethod"],
            "purpose": KeyPurpose.CREDENTIAL,
            "verification_method": config["verificationMethod"],
            "proof_purpose": config["proofPurpose"],
            "created": parse_seconds(config["created"]),
            "options": {"id": config["id"]} if "id" in config else None,
        }
        if "proof" in secured:
            secured = await add_further_proof(secured, previous_proof=config.get("previousProof"), **arguments)
        else:
            secured = await add_proof(secured, **arguments)

    def verify(document: JsonObject) -> VerifiedDocument:
        return verify_proofs(document, keys=lambda vm, _: keys[vm], expected_purpose="assertionMethod", now=NOW)

    assert verify(secured).document == _chain("unsigned")
    for proof, config in zip(secured["proof"], configs, strict=True):
        signed = {name: value for name, value in proof.items() if name not in ("proofValue", "@context")}
        assert signed == {**config, "cryptosuite": "eddsa-jcs-2022"}
        count.ran()
    with pytest.raises(VerificationError, match="previousProof"):
        verify({**secured, "proof": secured["proof"][1:]})


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for name, item in value.items() for leaf in _leaves(item, (*path, name))]
    if isinstance(value, list):
        return [leaf for index, item in enumerate(value) for leaf in _leaves(item, (*path, index))]
    return [path]


@pytest.mark.parametrize("path", _leaves(_TRANSCRIBED["signed"]), ids=lambda path: ".".join(map(str, path)))
def test_one_altered_leaf_is_refused(path: tuple[Any, ...]) -> None:
    signed = json.loads(json.dumps(_TRANSCRIBED["signed"]))
    holder = signed
    for step in path[:-1]:
        holder = holder[step]
    text = holder[path[-1]]
    # The last character of base58 or of a date may not be free to change, so the third one is changed.
    holder[path[-1]] = text[:2] + ("A" if text[2] != "A" else "B") + text[3:]
    key = PublicKey.from_multikey(_TRANSCRIBED["keyPair"]["publicKeyMultibase"])
    with pytest.raises((InvalidInputError, InvalidSignatureError, VerificationError)):
        verify_proof(signed, key=key, expected_purpose="assertionMethod", now=NOW)
