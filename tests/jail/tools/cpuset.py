"""cpuset(1) for jails."""

from __future__ import annotations

from tests.jail.tools.state import fail, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.jail.tools.state import Jail, State

USAGE = "usage: cpuset [-l cpu-list] [-n policy:domain-list] [-s setid] cmd ..."


def main(state: State, words: list[str], _: str) -> int:
    """``-g -j JAIL`` and ``-l LIST -j JAIL``."""
    get, cpus, wanted, rest = False, "", "", list(words)
    while rest:
        word = rest.pop(0)
        if word == "-g":
            get = True
        elif word in ("-l", "-j") and rest:
            value = rest.pop(0)
            cpus, wanted = (value, wanted) if word == "-l" else (cpus, value)
        else:
            fail(USAGE)
    jail = state.find(wanted)
    if jail is None:
        fail(f"cpuset: jail {wanted} not found")
    return show(state, jail) if get else change(state, jail, cpus)


def show(state: State, jail: Jail) -> int:
    """``-g``."""
    all_of_them = range(int(state.data["sysctl"]["hw.ncpu"]))
    mask = state.data["cpus"].get(jail["jid"], list(all_of_them))
    say(f"jail {jail['jid']} mask: {', '.join(map(str, mask))}")
    return 0


def change(state: State, jail: Jail, cpus: str) -> int:
    """``-l``."""
    found: list[int] = []
    for part in cpus.split(","):
        first, dash, last = part.partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            fail("cpuset: malformed cpu-list " + cpus)
        found += range(int(first), int(last or first) + 1)
    if not found or max(found) >= int(state.data["sysctl"]["hw.ncpu"]):
        fail("cpuset: setaffinity: Invalid argument")
    state.data["cpus"][jail["jid"]] = sorted(set(found))
    return 0
