"""The parameters that jail(8) of FreeBSD 14.0 knows, and how it reads them."""

from __future__ import annotations

from tests.jail.tools.state import as_number, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.jail.tools.state import Jail, State

BOOLEANS_TEXT = """persist allow.chflags allow.mlock allow.mount allow.quotas allow.raw_sockets allow.read_msgbuf
    allow.reserved_ports allow.set_hostname allow.socket_af allow.suser allow.sysvipc allow.unprivileged_proc_debug
    allow.nfsd allow.mount.devfs allow.mount.procfs allow.mount.zfs"""
BOOLEANS = frozenset(BOOLEANS_TEXT.split())
OF_MODULES = {f"allow.mount.{name}": name for name in ("fdescfs", "linprocfs", "linsysfs", "nullfs", "tmpfs", "fusefs")}
JAILSYS = frozenset(("host", "ip4", "ip6", "vnet", "sysvmsg", "sysvsem", "sysvshm", "linux"))
WORDS = ("disable", "new", "inherit")
NUMBERS = frozenset(
    ("children.max", "devfs_ruleset", "enforce_statfs", "securelevel", "host.hostid", "osreldate", "jid")
)
TEXTS = frozenset(("name", "path", "host.hostname", "host.domainname", "host.hostuuid", "osrelease"))
LISTS = frozenset(("ip4.addr", "ip6.addr", "vnet.interface"))
PSEUDO = frozenset(("command", "exec.start", "exec.stop", "mount.devfs", "stop.timeout", "depend", "interface"))
DEFAULTS = {
    "children.max": "0",
    "children.cur": "0",
    "devfs_ruleset": "0",
    "dying": "false",
    "enforce_statfs": "2",
    "host": "new",
    "host.hostname": "",
    "host.domainname": "",
    "host.hostuuid": "00000000-0000-0000-0000-000000000000",
    "ip4": "disable",
    "ip4.addr": "",
    "ip6": "disable",
    "ip6.addr": "",
    "vnet": "inherit",
    "sysvmsg": "disable",
    "sysvsem": "disable",
    "sysvshm": "disable",
    "osrelease": "14.0-STABLE",
    "osreldate": "1400509",
    "securelevel": "-1",
    "persist": "false",
    "allow.set_hostname": "true",
    "allow.reserved_ports": "true",
    "allow.suser": "true",
    "allow.unprivileged_proc_debug": "true",
}
"""What a jail has for which nothing was given; every other boolean is false."""
GROUPS = ("allow", "allow.mount", "cpuset", "host", "ip4", "ip6", "children", "sysvmsg", "sysvsem", "sysvshm", "vnet")


def booleans(state: State) -> frozenset[str]:
    """The boolean parameters of this kernel: those of modules only while they are loaded."""
    loaded = {name for name, module in OF_MODULES.items() if module in state.data["modules"]}
    return BOOLEANS | loaded


def fresh(state: State) -> Jail:
    """A jail for which nothing was said."""
    return {**dict.fromkeys(booleans(state), "false"), **DEFAULTS}


def parsed(state: State, word: str) -> tuple[str, str]:
    """One ``name=value`` or boolean as a name and a value that the kernel takes."""
    name, equals, value = word.partition("=")
    positive = negated(name)
    if not equals and name not in booleans(state) and positive in booleans(state):
        return positive, "false"
    if name in booleans(state):
        if equals and value not in ("true", "false", ""):
            fail(f'jail: {name}: unknown boolean value "{value}"')
        return name, value or "true"
    if name in JAILSYS:
        if equals and value not in WORDS:
            fail(f'jail: {name}: unknown jailsys value "{value}"')
        return name, value or "new"
    if name in NUMBERS:
        if as_number(value) is None:
            fail(f'jail: {name}: non-integer value "{value}"')
        return name, value
    if name not in TEXTS | LISTS | PSEUDO:
        fail(f"jail: unknown parameter: {name}")
    return name, addresses(name, value) if name in LISTS else value


def negated(name: str) -> str:
    """The boolean that a name with ``no`` before its last part denies."""
    group, dot, last = name.rpartition(".")
    return f"{group}{dot}{last[2:]}" if last.startswith("no") else ""


def addresses(name: str, value: str) -> str:
    """A list of addresses as the kernel keeps them."""
    if name == "vnet.interface":
        return value
    for one in value.split(","):
        address = one.rpartition("|")[2].partition("/")[0]
        if not (is_ip4(address) if name == "ip4.addr" else is_ip6(address)):
            fail(f"jail: {name}: not an IPv{name[2]} address: {one}")
    return ",".join(one.rpartition("|")[2].partition("/")[0] for one in value.split(","))


def is_ip4(text: str) -> bool:
    """Whether inet_pton(3) takes it as IPv4."""
    parts = text.split(".")
    return len(parts) == 4 and all(part.isdigit() and int(part) < 256 for part in parts)


def is_ip6(text: str) -> bool:
    """Whether it looks like IPv6."""
    return ":" in text and all(letter in "0123456789abcdefABCDEF:." for letter in text)
