"""``ssi verify`` on the published vectors: each is accepted under a policy file, and refused with a byte altered.

Source: as in test_ietf_sd_jwt.py, test_ietf_sd_jwt_vc.py and test_w3c_vc_jose_cose.py, where the cases are counted. The
policies are in tests/vectors/policies. The suite's presentation is not among them: its presenter is neither the subject
of the first credential nor bound by a key, and a verifier that asks for neither audience nor nonce takes the bare
credential.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import NamedTuple

import pytest

from ssi.errors import InvalidInputError
from tests.unit.cli.program import Done, ssi
from tests.vectors.support import vectors_dir
from verifier import Policy, Refused, Verifier

POLICIES = Path(__file__).parent / "policies"
STRIDE = 307
"""Positions between two altered bytes of the fast test; the last 90 are denser. The slow test takes every one."""


class Vector(NamedTuple):
    name: str
    text: str
    policy: str
    at: int
    nonce: str | None

    def arguments(self) -> list[str]:
        nonce = [] if self.nonce is None else ["--nonce", self.nonce]
        return ["--policy", str(POLICIES / f"{self.policy}.toml"), "--at", str(self.at), *nonce]


def sd_jwts(folder: str, file: str, policy: str) -> list[Vector]:
    content = json.loads((vectors_dir(folder) / file).read_text())
    found = []
    for each in content["vectors"]:
        binding = each.get("kb_payload")
        kind = "bare" if binding is None else "bound"
        w3c = "-w3c" if "A.4." in each["section"] and policy == "rfc9901" else ""
        at = 1_748_536_865 if binding is None else binding["iat"]
        nonce = None if binding is None else binding["nonce"]
        found.append(Vector(f"{policy}-{each['block']}", each["serialized"], f"{policy}{w3c}-{kind}", at, nonce))
    return found


def enveloped() -> list[Vector]:
    folder = vectors_dir("w3c/test-suites/vc-jose-cose/input")
    files = {
        "credential-jose-minimal.txt": "p256",
        "credential-cose-minimal.txt": "p256",
        "credential-issuer-match-signed.txt": "ed25519",
    }
    return [
        Vector(name, (folder / name).read_text().strip(), f"vc-jose-{key}", 1_734_311_060, None)
        for name, key in files.items()
    ]


VECTORS = [
    *sd_jwts("ietf/sd-jwt", "rfc9901-vectors.json", "rfc9901"),
    *sd_jwts("ietf/sd-jwt-vc", "draft-vectors.json", "sd-jwt-vc"),
    *enveloped(),
]
all_vectors = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)


def verify(vector: Vector, text: str) -> Done:
    return ssi("verify", "-", *vector.arguments(), "--json", stdin=text)


def altered(text: str, position: int) -> str:
    return text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1 :]


@all_vectors
def test_the_vector_is_accepted(vector: Vector) -> None:
    done = verify(vector, f"{vector.text}\n")
    assert done.code == 0, done
    (credential,) = done.document["credentials"]
    assert credential["claims"]
    assert (credential["holder"] is not None) == (vector.nonce is not None)


@all_vectors
def test_one_altered_byte_is_refused(vector: Vector) -> None:
    length = len(vector.text)
    for position in sorted({*range(0, length, STRIDE), *range(length - 90, length, 30)}):
        done = verify(vector, altered(vector.text, position))
        assert done.code in (1, 2), (position, done)
        assert done.document["reason"]


@pytest.mark.slow
@all_vectors
def test_every_byte_altered_is_refused(vector: Vector) -> None:
    verifier = Verifier(Policy.load(POLICIES / f"{vector.policy}.toml"), now=lambda: vector.at)

    async def refuse_all() -> None:
        await verifier.verify(vector.text, nonce=vector.nonce)
        for position in range(len(vector.text)):
            with pytest.raises((Refused, InvalidInputError)):
                await verifier.verify(altered(vector.text, position), nonce=vector.nonce)

    asyncio.run(refuse_all())


@pytest.mark.parametrize(
    "name",
    [
        "credential-jose-unknown-extensions.txt",
        "credential-jose-bad-signature.txt",
        "credential-jose-bad-media-type.txt",
        "credential-jose-vc-vp-claims.txt",
        "credential-cose-minimal-not-base64.txt",
        "credential-cose-bad-signature.txt",
        "credential-cose-bad-media-type.txt",
        "presentation-cose-bad-credential.txt",
        "presentation-jose-bad-media-type.txt",
        "presentation-jose-bad-credential.txt",
    ],
)
def test_what_the_suite_refuses_is_refused(name: str) -> None:
    text = vectors_dir("w3c/test-suites/vc-jose-cose/input") / name
    for policy in ("vc-jose-p256", "vc-jose-ed25519"):
        done = ssi("verify", text, "--policy", POLICIES / f"{policy}.toml", "--at", "1734311060")
        assert done.code in (1, 2)
