"""Blind BBS: only who knows what was committed to can use the signature."""

from __future__ import annotations

from typing import Any

import pytest

from ssi.errors import InvalidInputError, InvalidSignatureError
from ssi.keys.bbs import MAX_MESSAGES, SHA_256, SHAKE_256, keygen, proof_gen, proof_verify, sk_to_pk, verify
from ssi.keys.bbs.blind import blind_proof_gen, blind_proof_verify, blind_sign, blind_verify, commit_to

SECRET = keygen(bytes(range(32)))
PUBLIC = sk_to_pk(SECRET)
MESSAGES = [b"one", b"two", b"three"]


@pytest.mark.parametrize("suite", [SHA_256, SHAKE_256])
@pytest.mark.parametrize("hidden", [[], [b"secret"], [b"secret", b"another"]])
def test_a_walk(suite: Any, hidden: list[bytes]) -> None:
    made = commit_to(hidden, suite=suite)
    blind = made.secret_prover_blind
    signature = blind_sign(SECRET, PUBLIC, made.commitment_with_proof, MESSAGES, header=b"h", suite=suite)
    blind_verify(PUBLIC, signature, MESSAGES, hidden, blind, header=b"h", suite=suite)
    for others, other_blind in (
        ([*hidden, b"x"], blind),
        ([b"x" for _ in hidden] or [b"x"], blind),
        (hidden, commit_to([]).secret_prover_blind),
    ):
        with pytest.raises(InvalidSignatureError):
            blind_verify(PUBLIC, signature, MESSAGES, others, other_blind, header=b"h", suite=suite)
    with pytest.raises(InvalidSignatureError):
        verify(PUBLIC, signature, MESSAGES, header=b"h", suite=suite)
    about: Any = {"header": b"h", "presentation_header": b"p"}
    proof = blind_proof_gen(PUBLIC, signature, MESSAGES, hidden, blind, [0, 2], suite=suite, **about)
    blind_proof_verify(PUBLIC, proof, 3, [b"one", b"three"], [0, 2], suite=suite, **about)
    for count, shown, indexes in (
        (4, [b"one", b"three"], [0, 2]),
        (2, [b"one", b"two"], [0, 1]),
        (3, [b"one", b"two"], [0, 2]),
        (3, [b"one"], [0]),
    ):
        with pytest.raises((InvalidSignatureError, InvalidInputError)):
            blind_proof_verify(PUBLIC, proof, count, shown, indexes, suite=suite, **about)
    thief = blind_proof_gen(PUBLIC, signature, MESSAGES, [b"guess"], blind, [0, 2], suite=suite, **about)
    with pytest.raises(InvalidSignatureError):
        blind_proof_verify(PUBLIC, thief, 3, [b"one", b"three"], [0, 2], suite=suite, **about)


def test_a_blind_signature_is_none_of_the_other_interface() -> None:
    made = commit_to([b"secret"])
    signature = blind_sign(SECRET, PUBLIC, made.commitment_with_proof, MESSAGES)
    proof = proof_gen(PUBLIC, signature, [*MESSAGES, made.secret_prover_blind, b"secret"], [0])
    with pytest.raises(InvalidSignatureError):
        proof_verify(PUBLIC, proof, [b"one"], [0])
    with pytest.raises(InvalidSignatureError):
        blind_proof_verify(PUBLIC, proof, 3, [b"one"], [0])


def test_a_commitment_whose_proof_does_not_hold_is_not_signed() -> None:
    good = commit_to([b"secret"]).commitment_with_proof
    for place in range(len(good)):
        altered = bytearray(good)
        altered[place] ^= 1
        with pytest.raises(InvalidInputError):
            blind_sign(SECRET, PUBLIC, bytes(altered), MESSAGES)
    identity = b"\xc0" + bytes(47)
    for octets in (b"", good[:-1], good[:-32], good + good[-32:], identity + good[48:], good[:48] + bytes(96)):
        with pytest.raises(InvalidInputError):
            blind_sign(SECRET, PUBLIC, octets, MESSAGES)


def test_the_bound_counts_the_messages_of_both() -> None:
    made = commit_to([b"secret"])
    with pytest.raises(InvalidInputError):
        blind_sign(SECRET, PUBLIC, made.commitment_with_proof, [b""] * MAX_MESSAGES)
    with pytest.raises(InvalidInputError):
        blind_proof_verify(PUBLIC, bytes(272), MAX_MESSAGES + 1, [], [])
    with pytest.raises(InvalidInputError):
        blind_proof_gen(PUBLIC, bytes(80), MESSAGES, [b"secret"], made.secret_prover_blind, [3])


def test_two_commitments_to_one_secret_are_not_alike() -> None:
    one, two = commit_to([b"secret"]), commit_to([b"secret"])
    assert one.commitment_with_proof[:48] != two.commitment_with_proof[:48]
    assert one.secret_prover_blind != two.secret_prover_blind
