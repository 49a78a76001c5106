from __future__ import annotations

import gzip
import tracemalloc
import zlib
from random import Random

import pytest

from ssi.errors import InvalidInputError
from ssi.status.deflate import Wrapper, deflate, inflate

DATA = bytes(Random(3).choices(b"\x00\x01\x80\xff", weights=[90, 4, 4, 2], k=20_000))


@pytest.mark.parametrize("wrapper", Wrapper)
def test_what_is_compressed_expands_again(wrapper: Wrapper) -> None:
    assert inflate(deflate(DATA, wrapper), wrapper) == DATA
    assert deflate(DATA, wrapper) == deflate(DATA, wrapper)


def test_other_decoders_read_it() -> None:
    assert gzip.decompress(deflate(DATA, Wrapper.GZIP)) == DATA
    assert zlib.decompress(deflate(DATA, Wrapper.ZLIB)) == DATA


@pytest.mark.parametrize("density", [0.001, 0.01, 0.1, 0.5])
def test_random_bits_take_no_more_than_level_6_times_1_4(density: float) -> None:
    rng = Random(11)
    data = bytearray(131_072 // 8)
    for index in rng.sample(range(131_072), int(131_072 * density)):
        data[index >> 3] |= 1 << (index & 7)
    assert len(deflate(bytes(data), Wrapper.ZLIB)) <= 1.4 * len(zlib.compress(data, 6))


@pytest.mark.parametrize("wrapper", Wrapper)
def test_every_cut_is_refused(wrapper: Wrapper) -> None:
    packed = deflate(DATA[:400], wrapper)
    for length in range(len(packed)):
        with pytest.raises(InvalidInputError):
            inflate(packed[:length], wrapper)


def test_a_second_member_and_trailing_bytes_are_refused() -> None:
    packed = gzip.compress(b"first")
    assert gzip.decompress(packed + packed) == b"firstfirst"  # other readers see another list
    for tail in (packed, b"\x00", b"garbage"):
        with pytest.raises(InvalidInputError, match="nothing behind"):
            inflate(packed + tail, Wrapper.GZIP)
    with pytest.raises(InvalidInputError, match="nothing behind"):
        inflate(zlib.compress(b"first") + b"\x00", Wrapper.ZLIB)


def test_the_other_wrapper_and_a_preset_dictionary_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        inflate(deflate(DATA, Wrapper.GZIP), Wrapper.ZLIB)
    with pytest.raises(InvalidInputError):
        inflate(deflate(DATA, Wrapper.ZLIB), Wrapper.GZIP)
    primed = zlib.compressobj(zdict=b"status")
    with pytest.raises(InvalidInputError):
        inflate(primed.compress(b"status") + primed.flush(), Wrapper.ZLIB)


def test_the_bound_is_exact() -> None:
    packed = deflate(bytes(1000), Wrapper.ZLIB)
    assert len(inflate(packed, Wrapper.ZLIB, max_bytes=1000)) == 1000
    with pytest.raises(InvalidInputError, match="at most 999 bytes"):
        inflate(packed, Wrapper.ZLIB, max_bytes=999)


def test_a_bomb_costs_no_more_memory_than_the_bound() -> None:
    stream = zlib.compressobj(9, zlib.DEFLATED, Wrapper.GZIP)
    bomb = b"".join(stream.compress(bytes(1 << 20)) for _ in range(256)) + stream.flush()
    tracemalloc.start()
    try:
        with pytest.raises(InvalidInputError):
            inflate(bomb, Wrapper.GZIP, max_bytes=1 << 20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20
