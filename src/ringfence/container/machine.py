"""Containers in machines of their own: what is special about their birth, start, exec and processes."""

from __future__ import annotations

import posix

from ringfence.container.hypervisor import hypervisor_for
from ringfence.container.image import image_for
from ringfence.container.kernel import kernel_for, named_kernel, ramdisk_for
from ringfence.container.record import OOM
from ringfence.container.status import is_frozen
from ringfence.drivers.guest.client import SOCKET, Client, connect, listen
from ringfence.drivers.guest.inner import OWN
from ringfence.drivers.guest.kernel import parameters_of
from ringfence.drivers.guest.numbers import digest_of, guest_bytes
from ringfence.drivers.guest.ramdisk import padded, with_plan
from ringfence.drivers.guest.share import FOLDER
from ringfence.drivers.linux.mount import is_bind
from ringfence.drivers.microvm.cell import LINKER_CACHE, LINKS, PROGRAMS
from ringfence.drivers.microvm.machine import MICROVM, P9, Q35, VIRT, VIRTIOFS, VIRTIOFSD, Machine
from ringfence.drivers.microvm.sizes import SANDBOX, check_machine, kind_of, memory_of, vcpus_of
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host.probe import read_or
from ringfence.initfile import INIT, bytes_of, sealed_file
from ringfence.plan.frames import LARGEST, MONITOR, NO_PROCESS
from ringfence.plan.guest import Supervise
from ringfence.plan.plan import Plan
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

    from ringfence.container.accelerator import Verdict
    from ringfence.container.record import ContainerRecord
    from ringfence.drivers.guest.client import Frame
    from ringfence.drivers.guest.inner import Seat
    from ringfence.drivers.microvm.image import Image
    from ringfence.settings import Settings
    from ringfence.spec.types import Config


FILES_SOCKET = "files.sock"
EVERYTHING = 2
TICKS = 100  # of a second: USER_HZ, which is part of the kernel's interface on every machine we know
MOST_PROCESSES = 4096


class Asking(Record):
    """Who wants a machine: a bundle with its root, the container's folder, and a ``console`` of the caller's.

    ``folders`` may have a file hypervisor.args, as the bundle; without any there is none. ``begun`` is a file with the
    state that the machine is to begin with, "" without.
    """

    bundle: str
    rootfs: str
    state: str
    folders: tuple[str, ...] = ()
    console: bool = False
    begun: str = ""


def machine_for(config: Config, asking: Asking, verdict: Verdict, settings: Settings) -> Machine:
    """The hardware for a container, from what this host has and the administrator wants.

    Raises:
        RingfenceError: there is no kernel for it, or none that can do with what the host has.
    """
    if config.vm:
        check_machine(config.vm)
    chosen = kernel_for(config.vm)
    program = hypervisor_for(config.vm, settings, asking.rootfs)
    own = None
    if asking.folders:
        from ringfence.container.arguments import arguments_for  # for Clear Containers' names only

        named, own = arguments_for(asking, config, settings, chosen.path, kvm=verdict.works)
        program = named or program
    if own and own.kernel not in ("", chosen.path):
        chosen = named_kernel(own.kernel)
    image = image_for(config.vm.image if config.vm else None, asking.rootfs)
    shares = own is not None or needs_files(config, image)
    daemon = "" if not shares or (own and (own.folder or own.backed)) else daemon_for(settings.files)
    if chosen.modules and shares and not daemon:
        hint = "install virtiofsd, or build ringfence's own with `make guest`"
        raise RingfenceError(f"the distribution's kernel {chosen.path} can share files by virtiofs only", hint=hint)
    memory, cpus = memory_of(config, settings.pod_memory), vcpus_of(config, posix.cpu_count() or 1, settings.pod_vcpus)
    return Machine(
        chosen.path,
        own.board if own else Q35 if chosen.packed else VIRT if chosen.is_arm else MICROVM,
        daemon,
        (own and own.memory) or memory,
        (own and own.cpus) or cpus,
        tsc_khz=tsc_khz(),
        modules=chosen.modules,
        parameters=parameters_of(config.vm),
        kvm=verdict.works,
        greeting=settings.boot_timeout * 1000 if verdict.works else 0,
        layout=layout(program),
        program=program,
        initrd=ramdisk_for(config.vm, memory),
        image=image,
        own=own,
        unprivileged=posix.geteuid() != 0,
        shares=shares,
        state=asking.begun,
    )


