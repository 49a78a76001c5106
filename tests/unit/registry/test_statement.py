"""Envelope and closed schemas."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from ssi.encoding.base64url import b64url_encode
from ssi.errors import InvalidInputError, InvalidSignatureError, ProofPurposeError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from ssi.registry.statement import parse_statement, sign_statement, statement_id, verify_statement
from ssi.registry.types import Accreditation, StatusCommitment, build_payload
from tests.unit.registry.world import NOW, World

PAYLOAD: dict[str, Any] = {
    "v": 1,
    "type": "StatusCommitment",
    "iat": NOW,
    "uri": "https://agency.example/status/1",
    "epoch": 0,
    "digest": "A" * 43,
    "valid_from": NOW,
    "valid_until": NOW + 60,
}


def payload(world: World, **changes: Any) -> dict[str, Any]:
    members = {**PAYLOAD, "iss": world.root.did, **changes}
    return {name: value for name, value in members.items() if value is not ...}


def test_the_id_is_the_hash_of_what_was_signed_without_the_signature(world: World) -> None:
    entry = world.root.sign(payload(world))
    message, _, _ = entry.rpartition(b".")
    assert statement_id(entry) == b64url_encode(sha256(message).digest())
    assert statement_id(message + b".AAAA") == statement_id(entry.decode())
    assert parse_statement(entry).id == statement_id(entry)
    for text in ("", "a.b", "a.b.c.d"):
        with pytest.raises(InvalidInputError):
            statement_id(text)


@pytest.mark.parametrize("curve", [Curve.P256, Curve.ED25519])
async def test_what_is_signed_is_parsed_and_verified(world: World, curve: Curve) -> None:
    kms = MemoryKms()
    key = await kms.generate("s", curve=curve, purpose=KeyPurpose.STATEMENT)
    body = StatusCommitment(
        iss=world.root.did,
        iat=NOW,
        uri="https://a.example/1",
        epoch=1,
        digest="A" * 43,
        valid_from=NOW,
        valid_until=NOW,
    )
    text = await sign_statement(body, kms=kms, label="s", kid=world.root.kid)
    statement = parse_statement(text)
    assert statement.jws.header == {
        "alg": "ES256" if curve is Curve.P256 else "Ed25519",
        "typ": "answerable+jwt",
        "kid": world.root.kid,
    }
    assert statement.entry == text.encode()
    assert verify_statement(statement, key) == body
    other = await kms.generate("other", curve=curve, purpose=KeyPurpose.STATEMENT)
    with pytest.raises(InvalidSignatureError):
        verify_statement(statement, other)


async def test_signing_refuses_what_parsing_would_refuse(world: World) -> None:
    kms = MemoryKms()
    await kms.generate("s", curve=Curve.P256, purpose=KeyPurpose.STATEMENT)
    await kms.generate("p384", curve=Curve.P384, purpose=KeyPurpose.STATEMENT)
    await kms.generate("vc", curve=Curve.P256, purpose=KeyPurpose.CREDENTIAL)
    good = Accreditation(
        iss=world.root.did,
        iat=1,
        subject=world.agency.did,
        role="issuer",
        answerable_to=(),
        valid_from=1,
        valid_until=2,
    )
    kid = world.root.kid
    with pytest.raises(InvalidInputError, match="kid"):
        await sign_statement(good, kms=kms, label="s", kid=world.agency.kid)
    with pytest.raises(InvalidInputError, match="P-256 or Ed25519"):
        await sign_statement(good, kms=kms, label="p384", kid=kid)
    with pytest.raises(ProofPurposeError):
        await sign_statement(good, kms=kms, label="vc", kid=kid)
    bad = Accreditation(
        iss=world.root.did, iat=-1, subject="nobody", role="issuer", answerable_to=(), valid_from=1, valid_until=2
    )
    with pytest.raises(InvalidInputError):
        await sign_statement(bad, kms=kms, label="s", kid=kid)


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"},
        {"typ": "application/answerable+jwt"},
        {"typ": None},
        {"kid": None},
        {"kid": 1},
        {"kid": "did:webvh:other#key-1"},
        {"jwk": {"kty": "OKP"}},
        {"iat": 1},
        {"alg": "ES384"},
        {"alg": "EdDSA"},
        {"crit": ["x"], "x": 1},
    ],
)
def test_a_header_with_anything_else_is_refused(world: World, header: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        parse_statement(world.root.sign(payload(world), **header))


@pytest.mark.parametrize(
    "changes",
    [
        {"v": 2},
        {"v": True},
        {"v": 1.0},
        {"type": "Unknown"},
        {"type": ...},
        {"type": None},
        {"type": ["StatusCommitment"]},
        {"iat": -1},
        {"iat": 1.0},
        {"iat": True},
        {"iat": "1"},
        {"iat": 2**53 - 1},
        {"iss": "did:web:root.example"},
        {"iss": None},
        {"uri": None},
        {"uri": "x" * 1025},
        {"uri": ""},
        {"epoch": -1},
        {"digest": "A" * 42},
        {"digest": "A" * 42 + "B"},
        {"digest": "A" * 43 + "\n"},
        {"valid_until": ...},
        {"refs": {}},
        {"note": "hello"},
    ],
)
def test_a_payload_outside_its_closed_schema_is_refused(world: World, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_statement(world.root.sign(payload(world, **changes)))
    assert "hello" not in str(caught.value)


def test_duplicate_members_and_oversize_are_refused(world: World) -> None:
    entry = world.root.sign(payload(world))
    header, _, signature = entry.split(b".")
    twice = b64url_encode(b'{"v":1,"v":1}').encode()
    with pytest.raises(InvalidInputError):
        parse_statement(b".".join([header, twice, signature]))
    with pytest.raises(InvalidInputError):
        parse_statement(entry + b"A" * 8192)


def test_every_altered_byte_is_refused_or_fails_the_signature(world: World) -> None:
    entry = world.root.sign(payload(world))
    key = world.root.keys["key-1"].public_key
    for position in range(0, len(entry), 3):
        altered = bytearray(entry)
        altered[position] ^= 1
        with pytest.raises((InvalidInputError, InvalidSignatureError)):
            verify_statement(parse_statement(bytes(altered)), key)


def test_building_and_parsing_are_inverse(world: World) -> None:
    body = parse_statement(world.issuer).body
    again = build_payload(body)
    assert again["type"] == "Accreditation"
    assert parse_statement(world.root.sign(again)).body == body
