"""BBS proofs: show some of the signed messages and prove that the others were signed with them.

Source:  draft-irtf-cfrg-bbs-signatures-10, sections 3.5.3, 3.5.4 (ProofGen, ProofVerify), 3.6.3, 3.6.4, 3.7 (proof
         protocol subroutines), 4.2.1 (random scalars) and 8.1 (mocked random scalars).
Shapes:  indexes start at 0 and ascend; a proof is three points of G1 and 4 + U scalars for U hidden messages, that is
         272 + 32 U octets.
I/O:     none but the operating system's random numbers.
Errors:  InvalidInputError (indexes that do not fit, too many messages), InvalidSignatureError.

Not constant time: see ``ssi.keys.bbs.group``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from secrets import token_bytes
from typing import Final, TypeAlias

import msgspec

from ssi.errors import InvalidInputError, InvalidSignatureError
from ssi.keys.bbs.ciphersuite import EXPAND_LENGTH, SHA_256, Ciphersuite
from ssi.keys.bbs.group import (
    GT,
    NEGATIVE_BP2,
    POINT_LENGTH,
    SCALAR_LENGTH,
    G1Point,
    Scalar,
    combine,
    g1_from_octets,
    g2_from_octets,
    scalar_from_octets,
)
from ssi.keys.bbs.interface import GeneratorList, Interface, check_count, interface
from ssi.keys.bbs.signature import calculate_domain, commit, parse_signature

PROOF_FLOOR: Final = 3 * POINT_LENGTH + 4 * SCALAR_LENGTH

RandomScalars: TypeAlias = Callable[[int], Sequence[Scalar]]
"""Gives as many scalars as asked for; the vectors put numbers of their own here."""


class About(msgspec.Struct, frozen=True):
    """What a proof is bound to beside messages: the signed header, and that of the presentation."""

    header: bytes
    presentation_header: bytes


class Proof(msgspec.Struct, frozen=True):
    """A proof as its octets tell it (4.2.4.5)."""

    abar: G1Point
    bbar: G1Point
    d: G1Point
    e_hat: Scalar
    r1_hat: Scalar
    r3_hat: Scalar
    commitments: tuple[Scalar, ...]
    challenge: Scalar


def random_scalars(count: int) -> list[Scalar]:
    """Return scalars from the operating system's random numbers (4.2.1)."""
    return [Scalar.from_be_bytes_mod_order(token_bytes(EXPAND_LENGTH)) for _ in range(count)]


def seeded_random_scalars(seed: bytes, dst: bytes, count: int, *, suite: Ciphersuite = SHA_256) -> list[Scalar]:
    """Return the scalars that published vectors use in place of random ones (8.1). Never for a proof that is shown."""
    octets = suite.expand_message(seed, dst, EXPAND_LENGTH * count)
    starts = range(0, EXPAND_LENGTH * count, EXPAND_LENGTH)
    return [Scalar.from_be_bytes_mod_order(octets[start : start + EXPAND_LENGTH]) for start in starts]


def proof_gen(
    public_key: bytes,
    signature: bytes,
    messages: Sequence[bytes],
    disclosed_indexes: Sequence[int],
    *,
    header: bytes = b"",
    presentation_header: bytes = b"",
    suite: Ciphersuite = SHA_256,
    random: RandomScalars = random_scalars,
) -> bytes:
    """Prove the signature over ``messages`` and show those at ``disclosed_indexes`` (3.5.3).

    The signature is not verified here: one that does not hold gives a proof that does not. Raises InvalidInputError
    for indexes that are not ascending and in range, InvalidSignatureError for octets that are no signature.
    """
    api = interface(suite)
    scalars, generators = api.messages_to_scalars(messages), api.generators(len(messages) + 1)
    about = About(header, presentation_header)
    return core_proof_gen(public_key, signature, generators, about, scalars, disclosed_indexes, api, random)


def proof_verify(
    public_key: bytes,
    proof: bytes,
    disclosed_messages: Sequence[bytes],
    disclosed_indexes: Sequence[int],
    *,
    header: bytes = b"",
    presentation_header: bytes = b"",
    suite: Ciphersuite = SHA_256,
) -> None:
    """Raise InvalidSignatureError unless the proof holds for the disclosed messages at their indexes (3.5.4).

    Raises InvalidInputError if the public key is none, or if messages and indexes do not fit together.
    """
    check_count(len(disclosed_messages))
    api, parsed = interface(suite), parse_proof(proof)
    scalars = api.messages_to_scalars(disclosed_messages)
    generators = api.generators(len(parsed.commitments) + len(disclosed_indexes) + 1)
    about = About(header, presentation_header)
    core_proof_verify(public_key, parsed, generators, about, scalars, disclosed_indexes, api)


