"""Laws of bbs-2023: a derived document says what the base says, all that is mandatory, and nothing else verifies."""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ssi.encoding.jsonld import to_quads
from ssi.encoding.rdfc import canonicalize
from ssi.errors import InvalidInputError, SsiError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey, PublicKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.bbs_2023 import Bbs2023, derive_proof, verify_base_proof
from ssi.proofs.bbs_proof_value import (
    BaseProofValue,
    DerivedProofValue,
    encode_base,
    encode_derived,
    parse_base,
    parse_derived,
)
from ssi.proofs.data_integrity import add_proof, verify_proofs
from ssi.proofs.selective.pointers import select
from ssi.types import JsonObject
from tests.unit.proofs.selective.test_pointers import pointers_of

NOW = 1_800_000_000
REFUSED = (InvalidInputError, VerificationError)
CONTEXT = ["https://www.w3.org/ns/credentials/v2", {"@vocab": "https://example.org/#"}]

names = st.sampled_from(["name", "size", "part", "kind"])
scalars = st.booleans() | st.integers(-9, 9) | st.sampled_from(["a", "b", "a\nb", "\u00f6"])
# Alone in its array, what counts as no is refused as not compact; what is chosen of an array may be one item of it.
items = scalars.filter(bool)
nodes: st.SearchStrategy[Any] = st.recursive(
    st.dictionaries(names, scalars, min_size=1, max_size=3),
    lambda inner: st.dictionaries(
        names, scalars | inner | st.lists(items | inner, min_size=1, max_size=3), min_size=1, max_size=3
    ),
    max_leaves=6,
)
documents = st.builds(
    lambda subject, more: {
        "@context": CONTEXT,
        "type": ["VerifiableCredential"],
        "issuer": "did:example:issuer",
        "credentialSubject": subject,
        **more,
    },
    nodes | st.lists(nodes, min_size=1, max_size=2),
    st.fixed_dictionaries({}, optional={"id": st.just("urn:x:1"), "validFrom": st.just("2026-01-01T00:00:00Z")}),
)


@cache
def key() -> PrivateKey:
    return PrivateKey.generate(Curve.BLS12_381_G2)


def issued(document: JsonObject, mandatory: list[str]) -> JsonObject:
    async def issue() -> JsonObject:
        kms = MemoryKms()
        await kms.add("bbs", key(), purpose=KeyPurpose.CREDENTIAL)
        return await add_proof(
            document,
            kms=kms,
            label="bbs",
            purpose=KeyPurpose.CREDENTIAL,
            verification_method="did:example:issuer#bbs",
            proof_purpose="assertionMethod",
            created=None,
            suite=Bbs2023(mandatory),
        )

    return asyncio.run(issue())


def found(_: str, __: str, /) -> PublicKey:
    return key().public_key


def verified(document: JsonObject) -> JsonObject:
    return verify_proofs(document, keys=found, expected_purpose="assertionMethod", now=NOW).document


def members_of(document: JsonObject) -> list[str]:
    """Return pointers to what holders and issuers would point at."""
    return [pointer for pointer in pointers_of(document) if not pointer.startswith(("/@context", "/type/"))]


def statements(document: JsonObject) -> list[str]:
    """Return what the document says, blank nodes left out."""
    return [line for line in canonicalize(to_quads(document)).lines if "_:" not in line]


@settings(deadline=None, max_examples=60)
@given(document=documents, data=st.data())
def test_what_is_shown_is_what_was_pointed_at(document: JsonObject, data: st.DataObject) -> None:
    pointers = members_of(document)
    mandatory = data.draw(st.lists(st.sampled_from(pointers), max_size=3, unique=True))
    selective = data.draw(st.lists(st.sampled_from(pointers), min_size=1, max_size=3, unique=True))
    base = issued(document, mandatory)
    verify_base_proof(base, key=key().public_key)
    shown = verified(derive_proof(base, selective_pointers=selective))
    assert shown == select(document, [*mandatory, *selective])
    assert set(statements(shown)) <= set(statements(document))
    if mandatory:
        always = verified(derive_proof(base, selective_pointers=[]))
        assert always == select(document, mandatory)


