"""Witness approvals: whose, for which version, under which list."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ssi.did.webvh import resolve_log, verify_log
from ssi.did.webvh.witness import parse_witness_file
from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import PrivateKey
from ssi.types import JsonObject
from tests.unit.did.webvh.author import NOW, Author, did_key, key, multikey

A = key(1)
W1, W2, W3, STRANGER = key(11), key(12), key(13), key(14)


def rule(threshold: int, *witnesses: PrivateKey) -> JsonObject:
    return {"threshold": threshold, "witnesses": [{"id": did_key(witness)} for witness in witnesses]}


def verify(author: Author, proofs: bytes | None) -> None:
    verify_log(author.log, did=author.did, now=NOW, witness_proofs=proofs)


def refused(author: Author, proofs: bytes | None, match: str) -> None:
    with pytest.raises(VerificationError, match=match):
        verify(author, proofs)


def test_a_threshold_of_different_witnesses_approves() -> None:
    author = Author().first(A, witness=rule(2, W1, W2, W3))
    for approved in ([W1, W2], [W3, W1], [W1, W2, W3], [STRANGER, W1, W3]):
        verify(author, author.witnessed(*((1, witness) for witness in approved)))
    for too_few in ([], [W1], [W1, W1, W1], [W1, STRANGER]):
        proofs = author.witnessed(*((1, witness) for witness in too_few))
        refused(author, proofs, r"log entry 1: [01] witnesses approved, 2 must")
    refused(author, None, "0 witnesses approved")


def test_a_later_approval_covers_the_versions_before_it_and_not_after() -> None:
    author = Author().first(A, witness=rule(1, W1, W2)).next(A).next(A)
    verify(author, author.witnessed((3, W1)))
    verify(author, author.witnessed((1, W1), (3, W1), (2, W1)))
    refused(author, author.witnessed((1, W1), (2, W1)), "log entry 3")
    assert resolve_log(
        author.log, did=author.did, now=NOW, version_number=2, witness_proofs=author.witnessed((2, W1))
    ).metadata.version_id.startswith("2-")  # type: ignore[union-attr]


def test_a_new_list_takes_effect_after_its_entry() -> None:
    author = Author().first(A, witness=rule(2, W1, W2)).next(A, witness=rule(1, W3)).next(A)
    verify(author, author.witnessed((2, W1), (2, W2), (3, W3)))
    refused(author, author.witnessed((1, W1), (1, W2), (2, W3), (3, W3)), "log entry 2: 0 witnesses")
    refused(author, author.witnessed((2, W1), (2, W2)), "log entry 3: 0 witnesses")


def test_the_first_list_takes_effect_at_once() -> None:
    author = Author().first(A).next(A, witness=rule(1, W1)).next(A)
    verify(author, author.witnessed((3, W1)))
    refused(author, author.witnessed((2, W1)), "log entry 3")
    refused(author, None, "log entry 2")


def test_switching_witnesses_off_must_be_witnessed() -> None:
    author = Author().first(A, witness=rule(1, W1)).next(A, witness={}).next(A)
    verify(author, author.witnessed((2, W1)))
    refused(author, author.witnessed((1, W1)), "log entry 2")


def test_an_approval_of_another_log_is_none() -> None:
    other = Author().first(A, witness=rule(1, W1), ttl=5)
    author = Author().first(A, witness=rule(1, W1))
    refused(author, other.witnessed((1, W1)), "log entry 1")
    # Nor is one of an entry that is not published yet.
    longer = Author().first(A, witness=rule(1, W1)).next(A)
    longer_proofs = longer.witnessed((2, W1))
    longer.entries.pop()
    refused(longer, longer_proofs, "log entry 1")


@pytest.mark.parametrize(
    "members",
    [
        {"cryptosuite": "eddsa-rdfc-2022"},
        {"proofPurpose": "authentication"},
        {"type": "Ed25519Signature2020"},
        {"expires": "2020-12-31T00:00:00Z"},
        {"created": "2030-12-31T00:00:00Z"},
        {"verificationMethod": did_key(W1)},
        {"verificationMethod": f"{did_key(STRANGER)}#{multikey(W1)}"},
        {"verificationMethod": f"{did_key(W1)}#{multikey(STRANGER)}"},
        {"verificationMethod": f"{did_key(STRANGER)}#{multikey(STRANGER)}"},
    ],
)
def test_proofs_that_count_for_nothing(members: dict[str, Any]) -> None:
    author = Author().first(A, witness=rule(1, W1))
    refused(author, author.witnessed((1, W1), **members), "log entry 1: 0 witnesses")


def test_a_stranger_does_not_sign_for_a_witness() -> None:
    author = Author().first(A, witness=rule(1, W1))
    forged = author.witnessed((1, STRANGER), verificationMethod=f"{did_key(W1)}#{multikey(W1)}")
    refused(author, forged, "log entry 1: 0 witnesses")
    # A bad proof beside a good one does no harm.
    both = json.dumps([*json.loads(forged), *json.loads(author.witnessed((1, W1)))]).encode()
    verify(author, both)


def test_witnesses_do_not_stand_in_for_signatures() -> None:
    author = Author().first(A, witness=rule(1, W1)).next(key(2))
    refused(author, author.witnessed((1, W1), (2, W1)), "log entry 2: expected a proof by an active update key")


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"null", b"[1]", b'[{"proof": []}]', b'[{"versionId": 1}]', b'[{"versionId": "x", "proof": {}}]'],
)
def test_files_that_are_none(data: bytes) -> None:
    with pytest.raises(InvalidInputError):
        parse_witness_file(data)
    author = Author().first(A, witness=rule(1, W1))
    with pytest.raises(InvalidInputError):
        verify(author, data)
    verify(Author().first(A), data)  # A log without witnesses does not look at the file.


def test_files_are_read_leniently_only_inside_a_proof() -> None:
    proofs = parse_witness_file(b'[{"versionId": "a"}, {"versionId": "b", "proof": [{}, 5, null]}]')
    assert proofs == {"a": (), "b": ()}
    many = json.dumps([{"versionId": "a", "proof": [{}] * 4097}]).encode()
    with pytest.raises(InvalidInputError, match="4096"):
        parse_witness_file(many)
