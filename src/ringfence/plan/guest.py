"""Steps of guests and of the processes on the host that stand for them."""

from __future__ import annotations

from ringfence.plan.step import InitStep


class MountAt(InitStep):
    """mount(2) at a path of the guest, where a folder is made for it. ``flags`` are MS_* bits."""

    type: str
    source: str
    target: str
    flags: int
    data: str

    def describe(self) -> tuple[str, str]:
        return "mount", f"{self.type} {self.source} → {self.target}" + (f"  {self.data}" if self.data else "")


class MountImage(InitStep):
    """Mount a device that holds a file system of a type that the guest knows; it is waited for some seconds.

    ``flags`` are MS_* bits. The types are tried in the init's order, and what is in the device decides.
    """

    device: str
    target: str
    flags: int

    def describe(self) -> tuple[str, str]:
        return "mount", f"{self.device} → {self.target}"


class MakeFolder(InitStep):
    """mkdir(2) at a path of the guest; one that is there is fine."""

    path: str

    def describe(self) -> tuple[str, str]:
        return "make", self.path


class WriteFile(InitStep):
    """Write one line into a file of the guest's kernel."""

    path: str
    value: str

    def describe(self) -> tuple[str, str]:
        return "write", f"{self.value} → {self.path}"


class CoverFile(InitStep):
    """Let a file of the guest's memory with some content lie over the file ``target`` of the tree at ``root``.

    A target that is not there is made, if that can be; if not, there is a warning and no file.
    """

    root: str
    target: str
    content: str

    def describe(self) -> tuple[str, str]:
        return "cover", self.target


class AttachDevices(InitStep):
    """Attach a BPF_PROG_TYPE_CGROUP_DEVICE program to a new cgroup of the guest; ``shown`` tells what it allows."""

    path: str
    program: bytes
    shown: str

    def describe(self) -> tuple[str, str]:
        return "limit", self.shown


class CheckMemory(InitStep):
    """See that a cgroup uses no more memory than it is to have, in bytes: the kernel would kill to make it so."""

    path: str
    limit: int

    def describe(self) -> tuple[str, str]:
        return "check", f"memory in use, at most {self.limit} bytes"


class SetInterface(InitStep):
    """Give a network device of the guest, told by its 6 bytes of hardware address, what the container's has.

    ``requests`` are messages of rtnetlink without the device's number, which is put in (RTA_OIF comes first in routes).
    """

    address: bytes
    requests: tuple[bytes, ...]
    name: str

    def describe(self) -> tuple[str, str]:
        return "set up", f"network interface {self.name}"


class RemoveInterface(InitStep):
    """Take a network device from the guest, told by its hardware address; one that is gone already is fine."""

    address: bytes

    def describe(self) -> tuple[str, str]:
        return "remove", f"network interface {self.address.hex(':')}"


class TakeRedirectsAway(InitStep):
    """Leave the devices of a network namespace as they were found; ``requests`` are whole messages of rtnetlink."""

    requests: tuple[bytes, ...]

    def describe(self) -> tuple[str, str]:
        return "free", f"{len(self.requests)} network interfaces"


class MakeMountPoint(InitStep):
    """Make what a mount of the guest covers: a file where ``source`` is one, else a folder."""

    target: str
    source: str

    def describe(self) -> tuple[str, str]:
        return "make", f"mount point {self.target}"


class AwaitGate(InitStep):
    """Tell that all is ready, and wait for a byte; the reports stay open to tell whether the exec succeeds."""

    slot: int

    def describe(self) -> tuple[str, str]:
        return "await", "start"


class OpenHostConsole(InitStep):
    """A new terminal of the host: the master goes to the slot, the process keeps the other end, raw, as 0, 1 and 2."""

    slot: int
    rows: int
    columns: int

    def describe(self) -> tuple[str, str]:
        return "open", "a terminal for the guest's"


class TakeHostConsole(InitStep):
    """The terminal that is standard input becomes the process' own: raw, as 0, 1 and 2, and the session's."""

    def describe(self) -> tuple[str, str]:
        return "take", "the given terminal for the guest's"


class Supervise(InitStep):
    """Start the machine and stand for its container until that has ended.

    ``machines`` are the plans of the virtual machine's process, by the number of its network devices: that of taps
    which the namespace takes. It gets as 3 and further: the control port's socket, the monitor's, the console's, the
    slots from ``first`` on, and the taps. ``daemon`` is the plan of the process that serves the files, which gets the
    slot ``served`` as 3; it is empty when the machine serves them itself. ``listener`` is the slot of the socket that
    clients connect to, ``digest`` 16 bytes that name the guest's plan, ``patience`` the milliseconds until the
    container must be ready, ``greeting`` those until the guest's first frame, 0 for no limit. ``kernel``,
    ``modules``, ``initrd`` and ``image``, files for the machine, are for whoever prepares it; the modules are those of
    a distribution's kernel, the last two the configuration's own.
    The slot ``oom`` is a file that gets a byte for each process that the guest's kernel has killed for want of memory.
    ``output`` and ``errors`` are slots of files for what the machine's process says, 0 for none. ``shown`` has the
    volumes that the supervisor's mount namespace shows below the container's root, each by its name in the tree and its
    place. ``capabilities`` are those that the supervisor keeps when the container is ready, as bits. ``state`` is a
    file with which the machine begins as one in which the container runs, "" without. ``spare`` tells whether a machine
    whose namespace is empty gets a network device all the same, for what an engine brings before the start.
    """

    machines: tuple[bytes, ...]
    daemon: bytes
    served: int
    listener: int
    oom: int
    output: int
    errors: int
    first: int
    digest: bytes
    terminal: bool
    patience: int
    greeting: int
    kernel: str
    modules: str
    initrd: str
    image: str
    shown: tuple[str, ...] = ()
    capabilities: int = 0
    state: str = ""
    spare: bool = True

    def describe(self) -> tuple[str, str]:
        if self.state:
            return "start", f"the machine with the state in {self.state}, and stand for the container"
        kernel = f"the distribution's kernel {self.kernel} (`make guest` builds a smaller one)"
        chosen = kernel if self.modules else f"kernel {self.kernel}"
        return "start", f"the machine with {chosen}, and stand for the container"


class RelayProcess(InitStep):
    """Stand for another process in a guest: hand its plan over the connection, then pass bytes and signals.

    ``key`` names the container that it belongs to. With ``member`` it is the first one of that container, which has not
    the machine for itself: ``files`` is what a frame SHARE says of its tree, and ``shown`` is as in Supervise.
    """

    connection: int
    plan: bytes
    terminal: bool
    key: int = 0
    member: bool = False
    files: bytes = b""
    shown: tuple[str, ...] = ()

    def describe(self) -> tuple[str, str]:
        return "exec", "the container's process in the sandbox's guest" if self.member else "in the guest"
