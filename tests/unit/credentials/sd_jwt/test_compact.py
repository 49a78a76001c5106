"""RFC 9901 section 4: the compact form and its limits."""

from __future__ import annotations

import pytest

from ssi.credentials.sd_jwt import MAX_DISCLOSURES, parse_sd_jwt
from ssi.errors import InvalidInputError
from tests.unit.credentials.sd_jwt.conftest import Parties, disclosure


def test_the_parts(parties: Parties) -> None:
    name, element = disclosure("s", "n", 1), disclosure("s", 1)
    text = parties.sign({"a": 1}, [name, element])
    jws = text.partition("~")[0]
    bare = parse_sd_jwt(text)
    assert bare.issuer_jws.compact == jws
    assert bare.disclosures == (name, element)
    assert (bare.kb_jws, bare.sd_jwt) == (None, text)
    assert parse_sd_jwt(text.encode()) == parse_sd_jwt(text) or parse_sd_jwt(text.encode()).sd_jwt == text
    assert bare.header["typ"] == "example+sd-jwt"
    assert bare.unverified_claims() == {"a": 1}
    bound = parse_sd_jwt(text + jws)
    assert bound.kb_jws is not None
    assert (bound.kb_jws.compact, bound.sd_jwt) == (jws, text)
    assert parse_sd_jwt(jws + "~").disclosures == ()


def test_what_is_no_sd_jwt(parties: Parties) -> None:
    text = parties.sign({"a": 1}, [disclosure("s", "n", 1)])
    jws = text.partition("~")[0]
    bad: list[str | bytes] = [
        jws,
        "",
        "~",
        "~~",
        b"~",
        f"{jws}~~",
        f"~{text}",
        text[:-1],
        f"{text}x",
        f"{text}a.b.c",
        f"{text}\u00e9",
        text.encode() + b"\xff",
        f" {text}",
        f"{text}\n",
        f"{jws[:-1]}~",
        f"{jws}.~",
        jws.replace(".", "~", 1),
    ]
    for each in bad:
        with pytest.raises(InvalidInputError):
            parse_sd_jwt(each)


def test_limits(parties: Parties) -> None:
    jws = parties.sign({})[:-1]
    assert len(parse_sd_jwt(f"{jws}~{'a~' * MAX_DISCLOSURES}").disclosures) == MAX_DISCLOSURES
    with pytest.raises(InvalidInputError, match="disclosures"):
        parse_sd_jwt(f"{jws}~{'a~' * (MAX_DISCLOSURES + 1)}")
    with pytest.raises(InvalidInputError, match="disclosures"):
        parse_sd_jwt("~" * 1_000_000)
    with pytest.raises(InvalidInputError, match="bytes"):
        parse_sd_jwt(f"{jws}~{'a' * (1 << 20)}~")
