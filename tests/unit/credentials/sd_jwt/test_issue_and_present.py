"""RFC 9901 sections 4.2 (what the issuer makes) and 7.2 (what the holder shows)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ssi.credentials.sd_jwt import ClaimPath, conceal, holder_view, issue_sd_jwt, present
from ssi.credentials.sd_jwt.process import process
from ssi.encoding.base64url import b64url_decode
from ssi.errors import DisclosureError, InvalidInputError, KeyNotFoundError, ProofPurposeError
from tests.unit.credentials.sd_jwt.conftest import Parties, digest

CLAIMS: dict[str, Any] = {
    "sub": "user",
    "name": "Alice",
    "address": {"street": "Main St 1", "city": "Bonn"},
    "nationalities": ["DE", "FR"],
    "degrees": [{"title": "BSc", "year": 2001}, {"title": "MSc", "year": 2003}],
}
PATHS: list[ClaimPath] = [
    ("name",),
    ("address",),
    ("address", "city"),
    ("nationalities", None),
    ("degrees", None, "year"),
    ("degrees", 1),
]


def test_concealed_claims_come_back_and_nothing_shows_before() -> None:
    concealed = conceal(CLAIMS, PATHS)
    payload = json.dumps(concealed.payload)
    for secret in ('"Alice"', '"Bonn"', '"Main St 1"', '"DE"', '"FR"', '"MSc"', ": 2001", ": 2003"):
        assert secret not in payload
    assert concealed.payload["_sd_alg"] == "sha-256"
    assert concealed.payload["sub"] == "user"
    assert len(concealed.disclosures) == 8
    processed = process(concealed.payload, concealed.disclosures)
    assert processed.claims == CLAIMS
    assert ("degrees", 1, "year") in processed.disclosed
    assert process(concealed.payload, []).claims == {
        "sub": "user",
        "nationalities": [],
        "degrees": [{"title": "BSc"}],
    }


def test_salts_are_fresh_and_long_and_digests_sorted() -> None:
    many = {f"claim{index}": index for index in range(100)}
    concealed = [conceal(many, [(name,) for name in many]) for _ in range(2)]
    salts = [json.loads(b64url_decode(text))[0] for each in concealed for text in each.disclosures]
    assert len(set(salts)) == 200
    assert {len(b64url_decode(salt)) for salt in salts} == {18}
    assert concealed[0].payload["_sd"] == sorted(concealed[0].payload["_sd"])
    assert {digest(text) for text in concealed[0].disclosures} == set(concealed[0].payload["_sd"])


@pytest.mark.parametrize("hash_name", ["sha-256", "sha-384", "sha-512"])
def test_decoys_look_like_digests_and_change_nothing(hash_name: str) -> None:
    decoys: dict[ClaimPath, int] = {(): 3, ("address",): 2, ("nationalities",): 4, ("degrees", 0): 1}
    concealed = conceal(CLAIMS, PATHS, decoys=decoys, hash_name=hash_name)
    assert len(concealed.disclosures) == 8
    assert len(concealed.payload["_sd"]) == 5
    assert len(concealed.payload["nationalities"]) == 6
    assert len({len(text) for text in concealed.payload["_sd"]}) == 1
    assert process(concealed.payload, concealed.disclosures).claims == CLAIMS
    assert concealed.payload["_sd_alg"] == hash_name


def test_decoys_alone_and_nothing_at_all() -> None:
    assert len(conceal(CLAIMS, [], decoys={(): 2}).payload["_sd"]) == 2
    assert conceal(CLAIMS, []).payload == CLAIMS


@pytest.mark.parametrize(
    "path",
    [("missing",), ("address", "zip"), ("nationalities", 2), ("name", "x"), ("address", 0), ("nationalities", "0")],
)
def test_paths_without_a_claim(path: ClaimPath) -> None:
    with pytest.raises(InvalidInputError):
        conceal(CLAIMS, [path])
    with pytest.raises(InvalidInputError):
        conceal(CLAIMS, [], decoys={(*path, "below"): 1})


@pytest.mark.parametrize("path", [(), "name", (1.5,), (-1,), (True,), None, ({},)])
def test_paths_that_are_none(path: Any, parties: Parties) -> None:
    with pytest.raises(InvalidInputError):
        conceal(CLAIMS, [path])
    with pytest.raises(InvalidInputError):
        present(parties.sign({}), [path])


def _nested(depth: int) -> Any:
    return {"a": _nested(depth - 1)} if depth > 1 else {}


@pytest.mark.parametrize(
    "claims",
    [
        {"_sd": []},
        {"...": 1},
        {"_sd_alg": "sha-256"},
        {"a": [{"...": "x"}]},
        {"a": {"_sd": 1}},
        {"a": {1: 2}},
        {"a": b"bytes"},
        {"a": (1, 2)},
        {"a": {1, 2}},
        {"a": 2**53},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": object()},
        _nested(33),
    ],
)
def test_claims_that_a_verifier_would_refuse_are_not_issued(claims: Any) -> None:
    with pytest.raises(InvalidInputError):
        conceal(claims, [])


def test_a_lone_surrogate_is_refused(parties: Parties) -> None:
    with pytest.raises(InvalidInputError):
        conceal({"a": "\ud800"}, [("a",)])


def test_the_deepest_claims_that_can_be_hidden() -> None:
    claims = _nested(31)
    path: ClaimPath = ("a",) * 30
    concealed = conceal(claims, [path])
    assert process(concealed.payload, concealed.disclosures).claims == claims
    with pytest.raises(InvalidInputError, match="deep"):
        conceal(_nested(32), [], decoys={("a",) * 31: 1})


def test_too_many_disclosures() -> None:
    with pytest.raises(InvalidInputError, match="1000"):
        conceal({"a": list(range(1_001))}, [("a", None)])


async def _issue(parties: Parties, **changes: Any) -> str:
    arguments = {"disclosable": PATHS, "typ": "example+sd-jwt", "kms": parties.kms, "label": "issuer", **changes}
    return (await issue_sd_jwt(CLAIMS, **arguments)).compact


async def test_issue_signs_with_the_header_and_binds_the_holder(parties: Parties) -> None:
    text = await _issue(parties, header={"kid": "k"}, holder_key=parties.holder.public_key)
    verified = parties.verify(text)
    assert verified.header == {"alg": "ES256", "typ": "example+sd-jwt", "kid": "k"}
    assert verified.holder_key() == parties.holder.public_key
    assert verified.claims == {**CLAIMS, "cnf": {"jwk": parties.holder.public_key.to_jwk()}}


async def test_issue_refuses_contradictions_and_wrong_keys(parties: Parties) -> None:
    for changes in ({"header": {"typ": "x"}}, {"header": {"alg": "none"}}):
        with pytest.raises(InvalidInputError):
            await _issue(parties, **changes)
    with pytest.raises(InvalidInputError, match="cnf"):
        await issue_sd_jwt(
            {"cnf": {}},
            disclosable=[],
            typ="t",
            kms=parties.kms,
            label="issuer",
            holder_key=parties.holder.public_key,
        )
    with pytest.raises(DisclosureError):
        await _issue(parties, hash_name="sha-1")
    with pytest.raises(KeyNotFoundError):
        await _issue(parties, label="missing")
    with pytest.raises(ProofPurposeError):
        await _issue(parties, label="holder")


async def test_present_shows_what_is_chosen_and_what_it_lies_in(parties: Parties) -> None:
    text = await _issue(parties)
    hidden = {"sub": "user", "nationalities": [], "degrees": [{"title": "BSc"}]}

    def shown(*paths: ClaimPath, nested: bool = False) -> dict[str, Any]:
        return parties.verify(present(text, paths, nested=nested)).claims

    assert shown() == hidden
    assert shown(("sub",)) == hidden
    assert shown(("name",)) == {**hidden, "name": "Alice"}
    assert shown(("address",)) == {**hidden, "address": {"street": "Main St 1"}}
    assert shown(("address", "street")) == {**hidden, "address": {"street": "Main St 1"}}
    assert shown(("address", "city")) == {**hidden, "address": CLAIMS["address"]}
    assert shown(("address",), nested=True) == {**hidden, "address": CLAIMS["address"]}
    assert shown(("nationalities", 1)) == {**hidden, "nationalities": ["FR"]}
    assert shown(("nationalities", None)) == {**hidden, "nationalities": ["DE", "FR"]}
    assert shown(("degrees", 1, "year"))["degrees"] == [{"title": "BSc"}, CLAIMS["degrees"][1]]
    assert shown(("degrees",), nested=True)["degrees"] == CLAIMS["degrees"]
    assert shown(*((name,) for name in CLAIMS), nested=True) == CLAIMS
    with pytest.raises(InvalidInputError, match="/address/zip"):
        shown(("address", "zip"))


async def test_present_keeps_the_issuers_order_and_takes_no_bound_sd_jwt(parties: Parties) -> None:
    text = await _issue(parties)
    assert present(text, [(name,) for name in reversed(CLAIMS)], nested=True) == text
    with pytest.raises(InvalidInputError, match="without a key binding"):
        present(text + text.partition("~")[0], [])


async def test_the_holder_sees_all(parties: Parties) -> None:
    view = holder_view(await _issue(parties))
    assert view.claims == CLAIMS
    assert len(view.disclosed) == 8
