"""ps(1) of FreeBSD, told from /proc of Linux."""

from __future__ import annotations

import time

from tests.jail.tools.jls import quoted
from tests.jail.tools.state import Ended, fail, read, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.jail.tools.state import State

USAGE = "usage: ps [--libxo] [-aCcdefHhjlmrSTuvwXxZ] [-O fmt | -o fmt]\n          [-G gid[,gid...]] [-J jid[,jid...]]"
TICKS = 100
HEADERS = {
    "pid": "PID",
    "ppid": "PPID",
    "pgid": "PGID",
    "jid": "JID",
    "jail": "JAIL",
    "stat": "STAT",
    "state": "STAT",
    "lstart": "STARTED",
    "etimes": "ELAPSED",
    "command": "COMMAND",
    "args": "COMMAND",
    "comm": "COMMAND",
    "user": "USER",
    "uid": "UID",
    "tty": "TTY",
    "tt": "TT",
    "time": "TIME",
}
KEYS = {
    "jid": "jail-id",
    "jail": "jail-name",
    "stat": "state",
    "args": "command",
    "comm": "command",
    "lstart": "start-time",
    "etimes": "elapsed-times",
}
NUMBERS = frozenset(("pid", "ppid", "pgid", "jid", "uid", "etimes"))
DEFAULT = ("pid", "tt", "stat", "time", "command")


