"""Blind BBS: a signature over messages of the signer and, behind a commitment, messages that only the prover knows.

Source:  draft-irtf-cfrg-bbs-blind-signatures, as of January 2025 (the text that the W3C vectors of 2025-04 follow):
         Commit, BlindSign, Verify, BlindProofGen, BlindProofVerify. The draft still moves, so no wire format but that
         of bbs-2023 should rest on it.
Shapes:  a commitment with its proof is a point of G1 and 2 + M scalars for M messages; the blind is one scalar. Of the
         signed messages, those of the signer come first, then the blind, then those of the prover.
I/O:     none but the operating system's random numbers.
Errors:  InvalidInputError (a commitment whose proof does not hold, among others), InvalidSignatureError.

Not constant time: see ``ssi.keys.bbs.group``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from ssi.errors import InvalidInputError, InvalidSignatureError
from ssi.keys.bbs.ciphersuite import SHA_256, Ciphersuite
from ssi.keys.bbs.group import POINT_LENGTH, SCALAR_LENGTH, G1Point, Scalar, combine, g1_from_octets, scalar_from_octets
from ssi.keys.bbs.interface import GeneratorList, Interface, check_count, interface
from ssi.keys.bbs.proof import About, RandomScalars, core_proof_gen, core_proof_verify, parse_proof, random_scalars
from ssi.keys.bbs.signature import calculate_domain, commit, core_verify, signature_octets

_TAG: Final = b"BLIND_H2G_HM2S_"


class Commitment(msgspec.Struct, frozen=True):
    """What a prover makes: one part for the signer, and the blind, which it keeps secret as it keeps the messages."""

    commitment_with_proof: bytes
    secret_prover_blind: bytes

    def __repr__(self) -> str:
        return "Commitment()"


def commit_to(
    messages: Sequence[bytes], *, suite: Ciphersuite = SHA_256, random: RandomScalars = random_scalars
) -> Commitment:
    """Commit to ``messages`` that the signer shall not see (``Commit``). Raises InvalidInputError for too many."""
    scalars = _interface(suite).messages_to_scalars(messages)
    points = _blind_generators(suite, len(messages) + 1).points
    blind, s_tilde, *m_tilde = random(len(messages) + 2)
    committed = combine(points, [blind, *scalars])
    challenge = _challenge(committed, combine(points, [s_tilde, *m_tilde]), suite, len(messages))
    answers = [tilde + secret * challenge for tilde, secret in zip([s_tilde, *m_tilde], [blind, *scalars], strict=True)]
    octets = b"".join(scalar.to_be_bytes() for scalar in (*answers, challenge))
    return Commitment(committed.to_compressed_bytes() + octets, blind.to_be_bytes())


def blind_sign(
    secret_key: bytes,
    public_key: bytes,
    commitment_with_proof: bytes,
    messages: Sequence[bytes],
    *,
    header: bytes = b"",
    suite: Ciphersuite = SHA_256,
) -> bytes:
    """Sign ``messages`` and what a prover committed to (``BlindSign``).

    Raises InvalidInputError unless the prover proved that it knows what it committed to.
    """
    api = _interface(suite)
    committed, hidden = _open_commitment(commitment_with_proof, suite)
    scalars = api.messages_to_scalars(messages)
    generators = _joined(suite, len(messages), hidden)
    secret = scalar_from_octets(secret_key)
    domain = calculate_domain(public_key, generators, header, api)
    b = commit(suite, generators, domain, scalars) + committed
    # The later text hashes the domain too, which B depends on already; the vectors do not.
    hashed = secret.to_be_bytes() + b.to_compressed_bytes()
    return signature_octets(secret, api.hash_to_scalar(hashed), b)


def blind_verify(
    public_key: bytes,
    signature: bytes,
    messages: Sequence[bytes],
    committed_messages: Sequence[bytes],
    secret_prover_blind: bytes,
    *,
    header: bytes = b"",
    suite: Ciphersuite = SHA_256,
) -> None:
    """Raise InvalidSignatureError unless the signature holds over all messages, as its prover can tell (``Verify``)."""
    scalars = _all_scalars(messages, committed_messages, secret_prover_blind, suite)
    generators = _joined(suite, len(messages), len(committed_messages))
    core_verify(public_key, signature, generators, header, scalars, _interface(suite))


def blind_proof_gen(
    public_key: bytes,
    signature: bytes,
    messages: Sequence[bytes],
    committed_messages: Sequence[bytes],
    secret_prover_blind: bytes,
    disclosed_indexes: Sequence[int],
    *,
    header: bytes = b"",
    presentation_header: bytes = b"",
    suite: Ciphersuite = SHA_256,
    random: RandomScalars = random_scalars,
) -> bytes:
    """Prove the signature, showing messages of the signer and none of the prover's (``BlindProofGen``).

    Raises as ``ssi.keys.bbs.proof.proof_gen``.
    """
    if disclosed_indexes and disclosed_indexes[-1] >= len(messages):
        raise InvalidInputError("expected indexes of messages that the signer knows")
    scalars = _all_scalars(messages, committed_messages, secret_prover_blind, suite)
    generators = _joined(suite, len(messages), len(committed_messages))
    about, api = About(header, presentation_header), _interface(suite)
    return core_proof_gen(public_key, signature, generators, about, scalars, disclosed_indexes, api, random)


def blind_proof_verify(
    public_key: bytes,
    proof: bytes,
    count: int,
    disclosed_messages: Sequence[bytes],
    disclosed_indexes: Sequence[int],
    *,
    header: bytes = b"",
    presentation_header: bytes = b"",
    suite: Ciphersuite = SHA_256,
) -> None:
    """Raise InvalidSignatureError unless the proof holds; ``count`` messages are the signer's (``BlindProofVerify``).

    Raises InvalidInputError if the public key is none, or if messages, indexes and ``count`` do not fit together.
    """
    check_count(count)
    parsed = parse_proof(proof)
    hidden = len(disclosed_indexes) + len(parsed.commitments) - count - 1
    if hidden < 0 or (disclosed_indexes and disclosed_indexes[-1] >= count):
        raise InvalidSignatureError("expected a BBS proof of as many messages as it says, and of a blind")
    about, api = About(header, presentation_header), _interface(suite)
    scalars = api.messages_to_scalars(disclosed_messages)
    core_proof_verify(public_key, parsed, _joined(suite, count, hidden), about, scalars, disclosed_indexes, api)


def _interface(suite: Ciphersuite) -> Interface:
    return interface(suite, _TAG)


def _blind_generators(suite: Ciphersuite, count: int) -> GeneratorList:
    """Return Q_2, J_1, …"""
    return interface(suite, _TAG, before=b"BLIND_").generators(count)


def _joined(suite: Ciphersuite, messages: int, hidden: int) -> GeneratorList:
    """Return Q_1, H_1, …, Q_2, J_1, …"""
    check_count(messages + hidden)
    known = _interface(suite).generators(messages + 1)
    blind = _blind_generators(suite, hidden + 1)
    return GeneratorList([*known.points, *blind.points], known.octets + blind.octets)


def _all_scalars(
    messages: Sequence[bytes], committed: Sequence[bytes], secret_prover_blind: bytes, suite: Ciphersuite
) -> list[Scalar]:
    known, hidden = map(_interface(suite).messages_to_scalars, (messages, committed))
    return [*known, scalar_from_octets(secret_prover_blind), *hidden]


def _open_commitment(octets: bytes, suite: Ciphersuite) -> tuple[G1Point, int]:
    """Return the committed point and the number of messages behind it, once its proof holds (CoreCommitVerify)."""
    hidden, rest = divmod(len(octets) - POINT_LENGTH - 2 * SCALAR_LENGTH, SCALAR_LENGTH)
    if rest or hidden < 0:
        raise InvalidInputError("expected a commitment of a point and at least two scalars")
    check_count(hidden)
    committed = g1_from_octets(octets[:POINT_LENGTH])
    starts = range(POINT_LENGTH, len(octets), SCALAR_LENGTH)
    *answers, challenge = (scalar_from_octets(octets[start : start + SCALAR_LENGTH]) for start in starts)
    points = _blind_generators(suite, hidden + 1).points
    barred = combine([*points, committed], [*answers, -challenge])
    if _challenge(committed, barred, suite, hidden) != challenge:
        raise InvalidInputError("expected a commitment whose proof holds")
    return committed, hidden


def _challenge(committed: G1Point, barred: G1Point, suite: Ciphersuite, hidden: int) -> Scalar:
    generators = _blind_generators(suite, hidden + 1)
    points = committed.to_compressed_bytes() + barred.to_compressed_bytes()
    return _interface(suite).hash_to_scalar(hidden.to_bytes(8, "big") + generators.octets + points)
