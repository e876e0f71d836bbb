"""ifconfig(8): lists, addresses, and moving an interface into a jail and back."""

from __future__ import annotations

from tests.jail.tools.state import as_number, fail, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tests.jail.tools.state import State

ADDRESS_GONE = "ifconfig: ioctl (SIOCDIFADDR): Can't assign requested address"


def main(state: State, words: list[str], _: str) -> int:
    """Perform the call."""
    held = state.data["interfaces"]
    if words in (["-l"], ["-a"], []):
        names = [name for name in held if not held[name]["vnet"]]
        say(" ".join(names)) if words == ["-l"] else [show(name, held[name]) for name in names]
        return 0
    if words == ["epair", "create"]:
        return create(held)
    name, rest = words[0], words[1:]
    if name not in held or (held[name]["vnet"] and rest[:1] != ["-vnet"]):
        fail(f"ifconfig: interface {name} does not exist")
    if not rest:
        return show(name, held[name])
    if rest[0] in ("vnet", "-vnet") and len(rest) == 2:
        return move(state, name, rest)
    if rest == ["destroy"]:
        for other in [one for one in held if one[:-1] == name[:-1] and name.startswith("epair")]:
            del held[other]
        return 0
    return address(held[name], rest)


def create(held: dict[str, Any]) -> int:
    """``epair create``: a pair, whose first is printed."""
    number = next(number for number in range(len(held) + 1) if f"epair{number}a" not in held)
    for side in "ab":
        held[f"epair{number}{side}"] = {"inet": [], "inet6": [], "vnet": 0}
    say(f"epair{number}a")
    return 0


def show(name: str, held: dict[str, Any]) -> int:
    """One interface."""
    say(f"{name}: flags=1008049<UP,LOOPBACK,RUNNING,MULTICAST,LOWER_UP> metric 0 mtu 16384")
    for one in held["inet"]:
        plain, _, bits = one.partition("/")
        mask = (0xFFFFFFFF << (32 - int(bits or 32))) & 0xFFFFFFFF
        say(f"\tinet {plain} netmask 0x{mask:08x}")
    for one in held["inet6"]:
        plain, _, bits = one.partition("/")
        say(f"\tinet6 {plain} prefixlen {bits or 128}")
    return 0


def move(state: State, name: str, rest: list[str]) -> int:
    """``vnet JID`` and ``-vnet JID``; a jail is named by JID or name."""
    jail = state.find(rest[1])
    if jail is None or (as_number(rest[1]) is None and jail is None):
        fail(f"ifconfig: jail {rest[1]!s} not found".replace("'", ""))
    interface = state.data["interfaces"][name]
    if rest[0] == "vnet":
        if jail["vnet"] != "new":
            fail("ifconfig: ioctl (SIOCSIFVNET): Invalid argument")
        interface["vnet"] = jail["jid"]
    elif interface["vnet"] != jail["jid"]:
        fail(f"ifconfig: interface {name} does not exist")
    else:
        interface["vnet"] = 0
    return 0


def address(interface: dict[str, Any], rest: list[str]) -> int:
    """``inet|inet6 ADDRESS[/BITS] [prefixlen BITS] alias|-alias``."""
    family, words = (rest[0], rest[1:]) if rest[0] in ("inet", "inet6") else ("inet", rest)
    action = [word for word in words if word in ("alias", "-alias", "add", "delete", "remove")]
    if not words or len(action) != 1:
        fail(f"ifconfig: {rest[-1]}: bad value")
    plain, _, bits = words[0].partition("/")
    if "prefixlen" in words:
        bits = words[words.index("prefixlen") + 1]
    listed = interface[family]
    same = [one for one in listed if one.partition("/")[0] == plain]
    if action[0] in ("alias", "add"):
        if not same:
            listed.append(f"{plain}/{bits or ('32' if family == 'inet' else '128')}")
        return 0
    if not same:
        fail(ADDRESS_GONE)
    listed.remove(same[0])
    return 0
