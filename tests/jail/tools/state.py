"""What the stand-ins remember: one file, read and written whole under a lock, and the log of all calls."""

from __future__ import annotations

import fcntl
import marshal
import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    Jail = dict[str, Any]
    """The parameters of a jail as texts, with ``jid`` and ``parent`` as numbers."""

FIRST_SCORE = 100
"""A JID is kept as this much more in oom_score_adj, so that 0 stays the host's."""
FRESH: dict[str, Any] = {
    "jails": {},
    "next": 1,
    "mounts": [],
    "devfs": {},
    "rulesets": {},
    "rules": [],
    "cpus": {},
    "interfaces": {"lo0": {"inet": ["127.0.0.1/8"], "inet6": ["::1/128"], "vnet": 0}},
    "sysctl": {
        "security.jail.jailed": "0",
        "kern.racct.enable": "1",
        "kern.ngroups": "1023",
        "kern.osreldate": "1400509",
        "kern.osrelease": "14.0-STABLE",
        "hw.ncpu": "4",
    },
    "usage": {},
    "modules": ["fdescfs", "linprocfs", "linsysfs", "nullfs", "procfs", "tmpfs"],
    "fault": {},
    "count": 0,
    "waited": 0,
}


class Ended(Exception):  # noqa: N818 - it carries an exit status, which may be 0
    """The tool has said what it had to say."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def folder_of(program: str) -> str:
    """The state's folder of a tool, which lies beside the tools' own."""
    return program.rpartition("/")[0].rpartition("/")[0] + "/state"


class State:
    """The state of one machine of stand-ins, locked from ``__enter__`` to ``__exit__``."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.data: dict[str, Any] = {}
        self.descriptor = -1

    def __enter__(self) -> State:
        path = f"{self.folder}/state"
        self.descriptor = posix.open(path, posix.O_RDWR | posix.O_CREAT | posix.O_CLOEXEC, 0o644)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        size = posix.fstat(self.descriptor).st_size
        self.data = marshal.loads(posix.read(self.descriptor, size)) if size else marshal.loads(marshal.dumps(FRESH))
        return self

    def __exit__(self, *_: object) -> None:
        self.save()
        posix.close(self.descriptor)

    def save(self) -> None:
        """Write the state back; the lock is held all the time, so it need not be atomic."""
        content = marshal.dumps(self.data)
        posix.lseek(self.descriptor, 0, 0)
        posix.ftruncate(self.descriptor, 0)
        posix.write(self.descriptor, content)

    def pause(self) -> None:
        """Let others at the state for a moment."""
        self.save()
        fcntl.flock(self.descriptor, fcntl.LOCK_UN)
        __import__("time").sleep(0.02)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        posix.lseek(self.descriptor, 0, 0)
        self.data = marshal.loads(posix.read(self.descriptor, posix.fstat(self.descriptor).st_size))

    # jails

    @property
    def jails(self) -> dict[int, Jail]:
        """All jails by their JID."""
        held: dict[int, Jail] = self.data["jails"]
        return held

    def find(self, word: str) -> Jail | None:
        """A jail by JID or name, as jail_getid(3) reads the word: what strtoul eats whole is a JID."""
        number = as_number(word)
        if number is not None:
            return self.jails.get(number)
        return next((jail for jail in self.jails.values() if jail["name"] == word), None)

    def below(self, jail: Jail) -> list[Jail]:
        """The jails inside a jail, the innermost first."""
        inside = [one for one in self.jails.values() if one["name"].startswith(f"{jail['name']}.")]
        return sorted(inside, key=lambda one: -one["name"].count("."))

    def write_path(self, jail: Jail) -> None:
        """What jail_attach in library.c reads."""
        descriptor = posix.open(f"{self.folder}/jail.{jail['jid']}", posix.O_WRONLY | posix.O_CREAT | posix.O_CLOEXEC)
        posix.write(descriptor, jail["path"].encode())
        posix.close(descriptor)

    def drop(self, jail: Jail) -> None:
        """Remove a jail whose processes are gone; interfaces go back to the host."""
        for name in self.data["interfaces"]:
            if self.data["interfaces"][name]["vnet"] == jail["jid"]:
                self.data["interfaces"][name]["vnet"] = 0
        del self.jails[jail["jid"]]
        self.data["cpus"].pop(jail["jid"], None)
        posix.unlink(f"{self.folder}/jail.{jail['jid']}")

    def members(self, jid: int) -> list[int]:
        """The processes of a jail, zombies included, as ps -J shows them."""
        return [pid for pid, found in self.processes() if found == jid]

    def processes(self) -> list[tuple[int, int]]:
        """(pid, JID) of every process."""
        return [(int(name), self.jid_of(int(name))) for name in posix.listdir("/proc") if name.isdigit()]

    def jid_of(self, pid: int) -> int:
        """The JID of a process, 0 for the host's.

        Other machines of stand-ins use the same marks, so the root has to be that of our jail; a zombie has none.
        """
        score = read(f"/proc/{pid}/oom_score_adj").strip()
        jail = self.jails.get(int(score or b"0") - FIRST_SCORE)
        if jail is None:
            return 0
        try:
            root = posix.readlink(f"/proc/{pid}/root")
        except OSError:
            return 0
        return int(jail["jid"]) if f"{root}/".startswith(f"{jail['path']}/") else 0


