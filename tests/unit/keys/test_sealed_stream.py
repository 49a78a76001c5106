"""Data sealed in chunks: whole, in order, for one purpose, and never much of it in memory."""

from __future__ import annotations

from io import BytesIO

import pytest

from ssi.errors import InvalidInputError, VerificationError
from ssi.keys import sealed_stream
from ssi.keys.sealed_stream import MARK, Streamed, new_key, seal_stream, unseal_stream

KEY = bytes(range(32))
START = len(MARK) + 32


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed_stream, "CHUNK_BYTES", 8)


class Slow(BytesIO):
    """A file that gives fewer bytes than it is asked for, as a pipe does."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size, 3) if size is not None and size > 0 else size)


def sealed(data: bytes, *, key: bytes = KEY, context: bytes = b"a") -> bytes:
    target = BytesIO()
    seal_stream(BytesIO(data), target, key=key, context=context)
    return target.getvalue()


def opened(data: bytes, *, key: bytes = KEY, context: bytes = b"a") -> bytes:
    target = BytesIO()
    unseal_stream(BytesIO(data), target, key=key, context=context)
    return target.getvalue()


def chunks(data: bytes) -> tuple[bytes, list[bytes]]:
    start, rest = data[:START], data[START:]
    return start, [rest[place : place + 24] for place in range(0, len(rest), 24)]


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 16, 17, 40])
def test_what_was_sealed_comes_out(length: int) -> None:
    data = bytes(range(length))
    assert opened(sealed(data)) == data
    assert len(sealed(data)) == START + length + 16 * max(1, -(-length // 8))
    target = BytesIO()
    assert seal_stream(Slow(data), target, key=KEY, context=b"a").size == length
    plain = BytesIO()
    found = unseal_stream(Slow(target.getvalue()), plain, key=KEY, context=b"a")
    assert (found, plain.getvalue()) == (seal_stream(BytesIO(data), BytesIO(), key=KEY, context=b"b"), data)
    assert isinstance(found, Streamed)


def test_the_same_data_is_never_sealed_the_same() -> None:
    assert chunks(sealed(b"x" * 8))[1] != chunks(sealed(b"x" * 8))[1]
    assert len({new_key() for _ in range(3)}) == 3


def test_every_altered_byte_is_refused() -> None:
    good = sealed(b"twenty bytes of data")
    for place in range(len(good)):
        changed = bytearray(good)
        changed[place] ^= 1
        with pytest.raises((VerificationError, InvalidInputError)):
            opened(bytes(changed))


def test_every_cut_is_refused() -> None:
    good = sealed(b"twenty bytes of data" + b"1234")  # the last chunk is full
    for length in range(len(good)):
        with pytest.raises((VerificationError, InvalidInputError)):
            opened(good[:length])
    with pytest.raises(VerificationError):
        opened(good + b"\0")


def test_chunks_that_are_moved_repeated_left_out_or_of_another_file_are_refused() -> None:
    start, (one, two, three) = chunks(sealed(b"twenty bytes of data"))
    _, other = chunks(sealed(b"another twenty bytes"))
    for made in ([two, one, three], [one, one, two, three], [one, three], [two, three], [one, other[1], three]):
        with pytest.raises(VerificationError):
            opened(start + b"".join(made))
    with pytest.raises(VerificationError):
        opened(start + one + two + three + three)


def test_another_key_or_purpose_opens_nothing() -> None:
    good = sealed(b"data")
    for more in ({"key": bytes(32)}, {"context": b"b"}):
        with pytest.raises(VerificationError):
            opened(good, **more)
    with pytest.raises(InvalidInputError):
        sealed(b"data", key=b"short")
    with pytest.raises(InvalidInputError):
        opened(b"")