@settings(deadline=None, max_examples=60)
@given(document=documents, data=st.data())
def test_a_member_taken_away_or_put_in_is_refused(document: JsonObject, data: st.DataObject) -> None:
    pointers = members_of(document)
    mandatory = data.draw(st.lists(st.sampled_from(pointers), min_size=1, max_size=3, unique=True))
    selective = data.draw(st.lists(st.sampled_from(pointers), max_size=3, unique=True))
    derived = derive_proof(issued(document, mandatory), selective_pointers=selective)
    before = _text(derived)
    place = data.draw(st.sampled_from([path for path in _paths(derived) if path[0] not in ("@context", "proof")]))
    lie = data.draw(
        st.sampled_from([_without(derived, place), _with(derived, place, "lie"), _with(derived, place, 77)])
    )
    try:
        after = _text(lie)
    except SsiError:
        after = ""
    # A set has no order and says nothing twice: only a document that says something else is a lie.
    assume(after != before)
    try:
        verified(lie)
    except REFUSED:
        return
    raise AssertionError("a document that says something else was believed")


@settings(deadline=None, max_examples=60)
@given(document=documents, data=st.data())
def test_a_holder_cannot_leave_out_what_is_mandatory(document: JsonObject, data: st.DataObject) -> None:
    """Whatever indexes a dishonest holder writes: the header that was signed covers what is mandatory."""
    pointers = members_of(document)
    mandatory = data.draw(st.lists(st.sampled_from(pointers), min_size=1, max_size=3, unique=True))
    selective = data.draw(st.lists(st.sampled_from(pointers), min_size=1, max_size=3, unique=True))
    base = issued(document, mandatory)
    honest = derive_proof(base, selective_pointers=selective)
    # The holder tells its own software that less was mandatory.
    value = parse_base(base["proof"]["proofValue"])
    fewer = data.draw(st.lists(st.sampled_from(mandatory), max_size=len(mandatory) - 1, unique=True))
    forged = BaseProofValue(value.signature, value.header, value.public_key, value.hmac_key, tuple(fewer))
    less = {**base, "proof": {**base["proof"], "proofValue": encode_base(forged)}}
    derived = derive_proof(less, selective_pointers=selective)
    assume(_text(derived) != _text(honest))
    given_value = parse_derived(derived["proof"]["proofValue"])
    indexes = st.lists(st.integers(0, 12), max_size=8, unique=True).map(lambda found: tuple(sorted(found)))
    claims = [
        given_value,
        DerivedProofValue(
            given_value.proof,
            given_value.label_map,
            data.draw(indexes),
            data.draw(indexes),
            given_value.presentation_header,
        ),
    ]
    for claim in claims:
        try:
            verified({**derived, "proof": {**derived["proof"], "proofValue": encode_derived(claim)}})
        except REFUSED:
            continue
        raise AssertionError("a document without something mandatory was believed")


def _text(document: JsonObject) -> str:
    return canonicalize(to_quads({name: value for name, value in document.items() if name != "proof"})).text


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, item in inner for found in [(*path, name), *_paths(item, (*path, name))]]


def _changed(document: JsonObject, path: tuple[Any, ...], change: Any) -> JsonObject:
    def walk(value: Any, steps: tuple[Any, ...]) -> Any:
        copy = dict(value) if isinstance(value, dict) else list(value)
        if len(steps) == 1:
            change(copy, steps[0])
        else:
            copy[steps[0]] = walk(value[steps[0]], steps[1:])
        return copy

    result: JsonObject = walk(document, path)
    return result


def _without(document: JsonObject, path: tuple[Any, ...]) -> JsonObject:
    return _changed(document, path, lambda holder, step: holder.pop(step))


def _with(document: JsonObject, path: tuple[Any, ...], value: Any) -> JsonObject:
    """Put a member beside the one at ``path``."""

    def change(holder: Any, step: Any) -> None:
        if isinstance(holder, dict):
            holder["lie"] = value
        else:
            holder.append(value)

    return _changed(document, path, change)
