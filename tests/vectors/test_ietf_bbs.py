"""Replay the fixtures of draft-irtf-cfrg-bbs-signatures for both ciphersuites, and the examples printed in its text."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ssi.errors import InvalidSignatureError, SsiError
from ssi.keys.bbs import SHA_256, SHAKE_256, Ciphersuite, keygen, proof_gen, proof_verify, sign, sk_to_pk, verify
from ssi.keys.bbs.interface import interface
from ssi.keys.bbs.proof import seeded_random_scalars
from tests.vectors.support import VectorCount, load_json, vectors_dir

FOLDER = "ietf/bbs"
SUITES = {"bls12-381-sha-256": SHA_256, "bls12-381-shake-256": SHAKE_256}
KINDS = {"signature": 10, "proof": 15}
CASES = [
    (folder, f"{kind}{number:03}.json")
    for folder in SUITES
    for kind, last in KINDS.items()
    for number in range(1, last + 1)
]
_TRANSCRIBED: dict[str, Any] = json.loads((Path(__file__).parent / "bbs.json").read_text(encoding="utf-8"))
count = VectorCount(FOLDER)
both = pytest.mark.parametrize("folder", SUITES)


def _load(folder: str, name: str) -> Any:
    return load_json(FOLDER, f"fixture_data/{folder}/{name}")


def _octets(case: dict[str, Any], *names: str) -> list[bytes]:
    return [bytes.fromhex(case[name]) for name in names]


def _mocked(folder: str) -> Any:
    """Return the source of mocked random scalars that the proofs of the fixtures were made with."""
    seed, dst = _octets(_load(folder, "mockedRng.json"), "seed", "dst")
    return lambda number: seeded_random_scalars(seed, dst, number, suite=SUITES[folder])


@both
def test_the_transcribed_examples(folder: str) -> None:
    suite, case = SUITES[folder], _TRANSCRIBED["ciphersuites"][folder]
    material, info, dst = _octets(case, "keyMaterial", "keyInfo", "keyDst")
    secret, public, header, about = _octets(case, "secretKey", "publicKey", "header", "presentationHeader")
    messages, shown = [bytes.fromhex(message) for message in case["messages"]], case["disclosedIndexes"]
    assert keygen(material, info, key_dst=dst, suite=suite) == secret
    assert sk_to_pk(secret) == public
    signature = sign(secret, public, messages, header=header, suite=suite)
    assert signature.hex() == case["signature"]
    verify(public, signature, messages, header=header, suite=suite)
    seed, seed_dst = _octets(case, "seed", "seedDst")
    proof = proof_gen(
        public,
        signature,
        messages,
        shown,
        header=header,
        presentation_header=about,
        suite=suite,
        random=lambda number: seeded_random_scalars(seed, seed_dst, number, suite=suite),
    )
    assert proof.hex() == case["proof"]
    disclosed = [messages[index] for index in shown]
    proof_verify(public, proof, disclosed, shown, header=header, presentation_header=about, suite=suite)
    for place in range(0, len(proof), 7):
        altered = proof[:place] + bytes([proof[place] ^ 1]) + proof[place + 1 :]
        with pytest.raises(InvalidSignatureError):
            proof_verify(public, altered, disclosed, shown, header=header, presentation_header=about, suite=suite)


@both
def test_keys(folder: str) -> None:
    case = _load(folder, "keypair.json")
    material, info, dst = _octets(case, "keyMaterial", "keyInfo", "keyDst")
    secret, public = _octets(case["keyPair"], "secretKey", "publicKey")
    assert keygen(material, info, key_dst=dst, suite=SUITES[folder]) == secret
    assert sk_to_pk(secret) == public
    count.ran(2)


@both
def test_hash_to_scalar(folder: str) -> None:
    suite, case = SUITES[folder], _load(folder, "h2s.json")
    message, dst, scalar = _octets(case, "message", "dst", "scalar")
    assert suite.hash_to_scalar(message, dst).to_be_bytes() == scalar
    count.ran()
    mapped = _load(folder, "MapMessageToScalarAsHash.json")
    for case in mapped["cases"]:
        message, scalar = _octets(case, "message", "scalar")
        assert suite.hash_to_scalar(message, bytes.fromhex(mapped["dst"])).to_be_bytes() == scalar
        assert interface(suite).messages_to_scalars([message])[0].to_be_bytes() == scalar
        count.ran()


@both
def test_mocked_random_scalars(folder: str) -> None:
    case = _load(folder, "mockedRng.json")
    made = [scalar.to_be_bytes().hex() for scalar in _mocked(folder)(case["count"])]
    assert made == case["mockedScalars"]
    count.ran(len(made))


@both
def test_generators(folder: str) -> None:
    suite, case = SUITES[folder], _load(folder, "generators.json")
    expected = [case["Q1"], *case["MsgGenerators"]]
    api = interface(suite)
    generators = api.generators(len(expected))
    assert suite.p1.to_compressed_bytes().hex() == case["P1"]
    assert [point.to_compressed_bytes().hex() for point in generators.points[: len(expected)]] == expected
    assert generators.octets.hex().startswith("".join(expected))
    # P1 is made as a generator is, with a seed of its own (7.2.1 and 7.2.2).
    seed_dst, dst = api.api_id + b"SIG_GENERATOR_SEED_", api.api_id + b"SIG_GENERATOR_DST_"
    state = suite.expand_message(api.api_id + b"BP_MESSAGE_GENERATOR_SEED", seed_dst, 48)
    state = suite.expand_message(state + (1).to_bytes(8, "big"), seed_dst, 48)
    assert suite.hash_to_curve(state, dst) == suite.p1
    count.ran(len(expected) + 1)


@pytest.mark.parametrize(("folder", "name"), CASES)
def test_signatures_and_proofs(folder: str, name: str) -> None:
    kind = name[: name.index("0")]
    case = _load(folder, f"{kind}/{name}")
    check = {"signature": _check_signature, "proof": _check_proof}[kind]
    check(case, SUITES[folder], folder)
    count.ran()


def _check_signature(case: dict[str, Any], suite: Ciphersuite, folder: str) -> None:
    secret, public = _octets(case["signerKeyPair"], "secretKey", "publicKey")
    signature, header = _octets(case, "signature", "header")
    messages = [bytes.fromhex(message) for message in case["messages"]]
    check = partial(verify, public, header=header, suite=suite)
    if not case["result"]["valid"]:
        with pytest.raises(InvalidSignatureError):
            check(signature, messages)
        return
    assert sign(secret, public, messages, header=header, suite=suite) == signature
    check(signature, messages)
    for place in range(len(signature)):
        altered = bytearray(signature)
        altered[place] ^= 1
        with pytest.raises(InvalidSignatureError):
            check(bytes(altered), messages)


def _check_proof(case: dict[str, Any], suite: Ciphersuite, folder: str) -> None:
    public, signature, header = _octets(case, "signerPublicKey", "signature", "header")
    (presentation_header,) = _octets(case, "presentationHeader")
    messages, shown = [bytes.fromhex(message) for message in case["messages"]], case["disclosedIndexes"]
    proof = bytes.fromhex(case["proof"])
    headers = {"header": header, "presentation_header": presentation_header}
    disclosed = [messages[index] for index in shown]
    if not case["result"]["valid"]:
        with pytest.raises(SsiError):
            proof_verify(public, proof, disclosed, shown, suite=suite, **headers)
        return
    made = proof_gen(public, signature, messages, shown, suite=suite, random=_mocked(folder), **headers)
    assert made == proof
    proof_verify(public, proof, disclosed, shown, suite=suite, **headers)
    for other in (proof[:-1] + bytes([proof[-1] ^ 1]), proof[:-32], proof + bytes(31) + b"\x01"):
        with pytest.raises(InvalidSignatureError):
            proof_verify(public, other, disclosed, shown, suite=suite, **headers)


def test_the_examples_of_the_text_are_the_fixtures() -> None:
    """The text prints these values in blocks of hexadecimal; each must be one that a fixture file holds."""
    fixtures = "".join(
        path.read_text(encoding="utf-8") for path in (vectors_dir(FOLDER) / "fixture_data").rglob("*.json")
    ).replace("\n", "")
    for block in load_json(FOLDER, "draft-text-vectors.json")["blocks"]:
        text = "".join(block["text"].split())
        values = [part for part in text.replace("'", '"').split('"') if len(part) >= 64 and _is_hex(part)]
        if not block["section"].startswith(("8.", "Appendix D")) or not values:
            count.left_out("the text, not an example", 1)
            continue
        for value in values:
            assert value in fixtures
            count.ran()


def _is_hex(text: str) -> bool:
    return not text.strip("0123456789abcdef")