def as_number(word: str) -> int | None:
    """The number that strtoul(3) makes of a whole word, None if it leaves something."""
    digits = word.lstrip(" \t\n")
    digits = digits[1:] if digits[:1] in ("+", "-") else digits
    if not digits or not digits.isascii() or not digits.isdigit():
        return None
    return int(digits) if "-" not in word else -int(digits)


def read(path: str) -> bytes:
    """A file of /proc, empty when it is gone."""
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return posix.read(descriptor, 1 << 16)
    except OSError:
        return b""
    finally:
        posix.close(descriptor)


def say(text: str, descriptor: int = 1) -> None:
    """Print a line."""
    posix.write(descriptor, f"{text}\n".encode("utf-8", "surrogateescape"))


def fail(text: str, status: int = 1) -> NoReturn:
    """Say something on standard error and end."""
    say(text, 2)
    raise Ended(status)


def run(program: str, words: list[str]) -> int:
    """Perform one call of a tool: log it, do what was injected for it, and hand it to its module."""
    name = program.rpartition("/")[2]
    state = State(folder_of(program))
    with state:
        count = note(state, [name, *words])
        fault = state.data["fault"]
        due = fault and (fault.get("at", count) == count and fault.get("tool", name) == name)
        if due and not fault.get("after"):
            inject(state, fault)
        try:
            module = __import__(f"tests.jail.tools.{'mount' if name == 'umount' else name}", fromlist=("main",))
            status: int = module.main(state, words, name) or 0
        except Ended as ended:
            status = ended.status
        if due and fault.get("after"):
            inject(state, fault)
    return status


def note(state: State, words: list[str]) -> int:
    """Write the call to the log; its number since the log was begun."""
    state.data["count"] += 1
    surroundings = {key: posix.environ.get(key.encode(), b"").decode() for key in ("LC_ALL", "PATH", "TZ")}
    line = repr({"call": words, "env": surroundings, "stdin": target(0)}) + "\n"
    descriptor = posix.open(f"{state.folder}/log", posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_CLOEXEC)
    posix.write(descriptor, line.encode())
    posix.close(descriptor)
    count: int = state.data["count"]
    return count


def target(descriptor: int) -> str:
    """What a descriptor leads to."""
    try:
        return posix.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return ""


def inject(state: State, fault: dict[str, Any]) -> None:
    """Do what a test has asked for: kill the caller, fail, hang, or die."""
    if not fault.get("again"):
        state.data["fault"] = {}
    state.save()
    kind = fault["kind"]
    if kind == "kill":
        posix.kill(posix.getppid(), 9)
        raise Ended(1)
    if kind == "signal":
        posix.kill(posix.getppid(), fault["signal"])
    elif kind == "die":
        posix.kill(posix.getpid(), 9)
    elif kind == "hang":
        fcntl.flock(state.descriptor, fcntl.LOCK_UN)
        while True:
            __import__("time").sleep(1000)
    elif kind == "answer":
        posix.write(1, fault.get("out", "").encode())
        posix.write(2, fault.get("err", "").encode())
        if not fault.get("on"):
            raise Ended(fault.get("status", 1))


def main() -> None:
    """The launcher's entry."""
    try:
        status = run(sys.argv[0], sys.argv[1:])
    except Ended as ended:
        status = ended.status
    posix._exit(status)
