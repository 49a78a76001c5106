"""Laws of the map: it answers as a dict does, its root depends on its contents alone, no changed byte passes."""

from __future__ import annotations

import asyncio
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.errors import InclusionProofError, InvalidInputError
from ssi.ledger.sparse_map import (
    EMPTY_ROOT,
    build_proof,
    find_way,
    make_proof,
    map_key,
    map_root,
    parse_proof,
    value_hash,
    verify_absence,
    verify_presence,
)
from ssi.registry.backends.state_map_sqlite import SqliteStateMap

# Keys that share long beginnings, as an attacker may grind them, besides random ones.
raw_keys = st.one_of(
    st.binary(min_size=32, max_size=32),
    st.tuples(st.integers(0, 255), st.booleans()).map(lambda pick: (1 << pick[0] | pick[1]).to_bytes(32, "big")),
)
models = st.dictionaries(raw_keys, st.binary(max_size=8), max_size=40)
names = st.text("abc", min_size=1, max_size=3)


def check(root: bytes, key: bytes, value: bytes | None, proof: bytes) -> None:
    if value is None:
        verify_absence(root, key, parse_proof(proof))
    else:
        verify_presence(root, key, value, parse_proof(proof))


@settings(max_examples=150, deadline=None)
@given(models, raw_keys, st.data())
def test_proofs_answer_as_the_dict_does(model: dict[bytes, bytes], stranger: bytes, data: st.DataObject) -> None:
    leaves = sorted((key, value_hash(value)) for key, value in model.items())
    root = map_root(leaves)
    key = data.draw(st.sampled_from([*sorted(model), stranger]))
    proof = make_proof(*find_way(leaves, key), key)
    encoded = build_proof(proof)
    assert parse_proof(encoded) == proof
    assert len(encoded) <= 1 + 32 * (3 + len(model))
    if key in model:
        assert verify_presence(root, key, model[key], proof) == model[key]
        with pytest.raises(InclusionProofError):
            verify_absence(root, key, proof)
        with pytest.raises(InclusionProofError):
            verify_presence(root, key, model[key] + b"!", proof)
    else:
        verify_absence(root, key, proof)
        with pytest.raises(InclusionProofError):
            verify_presence(root, key, b"", proof)
    place = data.draw(st.integers(0, len(encoded) - 1))
    changed = bytearray(encoded)
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises((InclusionProofError, InvalidInputError)):
        check(root, key, model.get(key), bytes(changed))


@settings(max_examples=60, deadline=None)
@given(models, st.data())
def test_no_proof_of_one_key_serves_another(model: dict[bytes, bytes], data: st.DataObject) -> None:
    if len(model) < 2:
        return
    leaves = sorted((key, value_hash(value)) for key, value in model.items())
    one, other = data.draw(st.lists(st.sampled_from(sorted(model)), min_size=2, max_size=2, unique=True))
    proof = make_proof(*find_way(leaves, one), one)
    with pytest.raises(InclusionProofError):
        verify_absence(map_root(leaves), other, proof)
    forged = make_proof(*find_way(leaves, one), other)  # "absent: another leaf is there"
    with pytest.raises(InclusionProofError):
        verify_absence(map_root(leaves), other, forged)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_one_proof_or_none(data: bytes) -> None:
    try:
        proof = parse_proof(data)
    except InvalidInputError:
        return
    assert build_proof(proof) == data


@settings(max_examples=25, deadline=None)
@given(st.lists(st.dictionaries(st.tuples(st.just("list"), names), st.binary(max_size=4), max_size=12), max_size=6))
def test_the_kept_map_is_the_dict(steps: list[dict[tuple[str, str], bytes]]) -> None:
    async def run() -> None:
        kept, loaded = await SqliteStateMap.open(":memory:"), await SqliteStateMap.open(":memory:")
        model: dict[tuple[str, str], bytes] = {}
        for size, step in enumerate(steps, 1):
            plan = await kept.plan(step)
            model |= step
            leaves = sorted((map_key(*thing), value_hash(value)) for thing, value in model.items())
            assert plan.root == map_root(leaves)
            await kept.commit(plan, size=size)
            asked = [*sorted(model), ("list", "absent")]
            proved = await kept.prove(asked)
            assert (proved.size, proved.root) == (size, plan.root) == await kept.head()
            for thing, (value, proof) in zip(asked, proved.answers, strict=True):
                assert value == model.get(thing)
                if value is None:
                    verify_absence(plan.root, map_key(*thing), proof)
                else:
                    verify_presence(plan.root, map_key(*thing), value, proof)
        root = await loaded.load([model], size=9, keep=False)
        assert root == (await kept.head())[1] if model else root == EMPTY_ROOT
        await kept.close()
        await loaded.close()

    asyncio.run(run())


def test_a_million_hash_calls_are_never_needed() -> None:
    """The deepest way is 256 nodes: keys that differ from one in each single bit."""
    key = sha256(b"victim").digest()
    number = int.from_bytes(key, "big")
    leaves = sorted({(number ^ 1 << bit).to_bytes(32, "big") for bit in range(256)} | {key})
    ordered = [(each, value_hash(b"v")) for each in leaves]
    proof = make_proof(*find_way(ordered, key), key)
    assert len(proof.path) == 256
    assert verify_presence(map_root(ordered), key, b"v", parse_proof(build_proof(proof))) == b"v"
