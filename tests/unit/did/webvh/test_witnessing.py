"""Witnesses at work: what they approve, what they refuse, and the file that their approvals make."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.did.webvh import build_document, create_did, update_did, verify_log
from ssi.did.webvh.controller import NewVersion
from ssi.did.webvh.witness import WitnessRule, parse_witness_file
from ssi.did.webvh.witnessing import (
    build_witness_file,
    merge_witness_proofs,
    sign_witness_proof,
    witness_id,
    witness_next,
)
from ssi.errors import InvalidInputError, ProofPurposeError, VerificationError
from ssi.keys import Curve, KeyPurpose
from ssi.keys.backends.memory import MemoryKms
from tests.unit.did.webvh.author import NOW, START, Author, did_key, key

A = key(1)
LABELS = ("w1", "w2", "w3")
PRIVATE = {label: key(11 + number) for number, label in enumerate(LABELS)}


async def witnesses() -> MemoryKms:
    kms = MemoryKms()
    for label, private in PRIVATE.items():
        await kms.add(label, private, purpose=KeyPurpose.WITNESS)
    return kms


def rule(threshold: int, *labels: str) -> WitnessRule:
    return WitnessRule(threshold, tuple(did_key(PRIVATE[label]) for label in labels))


async def created(kms: MemoryKms, witness: WitnessRule) -> NewVersion:
    return await create_did(
        kms=kms, name="agency", domain="agency.example", document=build_document, now=START, witness=witness
    )


async def test_a_did_is_created_and_updated_under_two_of_three_witnesses() -> None:
    controller, kms = MemoryKms(), await witnesses()
    new = await created(controller, rule(2, *LABELS))
    file: bytes | None = None
    copies = dict.fromkeys(LABELS[:2])
    published = None
    for step in range(3):
        for label in copies:
            approved = await witness_next(copies[label], new.line, kms=kms, label=label, now=NOW)
            copies[label] = approved.log
            file = merge_witness_proofs(file, new.version.entry.version_id, [approved.proof], log=published, now=NOW)
        published = verify_log(new.log.log, did=new.did, now=NOW, witness_proofs=file)
        assert len(published.versions) == step + 1
        new = await update_did(published, kms=controller, name="agency", now=START + 100 * (step + 1))
    # The next candidate was approved by nobody yet.
    with pytest.raises(VerificationError, match="log entry 4: 0 witnesses approved, 2 must"):
        verify_log(new.log.log, did=new.did, now=NOW, witness_proofs=file)
    # Once the log is published, one proof of each witness is left.
    assert published is not None
    pruned = merge_witness_proofs(file, published.head.entry.version_id, [], log=published, now=NOW)
    assert {version: len(proofs) for version, proofs in parse_witness_file(pruned).items()} == {
        published.head.entry.version_id: 2
    }
    verify_log(published.log, did=published.did, now=NOW, witness_proofs=pruned)


async def test_a_witness_never_approves_two_versions_of_one_number() -> None:
    kms = await witnesses()
    base = Author().first(A, witness={"threshold": 1, "witnesses": [{"id": did_key(PRIVATE["w1"])}]})
    copy = verify_log(base.log, did=base.did, now=NOW, witness_proofs=base.witnessed((1, PRIVATE["w1"])))
    base.next(A, ttl=1)
    candidate = base.log.splitlines()[1]
    base.entries.pop()
    base.next(A, ttl=2)
    other = base.log.splitlines()[1]
    approved = await witness_next(copy, candidate, kms=kms, label="w1", now=NOW)
    # The answer may be lost: the same line is approved again, another of the same number is not.
    again = await witness_next(approved.log, candidate, kms=kms, label="w1", now=NOW)
    assert again.log == approved.log
    with pytest.raises(VerificationError, match="log entry 3: expected version 3, got 2"):
        await witness_next(approved.log, other, kms=kms, label="w1", now=NOW)


async def test_a_witness_refuses_what_a_resolver_would_refuse() -> None:
    kms = await witnesses()
    author = Author().first(A, witness={"threshold": 1, "witnesses": [{"id": did_key(PRIVATE["w1"])}]})
    copy = (await witness_next(None, author.log.splitlines()[0], kms=kms, label="w1", now=NOW)).log
    thief = author.next(key(2)).log.splitlines()[1]
    with pytest.raises(VerificationError, match="active update key"):
        await witness_next(copy, thief, kms=kms, label="w1", now=NOW)
    with pytest.raises(InvalidInputError):
        await witness_next(copy, b"{}", kms=kms, label="w1", now=NOW)
    # Version 2 on an empty copy, and version 1 on a copy that has it.
    with pytest.raises((InvalidInputError, VerificationError), match="log entry 1"):
        await witness_next(None, thief, kms=kms, label="w1", now=NOW)


async def test_a_witness_approves_only_where_it_is_asked_to() -> None:
    kms = await witnesses()
    first = Author().first(A, witness={"threshold": 1, "witnesses": [{"id": did_key(PRIVATE["w1"])}]})
    line = first.log.splitlines()[0]
    with pytest.raises(VerificationError, match="this witness is to approve"):
        await witness_next(None, line, kms=kms, label="w2", now=NOW)
    # A new list takes effect after its entry: the old witness approves it, the new one does not.
    copy = (await witness_next(None, line, kms=kms, label="w1", now=NOW)).log
    second = first.next(A, witness={"threshold": 1, "witnesses": [{"id": did_key(PRIVATE["w2"])}]}).log.splitlines()[1]
    with pytest.raises(VerificationError, match="this witness is to approve"):
        await witness_next(copy, second, kms=kms, label="w2", now=NOW)
    assert (await witness_next(copy, second, kms=kms, label="w1", now=NOW)).log.head.number == 2


async def test_a_witness_key_signs_nothing_else_and_no_other_key_witnesses() -> None:
    kms = await witnesses()
    version_id = Author().first(A).entries[0]["versionId"]
    proof = await sign_witness_proof(version_id, kms=kms, label="w1", now=NOW)
    assert proof["verificationMethod"].startswith(witness_id(PRIVATE["w1"].public_key) + "#")
    with pytest.raises(ProofPurposeError):
        await kms.sign("w1", b"x", purpose=KeyPurpose.DID_UPDATE)
    for purpose in set(KeyPurpose) - {KeyPurpose.WITNESS}:
        await kms.generate(purpose.value, curve=Curve.ED25519, purpose=purpose)
        with pytest.raises(ProofPurposeError):
            await sign_witness_proof(version_id, kms=kms, label=purpose.value, now=NOW)
    await kms.generate("p256", curve=Curve.P256, purpose=KeyPurpose.WITNESS)
    with pytest.raises((InvalidInputError, VerificationError)):
        await sign_witness_proof(version_id, kms=kms, label="p256", now=NOW)


@pytest.mark.parametrize(
    "version_id", ["", "1", "1-", "-Qm", "0-Qm", "01-Qm", "x-Qm", "1-Qm", "²-Qm", "9" * 10 + "-Qm"]
)
async def test_version_ids_that_are_none_are_not_signed(version_id: str) -> None:
    with pytest.raises(InvalidInputError):
        await sign_witness_proof(version_id, kms=await witnesses(), label="w1", now=NOW)


async def test_a_proof_of_another_version_does_not_get_into_the_file() -> None:
    kms = await witnesses()
    author = Author().first(A).next(A)
    first, second = (entry["versionId"] for entry in author.entries)
    proof = await sign_witness_proof(first, kms=kms, label="w1", now=NOW)
    assert parse_witness_file(merge_witness_proofs(None, first, [proof], log=None, now=NOW)).keys() == {first}
    with pytest.raises(VerificationError, match="holds for this versionId"):
        merge_witness_proofs(None, second, [proof], log=None, now=NOW)
    with pytest.raises(InvalidInputError):
        merge_witness_proofs(None, second, [{}], log=None, now=NOW)


def test_a_file_is_in_the_order_of_the_versions_and_without_empty_items() -> None:
    ids = [entry["versionId"] for entry in Author().first(A).next(A).next(A).entries]
    file = build_witness_file({ids[2]: [{"a": 1}], ids[0]: [{"b": 1}], ids[1]: []})
    assert json.loads(file) == [
        {"versionId": ids[0], "proof": [{"b": 1}]},
        {"versionId": ids[2], "proof": [{"a": 1}]},
    ]
    with pytest.raises(InvalidInputError, match="at most"):
        build_witness_file({ids[0]: [{"a": "x" * (1 << 20)}]})


async def test_the_file_stays_bounded_by_what_is_published() -> None:
    kms = await witnesses()
    author = Author().first(A, witness={"threshold": 1, "witnesses": [{"id": did_key(PRIVATE["w1"])}]})
    candidates = []
    for ttl in range(40):
        author.next(A, ttl=ttl)
        candidates.append(author.entries.pop()["versionId"])
    file = None
    for candidate in candidates:
        proof = await sign_witness_proof(candidate, kms=kms, label="w1", now=NOW)
        file = merge_witness_proofs(file, candidate, [proof], log=None, now=NOW)
    assert file is not None
    assert len(parse_witness_file(file)) == 16


_APPROVED = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(LABELS)), max_size=8)


@settings(max_examples=40, deadline=None)
@given(_APPROVED, st.integers(1, 4))
def test_pruning_never_changes_what_verifies(approved: list[tuple[int, str]], published: int) -> None:
    witness = {"threshold": 2, "witnesses": [{"id": did_key(private)} for private in PRIVATE.values()]}
    author = Author().first(A, witness=witness).next(A).next(A).next(A)
    full = author.witnessed(*((number, PRIVATE[label]) for number, label in approved))
    lines = author.log.splitlines(keepends=True)[:published]

    def verifies(file: bytes) -> bool:
        try:
            verify_log(b"".join(lines), did=author.did, now=NOW, witness_proofs=file)
        except VerificationError:
            return False
        return True

    everything = author.witnessed(*((published, private) for private in PRIVATE.values()))
    log = verify_log(b"".join(lines), did=author.did, now=NOW, witness_proofs=everything)
    merged = b"[]"
    for item in json.loads(full):
        merged = merge_witness_proofs(merged, item["versionId"], item["proof"], log=log, now=NOW)
    assert verifies(merged) == verifies(full)
    assert len(merged) <= len(full)
