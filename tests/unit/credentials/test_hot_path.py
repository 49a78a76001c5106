"""Verifying a VC-JWT loads none of the heavy libraries, not even once it has run."""

from __future__ import annotations

from tests.unit.import_cost import loaded_modules

VERIFY_ONE = """
from ssi.credentials.jose import read_vc_jwt, verify_vc_jwt
from ssi.keys import Curve, PrivateKey
from ssi.keys.jws import build_jws, signing_input
private = PrivateKey.generate(Curve.P256)
claims = {"@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiableCredential"],
          "issuer": "did:example:1", "credentialSubject": {"n": 1}}
message = signing_input({"alg": "ES256", "typ": "vc+jwt", "kid": "did:example:1#k"}, claims)
compact = build_jws(message, private.sign(message))
assert verify_vc_jwt(read_vc_jwt(compact), private.public_key, now=0, contexts=()).credential.issuer
"""
HEAVY = {"pydid", "jwcrypto", "jsonschema", "aiohttp", "asyncio", "sqlite3", "multiformats", "rich", "click"}


def test_verifying_loads_no_heavy_library() -> None:
    assert not loaded_modules(VERIFY_ONE) & HEAVY


def test_reading_schemas_loads_their_library_only_when_one_is_compiled() -> None:
    assert "jsonschema" not in loaded_modules("import ssi.schema.json_schema, ssi.schema.type_metadata")