def needs_files(config: Config, image: Image | None) -> bool:
    """Whether the guest gets files from the host: its root, volumes, or those of further containers of a pod."""
    return not (image and image.is_root) or any(map(is_bind, config.mounts)) or kind_of(config.annotations) == SANDBOX


def daemon_for(wanted: str) -> str:
    """The path of the program that serves files, "" where QEMU is to do it itself (MVM-FILES-02).

    Raises:
        RingfenceError: it must be there and is not.
    """
    if wanted == P9:
        return ""
    found = [path for path in VIRTIOFSD if posix.access(path, posix.X_OK)]
    if wanted == VIRTIOFS and not found:
        hint = "install virtiofsd (in Debian 12 it is part of qemu-system-common), or set files to auto or 9p"
        raise RingfenceError(f"there is no virtiofsd at {' or '.join(VIRTIOFSD)}", hint=hint)
    return found[0] if found else ""


def layout(program: str) -> tuple[tuple[str, str], ...]:
    """What of this host's root QEMU's process needs beside /usr: a folder, or a link and its target."""
    top = f"/{program.split('/')[1]}"
    found = []
    for path in (*LINKS, LINKER_CACHE, *(() if top in (PROGRAMS, *LINKS) else (top,))):
        try:
            found.append((path, posix.readlink(path)))
        except OSError:
            found += [(path, "")] if posix.access(path, posix.F_OK) else []
    return tuple(found)


def tsc_khz() -> int:
    """The frequency of the time stamp counter as the host's kernel has it, in kHz; 0 where it does not say."""
    for line in read_or("/proc/cpuinfo", b"").splitlines():
        if line.startswith(b"cpu MHz"):
            return int(float(line.partition(b":")[2]) * 1000)
    return 0


class Boot:
    """What a machine is started with: the supervisor's socket, the ramdisk with the plan, the kernel, its files."""

    def __init__(self, record: ContainerRecord, plan: Plan, log: str) -> None:
        supervise = plan.inside[-1]
        assert isinstance(supervise, Supervise)
        self.sockets: dict[str, _socket.socket] = {}
        try:
            posix.mkdir(f"{record.directory}/{FOLDER}", 0o700)
            self.sockets["listener"] = listen(record.directory, SOCKET)
            if "files" in plan.slots:
                self.sockets["served"] = listen(record.directory, FILES_SOCKET)
                self.sockets["files"] = connect(record.directory, FILES_SOCKET)
                posix.unlink(f"{record.directory}/{FILES_SOCKET}")
            for name in (slot for slot in plan.slots if slot.endswith(".sock")):
                self.sockets[name] = listen(record.directory, name)
            own = with_plan(bytes_of(INIT), guest_bytes(plan), digest_of(plan), terminal=supervise.terminal)
            first = padded(bytes_of(supervise.initrd)) if supervise.initrd else b""
            last = bytes_of(supervise.modules) if supervise.modules else b""
            self.ramdisk = sealed_file("ramdisk", first + own + last)
            self.said = said_files(log, record.id) if "output" in plan.slots else {}
            flags = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_APPEND | posix.O_CLOEXEC
            self.oom = posix.open(f"{record.directory}/{OOM}", flags, 0o600)
            self.kernel = posix.open(supervise.kernel, posix.O_RDONLY | posix.O_CLOEXEC)
            self.image = posix.open(supervise.image, posix.O_RDONLY | posix.O_CLOEXEC) if supervise.image else -1
            self.state = posix.open(supervise.state, posix.O_RDONLY | posix.O_CLOEXEC) if supervise.state else -1
        except OSError as error:
            raise from_os_error("cannot prepare the machine", error) from None

    @property
    def given(self) -> dict[str, int]:
        """Descriptors by the names of the plan's slots."""
        sockets = {name: socket.fileno() for name, socket in self.sockets.items()}
        files = {
            "ramdisk": self.ramdisk,
            "kernel": self.kernel,
            "oom": self.oom,
            "image": self.image,
            "state": self.state,
        }
        return {**sockets, **self.said, **files}

    def close(self) -> None:
        """Let go of them; the supervisor and QEMU have their own."""
        for socket in self.sockets.values():
            socket.close()
        posix.close(self.ramdisk)
        posix.close(self.kernel)
        posix.close(self.oom)
        for descriptor in self.said.values():
            posix.close(descriptor)
        for descriptor in (self.image, self.state):
            if descriptor >= 0:
                posix.close(descriptor)


