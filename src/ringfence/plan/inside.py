"""Steps of the new process that make it what the configuration asks for, up to the program itself."""

from __future__ import annotations

from ringfence.plan.birth import limit_words
from ringfence.plan.step import InitStep
from ringfence.plan.words import clone_words


class EnterCgroups(InitStep):
    """Enter the cgroups the conductor opened."""

    def describe(self) -> tuple[str, str]:
        return "enter", "its cgroups"


class AwaitConductor(InitStep):
    """Tell the conductor that this point is reached if ``tell``, and wait until it says go."""

    tell: bool

    def describe(self) -> tuple[str, str]:
        return "await", "the conductor"


class BecomeRoot(InitStep):
    """Take the user and group 0 of the new user namespace, without supplementary groups where allowed."""

    drop_groups: bool

    def describe(self) -> tuple[str, str]:
        return "become", "root of the user namespace"


class NewSession(InitStep):
    """setsid(2)."""

    def describe(self) -> tuple[str, str]:
        return "start", "a new session"


class JoinKeyring(InitStep):
    """Join a new session keyring (keyctl(2)); a kernel without keys is passed over with a debug record."""

    name: str

    def describe(self) -> tuple[str, str]:
        return "join", f"session keyring {self.name}"


class Unshare(InitStep):
    """unshare(2), for the cgroup namespace, which has to be made inside the cgroup."""

    flags: int

    def describe(self) -> tuple[str, str]:
        return "unshare", f"{clone_words(self.flags)} namespace"


class LoopbackUp(InitStep):
    """Bring up the loopback interface of a new network namespace."""

    def describe(self) -> tuple[str, str]:
        return "raise", "network interface lo"


class SetHostname(InitStep):
    """sethostname(2)."""

    name: str

    def describe(self) -> tuple[str, str]:
        return "set", f"hostname {self.name}"


class SetDomainname(InitStep):
    """setdomainname(2)."""

    name: str

    def describe(self) -> tuple[str, str]:
        return "set", f"domainname {self.name}"


class WriteSysctl(InitStep):
    """Write below /proc/sys through the private procfs; ``path`` is relative to /proc/sys."""

    path: str
    value: str

    def describe(self) -> tuple[str, str]:
        return "sysctl", f"{self.path.replace('/', '.')} = {self.value}"


class SetLimit(InitStep):
    """setrlimit(2); RLIMIT_* number, bytes or counts, 2**64-1 for no limit."""

    resource: int
    name: str
    soft: int
    hard: int

    def describe(self) -> tuple[str, str]:
        return "limit", limit_words(self.name, self.soft, self.hard)


class SetUmask(InitStep):
    """umask(2)."""

    mask: int

    def describe(self) -> tuple[str, str]:
        return "set", f"umask {self.mask:04o}"


class SetPersonality(InitStep):
    """personality(2)."""

    persona: int

    def describe(self) -> tuple[str, str]:
        return "set", f"personality {self.persona:#x}"


class SetScheduler(InitStep):
    """sched_setattr(2) with this struct sched_attr.

    ``cpus`` are the CPUs the cgroup allows when the policy is SCHED_DEADLINE, which wants all of them.
    """

    attributes: bytes
    policy: str
    cpus: str

    def describe(self) -> tuple[str, str]:
        return "schedule", self.policy


class SetIoPriority(InitStep):
    """ioprio_set(2) for the process group; class and priority in the kernel's one number."""

    value: int

    def describe(self) -> tuple[str, str]:
        return "set", f"I/O priority class {self.value >> 13} level {self.value & 0x1FFF}"


class SetMemoryPolicy(InitStep):
    """set_mempolicy(2); ``nodes`` is the bit mask."""

    mode: int
    nodes: bytes
    name: str

    def describe(self) -> tuple[str, str]:
        return "set", f"memory policy {self.name}"


class SetNoNewPrivileges(InitStep):
    """prctl(PR_SET_NO_NEW_PRIVS)."""

    def describe(self) -> tuple[str, str]:
        return "set", "no_new_privs"


class LoadSeccomp(InitStep):
    """seccomp(SECCOMP_SET_MODE_FILTER) with this program.

    With a slot in ``acknowledge`` the program asks an agent: the listener's number is told, and the process goes on
    when the agent has it (seccomp_unotify(2)).
    """

    flags: int
    program: bytes
    acknowledge: int

    def describe(self) -> tuple[str, str]:
        return "filter", f"system calls, {len(self.program) // 8} instructions"


class DropBounding(InitStep):
    """Drop every capability from the bounding set that is not in the mask."""

    keep: int

    def describe(self) -> tuple[str, str]:
        return "drop", f"bounding capabilities, {self.keep.bit_count()} left"


class SetUser(InitStep):
    """Set groups, gid and uid, all four kinds each, keeping the capabilities until they are set."""

    uid: int
    gid: int
    groups: tuple[str, ...]
    set_groups: bool

    def describe(self) -> tuple[str, str]:
        more = f" groups {','.join(self.groups)}" if self.groups else ""
        return "become", f"{self.uid}:{self.gid}{more}"


class SetCapabilities(InitStep):
    """capset(2) and the ambient set."""

    effective: int
    permitted: int
    inheritable: int
    ambient: int

    def describe(self) -> tuple[str, str]:
        return "grant", f"{self.permitted.bit_count()} capabilities, {self.ambient.bit_count()} ambient"


class SetExecLabel(InitStep):
    """Write the label of an LSM for the next exec, on a procfs that is known to be one (CVE-2019-16884).

    ``attribute`` is below /proc/self/attr, ``required`` the words of the error.
    """

    attribute: str
    value: str
    words: str

    def describe(self) -> tuple[str, str]:
        return "label", self.value


class ChangeDirectory(InitStep):
    """chdir(2), and check that it ended inside the root (CVE-2024-21626).

    With ``again`` a refusal is kept for the second try, after the user has been switched.
    """

    path: str
    again: bool

    def describe(self) -> tuple[str, str]:
        return "enter", f"folder {self.path}"


class OwnStdio(InitStep):
    """Give stdin, stdout and stderr to the process' user; a null device is opened anew, as the root's own."""

    uid: int

    def describe(self) -> tuple[str, str]:
        return "give", f"stdin, stdout, stderr to user {self.uid}"


class ResolveHome(InitStep):
    """Find HOME for a user in the container's /etc/passwd, "/" when it is not there."""

    uid: int

    def describe(self) -> tuple[str, str]:
        return "find", f"HOME of user {self.uid}"


class FindExecutable(InitStep):
    """Find the program and check that this user may execute it."""

    name: str
    search: str

    def describe(self) -> tuple[str, str]:
        return "find", f"{self.name} in {self.search}" if self.search else self.name


class AwaitStart(InitStep):
    """Tell the runtime that all is ready, then block on the FIFO until ``start`` opens it."""

    slot: int

    def describe(self) -> tuple[str, str]:
        return "await", "start"


class Exec(InitStep):
    """Close every descriptor that was not asked for and execve(2) the program.

    ``status`` is the exit status if the kernel refuses.
    """

    args: tuple[str, ...]
    env: tuple[str, ...]
    status: int

    def describe(self) -> tuple[str, str]:
        return "exec", " ".join(self.args)
