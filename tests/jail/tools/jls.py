"""jls(8): what it prints as text and by libxo."""

from __future__ import annotations

from tests.jail.tools.parameters import JAILSYS, LISTS, booleans
from tests.jail.tools.state import Ended, fail, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.jail.tools.state import Jail, State

USAGE = "usage: jls [-dhNnqv] [-j jail] [param ...]\n       jls -c [-d] -j jail"
HEADER = "   JID  IP Address      Hostname                      Path"
READ_ONLY = frozenset(("jid", "parent", "dying", "children.cur"))


def main(state: State, words: list[str], _: str) -> int:
    """Perform the call."""
    letters, wanted, json, names = options(words)
    known = parameters(state)
    for name in names:
        if name not in known and name != "all":
            fail(f"jls: unknown parameter: {name}")
    found, missing = chosen(state, wanted, "d" in letters)
    if json:
        say(document(state, found, names, letters))
    else:
        text(state, found, names, letters)
    if missing:
        fail(f"jls: jail {missing} not found" if missing.isdigit() else f'jls: jail "{missing}" not found')
    return 0


def options(words: list[str]) -> tuple[str, str, bool, list[str]]:
    """The letters, the jail of ``-j``, whether JSON is wanted, and the names of parameters."""
    letters, wanted, json, words = "", "", False, list(words)
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word == "--libxo" and words[:1] in (["json"], ["json,pretty"]):
            json = words.pop(0) == "json"
        elif word == "--libxo=json":
            json = True
        elif word == "-j" and words:
            wanted = words.pop(0)
        elif not word.startswith("--") and all(letter in "dhNnqsv" for letter in word[1:]):
            letters += word[1:]
        else:
            fail(f"jls: illegal option -- {word.lstrip('-')[:1]}\n{USAGE}")
    return letters, wanted, json, words


def parameters(state: State) -> frozenset[str]:
    """What may be asked for."""
    texts = (
        "name",
        "path",
        "parent",
        "jid",
        "dying",
        "children.max",
        "children.cur",
        "devfs_ruleset",
        "enforce_statfs",
    )
    host = ("host.hostname", "host.domainname", "host.hostuuid", "host.hostid", "osrelease", "osreldate", "securelevel")
    return (
        booleans(state) | JAILSYS - {"linux"} | (LISTS - {"vnet.interface"}) | frozenset((*texts, *host, "cpuset.id"))
    )


def chosen(state: State, wanted: str, dying: bool) -> tuple[list[Jail], str]:
    """The jails to show, and the word for which there is none."""
    if not wanted:
        shown = [state.jails[jid] for jid in sorted(state.jails)]
        return [jail for jail in shown if dying or jail["dying"] != "true"], ""
    jail = state.find(wanted)
    if jail is None or (jail["dying"] == "true" and not dying):
        return [], wanted
    return [jail], ""


def document(state: State, found: list[Jail], names: list[str], letters: str) -> str:
    """libxo's JSON: numbers only without names, booleans only with ``-n``, else all is text."""
    if not names and "n" not in letters and "s" not in letters:
        rows = [plain(jail) for jail in found]
    else:
        rows = [row(state, jail, names, letters) for jail in found]
    return '{"__version": "2", "jail-information": {"jail": [' + ",".join(rows) + "]}}"


def plain(jail: Jail) -> str:
    """The default columns."""
    first = jail["ip4.addr"].partition(",")[0]
    address = f'"ipv4":{quoted(first)},' if first else ""
    return f'{{"jid":{jail["jid"]},{address}"hostname":{quoted(jail["host.hostname"])},"path":{quoted(jail["path"])}}}'


def row(state: State, jail: Jail, names: list[str], letters: str) -> str:
    """The columns asked for."""
    parts: list[str] = []
    for name in names if names and names != ["all"] else sorted(parameters(state) - {"cpuset.id", "host.hostid"}):
        value = str(jail.get(name, "0"))
        if name in LISTS:
            listed = ",".join(quoted(one) for one in value.split(",") if one)
            parts.append(f" {quoted(name)}: [{listed}]" if parts else f"{quoted(name)}: [{listed}]")
        elif "n" in letters and value in ("true", "false"):
            parts.append(f"{quoted(name)}:{value}")
        else:
            parts.append(f"{quoted(name)}:{quoted(value)}")
    return "{" + ",".join(parts) + "}"


def quoted(value: str) -> str:
    """A JSON text."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def text(state: State, found: list[Jail], names: list[str], letters: str) -> None:
    """The text form; the header comes even before an error."""
    if not names and "n" not in letters and "s" not in letters:
        say(HEADER)
        for jail in found:
            address = jail["ip4.addr"].partition(",")[0]
            say(f"{jail['jid']:6}  {address:15.15} {jail['host.hostname']:29.29} {jail['path']:.74}")
        return
    if "s" in letters:
        raise Ended(1)
    shown = names if names and names != ["all"] else sorted(parameters(state) - {"cpuset.id", "host.hostid"})
    if "h" in letters:
        say(" ".join(shown))
    for jail in found:
        say(" ".join(cell(jail, name, "n" in letters) for name in shown))


def cell(jail: Jail, name: str, named: bool) -> str:
    """One value, with its name if asked for."""
    value = str(jail.get(name, "0"))
    if named and value in ("true", "false"):
        group, dot, last = name.rpartition(".")
        return name if value == "true" else f"{group}{dot}no{last}"
    if named:
        return f"{name}={value}"
    return value or ("-" if name in LISTS else '""')