def said_files(folder: str, container_id: str) -> dict[str, int]:
    """Files for what QEMU says, by the slots of the plan (MVM-QEMU-16).

    Raises:
        OSError: they cannot be opened.
    """
    flags = posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_NOFOLLOW | posix.O_CLOEXEC
    names = {"output": "stdout", "errors": "stderr"}
    return {
        slot: posix.open(f"{folder}/{container_id}-hypervisor.{name}", flags, 0o640) for slot, name in names.items()
    }


def key_of(record: ContainerRecord) -> bytes:
    """What tells the guest which of its containers is meant; nothing for the machine's own."""
    return record.key.to_bytes(4, "little") if record.key else b""


def seat_of(record: ContainerRecord, config: Config) -> Seat:
    """Where a container is in its guest."""
    if not record.key:
        return OWN
    from ringfence.drivers.microvm import pod

    return pod.seat_of(record.key, config)


class Member:
    """What a container in the machine of a sandbox is born with: a connection to the sandbox's supervisor."""

    def __init__(self, record: ContainerRecord) -> None:
        try:
            posix.mkdir(f"{record.directory}/{FOLDER}", 0o700)
            self.connection = connect(record.pod, SOCKET)
        except OSError as error:
            raise from_os_error("cannot reach the machine of the sandbox", error) from None

    @property
    def given(self) -> dict[str, int]:
        """Descriptors by the names of the plan's slots."""
        return {"connection": self.connection.fileno()}

    def close(self) -> None:
        """Let go of it; the process that stands for the container has its own."""
        self.connection.close()


def start_guest(record: ContainerRecord) -> None:
    """Let the container's program run; returns when the guest says that it has been executed (MVM-START-01).

    Raises:
        RingfenceError: it could not be.
    """
    with Client(record.machine_directory) as client:
        check(client.ask("START", key_of(record)))


def freeze_member(record: ContainerRecord, value: str) -> None:
    """Freeze one container of a sandbox's machine, or thaw it (cgroup-v2.rst, cgroup.freeze).

    Raises:
        RingfenceError: the guest cannot be asked.
    """
    from ringfence.drivers.guest.inner import Seat
    from ringfence.plan.guest import WriteFile

    place = f"{Seat(record.key).cgroup}/cgroup.freeze"
    change_guest(record, Plan((), (WriteFile("", place, value),), ()))


def change_guest(record: ContainerRecord, plan: Plan) -> None:
    """Have the guest's init perform a plan that only writes settings.

    Raises:
        RingfenceError: a step failed, with the guest's reason, or the guest cannot be asked now.
    """
    if is_frozen(record):
        raise RingfenceError("the container is paused: its guest cannot be asked")
    encoded = plan.encode()
    with Client(record.machine_directory) as client:
        for at in range(0, len(encoded), LARGEST):
            client.send("PLAN", encoded[at : at + LARGEST])
        answer = client.ask("RUN", stream=NO_PROCESS)
    if answer.type != "STARTED":
        raise RingfenceError(reason(answer), errno=int.from_bytes(answer.data[4:8], "little"))