class Line:
    """One process."""

    def __init__(self, state: State, pid: int, jid: int) -> None:
        self.pid = pid
        self.jid = jid
        head, _, rest = read(f"/proc/{pid}/stat").decode("utf-8", "replace").rpartition(")")
        self.name = head.partition("(")[2]
        self.fields = rest.split()
        jail = state.jails.get(jid)
        self.jail = jail["name"] if jail else "-"

    def value(self, keyword: str) -> str:
        """What stands in a column."""
        return VALUES[keyword](self)

    def stat(self) -> str:
        """The state with its letters behind."""
        letter = {"t": "T", "I": "D"}.get(self.fields[0], self.fields[0])
        leader = "s" if self.fields[3] == str(self.pid) else ""
        front = "+" if self.fields[5] != "-1" and self.fields[5] == self.fields[2] else ""
        return letter + leader + front + ("J" if self.jid else "")

    def command(self) -> str:
        """The words, or the name of one that has none any more."""
        if self.fields[0] == "Z":
            return "<defunct>"
        words = read(f"/proc/{self.pid}/cmdline").decode("utf-8", "replace").rstrip("\0").split("\0")
        return " ".join(words) if words[0] else f"[{self.name}]"

    def started(self) -> str:
        """When it was started, as %c of the C locale."""
        booted = next(line for line in read("/proc/stat").decode().splitlines() if line.startswith("btime "))
        return time.strftime(
            "%a %b %e %H:%M:%S %Y", time.gmtime(int(booted.split()[1]) + int(self.fields[19]) // TICKS)
        )

    def elapsed(self) -> str:
        """For how many seconds there has been the process."""
        return str(int(float(read("/proc/uptime").split()[0]) - int(self.fields[19]) / TICKS))

    def cpu_time(self) -> str:
        """User and system time."""
        ticks = int(self.fields[11]) + int(self.fields[12])
        return f"{ticks // 6000}:{ticks // TICKS % 60:02}.{ticks % TICKS:02}"

    def uid(self) -> str:
        """The effective user."""
        lines = read(f"/proc/{self.pid}/status").decode("utf-8", "replace").splitlines()
        return next((line.split()[2] for line in lines if line.startswith("Uid:")), "0")


VALUES: dict[str, Callable[[Line], str]] = {
    "pid": lambda line: str(line.pid),
    "ppid": lambda line: line.fields[1],
    "pgid": lambda line: line.fields[2],
    "jid": lambda line: str(line.jid),
    "jail": lambda line: line.jail,
    "stat": Line.stat,
    "state": Line.stat,
    "lstart": Line.started,
    "etimes": Line.elapsed,
    "command": Line.command,
    "args": Line.command,
    "comm": lambda line: line.name,
    "user": lambda line: {"0": "root"}.get(line.uid(), line.uid()),
    "uid": Line.uid,
    "tty": lambda line: "-",
    "tt": lambda line: "-",
    "time": Line.cpu_time,
}


class Asked:
    """The words of a call."""

    def __init__(self, words: list[str]) -> None:
        self.letters = ""
        self.columns: list[tuple[str, str]] = []
        self.jails: list[str] = []
        self.pids: list[int] = []
        self.json = False
        rest = list(words)
        while rest:
            self.take(rest.pop(0), rest)

    def take(self, word: str, rest: list[str]) -> None:
        """Read one option."""
        if word in ("--libxo", "--libxo=json"):
            self.json = word != "--libxo" or rest.pop(0) == "json"
            return
        if not word.startswith("-") or word.startswith("--"):
            fail(f"ps: illegal argument: {word}\n{USAGE}")
        for number, letter in enumerate(word[1:], 2):
            if letter in "oJp":
                value = word[number:] or (rest.pop(0) if rest else fail(USAGE))
                self.valued(letter, value)
                return
            if letter not in "awxdAHh":
                fail(f"ps: illegal option -- {letter}\n{USAGE}")
            self.letters += letter

    def valued(self, letter: str, value: str) -> None:
        """Read an option's value."""
        if letter == "J":
            self.jails += value.split(",")
        elif letter == "p":
            self.pids += [number(word) for word in value.replace(" ", ",").split(",") if word]
        else:
            self.columns += formats(value)


def number(word: str) -> int:
    """A pid."""
    if not word.isdigit():
        fail(f"ps: Invalid process id: {word}")
    return int(word)


def formats(value: str) -> list[tuple[str, str]]:
    """Keywords and headers of one ``-o``: behind ``=`` all is the header, commas too."""
    found: list[tuple[str, str]] = []
    while value:
        word, mark, after = value.partition(",")
        name, equals, header = word.partition("=")
        if name not in HEADERS:
            fail(f"ps: {name}: keyword not found\nps: no valid keywords; valid keywords:")
        if equals:
            return [*found, (name, header + mark + after)]
        found.append((name, HEADERS[name]))
        value = after
    return found


def main(state: State, words: list[str], _: str) -> int:
    """Perform the call."""
    asked = Asked(words)
    jids = [jid_of_word(state, word) for word in asked.jails]
    columns = asked.columns or [(name, HEADERS[name]) for name in DEFAULT]
    lines = [Line(state, pid, jid) for pid, jid in state.processes() if selected(asked, jids, pid, jid)]
    lines = [line for line in lines if line.fields]
    if asked.json:
        say(document(lines, columns))
    else:
        table(lines, columns)
    raise Ended(0 if lines else 1)


def jid_of_word(state: State, word: str) -> int:
    """The jail of ``-J``; 0 is the host."""
    jail = state.find(word)
    if jail is None and word != "0":
        fail(f"ps: Invalid jail id: {word}")
    return jail["jid"] if jail else 0


def selected(asked: Asked, jids: list[int], pid: int, jid: int) -> bool:
    """Whether a process is to be shown."""
    if asked.pids or jids:
        return pid in asked.pids or jid in jids
    return "x" in asked.letters or "A" in asked.letters


def document(lines: list[Line], columns: list[tuple[str, str]]) -> str:
    """libxo's JSON; all values are texts."""
    rows = []
    for line in lines:
        cells = [f"{quoted(KEYS.get(name, name))}:{quoted(line.value(name))}" for name, _ in columns]
        rows.append("{" + ",".join(cells) + "}")
    return '{"process-information": {"process": [' + ", ".join(rows) + "]}}"


def table(lines: list[Line], columns: list[tuple[str, str]]) -> None:
    """Columns as wide as their widest value; without any header the line of headers is left out."""
    rows = [[line.value(name) for name, _ in columns] for line in lines]
    headers = [header for _, header in columns]
    widths = [max(map(len, column)) for column in zip(headers, *rows)]
    for row in [headers, *rows] if any(headers) else rows:
        cells = [
            cell.rjust(width) if name in NUMBERS else cell.ljust(width)
            for cell, width, (name, _) in zip(row, widths, columns)
        ]
        say(" ".join(cells).rstrip())
