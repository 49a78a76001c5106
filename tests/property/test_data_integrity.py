"""Laws of embedded proofs: signing and verifying are inverse, and whatever comes in is verified or refused."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.credentials.data_integrity import read_credential, read_presentation, verify_credential, verify_presentation
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import Curve, PrivateKey, PublicKey
from ssi.proofs.data_integrity import jcs_suite_for, parse_proofs, verify_proofs
from ssi.proofs.proof import match_all
from ssi.status import parse_status_list
from ssi.types import JsonObject

NOW = 1_800_000_000
REFUSED = (InvalidInputError, VerificationError)
METHOD = "did:example:a#key"

names = st.sampled_from(["id", "a", "@context", "type", "n\u00f6", "\U0001f600", "\ufb33"])
scalars = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8)
values: st.SearchStrategy[Any] = st.recursive(
    scalars | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
documents = st.dictionaries(names, values, max_size=5).filter(lambda document: "proof" not in document)
ids = st.sampled_from([f"urn:x:{number}" for number in range(4)])
members = {
    "type": st.sampled_from(["DataIntegrityProof", "Ed25519Signature2020"]) | values,
    "cryptosuite": st.sampled_from(["eddsa-jcs-2022", "ecdsa-jcs-2019", "eddsa-rdfc-2022"]) | values,
    "verificationMethod": st.just(METHOD) | st.text(max_size=5) | values,
    "proofPurpose": st.sampled_from(["assertionMethod", "authentication"]) | values,
    "proofValue": st.text("z123abcu", max_size=100) | values,
    "created": st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01"]) | values,
    "expires": st.sampled_from(["2036-01-01T00:00:00Z", "2016-01-01T00:00:00Z"]) | values,
    "domain": st.text(max_size=3) | st.lists(st.text(max_size=3), max_size=3) | values,
    "challenge": st.text(max_size=3) | values,
    "id": ids | values,
    "previousProof": ids | st.lists(ids, max_size=4) | values,
    "@context": values,
}
good = {
    "type": st.just("DataIntegrityProof"),
    "cryptosuite": st.just("eddsa-jcs-2022"),
    "verificationMethod": st.just(METHOD),
    "proofPurpose": st.just("assertionMethod"),
    "proofValue": st.just("z" + "2" * 87),
}
proofs = st.fixed_dictionaries({}, optional=members) | st.fixed_dictionaries(
    good, optional={name: members[name] for name in ("id", "previousProof", "created", "domain", "@context")}
)


@cache
def key(curve: Curve) -> PrivateKey:
    """Return the one key of a curve."""
    return PrivateKey.generate(curve)


def found(_: str, __: str, /) -> PublicKey:
    """Return the Ed25519 key for every name."""
    return key(Curve.ED25519).public_key


@settings(deadline=None, max_examples=60)
@given(document=documents, curve=st.sampled_from([Curve.ED25519, Curve.P256, Curve.P384]), extra=st.text(max_size=9))
def test_what_was_signed_comes_back(document: JsonObject, curve: Curve, extra: str) -> None:
    secret = key(curve)
    suite = jcs_suite_for(secret.public_key)
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": suite.name,
        "verificationMethod": METHOD,
        "proofPurpose": "assertionMethod",
        "extra": extra,
    }
    config = suite.configure(document, proof)
    value = suite.encode(secret.sign(suite.hash_data(document, config)))
    secured = {**document, "proof": {**config, "proofValue": value}}

    def mine(_: str, __: str, /) -> PublicKey:
        return secret.public_key

    verified = verify_proofs(secured, keys=mine, expected_purpose="assertionMethod", now=NOW)
    assert verified.document == document
    assert verified.proofs[0].proof.raw["extra"] == extra


@settings(deadline=None, max_examples=200)
@given(document=documents, proof=proofs | st.lists(proofs, max_size=5) | values)
def test_whatever_comes_in_is_refused(document: JsonObject, proof: Any) -> None:
    """Nobody signed any of it, so nothing gets through, and no other error gets out."""
    secured = {**document, "proof": proof}
    for check in (_check_proofs, _check_credential, _check_presentation):
        try:
            check(secured)
        except REFUSED:
            continue
        raise AssertionError("a document that nobody signed was believed")


@settings(deadline=None, max_examples=200)
@given(links=st.lists(st.tuples(ids, st.lists(ids, max_size=3)), min_size=1, max_size=6))
def test_a_chain_is_matched_or_refused(links: list[tuple[str, list[str]]]) -> None:
    """A chain that is accepted has an order in which every proof comes after those that it names."""
    base = {"type": "DataIntegrityProof", "cryptosuite": "x", "verificationMethod": "x:y", "proofPurpose": "x"}
    raw = [
        {**base, "proofValue": "z", "id": name, **({"previousProof": before} if before else {})}
        for name, before in links
    ]
    parsed = parse_proofs(raw)
    try:
        matched = match_all(parsed)
    except VerificationError:
        return
    depth: dict[str, int] = {}
    for _ in links:
        for (name, before), matching in zip(links, matched, strict=True):
            assert {item["id"] for item in matching} == set(before)
            if set(before) <= depth.keys():
                depth[name] = 1 + max((depth[earlier] for earlier in before if earlier != name), default=0)
            assert name not in before
    assert set(depth) == {name for name, _ in links}


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60).map(lambda rest: b"{" + rest) | st.text(max_size=60).map(lambda rest: "{" + rest))
def test_no_other_error_leaves_the_reader_of_lists(text: bytes | str) -> None:
    try:
        parse_status_list(text)
    except REFUSED:
        return
    raise AssertionError("text that is no list was read as one")


def _check_proofs(document: JsonObject) -> object:
    return verify_proofs(document, keys=found, expected_purpose="assertionMethod", now=NOW)


def _check_credential(document: JsonObject) -> object:
    filled = {"issuer": "did:example:a", "type": "VerifiableCredential", **document}
    return verify_credential(read_credential(filled), keys=found, now=NOW, contexts=())


def _check_presentation(document: JsonObject) -> object:
    filled = {"type": "VerifiablePresentation", **document}
    return verify_presentation(
        read_presentation(filled),
        keys=found,
        now=NOW,
        domain=None,
        challenge=None,
        max_age_seconds=None,
        contexts=(),
    )
