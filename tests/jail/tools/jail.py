"""jail(8) without a configuration file: ``-c``, ``-m``, ``-r`` and ``-R``. Its status is always 0 or 1."""

from __future__ import annotations

import posix

from tests.jail.tools.parameters import fresh, parsed
from tests.jail.tools.state import as_number, fail, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.jail.tools.state import Jail, State

USAGE = """usage: jail [-dhilqv] [-J jid_file] [-u username] [-U username]
            -[cmr] param=value ... [command=command ...]
       jail [-dqv] [-f file] -[cmr] [jail]
       jail [-qv] [-f file] -[rR] ['*' | jail ...]
       jail [-dhilqv] [-J jid_file] [-u username] [-U username] [-n jailname]
            [-s securelevel]
            path hostname [ip[,...]] command ..."""
LONGEST = 255
STOP_TIMEOUT = 10.0
TERM, KILL = 15, 9


def main(state: State, words: list[str], _: str) -> int:
    """Perform the call."""
    letters, rest = options(words)
    modes = [letter for letter in letters if letter in "cmrR"]
    if not modes or not rest:
        fail(USAGE)
    if modes[0] in "rR":
        return max(remove(state, word, modes[0]) for word in rest)
    given = arguments(state, rest)
    if modes == ["c"]:
        return create(state, given, letters)
    return modify(state, given)


def options(words: list[str]) -> tuple[str, list[str]]:
    """The letters given, and the words behind them; options with a value are not played."""
    letters = ""
    for number, word in enumerate(words):
        if not word.startswith("-") or word == "-":
            return letters, words[number:]
        if any(letter not in "cmrRiqvd" for letter in word[1:]):
            fail(f"jail: illegal option -- {word[1]}\n{USAGE}")
        letters += word[1:]
    return letters, []


def arguments(state: State, words: list[str]) -> dict[str, str]:
    """The parameters; the last of a name counts."""
    given: dict[str, str] = {}
    for word in words:
        if "=" not in word and word.partition(".")[0] not in ("allow", "persist", "nopersist", "vnet", "ip4", "ip6"):
            fail(f"jail: unknown parameter: {word}")
        name, value = parsed(state, word)
        given[name] = value
    return given


def create(state: State, given: dict[str, str], letters: str) -> int:
    """``-c``."""
    name = given.get("name", "")
    if name and state.find(name):
        taken = state.find(name)
        assert taken is not None
        fail(f"jail: jail {name} is dying" if taken["dying"] == "true" else f'jail: "{name}" already exists')
    if given.get("persist") != "true":
        fail("jail: new jail must persist or attach")
    if len(name.encode()) > LONGEST:
        fail("jail: jail_set: File name too long")
    parent = parent_of(state, name)
    check(given)
    jid = number_for(state, name)
    if parent is not None:
        parent["children.cur"] = str(len(state.below(parent)) + 1)
    jail = {**fresh(state), **given, **network(given), "jid": jid, "parent": parent["jid"] if parent else 0}
    jail["name"] = name or str(jid)
    state.jails[jid] = jail
    state.write_path(jail)
    if "i" in letters:
        say(str(jid))
    return 0


def number_for(state: State, name: str) -> int:
    """The JID of a new jail: a numeric name is it, else the next free one."""
    number = as_number(name)
    if number is not None:
        if str(number) != name:
            fail("jail: name cannot be numeric (unless it is the jid)")
        return number
    while state.data["next"] in state.jails:
        state.data["next"] += 1
    jid: int = state.data["next"]
    state.data["next"] += 1
    return jid


def parent_of(state: State, name: str) -> Jail | None:
    """The jail that a name with dots puts the new one into, which must have room."""
    above = name.rpartition(".")[0]
    if not above:
        return None
    parent = state.find(above)
    if parent is None:
        fail(f'jail: jail "{above}" not found')
    inside = len(state.below(parent))
    if inside >= int(parent["children.max"]):
        fail("jail: prison limit exceeded")
    return parent


def check(given: dict[str, str]) -> None:
    """What the kernel refuses."""
    path = given.get("path", "/")
    try:
        posix.stat(path)
    except OSError:
        fail(f"jail: path {path}: No such file or directory")
    if given.get("vnet") == "new" and any(key in given for key in ("ip4", "ip4.addr", "ip6", "ip6.addr")):
        fail("jail: vnet jails cannot have IP address restrictions")
    if not 0 <= int(given.get("enforce_statfs", "2")) <= 2:
        fail("jail: jail_set: Invalid argument")


def network(given: dict[str, str]) -> dict[str, str]:
    """What follows for the stacks from what was given."""
    found = {}
    for family in ("ip4", "ip6"):
        if given.get(f"{family}.addr") and family not in given:
            found[family] = "new"
        if given.get("vnet") == "new":
            found[family] = "new"
    if "host" not in given and given.get("host.hostname"):
        found["host"] = "new"
    return found


def modify(state: State, given: dict[str, str]) -> int:
    """``-m``."""
    name = given.get("name") or given.get("jid", "")
    jail = state.find(name)
    if jail is None:
        fail(f'jail: "{name}" not found')
    for key in ("path", "vnet", "osrelease"):
        if key in given and given[key] != jail[key]:
            fail(f"jail: {key} cannot be changed after creation")
    jail.update({key: value for key, value in given.items() if key not in ("name", "jid")})
    return 0


def remove(state: State, word: str, mode: str) -> int:
    """``-r`` or ``-R``: TERM to all, as long a wait as they need, KILL."""
    if word == "*":
        for jail in list(state.jails.values()) if mode == "R" else []:
            if jail["jid"] in state.jails:
                remove(state, str(jail["jid"]), mode)
        return 0
    found = state.find(word)
    if found is None:
        say(f'jail: "{word}" not found', 2)
        return 1
    everyone = [*state.below(found), found]
    signal(state, everyone, TERM)
    waited = 0.0
    while waited < STOP_TIMEOUT and living(state, everyone):
        state.data["waited"] += 1
        state.pause()
        waited += 0.02
    signal(state, everyone, KILL)
    parent = state.jails.get(found["parent"])
    for one in everyone:
        state.drop(one)
    if parent is not None:
        parent["children.cur"] = str(len(state.below(parent)))
    return 0


def living(state: State, jails: list[Jail]) -> list[int]:
    """Their processes that are no zombies."""
    found = [pid for jail in jails for pid in state.members(jail["jid"])]
    return [pid for pid in found if stat_letter(pid) not in ("Z", "")]


def stat_letter(pid: int) -> str:
    """The state of a process."""
    from tests.jail.tools.state import read

    fields = read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return fields[0].decode() if fields else ""


def signal(state: State, jails: list[Jail], number: int) -> None:
    """Send a signal to all processes of jails."""
    for pid in living(state, jails):
        try:
            posix.kill(pid, number)
        except ProcessLookupError:
            continue
