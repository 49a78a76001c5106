"""Laws of selective disclosure by embedded proofs: what a verifier believes, the issuer signed, and none of it is less.

The forger of these tests is the holder: it has the base proof, with the key that names blank nodes and all signatures,
and puts them together for documents of its own making.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from itertools import islice, permutations
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ssi.encoding.jsonld import BUNDLED, to_quads
from ssi.encoding.rdf import Quad, format_nquad
from ssi.encoding.rdfc import canonicalize
from ssi.errors import CanonicalizationError, InvalidInputError, JsonLdError, VerificationError
from ssi.keys import Curve, KeyPurpose, PrivateKey
from ssi.keys.backends.memory import MemoryKms
from ssi.proofs.data_integrity import add_proof, verify_proof
from ssi.proofs.derive import derive_proof, verify_base_proof
from ssi.proofs.ecdsa_sd_2023 import EcdsaSd2023
from ssi.proofs.ecdsa_sd_proof_value import DerivedProofValue, encode_derived, parse_base, parse_derived
from ssi.proofs.selective.grouping import Grouped, canonicalize_and_group
from ssi.proofs.selective.labels import hmac_labels
from ssi.proofs.selective.pointers import pointer_to
from ssi.proofs.suites import issuing_suite
from ssi.types import JsonObject, JsonValue
from tests.unit.proofs.party import altered, leaves

NOW = 1_800_000_000
CONTEXT: list[Any] = ["https://www.w3.org/ns/credentials/v2", {"@vocab": "https://example.org/#"}]
REFUSED = (InvalidInputError, VerificationError)
SUITES = {"ecdsa-sd-2023": Curve.P256, "bbs-2023": Curve.BLS12_381_G2}
each = pytest.mark.parametrize("suite", SUITES)

names = st.sampled_from(["a", "b", "c/d", "e~f", "~0", "~1", "0", "ö"])
scalars = st.sampled_from(["x", "y", "zz ", "\n"]) | st.integers(0, 3) | st.booleans()
# Alone in its array, what counts as no is refused as not compact; what is chosen of an array may be one item of it.
items = scalars.filter(bool)
ids = st.sampled_from([f"urn:n:{number}" for number in range(3)])


def _node(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    members = st.dictionaries(names, inner, max_size=3)
    return st.builds(lambda of, name: of if name is None else {"id": name, **of}, members, st.none() | ids)


values: st.SearchStrategy[Any] = st.recursive(
    scalars, lambda inner: _node(inner) | st.lists(items | _node(inner), min_size=1, max_size=3), max_leaves=8
)


def described_once(value: Any) -> bool:
    """Whether no two nodes of one identifier have members: two parts of one description are refused as not compact."""
    named = [node["id"] for node in _containers({**value, "@context": None}) if "id" in node and len(node) > 1]
    return len(named) == len(set(named))


documents = st.builds(
    lambda members, name: {"@context": CONTEXT, "type": ["T"], **({} if name is None else {"id": name}), **members},
    st.dictionaries(names, values, min_size=1, max_size=4),
    st.none() | ids,
).filter(described_once)


def pointers_of(value: JsonValue, path: tuple[str | int, ...] = ()) -> Iterator[str]:
    """Yield a pointer to everything in a document but its @context."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in items:
        if step != "@context":
            yield pointer_to((*path, step))
            yield from pointers_of(member, (*path, step))


def some(draw: Any, document: JsonObject) -> list[str]:
    return list(draw(st.lists(st.sampled_from(list(pointers_of(document))), max_size=4)))


@cache
def secret(suite: str) -> PrivateKey:
    return PrivateKey.generate(SUITES[suite])


@cache
def kms(suite: str) -> MemoryKms:
    store = MemoryKms()
    asyncio.run(store.add("key", secret(suite), purpose=KeyPurpose.CREDENTIAL))
    return store


