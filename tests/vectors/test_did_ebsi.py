"""did:ebsi: identifiers of legal entities, a recorded document, and the did:key of natural persons."""

from __future__ import annotations

import json

import pytest

from ssi.did.methods.ebsi import DidEbsi, did_ebsi, ebsi_identifier
from ssi.did.methods.key import DidKey, build_key_document, did_key_of_jwk
from ssi.errors import InvalidDidError
from ssi.keys import PublicKey
from ssi.ports import Fetched
from tests.vectors.support import VectorCount, load_json, vectors_dir

FOLDER = "did/did-ebsi"
count = VectorCount(FOLDER)
REGISTRY = "https://api-pilot.ebsi.eu/did-registry/v5/identifiers"


def test_identifiers_of_legal_entities() -> None:
    entities = load_json(FOLDER, "vectors.json")["legal_entity"]
    for did in entities["valid"]:
        identifier = ebsi_identifier(did)
        decoded = entities["decoded"][did]
        assert (len(identifier) + 1, decoded["version"]) == (decoded["total_bytes"], 1)
        assert did_ebsi(identifier) == did
        count.ran()


async def test_a_recorded_document() -> None:
    body = (vectors_dir(FOLDER) / "ebsiv1_did_doc.json").read_bytes()
    raw = json.loads(body)

    async def fetch(url: str, *, accept: str = "", max_bytes: int = 0) -> Fetched:
        assert url == f"{REGISTRY}/{raw['id']}"
        return Fetched(url, 200, "application/did+ld+json", body)

    resolution = await DidEbsi(fetch, registry=REGISTRY).resolve(raw["id"])
    assert resolution.document.raw == raw
    (key,) = resolution.document.keys("authentication").values()
    assert key.thumbprint() == raw["authentication"][0].partition("#")[2]
    count.ran()


async def test_the_did_of_a_natural_person() -> None:
    vector = load_json(FOLDER, "vectors.json")["natural_person_did_key_jwk_jcs_pub"]
    key = PublicKey.from_jwk(vector["jwk"])
    assert did_key_of_jwk(key) == vector["did"]
    (found,) = (await DidKey().resolve(vector["did"])).document.keys("authentication").values()
    assert found == key
    altered = vector["did"][:-1] + ("2" if vector["did"][-1] != "2" else "3")
    with pytest.raises(InvalidDidError):
        build_key_document(altered)
    count.ran()
