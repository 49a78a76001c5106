"""did:web: the examples of its text."""

from __future__ import annotations

import json
import re

from ssi.did.document import parse_document
from ssi.did.methods.web import did_web_url
from ssi.keys import Curve
from tests.vectors.support import VectorCount, load_json

FOLDER = "did/did-web"
count = VectorCount(FOLDER)


def test_the_examples_of_the_text() -> None:
    blocks = load_json(FOLDER, "spec-examples.json")["blocks"]
    for number, block in enumerate(blocks):
        text = block["text"].strip()
        if text.startswith("{"):
            # The text's first example has a trailing comma in an array.
            raw = json.loads(re.sub(r",(\s*[\]}])", r"\1", text))
            document = parse_document(raw, did=raw["id"], absolute_ids=True)
            curves = [key.curve for key in document.keys("assertionMethod").values()]
            assert curves == ([Curve.ED25519, Curve.P256] if number == 0 else [])
            assert str(document.model.id) == raw["id"]
            count.ran()
        elif "->" in text:
            did, url = text.split("->")
            assert did_web_url(did.strip()) == url.strip()
            count.ran()
        elif text.startswith("did:web:"):
            for did in text.split():
                assert did_web_url(did).startswith("https://")
                count.ran()
        elif text.startswith("https://"):
            assert did_web_url(blocks[number - 1]["text"].strip()) == text
            count.ran()
        else:
            count.left_out("grammar or HTTP header, not an example")
