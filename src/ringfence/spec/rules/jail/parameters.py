"""The rules of the freebsd section (config-freebsd.md; jail(8))."""

from __future__ import annotations

from ringfence.paths import normpath
from ringfence.spec.problems import quoted
from ringfence.spec.rules.jail.addresses import canonical, is_interface
from ringfence.spec.rules.jail.names import is_numeric, is_plain
from ringfence.spec.types import FreeBSD, Jail, JailAllow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.problems import Problems
    from ringfence.spec.rules.jail.policy import Policy
    from ringfence.spec.types import Config, FreeBSDDevice

WHERE = "/freebsd/jail"
SHARING = ("inherit", "disable", "new")
MOUNTABLE = ("devfs", "fdescfs", "linprocfs", "linsysfs", "nullfs", "procfs", "tmpfs", "zfs", "fusefs")
"""The types with a parameter allow.mount.TYPE (jail(8))."""
SYSV = ("new", "inherit", "disable")
WORDS = {"vnet": ("new", "inherit"), "sysvmsg": SYSV, "sysvsem": SYSV, "sysvshm": SYSV}
GLOB = "*?[]\\"


def check_freebsd(config: Config, policy: Policy, problems: Problems, warnings: list[str]) -> None:
    """The whole section, and what else of the config it has to agree with."""
    section = config.freebsd or FreeBSD()
    jail = section.jail or Jail()
    check_host(config, jail, problems)
    for name in ("sysvmsg", "sysvsem", "sysvshm"):
        check_word(getattr(jail, name), WORDS[name], f"{WHERE}/{name}", problems)
    check_family(jail, 4, problems, warnings)
    check_family(jail, 6, problems, warnings)
    check_vnet(jail, problems)
    check_interface(jail, problems)
    check_parent(jail.parent, problems)
    check_statfs(jail, problems, warnings)
    check_mountable(jail.allow or JailAllow(), jail, policy, problems)
    for index, device in enumerate(section.devices):
        check_device(device, f"/freebsd/devices/{index}", problems)
    if section.devices and not has_devfs(config):
        problems.add("/freebsd/devices", "needs a mount of type devfs on /dev")


def check_word(value: str | None, words: tuple[str, ...], where: str, problems: Problems) -> None:
    """One of some words, or nothing."""
    if value is not None and value not in words:
        problems.add(where, f"must be one of {', '.join(words)}, not {quoted(value)}")


def check_host(config: Config, jail: Jail, problems: Problems) -> None:
    """Names of its own need a host of its own (JAIL-CFG-02)."""
    check_word(jail.host, ("new", "inherit"), f"{WHERE}/host", problems)
    for name in ("hostname", "domainname"):
        value = getattr(config, name)
        if value and jail.host == "inherit":
            problems.add(f"/{name}", f"cannot be set: #{WHERE}/host is inherit", f"{WHERE}/host")
        if value and (len(value.encode()) > 255 or any(ord(letter) < 33 for letter in value)):
            problems.add(f"/{name}", "must have at most 255 bytes, without blanks")


def check_family(jail: Jail, family: int, problems: Problems, warnings: list[str]) -> None:
    """How a stack is shared and which addresses of it (JAIL-CFG-03)."""
    mode, addresses = (jail.ip4, jail.ip4_addr) if family == 4 else (jail.ip6, jail.ip6_addr)
    where = f"{WHERE}/ip{family}"
    check_word(mode, SHARING, where, problems)
    if addresses and mode == "disable":
        problems.add(f"{where}Addr", f"cannot be given: #{where} is disable", where)
    if mode == "new" and not addresses:
        warnings.append(f"{where} is new and no address is given: the container has none to use")
    for index, address in enumerate(addresses):
        try:
            canonical(address, family)
        except ValueError:
            problems.add(f"{where}Addr/{index}", f"{quoted(address)} is not an IPv{family} address")


