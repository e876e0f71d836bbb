"""From a container's id to a jail's name, one to one (JAIL-NAME-02 to 05).

An id that jail(8) can take is the name. All others, and those that begin as a mapped one does, get a prefix and have
their dots and plus signs escaped; what would be too long for the kernel becomes a digest.
"""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.spec.rules.jail.names import is_numeric, is_plain

PREFIX = "rf_"
DIGESTED = PREFIX + "+h"
LONGEST = 255  # MAXHOSTNAMELEN of <sys/param.h>, without the NUL


def jail_name(container_id: str, parent: str = "") -> str:
    """The full name of a container's jail, below ``parent`` if that is not "".

    Raises:
        RingfenceError: the parent's name leaves no room.
    """
    head = f"{parent}." if parent else ""
    room = LONGEST - len(head)
    name = mapped(container_id)
    if len(name) > room or name.startswith(DIGESTED):
        name = DIGESTED + digest(container_id)
    if len(name) > room:
        text = f"the name of the parent jail is too long: {len(parent)} bytes, at most {LONGEST - len(name) - 1}"
        raise RingfenceError(text, field="/freebsd/jail/parent")
    return head + name


def mapped(container_id: str) -> str:
    """The id itself, or its escaped form."""
    if is_plain(container_id) and not is_numeric(container_id) and not container_id.startswith(PREFIX):
        return container_id
    return PREFIX + container_id.replace("+", "+p").replace(".", "+d")


def digest(text: str) -> str:
    """SHA-256 in hexadecimal."""
    from hashlib import sha256  # only for names that do not fit

    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
