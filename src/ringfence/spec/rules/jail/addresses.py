"""Addresses and names of interfaces, in the one form in which jail(8) and ifconfig(8) get to see them (JAIL-CFG-04)."""

from __future__ import annotations

INTERFACE_LONGEST = 15  # IFNAMSIZ of <net/if.h>, without the NUL
INTERFACE_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"


def canonical(text: str, family: int) -> str:
    """An address in canonical form.

    Raises:
        ValueError: it is none of that family (4 or 6), or more than an address.
    """
    import ipaddress

    if family == 4:
        return str(ipaddress.IPv4Address(text))
    address = ipaddress.IPv6Address(text)
    if address.scope_id is not None:
        raise ValueError("an address with a scope")
    if address.ipv4_mapped is not None:
        raise ValueError("an IPv4 address in IPv6 form")
    return str(address)


def is_interface(name: str) -> bool:
    """Whether an interface can have this name, and no tool takes it for an option (JAIL-NET-03)."""
    plain = all(letter in INTERFACE_LETTERS for letter in name)
    return plain and 0 < len(name) <= INTERFACE_LONGEST and not name.startswith("-")
