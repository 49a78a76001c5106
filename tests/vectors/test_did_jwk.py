"""did:jwk: the examples of its text."""

from __future__ import annotations

import json

import pytest

from ssi.did.methods.jwk import DidJwk, did_jwk
from ssi.errors import InvalidDidError
from tests.vectors.support import VectorCount, load_json

FOLDER = "did/did-jwk"
count = VectorCount(FOLDER)


async def test_the_examples_of_the_text() -> None:
    for block in load_json(FOLDER, "spec-examples.json")["blocks"]:
        text = block["text"].strip()
        if "Examples" not in block["section"]:
            count.left_out("grammar or template, not an example")
        elif text.startswith("{"):
            # The text's P-256 example has a stray "$" in one reference; the method id shows that it is a slip.
            expected = json.loads(text.replace("did:jwk:$", "did:jwk:"))
            document = (await DidJwk().resolve(expected["id"])).document
            assert document.raw == expected
            assert document.verification_methods[0].id == f"{document.id}#0"
            count.ran()
        else:
            did = text.partition("#")[0]
            assert (await DidJwk().resolve(did)).document.id == did
            count.ran()


async def test_the_p256_example_is_written_as_we_write_it() -> None:
    """Its members stand in the order of RFC 8785, so that the DID can be compared."""
    block = load_json(FOLDER, "spec-examples.json")["blocks"][2]
    document = (await DidJwk().resolve(block["text"])).document
    assert did_jwk(document.raw["verificationMethod"][0]["publicKeyJwk"]) == block["text"]
    count.ran()


async def test_one_altered_character_never_gives_the_same_key() -> None:
    did = load_json(FOLDER, "spec-examples.json")["blocks"][2]["text"]
    (original,) = (await DidJwk().resolve(did)).document.keys("assertionMethod").values()
    for place in range(len("did:jwk:"), len(did)):
        altered = did[:place] + ("A" if did[place] != "A" else "B") + did[place + 1 :]
        try:
            keys = (await DidJwk().resolve(altered)).document.keys("assertionMethod").values()
        except InvalidDidError:
            continue
        assert original not in keys


def test_a_private_key_is_refused() -> None:
    with pytest.raises(InvalidDidError):
        did_jwk({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"})
