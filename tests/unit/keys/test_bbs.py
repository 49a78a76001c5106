"""BBS beside its fixtures: what is refused, and what no input may do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssi.errors import InvalidInputError, InvalidSignatureError, SsiError
from ssi.keys.bbs import (
    MAX_MESSAGES,
    SHA_256,
    SHAKE_256,
    keygen,
    proof_gen,
    proof_verify,
    sign,
    sk_to_pk,
    verify,
)
from ssi.keys.bbs.ciphersuite import expand_message_xmd, expand_message_xof
from ssi.keys.bbs.group import (
    FIELD_PRIME,
    G1Point,
    G2Point,
    Scalar,
    combine,
    g1_from_octets,
    g2_from_octets,
    scalar_from_octets,
)
from ssi.keys.bbs.interface import interface

ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
SECRET = keygen(bytes(range(32)))
PUBLIC = sk_to_pk(SECRET)
MESSAGES = [b"one", b"two", b"", b"four"]
SIGNATURE = sign(SECRET, PUBLIC, MESSAGES, header=b"header")
IDENTITY = b"\xc0"


def _spelled(x: int, width: int, flags: int = 0x80) -> bytes:
    octets = bytearray(x.to_bytes(width, "big"))
    octets[0] |= flags
    return bytes(octets)


def _points_of_any_order() -> tuple[list[bytes], list[bytes]]:
    """Return octets of x coordinates off the curve, and of points on it that lie outside the subgroup."""
    off, outside = [], []
    for x in range(1, 60):
        octets = _spelled(x, 48)
        try:
            inside = G1Point.from_compressed_bytes_unchecked(octets).is_in_subgroup()
        except ValueError:
            off.append(octets)
            continue
        if not inside:
            outside.append(octets)
    return off, outside


def test_points_that_are_none_of_g1_are_refused() -> None:
    good = SIGNATURE[:48]
    off, outside = _points_of_any_order()
    assert len(off) > 5
    assert len(outside) > 5
    x = int.from_bytes(bytes([good[0] & 0x1F]) + good[1:], "big")
    respelled = [_spelled(x + FIELD_PRIME, 48, good[0] & 0xE0)] if x + FIELD_PRIME < 1 << 381 else []
    identities = [IDENTITY + bytes(47), IDENTITY + bytes(46) + b"\x01", b"\xe0" + bytes(47)]
    flags = [bytes([good[0] & 0x7F]) + good[1:], bytes([good[0] | 0x40]) + good[1:]]
    for octets in (*off, *outside, *respelled, *identities, *flags, good[:-1], good + b"\x00", b"", bytes(48)):
        with pytest.raises(InvalidInputError):
            g1_from_octets(octets)
        with pytest.raises(InvalidSignatureError):
            verify(PUBLIC, octets + SIGNATURE[48:], MESSAGES, header=b"header")
    assert g1_from_octets(good).to_compressed_bytes() == good


def test_a_small_coordinate_spelled_above_the_prime_is_refused() -> None:
    """A coordinate below 2^381 - p has a second spelling that fits; few points do, so that they are made here."""
    for x in range(1, 200):
        with pytest.raises(InvalidInputError):
            g1_from_octets(_spelled(x + FIELD_PRIME, 48))


def test_public_keys_that_are_none_of_g2_are_refused() -> None:
    outside = []
    for x in range(1, 40):
        try:
            point = G2Point.from_compressed_bytes_unchecked(_spelled(x, 96))
        except ValueError:
            continue
        if not point.is_in_subgroup():
            outside.append(_spelled(x, 96))
    assert len(outside) > 5
    identities = [IDENTITY + bytes(95), IDENTITY + bytes(94) + b"\x01"]
    for octets in (*outside, *identities, PUBLIC[:-1], PUBLIC + b"\x00", SIGNATURE[:48], bytes(96)):
        with pytest.raises(InvalidInputError):
            g2_from_octets(octets)
        with pytest.raises(InvalidInputError):
            verify(octets, SIGNATURE, MESSAGES, header=b"header")


@pytest.mark.parametrize("number", [0, ORDER, ORDER + 1, (1 << 256) - 1])
def test_scalars_out_of_range_are_refused(number: int) -> None:
    octets = number.to_bytes(32, "big")
    with pytest.raises(InvalidInputError):
        scalar_from_octets(octets)
    with pytest.raises(InvalidInputError):
        sign(octets, PUBLIC, MESSAGES)
    with pytest.raises(InvalidSignatureError):
        verify(PUBLIC, SIGNATURE[:48] + octets, MESSAGES, header=b"header")
    proof = proof_gen(PUBLIC, SIGNATURE, MESSAGES, [0], header=b"header")
    for place in range(144, len(proof), 32):
        with pytest.raises(InvalidSignatureError):
            proof_verify(PUBLIC, proof[:place] + octets + proof[place + 32 :], [b"one"], [0], header=b"header")


def test_a_sum_needs_as_many_scalars_as_points() -> None:
    with pytest.raises(InvalidInputError):
        combine([G1Point()], [Scalar(1), Scalar(2)])


@pytest.mark.parametrize("expand", [expand_message_xmd, expand_message_xof])
def test_a_tag_of_256_octets_is_refused(expand: object) -> None:
    assert callable(expand)
    assert len(expand(b"", bytes(255), 33)) == 33
    with pytest.raises(InvalidInputError):
        expand(b"", bytes(256), 33)
    with pytest.raises(InvalidInputError):
        expand(b"", b"tag", 65536)


def test_keys_need_secret_material() -> None:
    with pytest.raises(InvalidInputError):
        keygen(bytes(31))
    with pytest.raises(InvalidInputError):
        keygen(bytes(32), bytes(65536))
    assert keygen(bytes(32)) != keygen(bytes(32), b"info") != keygen(bytes(32), suite=SHAKE_256)


def test_more_messages_than_the_bound_cost_nothing() -> None:
    many = [b""] * (MAX_MESSAGES + 1)
    before = interface(SHA_256)._octets
    for call in (
        lambda: sign(SECRET, PUBLIC, many),
        lambda: verify(PUBLIC, SIGNATURE, many),
        lambda: proof_gen(PUBLIC, SIGNATURE, many, [0]),
        lambda: proof_verify(PUBLIC, bytes(272 + 32 * len(many)), [], []),
        lambda: proof_verify(PUBLIC, SIGNATURE[:48] * 3 + SECRET * 4, many, list(range(len(many)))),
        lambda: proof_verify(PUBLIC, SIGNATURE[:48] * 3 + SECRET * 1004, many[:100], list(range(100))),
    ):
        with pytest.raises((InvalidInputError, InvalidSignatureError)):
            call()
    assert interface(SHA_256)._octets == before


@pytest.mark.parametrize("shown", [[1, 0], [0, 0], [4], [-1], [0, 1, 2, 3, 4]])
def test_indexes_ascend_and_name_messages(shown: list[int]) -> None:
    with pytest.raises(InvalidInputError):
        proof_gen(PUBLIC, SIGNATURE, MESSAGES, shown, header=b"header")
    proof = proof_gen(PUBLIC, SIGNATURE, MESSAGES, [0, 1], header=b"header")
    with pytest.raises((InvalidInputError, InvalidSignatureError)):
        proof_verify(PUBLIC, proof, [b""] * len(shown), shown, header=b"header")


def test_two_proofs_of_one_signature_share_no_element() -> None:
    one, two = (proof_gen(PUBLIC, SIGNATURE, MESSAGES, [1], header=b"header") for _ in range(2))
    assert {one[i : i + 16] for i in range(0, len(one), 16)}.isdisjoint(two[i : i + 16] for i in range(0, len(two), 16))


@settings(max_examples=60, deadline=None)
@given(
    messages=st.lists(st.binary(max_size=40), max_size=6),
    header=st.binary(max_size=20),
    presentation_header=st.binary(max_size=20),
    data=st.data(),
)
def test_what_was_signed_is_proved_and_nothing_else(
    messages: list[bytes], header: bytes, presentation_header: bytes, data: st.DataObject
) -> None:
    suite = data.draw(st.sampled_from([SHA_256, SHAKE_256]))
    shown = sorted(data.draw(st.sets(st.sampled_from(range(len(messages)))))) if messages else []
    signature = sign(SECRET, PUBLIC, messages, header=header, suite=suite)
    verify(PUBLIC, signature, messages, header=header, suite=suite)
    headers = {"header": header, "presentation_header": presentation_header}
    proof = proof_gen(
        PUBLIC, signature, messages, shown, header=header, presentation_header=presentation_header, suite=suite
    )
    disclosed = [messages[index] for index in shown]
    proof_verify(PUBLIC, proof, disclosed, shown, suite=suite, **headers)
    lies = [
        (disclosed, shown, {**headers, "header": header + b"x"}),
        (disclosed, shown, {**headers, "presentation_header": presentation_header + b"x"}),
        (disclosed[:-1], shown[:-1], headers),
    ][: 3 if shown else 2]
    lies += [([*disclosed[:i], disclosed[i] + b"x", *disclosed[i + 1 :]], shown, headers) for i in range(len(shown))]
    for claimed, indexes, under in lies:
        with pytest.raises(InvalidSignatureError):
            proof_verify(PUBLIC, proof, claimed, indexes, suite=suite, **under)
    with pytest.raises(InvalidSignatureError):
        verify(PUBLIC, signature, [*messages, b""], header=header, suite=suite)


@settings(max_examples=200, deadline=None)
@given(octets=st.binary(max_size=400))
def test_any_octets_are_refused_within_our_errors(octets: bytes) -> None:
    for call in (
        lambda: verify(PUBLIC, octets, MESSAGES),
        lambda: verify(octets, SIGNATURE, MESSAGES),
        lambda: proof_verify(PUBLIC, octets, [b"one"], [0]),
        lambda: sk_to_pk(octets),
    ):
        try:
            call()
        except SsiError:
            continue
        assert call() is not None
        assert len(octets) == 32
