"""The privacy check finds planted people and nothing else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

import pytest

from ssi.encoding.base64url import b64url_encode
from ssi.encoding.multibase import base58btc_encode
from ssi.ledger.port import Withheld
from ssi.registry.privacy import privacy_check
from tests.unit.registry.world import Organisation, World

JANE = {"name": "Jane Doe", "born": "1990-01-31", "number": "123456782", "street": "Zeestraße 12"}
JOHN = {"name": "Ola Nordmann", "born": "1985-12-01", "number": "987654321", "street": "Main Street 4"}


def sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def test_a_ledger_of_organisations_holds_nobody(world: World) -> None:
    entries = [*world.entries, *(world.agency.commit(world.URI, epoch) for epoch in range(50))]
    assert privacy_check(entries, [JANE, JOHN]) == ()


PLANTED: dict[str, tuple[str, Callable[[World], str]]] = {
    "plain": ("name", lambda w: "jane doe"),
    "plain with other separators": ("name", lambda w: "urn:x:Jane-Doe"),
    "plain, run together": ("name", lambda w: "xjanedoex"),
    "plain digits of a date": ("born", lambda w: "https://a.example/19900131"),
    "plain, percent": ("street", lambda w: "Zeestra%C3%9Fe%2012"),
    "plain, folded": ("street", lambda w: "ZEESTRASSE 12"),
    "base64 of plain": ("name", lambda w: base64.b64encode(b"Jane Doe!!").decode()),
    "sha256 hex": ("number", lambda w: sha256("123456782").hex()),
    "sha256 HEX inside more": ("number", lambda w: f"list-abc{sha256('123456782').hex().upper()}00ff"),
    "sha256 base64url": ("number", lambda w: b64url_encode(sha256("123456782"))),
    "sha256 base64": ("number", lambda w: base64.b64encode(sha256("123456782")).decode()),
    "sha256 base58 multibase": ("number", lambda w: base58btc_encode(sha256("123456782"))),
    "sha256 multihash": ("number", lambda w: base58btc_encode(b"\x12\x20" + sha256("123456782"))),
    "sha256 base64url multibase": ("number", lambda w: "u" + b64url_encode(sha256("123456782"))),
    "truncated": ("number", lambda w: sha256("123456782").hex()[:20]),
    "sha1 lower case": ("name", lambda w: hashlib.sha1(b"jane doe", usedforsecurity=False).hexdigest()),
    "md5": ("born", lambda w: hashlib.md5(b"1990-01-31", usedforsecurity=False).hexdigest()),
    "sha3": ("born", lambda w: hashlib.sha3_256(b"19900131").hexdigest()),
    "blake2b": ("born", lambda w: hashlib.blake2b(b"1990-01-31").hexdigest()),
    "disclosure without salt": ("name", lambda w: b64url_encode(sha256('["name", "Jane Doe"]'))),
    "pair": ("name+born", lambda w: sha256("Jane Doe|1990-01-31").hex()),
    "row": ("name+born+number+street", lambda w: sha256(",".join(JANE.values())).hex()),
    "empty key": ("number", lambda w: hmac.digest(b"", b"123456782", "sha256").hex()),
    "the agency's DID as key": ("number", lambda w: hmac.digest(w.agency.did.encode(), b"123456782", "sha256").hex()),
    "given key": ("number", lambda w: hmac.digest(b"known", b"123456782", "sha512").hex()),
    "given salt": ("number", lambda w: sha256("known123456782").hex()),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_planted_is_found(world: World, name: str) -> None:
    field, make = PLANTED[name]
    planted = world.root.sign({"v": 1, "iss": world.root.did, "deep": [{"x": make(world)}]})
    findings = privacy_check([*world.entries, planted], [JOHN, JANE], keys=[b"known"])
    assert (4, 1, field) in {(item.entry, item.person, item.field) for item in findings}
    assert {(item.entry, item.person) for item in findings} == {(4, 1)}
    assert "jane" not in repr(findings).lower()


@pytest.mark.parametrize(
    "entry",
    [
        b"Jane Doe lives here",
        json.dumps({"id": {"Jane Doe": 1}}).encode(),
        json.dumps([123456782]).encode(),
        b"\xff\xfe Jane Doe \x00",
        b"Jane.Doe.x",
        b"[" * 5000 + b'"Jane Doe"',
    ],
)
def test_entries_of_any_shape_are_searched(entry: bytes) -> None:
    findings = privacy_check([Withheld(b"\0" * 32, "court"), entry], [JANE])
    assert {item.entry for item in findings} == {1}
    assert {item.person for item in findings} == {0}


def test_a_line_with_a_person_in_its_document_is_found() -> None:
    body = Organisation("people.example")
    line = body.next_line(state=body.document(alsoKnownAs=["https://people.example/jane-doe"]))
    assert [item.field for item in privacy_check([*body.lines[:1], line], [JANE])] == ["name"]


def test_short_values_and_other_columns_are_not_searched_as_words() -> None:
    entry = b"did:web:utrecht.example ann"
    assert privacy_check([entry], [{"town": "Utrecht", "name": "Ann"}], fields=["name"]) == ()
    assert [item.field for item in privacy_check([entry], [{"town": "Utrecht", "name": "Ann"}])] == ["town"]
    assert privacy_check([entry], [{"name": "  ", "x": ""}]) == ()
    assert privacy_check([b'"ann"'], [{"name": "Ann"}], min_length=3)
