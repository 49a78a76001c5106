"""Which addresses the door connects to, and which URLs it reads."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssi.errors import ForbiddenUrlError
from ssi.net.address import check_addresses, is_public
from ssi.net.url import MAX_URL_LENGTH, parse_url

INSIDE = [
    "0.0.0.0",  # noqa: S104  an address to refuse, not to bind to
    "10.1.2.3",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "2a00:1450::1%eth0",
    "fec0::1",
    "ff02::1",
]
OUTSIDE = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.216.34",
    "172.15.255.255",
    "172.32.0.1",
    "100.63.255.255",
    "2a00:1450::1",
    "2606:4700::1111",
]


@pytest.mark.parametrize("address", INSIDE)
def test_inner_addresses_are_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(ForbiddenUrlError):
        check_addresses([address], loopback=False)
    with pytest.raises(ForbiddenUrlError):
        check_addresses(["8.8.8.8", address], loopback=False)
    with pytest.raises(ForbiddenUrlError):
        check_addresses([address, "8.8.8.8"], loopback=False)


@pytest.mark.parametrize("address", OUTSIDE)
def test_public_addresses_are_let_through(address: str) -> None:
    check_addresses([address], loopback=False)


def test_the_loopback_list_opens_loopback_and_nothing_else() -> None:
    check_addresses(["127.0.0.1", "::1"], loopback=True)
    for address in set(INSIDE) - {"127.0.0.1", "127.255.255.254", "::1"}:
        with pytest.raises(ForbiddenUrlError):
            check_addresses([address], loopback=True)


@pytest.mark.parametrize("text", ["", "example.com", "1.2.3", "1.2.3.4/32", "0x7f.0.0.1", "127.0.0.01"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ForbiddenUrlError):
        check_addresses([text], loopback=True)


@given(st.ip_addresses())
def test_our_tables_are_stricter_than_pythons(address: object) -> None:
    parsed = ip_address(str(address))
    if is_public(parsed):
        # AS112 and AMT relays are reachable, but not "global" in every release.
        special = parsed.is_private or parsed.is_reserved or parsed.is_loopback or parsed.is_link_local
        assert not special or str(parsed).startswith(("192.31.196.", "192.52.193.", "192.175.48."))


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("https://agency.example", "agency.example", 443),
        ("https://Agency.EXAMPLE/a/B?c=D", "agency.example", 443),
        ("https://agency.example:8443/", "agency.example", 8443),
        ("https://xn--bcher-kva.example/%C3%A9", "xn--bcher-kva.example", 443),
        ("https://localhost:1/", "localhost", 1),
    ],
)
def test_a_url_is_read(text: str, host: str, port: int) -> None:
    url = parse_url(text)
    assert (url.host, url.port, url.is_address) == (host, port, False)
    assert url.text.lower() == text.lower()


def test_only_the_hosts_case_is_changed() -> None:
    assert parse_url("https://Agency.EXAMPLE:443/A?B=https://C").text == "https://agency.example:443/A?B=https://C"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "agency.example",
        "http://agency.example/",
        "HTTPS://agency.example/",
        "file:///etc/passwd",
        "https:///path",
        "https://",
        "https:agency.example",
        "https:/\\agency.example",
        "https://agency.example\\@inside.example/",
        "https://user@agency.example/",
        "https://user:secret@agency.example/",
        "https://agency.example/#fragment",
        "https://agency.example/a b",
        "https://agency.example/a\r\nHost: inside",
        "https://agency.example/\t",
        "https://agency.example/\x00",
        " https://agency.example/",
        "https://agency.example/é",
        "https://bücher.example/",
        "https://agency。example/",
        "https://agency.example./",
        "https://agency..example/",
        "https://-agency.example/",
        "https://agency_1.example/",
        "https://agency.example:/",
        "https://agency.example:0/",
        "https://agency.example:65536/",
        "https://agency.example:443443/",
        "https://agency.example:8a/",
        "https://agency.example/../a",
        "https://agency.example/a/./b",
        "https://agency.example/a/%2e%2E/b",
        "https://agency.example/%zz",
        "https://agency.example/%",
        "https://agency.example/a^b",
        "https://agency.example/{a}",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.1.1/",
        "https://1.2.3.0x4/",
        "https://[::1",
        "https://[::g]/",
        "https://[fe80::1%25eth0]/",
        "https://[agency.example]/",
        "https://" + "a" * 64 + ".example/",
        "https://" + ".".join(["a" * 60] * 5) + "/",
        "https://agency.example/" + "a" * MAX_URL_LENGTH,
    ],
)
def test_a_url_that_two_readers_may_read_differently_is_refused(text: str) -> None:
    with pytest.raises(ForbiddenUrlError):
        parse_url(text)


@pytest.mark.parametrize("text", [None, b"https://agency.example/", 5])
def test_a_url_is_text(text: object) -> None:
    with pytest.raises(ForbiddenUrlError):
        parse_url(text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["https://127.0.0.1/", "https://8.8.8.8/", "https://[::1]:8443/a", "https://[2a00:1450::1]/"]
)
def test_an_address_is_marked_as_one(text: str) -> None:
    assert parse_url(text).is_address


@given(st.text(alphabet="htps:/.@#?%[]\\ 0127aX-_é\n", max_size=30).map(lambda rest: f"https://{rest}"))
def test_yarl_reads_what_we_read(text: str) -> None:
    from yarl import URL

    try:
        ours = parse_url(text)
    except ForbiddenUrlError:
        return
    theirs = URL(ours.text, encoded=True)
    assert (theirs.scheme, theirs.user, theirs.fragment) == ("https", None, "")
    assert theirs.host == ours.host
    assert theirs.port == ours.port
