"""Filter rules inside a container's network namespace, which never see what is redirected."""

from __future__ import annotations

from ringfence.network.messages import attributes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

NETFILTER = 12
"""The protocol of netlink that knows of nftables (linux/netlink.h)."""
GET_TABLE, NEW_TABLE = 0x0A01, 0x0A00
GENERIC_SIZE = 4
NAME = 1
RESOLVERS = "nat"
"""The table in which Docker leads questions to its resolver; the resolver is carried in another way."""


def tables(messages: Iterable[tuple[int, bytes]], legacy: bytes) -> tuple[str, ...]:
    """The names of the tables that nftables and the older iptables have, from a dump and /proc/net/ip_tables_names."""
    names = {line.decode("ascii", "replace") for line in legacy.split()}
    for kind, body in messages:
        if kind == NEW_TABLE:
            raw = attributes_of(body[GENERIC_SIZE:]).get(NAME, b"").rstrip(b"\0")
            names.add(raw.decode("utf-8", "backslashreplace"))
    return tuple(sorted(names))


def passed_by(found: tuple[str, ...], *, has_resolver: bool) -> tuple[str, ...]:
    """What to say of tables whose rules have no effect (MVM-NET-09)."""
    named = [name for name in found if not (has_resolver and name == RESOLVERS)]
    if not named:
        return ()
    return (f"rules of the table {', '.join(named)} inside its network namespace: they do not see a guest's packets",)
