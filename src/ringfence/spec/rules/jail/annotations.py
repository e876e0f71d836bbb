"""Annotations ``org.freebsd.*``, a second spelling of the freebsd section as ocijail reads them (JAIL-CFG-15).

Their values are parsed to words of the section and never go anywhere else; the section's own rules come behind.
"""

from __future__ import annotations

from ringfence.spec.problems import bare, escape, quoted
from ringfence.spec.rules.jail.addresses import canonical
from ringfence.spec.rules.jail.parameters import WORDS, is_parent
from ringfence.spec.types import FreeBSD, Jail, JailAllow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.spec.problems import Problems
    from ringfence.spec.types import Config

PREFIX = "org.freebsd."
TEXTS = {
    "org.freebsd.parentJail": "parent",
    "org.freebsd.jail.vnet": "vnet",
    "org.freebsd.jail.sysvmsg": "sysvmsg",
    "org.freebsd.jail.sysvsem": "sysvsem",
    "org.freebsd.jail.sysvshm": "sysvshm",
}
LISTS = {"org.freebsd.jail.ip4.addr": "ip4_addr", "org.freebsd.jail.ip6.addr": "ip6_addr"}
ALLOW = "org.freebsd.jail.allow."
ALLOWED = {
    "set_hostname": "set_hostname",
    "raw_sockets": "raw_sockets",
    "chflags": "chflags",
    "quotas": "quotas",
    "socket_af": "socket_af",
    "mlock": "mlock",
    "reserved_ports": "reserved_ports",
    "suser": "suser",
}
TRUE = ("true", "1")
FALSE = ("false", "0")
KEYS = (*TEXTS, *LISTS, *(ALLOW + name for name in ALLOWED))
"""All of them; ``features`` lists them as potentially unsafe (JAIL-CFG-16)."""


def with_annotations(config: Config, problems: Problems, warnings: list[str]) -> Config:
    """The config with what its annotations say in the freebsd section; where both speak they have to agree."""
    asked, allow = said(config.annotations, problems, warnings)
    if not asked and not allow:
        return config
    section = config.freebsd or FreeBSD()
    jail = section.jail or Jail()
    values = merged(dict(jail.items()), asked, "/freebsd/jail", problems)
    if allow:
        own = jail.allow or JailAllow()
        values["allow"] = JailAllow(**merged(dict(own.items()), allow, "/freebsd/jail/allow", problems))
    section = FreeBSD(devices=section.devices, jail=Jail(**values))
    return type(config)(**{**dict(config.items()), "freebsd": section})


Asked = dict[str, tuple[str, object]]


def said(annotations: dict[str, str], problems: Problems, warnings: list[str]) -> tuple[Asked, Asked]:
    """What the annotations ask for, by the fields of Jail and of JailAllow: the key and the value."""
    jail: Asked = {}
    allow: Asked = {}
    for key, text in annotations.items():
        if key in TEXTS:
            if is_word(TEXTS[key], text):
                jail[TEXTS[key]] = (key, text)
            else:
                problems.add(f"/annotations/{escape(key)}", f"{quoted(text)} is not understood")
        elif key in LISTS:
            addresses = tuple(part.strip() for part in text.split(","))
            if all(is_address(address, LISTS[key]) for address in addresses):
                jail[LISTS[key]] = (key, addresses)
            else:
                problems.add(f"/annotations/{escape(key)}", f"{quoted(text)} is no list of addresses")
        elif key.startswith(ALLOW):
            name = key.removeprefix(ALLOW)
            if name not in ALLOWED:
                warnings.append(f"the annotation {bare(key)} is not known and ignored")
            elif text in (*TRUE, *FALSE):
                allow[ALLOWED[name]] = (key, text in TRUE)
            else:
                problems.add(f"/annotations/{escape(key)}", f"must be true or false, not {quoted(text)}")
    return jail, allow


def is_word(field: str, text: str) -> bool:
    """Whether a field of the section may hold a text."""
    if field == "parent":
        return is_parent(text)
    return text in WORDS[field]


def is_address(text: str, field: str) -> bool:
    """Whether it is an address of the family that the field is about."""
    try:
        canonical(text, 4 if field == "ip4_addr" else 6)
    except ValueError:
        return False
    return True


def merged(own: dict[str, Any], asked: Asked, where: str, problems: Problems) -> dict[str, Any]:
    """Fields with what annotations ask for (JAIL-CFG-15)."""
    from ringfence.spec.load import json_name

    for field, (key, value) in asked.items():
        before = own[field]
        if before not in (None, ()) and before != value:
            text = f"the annotation {bare(key)} contradicts {where}/{json_name(field)}"
            problems.add(f"/annotations/{escape(key)}", text, f"{where}/{json_name(field)}")
            continue
        own[field] = value
    return own