def sign(document: JsonObject, mandatory: list[str], suite: str) -> JsonObject:
    """Return ``document`` with a base proof."""
    return asyncio.run(
        add_proof(
            document,
            kms=kms(suite),
            label="key",
            purpose=KeyPurpose.CREDENTIAL,
            verification_method="did:example:a#key",
            proof_purpose="assertionMethod",
            created=NOW,
            suite=issuing_suite(suite, secret(suite).public_key, mandatory),
        )
    )


def verify(document: JsonObject, suite: str) -> JsonObject:
    return verify_proof(document, key=secret(suite).public_key, expected_purpose="assertionMethod", now=NOW)


def meaning(document: JsonObject) -> frozenset[str]:
    """What a document says, as far as it does not depend on blank nodes."""
    body = {name: value for name, value in document.items() if name != "proof"}
    return frozenset(line for line in canonicalize(to_quads(body)).lines if "_:" not in line)


def statements(document: JsonObject) -> tuple[str, ...] | None:
    """What a document says; None if it is no compact JSON-LD any more."""
    body = {name: value for name, value in document.items() if name != "proof"}
    try:
        return canonicalize(to_quads(body, compact=True)).lines
    except REFUSED:
        return None


def _settings(examples: int) -> settings:
    return settings(deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.too_slow])


@each
@_settings(40)
@given(data=st.data(), document=documents)
def test_what_is_shown_is_what_was_chosen_and_what_is_mandatory(suite: str, data: Any, document: JsonObject) -> None:
    mandatory, selective = some(data.draw, document), some(data.draw, document)
    base = sign(document, mandatory, suite)
    assert verify_base_proof(base, key=secret(suite).public_key) == tuple(mandatory)
    assume(mandatory or selective)
    shown = derive_proof(base, selective_pointers=selective)
    assert meaning(verify(shown, suite)) <= meaning(document)
    whole = derive_proof(
        base, selective_pointers=[f"/{pointer_to((name,))[1:]}" for name in document if name[0] != "@"]
    )
    assert verify(whole, suite) == document
    if mandatory:
        least = verify(derive_proof(base, selective_pointers=[]), suite)
        assert meaning(least) <= meaning(shown)
    for pointer in selective:
        alone = verify(derive_proof(base, selective_pointers=[pointer]), suite)
        assert meaning(alone) <= meaning(shown)


@each
@_settings(12)
@given(data=st.data(), document=documents)
def test_every_leaf_counts(suite: str, data: Any, document: JsonObject) -> None:
    mandatory, selective = some(data.draw, document), some(data.draw, document)
    assume(mandatory or selective)
    shown = derive_proof(sign(document, mandatory, suite), selective_pointers=selective)
    verify(shown, suite)
    said = statements(shown)
    for path in leaves(shown):
        changed = altered(shown, path)
        if changed["proof"] == shown["proof"] and statements(changed) == said:
            verify(changed, suite)  # An array is a set: [0, 0, 1] says what [0, 1, 1] says.
            continue
        with pytest.raises(REFUSED):
            verify(changed, suite)


@each
@_settings(30)
@given(data=st.data(), one=documents, two=documents)
def test_two_derived_documents_are_never_spliced(suite: str, data: Any, one: JsonObject, two: JsonObject) -> None:
    """Of one issuer and one key: proof of one with the document of the other, and members of one in the other."""
    pointers = ["/type"]
    first, second = (
        derive_proof(sign(document, pointers, suite), selective_pointers=some(data.draw, document))
        for document in (one, two)
    )
    again = derive_proof(sign(one, pointers, suite), selective_pointers=some(data.draw, one))
    for left, right in ((first, second), (second, first), (first, again)):
        assume(left.keys() - right.keys() or any(left[name] != right[name] for name in left if name != "proof"))
        said = [to_quads({name: value for name, value in each.items() if name != "proof"}) for each in (left, right)]
        swapped = {**left, "proof": right["proof"]}
        merged = {**left, **{name: value for name, value in right.items() if name not in left}}
        for forged in (swapped, merged):
            body = {name: value for name, value in forged.items() if name != "proof"}
            lines = canonicalize(to_quads(body)).lines
            owner = said[0] if forged is merged else said[1]
            if lines == canonicalize(owner).lines:
                continue  # The same document after all, and its own proof.
            with pytest.raises(REFUSED):
                verify(forged, suite)


