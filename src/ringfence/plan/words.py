"""Kernel numbers in words, for the descriptions of steps."""

from __future__ import annotations

CLONE_NAMES = (
    (0x00020000, "mount"),
    (0x02000000, "cgroup"),
    (0x04000000, "uts"),
    (0x08000000, "ipc"),
    (0x10000000, "user"),
    (0x20000000, "pid"),
    (0x40000000, "network"),
    (0x00000080, "time"),
)
ATTRIBUTE_NAMES = (
    (0x1, "ro"),
    (0x2, "nosuid"),
    (0x4, "nodev"),
    (0x8, "noexec"),
    (0x10, "noatime"),
    (0x20, "strictatime"),
    (0x80, "nodiratime"),
    (0x200000, "nosymfollow"),
)
PROPAGATION_NAMES = ((1 << 17, "unbindable"), (1 << 18, "private"), (1 << 19, "slave"), (1 << 20, "shared"))
MS_REC = 0x4000


def flag_words(flags: int, table: tuple[tuple[int, str], ...]) -> list[str]:
    """The names of the bits that are set, in the table's order."""
    return [name for bit, name in table if flags & bit]


def clone_words(flags: int) -> str:
    """``pid, network`` for CLONE_NEWPID|CLONE_NEWNET."""
    return ", ".join(flag_words(flags, CLONE_NAMES))


def attribute_words(attributes: int) -> str:
    """``  ro nosuid`` for MOUNT_ATTR_* bits, with the blanks that set it off; "" for none."""
    names = flag_words(attributes, ATTRIBUTE_NAMES)
    return "  " + " ".join(names) if names else ""


def propagation_words(flags: int) -> str:
    """``rslave`` for MS_SLAVE|MS_REC."""
    return ("r" if flags & MS_REC else "") + " ".join(flag_words(flags, PROPAGATION_NAMES))


def map_words(text: str) -> str:
    """``0→1000 (1)`` for the line ``0 1000 1`` of a uid_map."""
    lines = [line.split() for line in text.splitlines()]
    return ", ".join(f"{inside}→{outside} ({size})" for inside, outside, size in lines)
