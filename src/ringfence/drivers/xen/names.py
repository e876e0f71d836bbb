"""How a domain and its parts are called. Pure."""

from __future__ import annotations

LONGEST = 80
MARK = "@"
"""No id holds one, so a name that has been changed is never that of another id."""


def digest(value: str, size: int) -> str:
    """The first hexadecimal digits of a digest."""
    from hashlib import sha256

    return sha256(value.encode("utf-8", "surrogateescape")).hexdigest()[:size]


def domain_name(container_id: str, root: str, *, is_default: bool) -> str:
    """The domain's name: the id, but for ids that xl would take for a number, too long ones, and other state folders.

    ``is_default`` tells whether ``root`` is the usual state folder (XEN-CREATE-04).
    """
    name = container_id
    if len(name) > LONGEST:
        name = f"{name[:LONGEST]}{MARK}{digest(name, 12)}"
    if not is_default:
        return f"{name}{MARK}{digest(root, 8)}"
    return f"{MARK}{name}" if name.isdigit() else name


def uuid_of(random: bytes) -> str:
    """A UUID of version 4 from 16 random bytes (RFC 9562)."""
    raw = bytearray(random)
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    digits = raw.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def mac_of(uuid: str, number: int = 0) -> str:
    """The hardware address of a network device: Xen's own prefix, then bytes of the UUID (XEN-CFG-07)."""
    tail = (int(uuid[-6:], 16) + number) & 0xFFFFFF
    return "00:16:3e:" + ":".join(f"{tail >> shift & 0xFF:02x}" for shift in (16, 8, 0))
