"""Which devices a container may use: the rules of config.json, brought into the form each cgroup version wants.

Nothing here touches the kernel. A list of rules is "allow all" or "deny all" and what differs from that.
"""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.record import Record
from ringfence.spec.types import DeviceRule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    Key = tuple[str, int, int]

POINTER = "/linux/resources/devices"
WILDCARD = -1
ACCESS = "rwm"

# What every container may use (LNX-DEVC-06; config-linux.md, Default Devices): make any node, use the standard ones.
ALWAYS_ALLOWED: tuple[tuple[str, int, int, str], ...] = (
    ("c", WILDCARD, WILDCARD, "m"),
    ("b", WILDCARD, WILDCARD, "m"),
    ("c", 1, 3, "rwm"),
    ("c", 1, 5, "rwm"),
    ("c", 1, 7, "rwm"),
    ("c", 1, 8, "rwm"),
    ("c", 1, 9, "rwm"),
    ("c", 5, 0, "rwm"),
    ("c", 5, 2, "rwm"),
    ("c", 136, WILDCARD, "rwm"),
)


class Change(Record):
    """One rule that narrows or widens what stands before it; ``access`` is made of r, w and m in that order."""

    allow: bool
    kind: str
    major: int
    minor: int
    access: str
    pointer: str = POINTER


def reduce(rules: tuple[DeviceRule, ...] | None) -> tuple[bool, list[Change]]:
    """Whether everything is allowed at first, and the changes after that, in order.

    A rule of type ``a`` starts anew whatever its numbers and access are (LNX-DEVC-05); without any, nothing is allowed
    but the default list (LNX-DEVC-07).
    """
    allow_all = False
    changes: list[Change] = []
    for index, rule in enumerate(rules or ()):
        if rule.type in (None, "", "a"):
            allow_all = rule.allow
            changes = []
            continue
        access = in_order(ACCESS if rule.access is None else rule.access)
        if access:
            kind, major, minor = rule.type or "", wildcard(rule.major), wildcard(rule.minor)
            changes.append(Change(rule.allow, kind, major, minor, access, f"{POINTER}/{index}"))
    changes.extend(Change(True, *always) for always in ALWAYS_ALLOWED)
    return allow_all, changes


def wildcard(number: int | None) -> int:
    """The number, or the wildcard for none (LNX-DEVC-04)."""
    return WILDCARD if number is None else number


def in_order(access: Iterable[str]) -> str:
    """The known letters of an access, each once, as devices.list shows them."""
    letters = set(access)
    return "".join(letter for letter in ACCESS if letter in letters)


def device_list(rules: tuple[DeviceRule, ...] | None) -> tuple[bool, dict[Key, str]]:
    """The rules as v1 can hold them: allow or deny all, and exceptions from that by device.

    Raises:
        RingfenceError: a rule takes away a part of what a wildcard gave, which v1 has no form for.
    """
    allow_all, changes = reduce(rules)
    exceptions: dict[Key, str] = {}
    for change in changes:
        if change.allow != allow_all:
            key = (change.kind, change.major, change.minor)
            exceptions[key] = in_order(exceptions.get(key, "") + change.access)
        else:
            take_back(exceptions, change)
    return allow_all, exceptions


def take_back(exceptions: dict[Key, str], change: Change) -> None:
    """Remove from the exceptions what a change covers."""
    for key, access in list(exceptions.items()):
        left = in_order(letter for letter in access if letter not in change.access)
        if left == access or not overlaps(key, change):
            continue
        if not covers(change, key):
            refuse_hole(change, key)
        elif left:
            exceptions[key] = left
        else:
            del exceptions[key]


def refuse_hole(change: Change, key: Key) -> None:
    """Object to a rule that would take a part out of a wildcard; our own rules do without that part."""
    if change.pointer == POINTER:
        return
    asked = line((change.kind, change.major, change.minor), change.access)
    raise RingfenceError(
        f"cgroup v1 cannot make an exception for device {asked} from {line(key, change.access)}",
        field=change.pointer,
        hint="list the devices instead of a wildcard, or use cgroup v2",
    )


def overlaps(key: Key, change: Change) -> bool:
    """Whether some device matches both."""
    kind, major, minor = key
    return kind == change.kind and meets(major, change.major) and meets(minor, change.minor)


def meets(one: int, other: int) -> bool:
    """Whether two numbers, either of them perhaps a wildcard, can be the same."""
    return WILDCARD in (one, other) or one == other


def covers(change: Change, key: Key) -> bool:
    """Whether every device that matches the key matches the change."""
    _kind, major, minor = key
    return change.major in (WILDCARD, major) and change.minor in (WILDCARD, minor)


def line(key: Key, access: str) -> str:
    """``c 136:* rwm``, as devices.allow, devices.deny and devices.list hold it."""
    kind, major, minor = key
    return f"{kind} {number(major)}:{number(minor)} {access}"


def number(value: int) -> str:
    """A device number, or ``*``."""
    return "*" if value == WILDCARD else str(value)


def parse_list(text: str) -> tuple[bool, dict[Key, str]]:
    """devices.list as data; the kernel shows ``a *:* rwm`` alone when everything is allowed, exceptions or not."""
    exceptions: dict[Key, str] = {}
    for entry in text.splitlines():
        kind, numbers, access = entry.split()
        if kind == "a":
            return True, {}
        major, minor = (WILDCARD if part == "*" else int(part) for part in numbers.split(":"))
        exceptions[kind, major, minor] = access
    return False, exceptions


def difference(text: str, allow_all: bool, rules: tuple[str, ...]) -> list[tuple[str, str]]:
    """What to write, as (file, line), to come from a devices.list to the wished list; widening goes first.

    A list that allows all hides its exceptions, so it is always started anew: the cgroup is empty then.
    """
    now_all, now = parse_list(text)
    wished = parse_list("\n".join(rules))[1]
    if allow_all:
        return [("devices.allow", "a"), *(("devices.deny", rule) for rule in rules)]
    if now_all:
        return [("devices.deny", "a"), *(("devices.allow", rule) for rule in rules)]
    return [("devices.allow", entry) for entry in missing(wished, now)] + [
        ("devices.deny", entry) for entry in missing(now, wished)
    ]


def missing(wished: dict[Key, str], held: dict[Key, str]) -> list[str]:
    """The lines of ``wished`` that ``held`` does not have, with only the access that is missing."""
    lines = []
    for key, access in wished.items():
        rest = in_order(letter for letter in access if letter not in held.get(key, ""))
        if rest:
            lines.append(line(key, rest))
    return lines
