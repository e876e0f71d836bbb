"""The freebsd section as parameters of jail(8), each with the field that asked for it (JAIL-CFG-02 to 09)."""

from __future__ import annotations

from ringfence.drivers.jail.devices import OWN_RULESET
from ringfence.spec.rules.jail.addresses import canonical
from ringfence.spec.types import FreeBSD, Jail, JailAllow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import Config

WHERE = "/freebsd/jail"
DEVFS = "devfs"
SYSV = ("sysvmsg", "sysvsem", "sysvshm")
ALLOW = (
    ("set_hostname", "setHostname", "set_hostname"),
    ("raw_sockets", "rawSockets", "raw_sockets"),
    ("chflags", "chflags", "chflags"),
    ("quotas", "quotas", "quotas"),
    ("socket_af", "socketAf", "socket_af"),
    ("mlock", "mlock", "mlock"),
    ("reserved_ports", "reservedPorts", "reserved_ports"),
    ("suser", "suser", "suser"),
)

Words = list[tuple[str, str]]
"""Pairs of a JSON pointer and a parameter."""


def jail_of(config: Config) -> Jail:
    """The jail's own section; all its fields are absent if there is none."""
    return (config.freebsd or FreeBSD()).jail or Jail()


def with_looser_defaults(config: Config) -> Config:
    """What ocijail allows where nothing is said, if the administrator wants it so (JAIL-COMPAT-06)."""
    jail = jail_of(config)
    own = jail.allow or JailAllow()
    loose = {name: True for name in ("raw_sockets", "chflags") if getattr(own, name) is None}
    values = {**dict(jail.items()), "allow": JailAllow(**{**dict(own.items()), **loose})}
    if jail.enforce_statfs is None:
        values["enforce_statfs"] = 1
    if jail.host is None and not config.hostname:
        values["host"] = "inherit"
    for family in ("ip4", "ip6") if jail.vnet != "new" else ():
        if values[family] is None and not values[f"{family}_addr"]:
            values[family] = "inherit"
    section = FreeBSD(devices=(config.freebsd or FreeBSD()).devices, jail=Jail(**values))
    return type(config)(**{**dict(config.items()), "freebsd": section})


def parameters(config: Config) -> Words:
    """All but name, path and persist."""
    jail = jail_of(config)
    words = host_words(config, jail)
    words += [(f"{WHERE}/vnet", "vnet=new")] if jail.vnet == "new" else family_words(jail)
    for name in SYSV:
        words.append((f"{WHERE}/{name}", f"{name}={getattr(jail, name) or 'new'}"))
    level = 2 if jail.enforce_statfs is None else jail.enforce_statfs
    words.append((f"{WHERE}/enforceStatfs", f"enforce_statfs={level}"))
    return words + allow_words(jail.allow or JailAllow())


def host_words(config: Config, jail: Jail) -> Words:
    """Names of its own, empty without any, or the host's."""
    if jail.host == "inherit":
        return [(f"{WHERE}/host", "host=inherit")]
    words = [(f"{WHERE}/host", "host=new")]
    if config.hostname:
        words.append(("/hostname", f"host.hostname={config.hostname}"))
    if config.domainname:
        words.append(("/domainname", f"host.domainname={config.domainname}"))
    return words


def family_words(jail: Jail) -> Words:
    """Each stack: addresses alone, or the way it is shared. A child has what its parent has, any other jail nothing."""
    words: Words = []
    for family in (4, 6):
        mode, addresses = (jail.ip4, jail.ip4_addr) if family == 4 else (jail.ip6, jail.ip6_addr)
        if addresses:
            text = ",".join(canonical(address, family) for address in addresses)
            words.append((f"{WHERE}/ip{family}Addr", f"ip{family}.addr={text}"))
        else:
            words.append((f"{WHERE}/ip{family}", f"ip{family}={mode or ('inherit' if jail.parent else 'disable')}"))
    return words


def allow_words(allow: JailAllow) -> Words:
    """What is said; about all else the kernel has its own mind (JAIL-CFG-08)."""
    words: Words = []
    for field, name, parameter in ALLOW:
        value = getattr(allow, field)
        if value is not None:
            words.append((f"{WHERE}/allow/{name}", f"allow.{'' if value else 'no'}{parameter}"))
    if allow.mount:
        words.append((f"{WHERE}/allow/mount", "allow.mount"))
    for index, kind in enumerate(allow.mount):
        words.append((f"{WHERE}/allow/mount/{index}", f"allow.mount.{kind}"))
        if kind == DEVFS:
            # Without one a jail that mounts devfs itself would see all devices of the host.
            words.append((f"{WHERE}/allow/mount/{index}", f"devfs_ruleset={OWN_RULESET}"))
    return words


def notes(config: Config) -> tuple[str, ...]:
    """What ``explain`` says of what the config leaves open (JAIL-CFG-06, JAIL-CFG-08, JAIL-PAUSE-02)."""
    jail = jail_of(config)
    texts = []
    asked = (jail.ip4, jail.ip6, jail.ip4_addr, jail.ip6_addr, jail.vnet, jail.parent)
    if not any(asked):
        texts.append("nothing is said about networks: IPv4 and IPv6 are disabled")
    allow = jail.allow or JailAllow()
    if allow.set_hostname is None or allow.reserved_ports is None:
        texts.append("allow.setHostname and allow.reservedPorts are left to the kernel where they are not given")
    texts.append("there is no freezer: pause stops the processes by SIGSTOP, and a parent inside sees that")
    if config.hooks and config.hooks.create_container:
        texts.append("createContainer hooks run on the host: a process in a jail cannot use the host's files")
    return tuple(texts)
