"""rctl(8): rules of jails, which outlive the jails, and what these use."""

from __future__ import annotations

from tests.jail.tools.state import fail, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.jail.tools.state import State

RESOURCES_TEXT = """
    cputime datasize stacksize coredumpsize memoryuse memorylocked maxproc openfiles vmemoryuse pseudoterminals
    swapuse nthr msgqqueued msgqsize nmsgq nsem nsemop nshm shmsize wallclock pcpu readbps writebps readiops
    writeiops"""
RESOURCES = tuple(RESOURCES_TEXT.split())
THROTTLED = frozenset(("readbps", "writebps", "readiops", "writeiops"))
ACTIONS = frozenset(("deny", "log", "devctl", "throttle"))
OFF = "rctl: RACCT/RCTL present, but disabled; enable using kern.racct.enable=1 tunable"
ABSENT = "rctl: RACCT/RCTL support not present in kernel; see rctl(8) for details"
USAGE = "usage: rctl [ -h ] [filter [...]]\n       rctl -a [...]\n       rctl -r [...]\n       rctl -u [...]"


def main(state: State, words: list[str], _: str) -> int:
    """Perform the call."""
    switch = state.data["sysctl"].get("kern.racct.enable")
    if switch != "1":
        fail(ABSENT if switch is None else OFF)
    mode = words[0] if words and words[0].startswith("-") else ""
    rest = words[1:] if mode else words
    if mode not in ("", "-a", "-r", "-u", "-l", "-h") or (mode in ("-a", "-r", "-u", "-l") and not rest):
        fail(USAGE)
    return max([one(state, mode, word) for word in rest] or [every(state)])


def every(state: State) -> int:
    """All rules."""
    for rule in state.data["rules"]:
        say(rule)
    return 0


def one(state: State, mode: str, word: str) -> int:
    """One rule or filter."""
    if mode == "-a":
        return add(state, word)
    if mode == "-r":
        return remove(state, word)
    if mode == "-u":
        return usage(state, word)
    if mode == "-l":
        fail(f"rctl: failed to show limits for '{word}': Operation not supported")
    for rule in matching(state, word):
        say(rule)
    return 0


def add(state: State, rule: str) -> int:
    """``-a``."""
    parts = rule.split(":")
    action, _, amount = parts[-1].partition("=")
    number = amount.partition("/")[0]
    known = len(parts) == 4 and parts[0] == "jail" and parts[2] in RESOURCES and action in ACTIONS and number.isdigit()
    if not known:
        fail(f"rctl: failed to add rule '{rule}': Invalid argument")
    if (parts[2] in THROTTLED) != (action == "throttle"):
        fail(f"rctl: failed to add rule '{rule}': Operation not supported")
    state.data["rules"].append(rule)
    return 0


def matching(state: State, word: str) -> list[str]:
    """The rules that a filter, whose empty parts fit all, means."""
    parts = word.split(":")
    found = []
    for rule in state.data["rules"]:
        held = rule.split(":")
        action, _, amount = held[3].partition("=")
        wanted = [*parts, "", "", "", ""][:4]
        kind, _, number = wanted[3].partition("=")
        pairs = [*zip(wanted[:3], held[:3]), (kind, action), (number, amount)]
        if all(part in ("", value) for part, value in pairs):
            found.append(rule)
    return found


def remove(state: State, word: str) -> int:
    """``-r``."""
    gone = matching(state, word)
    if not gone:
        fail(f"rctl: failed to remove rule '{word}': No such process")
    state.data["rules"] = [rule for rule in state.data["rules"] if rule not in gone]
    return 0


def usage(state: State, word: str) -> int:
    """``-u``; zeros for a jail that is not there."""
    kind, _, name = word.partition(":")
    if kind != "jail":
        fail(f"rctl: failed to show usage for '{word}': Invalid argument")
    used = dict(state.data["usage"].get(name.rstrip(":"), {}))
    jail = state.find(name.rstrip(":"))
    if jail is not None:
        used.setdefault("maxproc", len(state.members(jail["jid"])))
    for resource in RESOURCES:
        say(f"{resource}={used.get(resource, 0)}")
    return 0
