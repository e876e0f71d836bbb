"""Steps of the conductor: the init before and beside the new process, in the caller's namespaces.

The conductor is the process that the runtime started. It opens what only the host can open, gives birth, writes the
id maps, runs the hooks of the runtime namespaces, and is gone before ``create`` returns.
"""

from __future__ import annotations

from ringfence.plan.step import InitStep
from ringfence.plan.words import clone_words, map_words


class OpenCgroup(InitStep):
    """Open a cgroup folder of the host, to be entered by the process that is born.

    With ``unified`` (cgroup v2) the process is cloned straight into it (CLONE_INTO_CGROUP, Linux 5.7).
    """

    path: str
    unified: bool

    def describe(self) -> tuple[str, str]:
        return "enter", f"cgroup {self.path}"


class AwaitUnit(InitStep):
    """Have the runtime ask systemd to move the conductor into the container's unit, and wait until that is done.

    For a caller outside the part of the tree that is its own (cgroups(7), "Delegation containment").
    """

    unit: str
    slot: int

    def describe(self) -> tuple[str, str]:
        return "enter", f"unit {self.unit}, by systemd"


class OpenBindSource(InitStep):
    """Clone a host tree while still privileged, for a bind mount that needs it (LNX-MNT-15, LNX-IDMAP-01).

    With maps, or the user namespace at a path, the clone is id-mapped (mount_setattr(2), Linux 5.12), the whole tree
    if ``deep``.
    """

    source: str
    slot: int
    recursive: bool
    uid_map: str = ""
    gid_map: str = ""
    user_namespace: str = ""
    deep: bool = False

    def describe(self) -> tuple[str, str]:
        how = ""
        if self.uid_map:
            how = f"  idmap users {map_words(self.uid_map)}, groups {map_words(self.gid_map)}"
        elif self.user_namespace:
            how = f"  idmap of {self.user_namespace}"
        return "open", self.source + how


class SetOomScore(InitStep):
    """Write oom_score_adj (proc(5)) before the birth; the new process inherits it."""

    value: int

    def describe(self) -> tuple[str, str]:
        return "set", f"oom_score_adj to {self.value}"


class SetAffinity(InitStep):
    """Bind the process to some CPUs: ``mask`` is the bit mask of sched_setaffinity(2), empty for all CPUs."""

    mask: bytes
    cpus: str

    def describe(self) -> tuple[str, str]:
        return "bind", f"to CPUs {self.cpus or 'of the cpuset'}"


class ForkIntermediate(InitStep):
    """Join the namespaces in a process of its own, so that the conductor stays on the host."""

    def describe(self) -> tuple[str, str]:
        return "fork", "a process that joins the namespaces"


class JoinNamespace(InitStep):
    """setns(2) to the namespace at a host path, which must be of this type (a CLONE_NEW* flag)."""

    path: str
    type: int

    def describe(self) -> tuple[str, str]:
        return "join", f"{clone_words(self.type)} namespace {self.path}"


class JoinProcess(InitStep):
    """setns(2) to namespaces of a running process, by its pidfd (Linux 5.8)."""

    slot: int
    types: int

    def describe(self) -> tuple[str, str]:
        return "join", f"the container's {clone_words(self.types)} namespaces"


class NewTimeNamespace(InitStep):
    """unshare(CLONE_NEWTIME) and write the offsets before the first process enters (time_namespaces(7))."""

    offsets: str

    def describe(self) -> tuple[str, str]:
        return "unshare", "time namespace" + (f", offsets {self.offsets.strip()}" if self.offsets else "")


class Clone(InitStep):
    """clone3(2) the process of the container as a child of the runtime itself, in new namespaces.

    ``expose`` leaves it dumpable until its id maps are written, as an unprivileged conductor needs.
    """

    flags: int
    expose: bool

    def describe(self) -> tuple[str, str]:
        new = clone_words(self.flags)
        return "clone", f"new {new} namespaces" if new else "the process"


class WriteIdMaps(InitStep):
    """Write uid_map and gid_map of the new user namespace (user_namespaces(7)).

    With a helper (newuidmap(1), newgidmap(1)) the maps are written by it, as an unprivileged caller must.
    """

    uid_map: str
    gid_map: str
    deny_setgroups: bool
    uid_helper: str
    gid_helper: str

    def describe(self) -> tuple[str, str]:
        return "map", f"users {map_words(self.uid_map)}, groups {map_words(self.gid_map)}"


class ReleaseChild(InitStep):
    """Let the new process go on."""

    def describe(self) -> tuple[str, str]:
        return "release", "the process"


class AwaitChild(InitStep):
    """Wait until the new process has come to its AwaitConductor."""

    def describe(self) -> tuple[str, str]:
        return "await", "the process"


class CheckNetDevice(InitStep):
    """See that a network device is there and its name free where it is to go: nothing that has moved comes back."""

    name: str
    target: str

    def describe(self) -> tuple[str, str]:
        return "check", f"that network device {self.name} can be moved"


class MoveNetDevice(InitStep):
    """Move a network device into the new process' network namespace, rename it to ``target`` and set it up.

    Its permanent addresses of global scope go with it; a ``%d`` in ``target`` becomes a free number (rtnetlink(7)).
    """

    name: str
    target: str

    def describe(self) -> tuple[str, str]:
        renamed = f" as {self.target}" if self.target != self.name else ""
        return "move", f"network device {self.name} into the container{renamed}"


class SetChildLimit(InitStep):
    """prlimit(2) on the new process with the conductor's privilege (LNX-RLIM-04)."""

    resource: int
    name: str
    soft: int
    hard: int

    def describe(self) -> tuple[str, str]:
        return "limit", limit_words(self.name, self.soft, self.hard)


class RunHook(InitStep):
    """Run one hook to its end (config.md, POSIX-platform Hooks).

    ``state`` is the container's state, with the pid between its two halves. Timeout in milliseconds, 0 for none.
    With ``home`` the HOME that ResolveHome found is added to the environment.
    """

    list_name: str
    index: int
    path: str
    args: tuple[str, ...]
    env: tuple[str, ...]
    cwd: str
    timeout: int
    state_before: str
    state_after: str
    home: bool = False

    def describe(self) -> tuple[str, str]:
        return "hook", f"{self.list_name} {self.path}"


def limit_words(name: str, soft: int, hard: int) -> str:
    """A resource limit for people."""
    shown = ["unlimited" if value == 2**64 - 1 else str(value) for value in (soft, hard)]
    return f"{name} {shown[0]}" if soft == hard else f"{name} {shown[0]} of {shown[1]}"