class Forger(NamedTuple):
    """A holder with everything that ecdsa-sd-2023 gives one."""

    base: JsonObject
    grouped: Grouped
    signatures: dict[str, bytes]
    """By line."""

    @classmethod
    def of(cls, document: JsonObject, mandatory: list[str]) -> Forger:
        base = sign(document, mandatory, "ecdsa-sd-2023")
        value = parse_base(base["proof"]["proofValue"])
        labels = hmac_labels(value.hmac_key)
        grouped = canonicalize_and_group(document, {"mandatory": mandatory}, labels, contexts=BUNDLED)
        lines = [grouped.lines[index] for index in grouped.others("mandatory")]
        return cls(base, grouped, dict(zip(lines, value.signatures, strict=True)))

    def tries(self, document: JsonObject, chance: random.Random) -> Iterator[tuple[JsonObject, frozenset[str], bool]]:
        """Yield ``document`` under proofs that might pass, with what each would say, and whether of as many nodes."""
        value = parse_base(self.base["proof"]["proofValue"])
        mandatory = {self.grouped.lines[index] for index in self.grouped.groups["mandatory"]}
        canonical = sorted(canonicalize(to_quads(document, compact=True)).labels.values())
        known = sorted(set(self.grouped.labels.values()))
        chance.shuffle(known)
        spare = [*self.signatures.values()] or [bytes(64)]
        guesses: list[tuple[str, ...]] = [*islice(permutations(known, len(canonical)), 40)]
        if known:
            guesses += [tuple(chance.choices(known, k=len(canonical))) for _ in "ab"]
        quads = to_quads(document)
        of_label = canonicalize(quads).labels
        for chosen in guesses:
            label_map = dict(zip(canonical, chosen, strict=True))
            rename = {f"_:{label}": f"_:{label_map[name]}" for label, name in _bare(of_label).items()}
            lines = sorted({format_nquad(_renamed(quad, rename)) for quad in quads})
            indexes = tuple(index for index, line in enumerate(lines) if line in mandatory)
            signatures = tuple(
                self.signatures.get(line, chance.choice(spare)) for line in lines if line not in mandatory
            )
            derived = DerivedProofValue(value.signature, value.public_key, signatures, label_map, indexes)
            forged = {**document, "proof": {**self.base["proof"], "proofValue": encode_derived(derived)}}
            yield forged, frozenset(lines), len(set(chosen)) == len(chosen)


def _bare(labels: Mapping[str, str]) -> dict[str, str]:
    return {label.removeprefix("_:"): name for label, name in labels.items()}


def _renamed(quad: Quad, rename: dict[str, str]) -> Quad:
    subject, predicate, object_, graph = (rename.get(term, term) for term in quad)
    return subject, predicate, object_, graph


