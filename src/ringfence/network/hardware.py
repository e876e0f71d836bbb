"""What is known of a machine's network devices before there is one."""

from __future__ import annotations


def hardware_address(number: int) -> bytes:
    """What a network device has until it gets that of the container's: one of QEMU's own range, never seen outside."""
    return bytes((0x52, 0x54, 0x00, 0x72, 0x66, number))
