"""The record of a container on disk: ``<root>/<id>/state.json``.

It is written whole to a temporary file and renamed, so a reader never sees half of it. Whatever is made on the host is
recorded before it is made, so that a ``delete --force`` after a crash at any point finds it.
"""

from __future__ import annotations

import fcntl
import posix

from ringfence.cgroups.paths import CgroupDir
from ringfence.container.runtime import NAMESPACES
from ringfence.errors import RingfenceError, from_os_error
from ringfence.jsontext import dumps, loads
from ringfence.record import Record
from ringfence.resctrl.place import Group

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.runtime import Runtime

STATE = "state.json"
CONFIG = "config.json"
FIFO = "exec.fifo"
NOTIFY = "notify"
OOM = "oom"
NOTIFY_NAME = "notify.sock"
# No id can hold an @, so the filter cache may lie beside the containers.
CACHE = "@cache"


class ContainerRecord(Record):
    """What is known of one container.

    ``directory`` is its state folder; ``pid`` the init's pid on the host, 0 before the birth; ``start_time`` field 22
    of /proc/PID/stat, which tells the init from a later process with the same pid (LNX-STATE-07); ``created`` the time
    of creation in RFC 3339 with nanoseconds, UTC; ``namespaces`` the CLONE_NEW* flags of the namespaces it has for
    itself or joined, which exec joins; ``unit`` the unit of systemd's that the cgroups are, "" without, and ``bus`` the
    sockets at which that systemd is reached; ``supervised``: the run that made it removes it, so that one that is
    stopped was left by a runtime that was killed; ``resctrl`` the container's resctrl groups, None without;
    ``driver`` its wall; ``machine`` what a machine of its own consists of: hypervisor, kernel, board, accelerator,
    image and MiB of memory; ``network`` the path of a network namespace that it has joined and whose devices its
    machine uses, the inode number of that, and the numbers of the devices; ``bridged`` are the requests, in
    hexadecimal, that take such devices from bridges again; ``pod`` the folder of the sandbox whose machine it lives in,
    "" for a machine of its own, and ``key`` what tells it from others there;
    ``domain`` is what is known of its Xen domain, empty without: its name and UUID, from ``made`` on its number, and
    how the toolstack is called.
    """

    directory: str
    id: str
    bundle: str
    rootfs: str
    created: str
    cgroups: tuple[CgroupDir, ...] = ()
    annotations: dict[str, str] = {}  # noqa: RUF012 - records are values, their defaults are never changed
    pid: int = 0
    start_time: int = 0
    namespaces: int = 0
    own_pid_namespace: bool = True
    hooks: bool = False
    unit: str = ""
    bus: tuple[str, ...] = ()
    supervised: bool = False
    resctrl: Group | None = None
    driver: str = NAMESPACES
    machine: tuple[str, ...] = ()
    network: tuple[str, ...] = ()
    bridged: tuple[str, ...] = ()
    reserved: tuple[str, ...] = ()
    pod: str = ""
    key: int = 0
    domain: dict[str, str] = {}  # noqa: RUF012 - see above

    @property
    def machine_directory(self) -> str:
        """The folder with the socket of the machine's supervisor."""
        return self.pod or self.directory


KINDS: dict[str, type] = {
    "str": str,
    "int": int,
    "bool": bool,
    "tuple[CgroupDir, ...]": list,
    "tuple[str, ...]": list,
    "dict[str, str]": dict,
    "Group | None": list,
}


def container_directory(runtime: Runtime, container_id: str) -> str:
    """The state folder of an id; the id has been checked to be a plain file name."""
    return f"{runtime.root}/{container_id}"


def load_record(runtime: Runtime, container_id: str) -> ContainerRecord:
    """Read a container's record.

    Raises:
        RingfenceError: ``container does not exist``, or what is wrong with the file.
    """
    directory = container_directory(runtime, container_id)
    try:
        descriptor = posix.open(f"{directory}/{STATE}", posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError as error:
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            raise RingfenceError("container does not exist", errno=error.errno or 0) from None
        raise from_os_error(f"cannot read the state of container {container_id}", error) from None
    try:
        text = posix.read(descriptor, posix.fstat(descriptor).st_size).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise from_os_error(f"cannot read the state of container {container_id}", error) from None
    finally:
        posix.close(descriptor)
    return parse_record(directory, container_id, text)


def parse_record(directory: str, container_id: str, text: str) -> ContainerRecord:
    """A record from the text of its file, which may have been damaged."""
    broken = RingfenceError(
        f"the state of container {container_id} is damaged",
        hint=f"remove it with: delete --force {container_id}",
    )
    try:
        held = loads(text)
    except RingfenceError:
        raise broken from None
    if not isinstance(held, dict) or held.get("id") != container_id:
        raise broken
    values = {}
    for name, kind in ContainerRecord.fields().items():
        if name == "directory":
            continue
        if not isinstance(held.get(name), KINDS[kind]):
            raise broken
        values[name] = held[name]
    try:
        values["cgroups"] = tuple(CgroupDir(tuple(names), str(path)) for names, path in values["cgroups"])
        values["bus"] = tuple(map(str, values["bus"]))
        values["machine"] = tuple(map(str, values["machine"]))
        values["resctrl"] = Group(*values["resctrl"]) if values["resctrl"] else None
    except (TypeError, ValueError):
        raise broken from None
    return ContainerRecord(directory, **values)


def save_record(record: ContainerRecord) -> None:
    """Write the record, whole or not at all."""
    values = {name: value for name, value in record.items() if name != "directory"}
    values["cgroups"] = [[list(group.controllers), group.path] for group in record.cgroups]
    values["bus"] = list(record.bus)
    values["machine"] = list(record.machine)
    values["resctrl"] = [value for _, value in record.resctrl.items()] if record.resctrl else []
    write_whole(f"{record.directory}/{STATE}", dumps(values))


def write_whole(path: str, text: str, mode: int = 0o600) -> None:
    """Write a file by way of a temporary one beside it and a rename.

    Raises:
        OSError: as the kernel gave it; nothing is left beside the old file.
    """
    beside = f"{path}.{posix.getpid()}.new"
    flags = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC | posix.O_NOFOLLOW
    descriptor = posix.open(beside, flags, mode)
    try:
        try:
            raw = text.encode("utf-8", "surrogateescape")
            while raw:
                raw = raw[posix.write(descriptor, raw) :]
        finally:
            posix.close(descriptor)
        posix.rename(beside, path)
    except OSError:
        posix.unlink(beside)
        raise


def lock(directory: str) -> int:
    """Take the container's lock and return its descriptor; closing it, or the end of the process, gives it back.

    Raises:
        RingfenceError: ``container does not exist``.
    """
    try:
        descriptor = posix.open(directory, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise RingfenceError("container does not exist") from None
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def oom_kills(record: ContainerRecord) -> int:
    """How many processes a guest's kernel has killed for want of memory: bytes of a file (MVM-STATS-02)."""
    try:
        return posix.stat(f"{record.directory}/{OOM}").st_size
    except OSError:
        return 0


def keep_cached(cache: str | None, name: str, text: str) -> None:
    """Write a file of the cache. One that cannot be written to is no reason not to run a container."""
    if not cache:
        return
    try:
        if not posix.access(cache, posix.F_OK):
            posix.mkdir(cache, 0o700)
        write_whole(f"{cache}/{name}", text)
    except OSError:
        return
