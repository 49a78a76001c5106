"""The URL of a PKCS#11 token: what it may say, and that a PIN never comes out of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.errors import InvalidInputError, UnavailableError
from ssi.keys import open_kms
from ssi.keys.backends.pkcs11_url import TokenUrl, check_pin, parse_token_url, read_pin

GOOD = "pkcs11:token=registry%20one;object-prefix=town%2F?module-path=/usr/lib/p.so&pin-source=file:/run/pin&sessions=4"


def test_a_whole_url() -> None:
    assert parse_token_url(GOOD) == TokenUrl(
        token="registry one",
        object_prefix="town/",
        module_path="/usr/lib/p.so",
        pin_source="/run/pin",
        sessions=4,
    )
    for source in ("/run/pin", "file:/run/pin", "file:///run/pin", "file://localhost/run/pin"):
        assert parse_token_url(f"pkcs11:token=t?module-path=/p.so&pin-source={source}").pin_source == "/run/pin"


@pytest.mark.parametrize(
    "url",
    [
        "file:x",
        "pkcs11:",
        "pkcs11:token=t",
        "pkcs11:?module-path=/p.so",
        "pkcs11:token=t;token=u?module-path=/p.so",
        "pkcs11:token=t;object=key?module-path=/p.so",
        "pkcs11:token=t;module-path=/p.so",
        "pkcs11:token=%zz?module-path=/p.so",
        "pkcs11:token=%ff?module-path=/p.so",
        "pkcs11:token=a%00b?module-path=/p.so",
        "pkcs11:token?module-path=/p.so",
        "pkcs11:token=t?module-path=/p.so&pin-source=|cat%20/run/pin",
        "pkcs11:token=t?module-path=/p.so&pin-source=%7Ccat",
        "pkcs11:token=t?module-path=/p.so&pin-source=file://host.example/pin",
        "pkcs11:token=t?module-path=/p.so&pin-value=4711",
        "pkcs11:token=t?module-path=/p.so&sessions=0",
        "pkcs11:token=t?module-path=/p.so&sessions=²",
        "pkcs11:token=t?module-path=/p.so&sessions=100000",
    ],
)
def test_what_is_not_understood_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse_token_url(url)
    assert "4711" not in str(refused.value)


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_text_is_parsed_or_refused(path: str, query: str) -> None:
    for url in (path, f"pkcs11:{path}", f"pkcs11:{path}?{query}", f"pkcs11:token={path}?module-path={query}"):
        try:
            parse_token_url(url)
        except InvalidInputError:
            continue


@given(st.binary(max_size=300) | st.text(max_size=300))
def test_any_pin_is_taken_or_refused_silently(pin: str | bytes) -> None:
    said = ""
    try:
        assert check_pin(pin)
    except InvalidInputError as refused:
        said = str(refused)
    assert said in {"", "expected a PIN of 1 to 255 bytes", "expected a PIN in UTF-8"}


def test_the_pin_file(tmp_path: Path) -> None:
    file = tmp_path / "pin"
    for written in (b"4711", b"4711\n", b"4711\r\n"):
        file.write_bytes(written)
        assert read_pin(str(file)) == "4711"
    for written in (b"", b"\n", b"4711\x00", b"\xff\n", b"1" * 256):
        file.write_bytes(written)
        with pytest.raises(InvalidInputError):
            read_pin(str(file))
    with pytest.raises(UnavailableError):
        read_pin(str(tmp_path))


def test_opening_says_what_is_missing(tmp_path: Path) -> None:
    module = tmp_path / "not-a-module.so"
    module.write_bytes(b"text")
    for url, pin in [
        (f"pkcs11:token=t?module-path={module}", None),
        (f"pkcs11:token=t?module-path={module}&pin-source=/run/pin", "4711"),
        (f"pkcs11:token=t?module-path={module}", "4711"),
        (f"pkcs11:token=t?module-path={tmp_path}/none.so", "4711"),
        (f"pkcs11:token=t?module-path={module}", ""),
    ]:
        with pytest.raises(InvalidInputError):
            open_kms(url, passphrase=pin)