def core_proof_gen(
    public_key: bytes,
    signature: bytes,
    generators: GeneratorList,
    about: About,
    scalars: Sequence[Scalar],
    disclosed_indexes: Sequence[int],
    api: Interface,
    random: RandomScalars,
) -> bytes:
    """Prove a signature over message scalars (3.6.3, 3.7.1 and 3.7.2). Raises as ``proof_gen``."""
    g2_from_octets(public_key)
    a, e = parse_signature(signature)
    count = len(scalars)
    hidden = hidden_indexes(disclosed_indexes, count)
    r1, r2, e_tilde, r1_tilde, r3_tilde, *m_tilde = random(5 + len(hidden))
    domain = calculate_domain(public_key, generators, about.header, api)
    d = commit(api.suite, generators, domain, scalars) * r2
    abar = a * (r1 * r2)
    bbar = d * r1 - abar * e
    t1 = abar * e_tilde + d * r1_tilde
    t2 = combine([d, *(generators.points[j + 1] for j in hidden)], [r3_tilde, *m_tilde])
    disclosed = [scalars[index] for index in disclosed_indexes]
    challenge = _challenge((abar, bbar, d, t1, t2), domain, disclosed, disclosed_indexes, about, api)
    answers = [
        e_tilde + e * challenge,
        r1_tilde - r1 * challenge,
        r3_tilde - r2.inverse() * challenge,
        *(blinding + scalars[j] * challenge for j, blinding in zip(hidden, m_tilde, strict=True)),
        challenge,
    ]
    octets = [point.to_compressed_bytes() for point in (abar, bbar, d)]
    return b"".join((*octets, *(scalar.to_be_bytes() for scalar in answers)))


def core_proof_verify(
    public_key: bytes,
    proof: Proof,
    generators: GeneratorList,
    about: About,
    disclosed: Sequence[Scalar],
    disclosed_indexes: Sequence[int],
    api: Interface,
) -> None:
    """Raise InvalidSignatureError unless a proof over message scalars holds (3.6.4 and 3.7.3)."""
    w = g2_from_octets(public_key)
    if len(disclosed) != len(disclosed_indexes):
        raise InvalidInputError("expected as many disclosed messages as indexes")
    count = len(disclosed) + len(proof.commitments)
    hidden = hidden_indexes(disclosed_indexes, count)
    domain = calculate_domain(public_key, generators, about.header, api)
    c, points = proof.challenge, generators.points
    t1 = combine([proof.bbar, proof.abar, proof.d], [c, proof.e_hat, proof.r1_hat])
    # T2 = Bv c + D r3^ + H_j m^_j with Bv = P1 + Q_1 domain + H_i msg_i, multiplied out into one sum.
    bases = [api.suite.p1, points[0], *(points[i + 1] for i in disclosed_indexes), proof.d]
    factors = [c, domain * c, *(scalar * c for scalar in disclosed), proof.r3_hat]
    t2 = combine([*bases, *(points[j + 1] for j in hidden)], [*factors, *proof.commitments])
    commitments = (proof.abar, proof.bbar, proof.d, t1, t2)
    expected = _challenge(commitments, domain, disclosed, disclosed_indexes, about, api)
    if expected != c or not GT.pairing_check([proof.abar, proof.bbar], [w, NEGATIVE_BP2]):
        raise InvalidSignatureError("the BBS proof does not hold")


def parse_proof(octets: bytes) -> Proof:
    """Read a proof (4.2.4.5). Raises InvalidSignatureError if the octets are none, or hide too many messages."""
    hidden, rest = divmod(len(octets) - PROOF_FLOOR, SCALAR_LENGTH)
    if rest or hidden < 0:
        raise InvalidSignatureError(f"expected a BBS proof of {PROOF_FLOOR} octets and {SCALAR_LENGTH} more a message")
    try:
        check_count(hidden)
        points = [g1_from_octets(octets[start : start + POINT_LENGTH]) for start in range(0, 3 * POINT_LENGTH, 48)]
        scalars = [
            scalar_from_octets(octets[start : start + SCALAR_LENGTH])
            for start in range(3 * POINT_LENGTH, len(octets), SCALAR_LENGTH)
        ]
    except InvalidInputError as exc:
        raise InvalidSignatureError(f"the BBS proof is malformed: {exc}") from exc
    abar, bbar, d = points
    e_hat, r1_hat, r3_hat, *commitments, challenge = scalars
    return Proof(abar, bbar, d, e_hat, r1_hat, r3_hat, tuple(commitments), challenge)


def hidden_indexes(disclosed: Sequence[int], count: int) -> list[int]:
    """Return the indexes below ``count`` that are not disclosed. Raises InvalidInputError unless those ascend."""
    before = -1
    for index in disclosed:
        if not before < index < count:
            raise InvalidInputError(f"expected ascending indexes of disclosed messages, below {count}")
        before = index
    shown = set(disclosed)
    return [index for index in range(count) if index not in shown]


def _challenge(
    commitments: Sequence[G1Point],
    domain: Scalar,
    disclosed: Sequence[Scalar],
    disclosed_indexes: Sequence[int],
    about: About,
    api: Interface,
) -> Scalar:
    """Return the challenge (3.7.4): one hash of everything that the proof is about."""
    parts = [len(disclosed).to_bytes(8, "big")]
    for index, scalar in zip(disclosed_indexes, disclosed, strict=True):
        parts += (index.to_bytes(8, "big"), scalar.to_be_bytes())
    parts += (point.to_compressed_bytes() for point in commitments)
    parts += (domain.to_be_bytes(), len(about.presentation_header).to_bytes(8, "big"), about.presentation_header)
    return api.hash_to_scalar(b"".join(parts))