def reason(answer: Frame) -> str:
    """What the guest says of a failure."""
    number = int.from_bytes(answer.data[4:8], "little")
    words = posix.strerror(number).lower() if number else ""
    told = answer.data[8:].decode("utf-8", "replace")
    return ": ".join(part for part in (told, words) if part)


def check(answer: Frame) -> None:
    """Whether what was asked has been done.

    Raises:
        RingfenceError: it has not, with the guest's reason.
    """
    if answer.type == "STARTED":
        return
    number = int.from_bytes(answer.data[4:8], "little")
    parts = (part for part in ("unable to start container process", reason(answer)) if part)
    raise RingfenceError(": ".join(parts), errno=number)


def connection(record: ContainerRecord) -> int:
    """A connection to the supervisor, for a relay.

    Raises:
        RingfenceError: it has ended.
    """
    try:
        return connect(record.machine_directory, SOCKET).detach()
    except OSError:
        raise RingfenceError("cannot exec in a stopped container") from None


class GuestProcess(Record):
    """A process in a guest, by the guest's numbers; ``seconds`` are those of processor time."""

    pid: int
    parent: int
    uid: int
    seconds: int
    command: str


def process_of(data: bytes) -> GuestProcess | None:
    """What the guest says of one process: proc_pid_stat(5), proc_pid_status(5) and its command line, NULs between.

    None for what cannot be: nothing that a guest says is believed.
    """
    stat, _, rest = data.partition(b"\0")
    status, _, line = rest.partition(b"\0")
    pid, _, behind = stat.partition(b" (")
    name, _, fields = behind.rpartition(b") ")
    words = fields.split()
    uid = status.partition(b"\nUid:")[2].split()[:1]
    numbers = [pid, words[1] if len(words) > 12 else b"", *uid, *words[11:13]]
    if len(numbers) != 5 or not all(number.isdigit() and len(number) < 11 for number in numbers):
        return None
    shown = line.rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "replace") or f"[{name.decode('utf-8', 'replace')}]"
    safe = "".join(letter if letter.isprintable() else "?" for letter in shown)
    number, parent, user, own, system = map(int, numbers)
    return GuestProcess(number, parent, user, (own + system) // TICKS, safe)


def processes_of(record: ContainerRecord) -> list[GuestProcess]:
    """The container's processes, as its guest tells them (MVM-PS-01).

    Raises:
        RingfenceError: the container is paused, or its supervisor cannot be reached.
    """
    if is_frozen(record):
        raise RingfenceError("the container is paused: its guest cannot be asked")
    found: list[GuestProcess] = []
    with Client(record.machine_directory) as client:
        answer = client.ask("LIST", key_of(record))
        while answer.type == "LISTED" and answer.data and len(found) < MOST_PROCESSES:
            if process := process_of(answer.data):
                found.append(process)
            answer = client.receive()
    return sorted(found, key=lambda process: process.pid)


def signal_guest(record: ContainerRecord, number: int) -> None:
    """Send a signal to every process of the container (MVM-KILL-03).

    Raises:
        RingfenceError: the supervisor cannot be reached.
    """
    with Client(record.machine_directory) as client:
        client.send("SIGNAL", number.to_bytes(4, "little") + key_of(record), stream=EVERYTHING)


def command_machine(record: ContainerRecord, command: str, **arguments: object) -> object:
    """What QEMU returns for a command to its monitor; the caller holds the container's lock.

    Raises:
        RingfenceError: it refuses, or does not answer.
    """
    from ringfence.drivers.microvm.monitor import Monitor

    with Client(record.machine_directory) as client, Monitor(client.borrow(MONITOR)) as monitor:
        monitor.greet()
        return monitor.ask(command, **arguments)


def set_clock(record: ContainerRecord) -> None:
    """Tell a guest that stood still what time it is (MVM-PAUSE-02).

    Raises:
        RingfenceError: the supervisor cannot be reached.
    """
    from time import time_ns

    with Client(record.machine_directory) as client:
        client.send("TIME", time_ns().to_bytes(8, "little"))