def _containers(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        yield value
        for member in value.values() if isinstance(value, dict) else value:
            yield from _containers(member)


def _edited(document: JsonObject, chance: random.Random) -> JsonObject:
    """Move, copy, drop or change something, a few times."""
    changed = deepcopy(document)
    for _ in range(chance.randint(1, 3)):
        nodes: list[Any] = [node for node in _containers({**changed, "@context": None}) if node]
        node, other = chance.choice(nodes), chance.choice(nodes)
        node, other = (changed if "@context" in each else each for each in (node, other))
        keys: list[Any] = [key for key in (node if isinstance(node, dict) else range(len(node))) if key != "@context"]
        if not keys:
            continue
        key = chance.choice(keys)
        act = chance.choice(["drop", "copy", "move", "change"])
        member = deepcopy(node[key])
        if act in ("drop", "move"):
            del node[key]
        if act in ("copy", "move"):
            if isinstance(other, list):
                other.append(member)
            else:
                other[key if isinstance(key, str) else "a"] = member
        elif act == "change":
            node[key] = chance.choice(["x", 1, {"a": "x"}, [member, "x"] if not isinstance(member, list) else "y"])
    return changed


@_settings(150)
@given(data=st.data(), document=documents, seed=st.integers(0, 2**32))
def test_no_holder_shows_what_was_not_signed_or_less_than_is_mandatory(
    data: Any, document: JsonObject, seed: int
) -> None:
    """Whatever passes says lines that were signed, all mandatory ones among them."""
    chance = random.Random(seed)
    forger = Forger.of(document, some(data.draw, document))
    mandatory = {forger.grouped.lines[index] for index in forger.grouped.groups["mandatory"]}
    for _ in range(3):
        try:
            tries = list(forger.tries(_edited(document, chance), chance))
        except REFUSED:
            continue  # No compact JSON-LD any more.
        for forged, lines, one_to_one in tries:
            if one_to_one and mandatory <= lines <= set(forger.grouped.lines):
                verify(forged, "ecdsa-sd-2023")
            else:
                with pytest.raises(REFUSED):
                    verify(forged, "ecdsa-sd-2023")


@_settings(60)
@given(data=st.data(), document=documents)
def test_any_proof_value_is_verified_or_refused(data: Any, document: JsonObject) -> None:
    base = sign(document, ["/type"], "ecdsa-sd-2023")
    shown = derive_proof(base, selective_pointers=some(data.draw, document))
    text = shown["proof"]["proofValue"]
    place = data.draw(st.integers(0, len(text) - 1))
    changed = data.draw(
        st.sampled_from([text[:place], text[:place] + "A" + text[place:], text[:place] + "z" + text[place + 1 :]])
        | st.text("uAgIz_-09", max_size=60)
    )
    assume(changed != text)
    for call in (verify, lambda document, _: derive_proof(document, selective_pointers=[])):
        with pytest.raises(REFUSED):
            call({**shown, "proof": {**shown["proof"], "proofValue": changed}}, "ecdsa-sd-2023")


@each
def test_what_no_verifier_would_take_is_not_derived(suite: str) -> None:
    base = sign({"@context": CONTEXT, "type": ["T"], "a": ["x", False]}, ["/type"], suite)
    with pytest.raises(JsonLdError, match="'a'"):
        derive_proof(base, selective_pointers=["/a/1"])
    assert verify(derive_proof(base, selective_pointers=["/a"]), suite)["a"] == ["x", False]


def test_poison_is_refused_in_bounded_work() -> None:
    """A graph of nodes that all look alike, behind as many signatures as a proof value holds."""
    nodes = [f"_:n{number}" for number in range(24)]
    poison = {
        "@context": CONTEXT,
        "type": ["T"],
        "a": [{"id": one, "b": [{"id": two} for two in nodes if two != one]} for one in nodes],
    }
    base = sign({"@context": CONTEXT, "type": ["T"], "a": "x"}, ["/type"], "ecdsa-sd-2023")
    shown = derive_proof(base, selective_pointers=["/a"])
    value = parse_derived(shown["proof"]["proofValue"])
    long = DerivedProofValue(value.signature, value.public_key, (bytes(64),) * 2_900, value.label_map, (0,))
    proof = {**shown["proof"], "proofValue": encode_derived(long)}
    with pytest.raises(CanonicalizationError):
        verify({**poison, "proof": proof}, "ecdsa-sd-2023")
    with pytest.raises(CanonicalizationError):
        sign(poison, ["/type"], "ecdsa-sd-2023")
    with pytest.raises(CanonicalizationError):
        derive_proof({**poison, "proof": base["proof"]}, selective_pointers=["/a"])
    deep: Any = "x"
    for _ in range(400):
        deep = {"a": deep}
    with pytest.raises(REFUSED):
        verify({"@context": CONTEXT, "type": ["T"], **deep, "proof": proof}, "ecdsa-sd-2023")
    assert EcdsaSd2023().curve is Curve.P256
