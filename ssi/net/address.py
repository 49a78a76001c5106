"""Decide whether the outbound door may connect to an address.

Source:  IANA IPv4 and IPv6 Special-Purpose Address Registries; IANA IPv6 Global Unicast Allocations (2000::/3).
Input:   address text from a name server.
Shapes:  a scope (``%eth0``) is read and, like every link-local address, refused.
I/O:     none. The tables are written out, since those of ``ipaddress`` differ between Python releases.
Errors:  ForbiddenUrlError.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from ssi.errors import ForbiddenUrlError

_DENIED_V4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and the metadata services of cloud hosts
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

# Everything outside 2000::/3 is refused as a whole: loopback, unique and link-local, multicast, and the forms that
# embed an IPv4 address (mapped ::ffff:0:0/96, NAT64 64:ff9b::/96 and 64:ff9b:1::/48), which would be a way around
# the table above.
_GLOBAL_V6: Final = IPv6Network("2000::/3")
_DENIED_V6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments, Teredo and ORCHID among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which embeds an IPv4 address
        "3fff::/20",  # documentation
    )
)


_LOOPBACK_V4: Final = IPv4Network("127.0.0.0/8")
_LOOPBACK_V6: Final = IPv6Address("::1")


def parse_address(text: str) -> IPv4Address | IPv6Address:
    """Return the address that a name server answered. Raises ForbiddenUrlError if it is none."""
    try:
        return ip_address(text)
    except ValueError as exc:
        raise ForbiddenUrlError("the name resolves to something that is no IP address") from exc


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether ``address`` is a unicast address of the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _DENIED_V4)
    return address.scope_id is None and address in _GLOBAL_V6 and not any(address in network for network in _DENIED_V6)


def _is_loopback(address: IPv4Address | IPv6Address) -> bool:
    # Not ``is_loopback``, which takes the mapped form ::ffff:127.0.0.1 for one in newer releases of Python.
    return address in _LOOPBACK_V4 if isinstance(address, IPv4Address) else address == _LOOPBACK_V6


def check_addresses(addresses: list[str], *, loopback: bool) -> None:
    """Raise ForbiddenUrlError unless every address is public, or a loopback one where ``loopback`` allows it.

    One refused address refuses the name: a name server that mixes both is an attempt to get inside.
    """
    for text in addresses:
        address = parse_address(text)
        if not (is_public(address) or (loopback and _is_loopback(address))):
            raise ForbiddenUrlError("the name resolves to an address that is not of the public internet")
