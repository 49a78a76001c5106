"""Exactly one text stands for each byte string."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.encoding.base64url import b64_decode, b64_encode, b64url_decode, b64url_encode
from ssi.errors import InvalidInputError


@given(st.binary(max_size=100))
def test_decode_inverts_encode(data: bytes) -> None:
    assert b64url_decode(b64url_encode(data)) == data
    assert b64url_decode(b64url_encode(data).encode("ascii")) == data


@given(st.text('ABab09-_+/= \n"\\', max_size=12) | st.text(max_size=8) | st.binary(max_size=8))
def test_what_decodes_is_the_text_that_encode_gives(text: str | bytes) -> None:
    try:
        data = b64url_decode(text)
    except InvalidInputError:
        return
    assert b64url_encode(data) == (text if isinstance(text, str) else text.decode("ascii"))


@pytest.mark.parametrize(
    "text",
    [
        "A",
        "AAAAA",
        "AB",
        "AAB",
        "AA==",
        "A A",
        "+/AA",
        "AA\n",
        "ÅA",
        "AA=A",
        'A"A',
        'AA" ',
        "A\\A",
        "AA\\u0041",
        "\x00AAA",
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(InvalidInputError):
        b64url_decode(text)


@pytest.mark.parametrize(
    ("text", "data"), [("", b""), ("Zg", b"f"), ("Zm8", b"fo"), ("Zm9v", b"foo"), ("-_8", b"\xfb\xff")]
)
def test_rfc_4648_section_10(text: str, data: bytes) -> None:
    assert b64url_decode(text) == data
    assert b64url_encode(data) == text


@given(st.binary(max_size=80))
def test_base64_of_data_urls(data: bytes) -> None:
    text = b64_encode(data)
    assert text == base64.b64encode(data).decode()
    url = base64.urlsafe_b64encode(data).decode()
    for form in (text, text.rstrip("="), url, url.rstrip("=")):
        assert b64_decode(form) == data


@pytest.mark.parametrize(
    "text", ["A", "AB", "AAA==", "AA=", "AA===", "=", "====", "+A-A", "AA A", "AA==\n", "A=A=", "é"]
)
def test_base64_that_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        b64_decode(text)
