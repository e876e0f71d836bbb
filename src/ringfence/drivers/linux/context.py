"""What a plan depends on beside the configuration and the host."""

from __future__ import annotations

from ringfence.cgroups.paths import CgroupDir
from ringfence.record import Record
from ringfence.spec.names import NAMESPACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.host.facts import Host
    from ringfence.seccomp.filter import Filter
    from ringfence.spec.types import Config, IDMapping, Linux, Process

CLONE_NEWUSER = 0x10000000
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWTIME = 0x00000080
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
EVERY_MAP_SIZE = 2**32 - 1


class Context(Record):
    """One birth: the container, its places on the host, and what its caller hands over.

    ``environment`` is the caller's (hooks of the runtime namespaces inherit it); ``filter`` the compiled seccomp
    section; ``fifo`` whether the process waits for ``start``; ``listen_fds`` how many descriptors LISTEN_FDS passes
    on, before the ``preserve_fds`` ones; ``notify`` says where the socket for readiness is shown, None for none;
    ``resctrl`` are the groups of that file system which the process enters; ``unit`` is the unit of systemd's that it
    has to be moved into by systemd, "" where it can enter its cgroup by itself; ``gate``: the process waits for its
    start as in a guest; ``slots`` are the descriptors that are given in any case.
    """

    container_id: str
    bundle: str
    rootfs: str
    cgroups: tuple[CgroupDir, ...]
    environment: dict[str, str]
    filter: Filter | None = None
    fifo: bool = False
    listen_fds: int = 0
    preserve_fds: int = 0
    no_pivot: bool = False
    no_new_keyring: bool = False
    notify: Notify | None = None
    resctrl: tuple[str, ...] = ()
    unit: str = ""
    gate: bool = False
    terminal: bool = False
    slots: tuple[str, ...] = ("plan", "status")


class Notify(Record):
    """What of the host is shown to the container for its readiness (sd_notify(3)).

    ``source``, a folder or the socket itself, is seen at ``target``; ``variable`` is the program's NOTIFY_SOCKET.
    """

    source: str
    target: str
    variable: str


class Slots:
    """Names of the descriptors the init is given, numbered as steps ask for them; plan and status come first."""

    def __init__(self, names: tuple[str, ...] = ("plan", "status")) -> None:
        self.names = [*names]

    def __call__(self, name: str) -> int:
        """The number of a descriptor."""
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


class Namespaces:
    """The namespaces of a config, as flags: made new, joined by path, or shared with the caller."""

    def __init__(self, linux: Linux | None):
        self.new = 0
        self.joined: list[tuple[int, int, str]] = []
        for index, namespace in enumerate(linux.namespaces if linux else ()):
            flag = NAMESPACES[namespace.type]
            if namespace.path:
                self.joined.append((index, flag, namespace.path))
            else:
                self.new |= flag
        self.own = self.new
        for _, flag, _ in self.joined:
            self.own |= flag

    def pointer(self, linux: Linux, flag: int) -> str:
        """Where config.json asks for a namespace."""
        for index, namespace in enumerate(linux.namespaces):
            if NAMESPACES[namespace.type] == flag:
                return f"/linux/namespaces/{index}"
        return "/linux/namespaces"


def section(config: Config) -> Linux:
    """The linux section, an empty one when there is none."""
    from ringfence.spec.types import Linux

    return config.linux or Linux()


def maps_root(mappings: tuple[IDMapping, ...]) -> bool:
    """Whether id 0 exists inside."""
    return any(mapping.container_id == 0 and mapping.size for mapping in mappings)


def outside_id(mappings: tuple[IDMapping, ...], inside: int) -> int:
    """The host's id for an id inside; -1 when it has none."""
    for mapping in mappings:
        if mapping.container_id <= inside < mapping.container_id + mapping.size:
            return mapping.host_id + inside - mapping.container_id
    return -1


def user_outside(process: Process, linux: Linux, namespaces: int) -> int:
    """The host's id of a process' user, given the CLONE_NEW* flags of its container; -1 when it is not known."""
    uid = process.user.uid if process.user else 0
    return outside_id(linux.uid_mappings, uid) if namespaces & CLONE_NEWUSER else uid


def unprivileged(host: Host) -> bool:
    """Whether the caller lacks the rights of root over this machine."""
    return host.uid != 0 or host.user_namespace
