"""The steps that make a jail. What the kernel decides later, a JID or where a link leads, is not in them."""

from __future__ import annotations

from ringfence.plan.step import HostStep


class UseRuleset(HostStep):
    """Make sure that a ruleset of devfs(8) hides all but what it shows; ``rules``: it is ours, and defined if need be.

    ``fallback``: one that is not defined is replaced by ours (JAIL-MNT-13).
    """

    number: int
    rules: tuple[str, ...] = ()
    fallback: bool = False

    def describe(self) -> tuple[str, str]:
        return "check", f"devfs ruleset {self.number} hides all but what it shows"


class AliasRoot(HostStep):
    """Show the root once more, not to be written to, and make what is missing below it first."""

    source: str
    target: str

    def describe(self) -> tuple[str, str]:
        return "mount", f"{self.source} → {self.target}  nullfs ro"


class MountFilesystem(HostStep):
    """mount(8) below the root; a destination is found without leaving it, and made if it is missing (JAIL-MNT-02, 07).

    ``copies``: what the mount covers is copied into it (tmpcopyup).
    """

    kind: str
    source: str
    destination: str
    options: tuple[str, ...] = ()
    ruleset: int = 0
    copies: bool = False

    def describe(self) -> tuple[str, str]:
        ruleset = (f"ruleset={self.ruleset}",) if self.ruleset else ()
        options = "".join(f" {word}" for word in (*ruleset, *self.options))
        return "mount", f"{self.source} → {self.destination}  {self.kind}{options}"


class ApplyRule(HostStep):
    """One rule of devfs(8) for one mount; ``node`` has to exist behind it, "" for none."""

    destination: str
    rule: str
    node: str = ""

    def describe(self) -> tuple[str, str]:
        return "devfs", f"{self.rule}  on {self.destination}"


class CheckMounts(HostStep):
    """Whether every mount lies where it was to (JAIL-MNT-02)."""

    def describe(self) -> tuple[str, str]:
        return "check", "the mounts lie where they were to"


class AddAlias(HostStep):
    """An address on an interface of the host; one that is there already is left alone (JAIL-NET-02)."""

    interface: str
    family: int
    address: str

    def describe(self) -> tuple[str, str]:
        return "alias", f"{self.address} on {self.interface}"


class RaiseChildren(HostStep):
    """Let a parent jail have one child more, if it may not (JAIL-CFG-11)."""

    parent: str

    def describe(self) -> tuple[str, str]:
        return "allow", f"the jail {self.parent} one child more"


class CreateJail(HostStep):
    """jail(8); ``words`` are its parameters behind name, path and persist, ``fields_of_words`` the pointers of each.

    ``parent`` is the jail above, "" for none, and ``unsaid`` are parameters that nobody asked for: a child can only
    have them as far as its parent has.
    """

    name: str
    path: str
    words: tuple[str, ...]
    fields_of_words: tuple[str, ...]
    parent: str = ""
    unsaid: tuple[str, ...] = ()

    def describe(self) -> tuple[str, str]:
        return "jail", f"name={self.name} path={self.path} persist {' '.join(self.words)}"


class MoveInterface(HostStep):
    """An interface of the host becomes the jail's own (JAIL-NET-04)."""

    interface: str

    def describe(self) -> tuple[str, str]:
        return "move", f"the interface {self.interface} into the jail"


class LimitJail(HostStep):
    """A rule of rctl(8): ``jail:NAME:`` and this behind it."""

    name: str
    rule: str

    def describe(self) -> tuple[str, str]:
        return "limit", self.rule


class PinJail(HostStep):
    """The processors of the jail (cpuset(1))."""

    cpus: str

    def describe(self) -> tuple[str, str]:
        return "limit", f"processors {self.cpus}"


class Attach(HostStep):
    """The new process goes into the jail for good; it has no descriptor but those it was given."""

    def describe(self) -> tuple[str, str]:
        return "attach", "to the jail, by jail_attach(2); the pid stays"


class OpenTerminal(HostStep):
    """A terminal of the jail's own devfs; its master goes to the caller."""

    height: int
    width: int

    def describe(self) -> tuple[str, str]:
        size = f", {self.width} columns and {self.height} lines" if self.width else ""
        return "open", f"a terminal for standard input, output and error{size}"


class MakeFolder(HostStep):
    """The working directory, made if the root has none."""

    path: str

    def describe(self) -> tuple[str, str]:
        return "make", f"{self.path}, if it is missing"


class FindProgram(HostStep):
    """Whether the program can be executed by its user, looked for as it will be."""

    program: str
    cwd: str

    def describe(self) -> tuple[str, str]:
        return "find", self.program


class RunHook(HostStep):
    """A hook; ``list`` and ``index`` say which, ``field`` the list's name in Hooks."""

    list: str
    index: int
    path: str
    field: str

    def describe(self) -> tuple[str, str]:
        return "hook", f"{self.list} #{self.index}: {self.path}"


class AwaitStart(HostStep):
    """The process is ready and waits for ``start``."""

    def describe(self) -> tuple[str, str]:
        return "wait", "for start"


class EnterFolder(HostStep):
    """The working directory."""

    path: str

    def describe(self) -> tuple[str, str]:
        return "enter", self.path


class SetLimit(HostStep):
    """A limit of the process (setrlimit(2)); -1 is none."""

    name: str
    soft: int
    hard: int

    def describe(self) -> tuple[str, str]:
        soft, hard = ("unlimited" if value < 0 else str(value) for value in (self.soft, self.hard))
        return "limit", f"{self.name} {soft}, at most {hard}"


class BecomeUser(HostStep):
    """The user and groups of the process; ``first_is_gid``: groups[0] is the effective gid (before FreeBSD 15)."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    umask: int
    first_is_gid: bool

    def describe(self) -> tuple[str, str]:
        others = f" and groups {', '.join(map(str, self.groups))}" if self.groups else ""
        return "become", f"{self.uid}:{self.gid}{others}, umask {self.umask:03o}"

    @property
    def all_groups(self) -> tuple[int, ...]:
        """What setgroups(2) is given (JAIL-PROC-01)."""
        return (self.gid, *self.groups) if self.first_is_gid else self.groups


class Execute(HostStep):
    """The program, which takes over the process."""

    args: tuple[str, ...]
    env: tuple[str, ...]

    def describe(self) -> tuple[str, str]:
        return "exec", " ".join(self.args)