def check_vnet(jail: Jail, problems: Problems) -> None:
    """A network stack of its own goes with no share of the host's (JAIL-CFG-05)."""
    check_word(jail.vnet, WORDS["vnet"], f"{WHERE}/vnet", problems)
    if jail.vnet == "new":
        for name in ("ip4", "ip6"):
            if getattr(jail, name) in ("inherit", "new"):
                text = f"cannot be {getattr(jail, name)}: #{WHERE}/vnet is new"
                problems.add(f"{WHERE}/{name}", text, f"{WHERE}/vnet")
            if getattr(jail, f"{name}_addr"):
                text = f"cannot be given: #{WHERE}/vnet is new (vnet jails cannot have IP address restrictions)"
                problems.add(f"{WHERE}/{name}Addr", text, f"{WHERE}/vnet")
    elif jail.vnet_interfaces and not jail.parent:
        problems.add(f"{WHERE}/vnetInterfaces", f"needs #{WHERE}/vnet to be new", f"{WHERE}/vnet")
    for index, name in enumerate(jail.vnet_interfaces):
        check_interface_name(name, f"{WHERE}/vnetInterfaces/{index}", problems)


def check_interface(jail: Jail, problems: Problems) -> None:
    """The interface that gets the addresses as aliases."""
    if jail.interface is None:
        return
    where = f"{WHERE}/interface"
    check_interface_name(jail.interface, where, problems)
    if jail.vnet == "new":
        problems.add(where, f"cannot be given: #{WHERE}/vnet is new", f"{WHERE}/vnet")
    elif not jail.ip4_addr and not jail.ip6_addr:
        problems.add(where, f"needs #{WHERE}/ip4Addr or #{WHERE}/ip6Addr")


def check_interface_name(name: str, where: str, problems: Problems) -> None:
    """A name that an interface can have."""
    if not is_interface(name):
        problems.add(where, f"{quoted(name)} is no name of an interface")


def check_parent(parent: str | None, problems: Problems) -> None:
    """The name of a jail, never the number of one nor the host (JAIL-CFG-11)."""
    if parent is None:
        return
    if not is_parent(parent):
        problems.add(f"{WHERE}/parent", f"{quoted(parent)} is not the name of a jail")


def is_parent(name: str) -> bool:
    """Whether it is the name of a jail, with or without those of its own parents."""
    return all(is_plain(part) and not is_numeric(part) for part in name.split("."))


def check_statfs(jail: Jail, problems: Problems, warnings: list[str]) -> None:
    """0, 1 or 2 (JAIL-CFG-07)."""
    level = jail.enforce_statfs
    if level is None:
        return
    if level > 2:
        problems.add(f"{WHERE}/enforceStatfs", f"must be 0, 1 or 2, not {level}")
    if level == 0:
        warnings.append(f"{WHERE}/enforceStatfs is 0: the container sees every mount of the host")


def check_mountable(allow: JailAllow, jail: Jail, policy: Policy, problems: Problems) -> None:
    """Which file systems a jail may mount itself (JAIL-CFG-09)."""
    where = f"{WHERE}/allow/mount"
    for index, name in enumerate(allow.mount):
        if name not in (*MOUNTABLE, *policy.mount_types):
            problems.add(f"{where}/{index}", f"{quoted(name)} is no file system that a jail may be let mount")
        elif name == "nullfs" and not policy.nullfs:
            text = (
                "a jail that mounts nullfs can be left (CVE-2025-15547): jail.allow-nullfs in ringfence.toml permits it"
            )
            problems.add(f"{where}/{index}", text)
    if allow.mount and jail.enforce_statfs in (None, 2):
        problems.add(where, f"needs #{WHERE}/enforceStatfs below 2", f"{WHERE}/enforceStatfs")


def check_device(device: FreeBSDDevice, where: str, problems: Problems) -> None:
    """A plain path below /dev and a mode (JAIL-CFG-12)."""
    parts = device.path.split("/")
    if not all(parts) or ".." in parts or "." in parts or any(c in GLOB or ord(c) < 33 for c in device.path):
        problems.add(f"{where}/path", f"{quoted(device.path)} is not the path of a node below /dev")
    if device.mode is not None and device.mode > 0o777:
        problems.add(f"{where}/mode", f"must be at most {0o777}, not {device.mode}")


def has_devfs(config: Config) -> bool:
    """Whether the config shows devices at /dev."""
    return any(mount.type == "devfs" and normpath(mount.destination) == "/dev" for mount in config.mounts)
