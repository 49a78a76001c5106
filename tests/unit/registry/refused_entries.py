"""Entries that the guard refuses, each with its code: one table for the guard's own tests and for every backend's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.unit.registry.guarding import PERSON, parse_payload
from tests.unit.registry.world import DAY, NOW, Organisation, World


def accreditation(world: World, **changes: Any) -> bytes:
    members = {"subject": world.agency.did, "role": "supervisor", **changes}
    return world.root.accredit(members.pop("subject"), members.pop("role"), **members)


REFUSED: list[tuple[str, str, Callable[[World], bytes]]] = [
    ("G01", "unknown type", lambda w: w.root.sign({"v": 1, "type": "UsePromise", "iss": w.root.did, "iat": NOW})),
    ("G01", "no type", lambda w: w.root.sign({"v": 1, "iss": w.root.did, "iat": NOW})),
    ("G02", "not a JWS", lambda w: b"hello"),
    ("G02", "empty", lambda w: b""),
    ("G02", "not UTF-8", lambda w: b"\xff.\xff.\xff"),
    ("G02", "large", lambda w: w.issuer + b"A" * 9000),
    ("G02", "line feed", lambda w: w.issuer + b"\n"),
    ("G02", "holder's header", lambda w: w.root.sign({"iss": w.root.did}, kid=None, jwk={"kty": "OKP"})),
    ("G02", "types of a role without", lambda w: accreditation(w, types=(w.TYPE,))),
    ("G02", "kid without compromised", lambda w: w.root.end(w.issuer, "revoked", kid=w.root.kid)),
    ("G02", "compromised without kid", lambda w: w.root.end(w.issuer, "compromised")),
    ("G02", "succeeded without successor", lambda w: w.root.end(w.issuer, "succeeded")),
    ("G02", "another's key", lambda w: w.root.end(w.issuer, "compromised", kid="did:web:x.example#k")),
    ("G02", "an accreditation is not lifted", lambda w: w.root.end(w.issuer, "lifted")),
    ("G03", "stranger", lambda w: Organisation("x.example").commit("https://x.example/1", 0)),
    ("G03", "stranger's line", lambda w: Organisation("x.example").lines[0]),
    ("G04", "person", lambda w: accreditation(w, subject=PERSON)),
    ("G04", "jwk", lambda w: accreditation(w, subject="did:jwk:eyJrdHkiOiJPS1AifQ")),
    ("G04", "peer", lambda w: accreditation(w, subject="did:peer:0z6Mk")),
    ("G04", "unknown method", lambda w: accreditation(w, subject="did:example:abc")),
    ("G04", "person answers", lambda w: accreditation(w, answerable_to=(PERSON,))),
    ("G04", "mail in a path", lambda w: w.agency.commit("https://agency.example/jane@agency.example", 0)),
    ("G04", "thumbprint type", lambda w: accreditation(w, role="issuer", types=("urn:ietf:params:jwk-thumbprint:x",))),
    ("G05", "number in a path", lambda w: w.agency.commit("https://agency.example/status/19900131", 0)),
    ("G05", "number, escaped", lambda w: w.agency.commit("https://agency.example/%31%39%39%30%30%31", 0)),
    ("G05", "telephone", lambda w: w.agency.commit("https://agency.example/06-12-34-56-78", 0)),
    ("G05", "telephone with plus", lambda w: w.agency.commit("https://agency.example/+31-6", 0)),
    ("G05", "prose", lambda w: accreditation(w, role="issuer", types=("Jane Doe of Main Street",))),
    ("G05", "long name", lambda w: accreditation(w, role="issuer", types=("a" * 301,))),
    ("G05", "number in a DID", lambda w: accreditation(w, subject="did:web:agency.example:people:123456")),
    ("G04", "words in a did:ethr", lambda w: accreditation(w, subject="did:ethr:jane.doe")),
    ("G04", "an account and more", lambda w: accreditation(w, subject=f"did:ethr:0x{'ab' * 20}:jane")),
    ("G04", "thumbprint, shouted", lambda w: accreditation(w, role="issuer", types=("urn:JWK-THUMBPRINT:x",))),
    ("G04", "mail, escaped twice", lambda w: w.agency.commit("https://agency.example/jane%2540town.example", 0)),
    ("G04", "mail in a DID, escaped twice", lambda w: accreditation(w, subject="did:web:town.example:jane%2540x")),
    ("G05", "number, escaped twice", lambda w: w.agency.commit("https://a.example/%2531%2539%2539%2530%2530%2531", 0)),
    ("G05", "telephone with dots", lambda w: w.agency.commit("https://agency.example/06.12.34.56.78", 0)),
    ("G05", "prose in a kid", lambda w: w.root.end(w.issuer, "compromised", kid=f"{w.agency.did}#Jane,Doe")),
    ("G05", "mail in a kid", lambda w: w.root.end(w.issuer, "compromised", kid=f"{w.agency.did}#jane@town.example")),
    ("G05", "number in a kid", lambda w: w.root.end(w.issuer, "compromised", kid=f"{w.agency.did}#key-19900131")),
    ("G06", "hexadecimal hash", lambda w: w.agency.commit(f"https://agency.example/{'ab12' * 5}", 0)),
    ("G06", "base64url hash", lambda w: w.agency.commit("https://agency.example/x-Yz_1aB-cD_2eF-gH_3iJ", 0)),
    ("G06", "UUID", lambda w: w.agency.commit("https://agency.example/0a1b2c3d-1a2b-3c4d-5e6f-00aa11bb22cc", 0)),
    ("G06", "token in a type", lambda w: accreditation(w, role="issuer", types=("a1b2c3d4e5f6g7h8i9j0k",))),
    ("G07", "by nobody", lambda w: accreditation(w, by=w.agency.commit(w.URI, 3))),
    ("G07", "ends nothing", lambda w: w.root.end("A" * 43, "revoked")),
    ("G10", "no accreditor", lambda w: w.agency.accredit(w.agency.did, "issuer")),
    ("G10", "by an accreditation of another role", lambda w: w.agency.accredit(w.agency.did, "issuer", by=w.issuer)),
    ("G10", "root is no issuer", lambda w: w.root.commit(w.URI, 0)),
    ("G10", "subject ends its own", lambda w: w.agency.end(w.issuer, "retired")),
    ("G10", "unlisted key", lambda w: w.root.sign(parse_payload(w.issuer, iat=NOW + 1), kid=f"{w.root.did}#key-2")),
    ("G12", "query", lambda w: w.agency.commit("https://agency.example/1?person=1", 0)),
    ("G12", "fragment", lambda w: w.agency.commit("https://agency.example/1#jane", 0)),
    ("G12", "user part", lambda w: w.agency.commit("https://jane@agency.example/1", 0)),
    ("G12", "http", lambda w: w.agency.commit("http://agency.example/1", 0)),
    ("G12", "data", lambda w: w.agency.commit("data:text/plain,jane", 0)),
    ("G12", "not ASCII", lambda w: w.agency.commit("https://agency.example/ж", 0)),
    ("G12", "broken escape", lambda w: w.agency.commit("https://agency.example/%zz", 0)),
    ("G13", "ends before it begins", lambda w: w.agency.commit(w.URI, 0, valid_from=NOW + 9, valid_until=NOW + 9)),
    ("G13", "over already", lambda w: w.agency.commit(w.URI, 0, valid_from=NOW - 9, valid_until=NOW)),
    ("G13", "too long a list", lambda w: w.agency.commit(w.URI, 0, valid_until=NOW + 367 * DAY)),
    ("G13", "too long an accreditation", lambda w: accreditation(w, valid_until=NOW + 4000 * DAY)),
    ("G13", "from the future", lambda w: w.agency.commit(w.URI, 0, iat=NOW + 61)),
    ("G13", "from the past", lambda w: w.agency.commit(w.URI, 0, iat=NOW - DAY - 1)),
    ("G13", "key compromised later on", lambda w: w.root.end(
        w.organisation, "compromised", kid=w.agency.kid, effective=NOW + 61)),
]  # fmt: skip
