"""What is known of a machine's network devices before there is one."""

from __future__ import annotations


def hardware_address(number: int) -> bytes:
    """What a network device has until it gets that of the container's: one of QEMU's own range, never seen outside."""
    return bytes((0x52, 0x54, 0x00, 0x72, 0x66, number))


def own_address(place: str) -> bytes:
    """That of a device on a bridge of the host's: locally administered, its own by the container's state folder."""
    from hashlib import sha256

    return bytes((0x02, 0x72, 0x66)) + sha256(place.encode("utf-8", "surrogateescape")).digest()[:3]
