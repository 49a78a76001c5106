"""JSON Web Signature and JSON Web Key against the Wycheproof sets.

Every case is offered to the parser, the key reader and the verifier. A valid case whose algorithm is not one of ours
is refused, and counted as left out; an invalid one with such an algorithm is refused too, but proves little, and is
counted as left out as well.
"""

from __future__ import annotations

from typing import Any

import pytest

from ssi.errors import SsiError
from ssi.keys import PublicKey
from ssi.keys.curves import JOSE_CURVES
from ssi.keys.jws import parse_jws, verify_jws
from tests.vectors.support import VectorCount, load_json

FOLDER = "wycheproof"
count = VectorCount(FOLDER)

NO_TYPE = ("", "jwt", "jose")
"""The sets say nothing of ``typ``: most have none."""


def public_keys(group: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the group's public JWKs; of a private one the public members."""
    given = group.get("public") or group["private"]
    return [{k: v for k, v in jwk.items() if k != "d"} for jwk in given.get("keys", [given])]


def accepted_payload(compact: str, jwk: dict[str, Any]) -> bytes:
    """Return the payload that we would believe."""
    return verify_jws(parse_jws(compact), PublicKey.from_jwk(jwk), typ=NO_TYPE).payload


def ours(jwk: dict[str, Any]) -> bool:
    """Tell whether a key is of a type that the library has."""
    return jwk.get("crv") in JOSE_CURVES


@pytest.mark.parametrize("name", ["json_web_signature", "json_web_key", "json_web_crypto"])
def test_json_web_signatures(name: str) -> None:
    for group in load_json(FOLDER, f"{name}_test.json")["testGroups"]:
        keys = public_keys(group)
        for test in group["tests"]:
            compact = test.get("jws")
            if not isinstance(compact, str):
                count.left_out(f"{name}: {'JWE' if compact is None else 'JSON form of JWS'} is not read by the library")
            elif len(keys) != 1:
                # Our interface takes one key, which the caller resolved; there is no key set to be confused by.
                count.left_out(f"{name}: about choosing from a key set; verify_jws takes one key")
            elif keys[0].get("alg") == "ES521":
                refuse(compact, keys[0])
                count.left_out(f"{name}: the key says alg ES521, which is the name of no algorithm; refused")
            elif test["result"] == "valid" and ours(keys[0]):
                assert accepted_payload(compact, keys[0])
                refuse(compact[:-3] + ("A" if compact[-3] != "A" else "B") + compact[-2:], keys[0])
                count.ran()
            else:
                refuse(compact, keys[0])
                if ours(keys[0]) or (test["result"] == "invalid" and keys[0].get("crv")):
                    count.ran()
                else:
                    count.left_out(f"{name}: {keys[0]['kty']} key; refused, as every algorithm but ours is")


def refuse(compact: str, jwk: dict[str, Any]) -> None:
    """Assert that an error of our tree, and no other, comes out."""
    with pytest.raises(SsiError):
        accepted_payload(compact, jwk)
