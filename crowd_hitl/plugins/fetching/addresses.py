"""Which internet addresses a server of ours may be sent to by somebody else's link: public ones only."""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

# What Python calls global and is not for us: ways back into IPv4, and clouds' services for their own machines.
REFUSED = tuple(
    ip_network(network)
    for network in (
        "192.0.0.0/24",
        "168.63.129.16/32",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
        "::/96",
    )
)


def is_public(address: Address) -> bool:
    """Say whether this is a machine of the open internet: not this one, not a neighbour, not a cloud's metadata."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address.is_multicast or address.is_reserved or address.is_link_local or address.is_private:
        return False
    return address.is_global and not any(address in network for network in REFUSED)


def resolved(host: str, port: int) -> list[str]:
    """Ask the system's resolver for all addresses of a host; OSError if it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def parsed(address: str) -> Address:
    """Read an address; a scope such as %eth0 is dropped."""
    return ip_address(address.partition("%")[0])
