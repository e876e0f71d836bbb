"""QEMU's words of another's file, made to fit a machine of ours and the QEMU of today (MVM-CCOR-08, MVM-CCOR-09). Pure.

The file's kernel, board and memory stay in force. What holds the machine, its accelerator, ramdisk and monitor, is
ours; what QEMU could not open from its own root is handed on as a descriptor.
"""

from __future__ import annotations

from ringfence.drivers.microvm.arguments import FILE, SOCKETS, doubled, marked
from ringfence.errors import RingfenceError
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ringfence.drivers.microvm.arguments import Filled, Line

MIB = 1 << 20
UNITS = {"": MIB, "B": 1, "K": 1 << 10, "M": MIB, "G": 1 << 30, "T": 1 << 40}
FORBIDDEN = {
    "-initrd": "the ramdisk is ringfence's own",
    "-daemonize": "the supervisor holds the machine",
    "-S": "nobody would set the machine going",
    "-pidfile": "the state folder has the machine's process",
    "-incoming": "a machine begins anew",
}
SPEAKING = {
    "-qmp": ("-mon", "chardev={},mode=control"),
    "-monitor": ("-mon", "chardev={}"),
    "-serial": ("-serial", "chardev:{}"),
}
"""Options that take a socket in their own way, and what says the same with a channel."""
IMAGE = "image"
NOT_WRITTEN = {
    "-object": ("mem-path", "readonly=on"),
    "-drive": ("file", "readonly=on"),
    "-blockdev": ("filename", "read-only=on"),
}
"""Options that name an image: by which of their own, and what opens it for reading only."""


class Own(Record):
    """The words of a file, and what is known from them of the machine.

    ``board`` is "microvm", or "q35" for every board with PCI; ``acpi``: the former has it. ``memory`` is in MiB,
    ``memory`` and ``cpus`` 0 where the file does not say. ``sockets`` are names in the container's folder that QEMU
    listens on, ``consoles`` counts the consoles before ours. ``backed``: the file has a backend of the machine's
    memory; ``folder``: it shares the tree by itself; ``processor``, ``parameters``, ``network``, ``disk``: it has its
    own, with what the configuration says. ``notes`` tell what has been changed, ``warnings`` what is doubtful.
    """

    words: tuple[str, ...]
    kernel: str = ""
    append: str = ""
    board: str = "q35"
    acpi: bool = True
    memory: int = 0
    cpus: int = 0
    sockets: tuple[str, ...] = ()
    consoles: int = 0
    backed: bool = False
    folder: bool = False
    processor: bool = False
    parameters: bool = False
    network: bool = False
    disk: bool = False
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def translate(filled: Filled, state: str, image: str, *, kvm: bool) -> Own:
    """The arguments of a file behind the name of the program; ``image`` is the path of the machine's, "" without.

    Raises:
        RingfenceError: one of them cannot be, by its line.
    """
    reading = Translation(state, image, kvm=kvm)
    lines = list(filled.lines[1:])
    while lines:
        line = lines.pop(0)
        name = f"-{line.text.lstrip('-')}" if line.text.startswith("-") else ""
        is_valued = bool(name) and bool(lines) and not lines[0].text.startswith("-")
        reading.take(line, name, lines.pop(0) if is_valued else None)
    tags = set(filled.tags)
    return reading.result(
        sockets=tuple(name for tag, name in SOCKETS.items() if tag in tags and name in reading.listening),
        folder="WORKLOAD_DIR" in tags,
        parameters="KERNEL_PARAMS" in tags,
        network="NETDEV" in tags,
        disk="IMAGE" in tags,
        warnings=filled.warnings,
    )


class Translation:
    """The reading of one file."""

    def __init__(self, state: str, image: str, *, kvm: bool) -> None:
        self.state, self.image, self.kvm = state, image, kvm
        self.words: list[str] = []
        self.notes: list[str] = []
        self.listening: list[str] = []
        self.found: dict[str, str | int | bool] = {}
        self.consoles = 0
        self.takers: dict[str, Callable[[Line, str, str], None]] = {
            "-machine": self.machine, "-M": self.machine, "-cpu": self.cpu, "-m": self.memory, "-smp": self.smp,
            "-kernel": self.kernel, "-append": self.append, "-accel": self.accelerator, "-device": self.device,
            "-qmp": self.channel, "-monitor": self.channel, "-serial": self.channel,
        }  # fmt: skip

    def result(self, **more: tuple[str, ...] | bool) -> Own:
        """What has been read."""
        return Own(tuple(self.words), consoles=self.consoles, notes=tuple(self.notes), **self.found, **more)  # type: ignore[arg-type]

    def take(self, line: Line, name: str, value: Line | None) -> None:
        """One option with its value, or a word that stands alone.

        Raises:
            RingfenceError: it cannot be.
        """
        if name in FORBIDDEN:
            raise refused(line, f"{name} cannot be: {FORBIDDEN[name]}")
        if name == "-enable-kvm":
            return self.accelerator(line, name, "kvm")
        if value is None:
            return self.words.append(line.text)
        first = value.text.removeprefix("mon:").partition(",")[0]
        if first == "stdio" and name in ("-chardev", *SPEAKING):
            raise refused(value, "standard input and output are the container's")
        text = self.handed_on(value, name)
        return self.takers.get(name, self.plain)(value, name, text)

    def plain(self, _line: Line, name: str, text: str) -> None:
        """An option that stays as it is."""
        self.words += [name, text]

    def note(self, line: Line, text: str) -> None:
        """Say what has been changed."""
        self.notes.append(f"{FILE}, line {line.number}: {text}")

    def handed_on(self, line: Line, name: str) -> str:
        """A value in which our sockets and the image are descriptors: QEMU's root has no such paths."""
        text = line.text
        for socket in SOCKETS.values():
            path = f"path={doubled(f'{self.state}/{socket}')}"
            if path in text:
                self.listening.append(socket)
                text = text.replace(path, f"fd={marked(socket)}").replace(",server,nowait", ",server=on,wait=off")
        option, only = NOT_WRITTEN.get(name, ("", ""))
        written = f"{option}={doubled(self.image)}"
        if not self.image or written not in text:
            return text
        self.note(line, f"the image is opened for reading only: {only} is added")
        return f"{text.replace(written, f'{option}=/proc/self/fd/{marked(IMAGE)}')},{only}"

    def machine(self, line: Line, _name: str, text: str) -> None:
        """The board with its options, as QEMU of today has them."""
        kept: list[str] = []
        for index, option in enumerate(text.split(",")):
            key, sign, value = option.partition("=")
            if key == "accel" and sign:
                self.note(line, f"{option} is left out: ringfence chooses the accelerator")
            elif (index == 0 and not sign) or key == "type":
                kept.append(self.board(line, value or key))
            elif key == "memory-backend":
                self.found["backed"] = True
                kept.append(option)
            elif not sign:
                self.note(line, f"{option} is read as {option}=on")
                kept.append(f"{option}=on")
            else:
                self.found["acpi"] = self.found.get("acpi", True) and option != "acpi=off"
                kept.append(option)
        self.words += ["-machine", ",".join(kept)] if kept else []

    def board(self, line: Line, name: str) -> str:
        """The name of the board; ``pc-lite`` was a patched QEMU's."""
        if name == "pc-lite":
            self.note(line, "pc-lite is read as q35")
            name = "q35"
        self.found["board"] = "microvm" if name == "microvm" else "q35"
        return name

    def accelerator(self, line: Line, name: str, text: str) -> None:
        """It is never the file's."""
        self.note(line, f"{name} {text} is left out: ringfence chooses the accelerator")

    def cpu(self, line: Line, name: str, text: str) -> None:
        """The model; the host's own is only there by KVM."""
        model, comma, features = text.partition(",")
        if model == "host" and not self.kvm:
            self.note(line, "the processor host is read as max: the machine is emulated")
            model = "max"
        self.found["processor"] = True
        self.words += [name, model + comma + features]

    def memory(self, line: Line, name: str, text: str) -> None:
        """The size, in MiB without a unit."""
        first = text.partition(",")[0].removeprefix("size=")
        number = first.rstrip("BKMGTbkmgt")
        unit = first[len(number) :].upper()
        if not number.isdigit() or unit not in UNITS:
            raise refused(line, f"{text} is no size of memory")
        self.found["memory"] = int(number) * UNITS[unit] // MIB
        self.words += [name, text]

    def smp(self, _line: Line, name: str, text: str) -> None:
        """The number of processors; what is not understood counts as more than one."""
        options = dict(option.partition("=")[::2] for option in text.split(","))
        first = options.get("cpus") or text.partition(",")[0]
        self.found["cpus"] = int(first) if first.isdigit() and len(first) < 4 else 2
        self.words += [name, text]

    def kernel(self, line: Line, _name: str, text: str) -> None:
        """Its path; QEMU gets it as a descriptor."""
        if not text.startswith("/"):
            raise refused(line, "the path of a kernel must be absolute")
        self.found["kernel"] = text

    def append(self, _line: Line, _name: str, text: str) -> None:
        """The kernel's command line, to which ours is added."""
        self.found["append"] = text

    def device(self, line: Line, name: str, text: str) -> None:
        """A device; an nvdimm that must not be written to has to say so (QEMU, docs/nvdimm.txt)."""
        kind = text.partition(",")[0]
        self.consoles += kind == "virtconsole"
        if kind == "nvdimm" and self.image and "unarmed" not in text:
            self.note(line, "the nvdimm cannot be written to: unarmed=on is added")
            text += ",unarmed=on"
        self.words += [name, text]

    def channel(self, line: Line, name: str, text: str) -> None:
        """A monitor or serial port; the one on our socket gets a channel with its descriptor."""
        known = [socket for socket in SOCKETS.values() if text.startswith(f"unix:{doubled(f'{self.state}/{socket}')}")]
        if not known:
            self.plain(line, name, text)
            return
        option, form = SPEAKING[name]
        channel = known[0].replace(".", "-")
        self.listening.append(known[0])
        self.note(line, f"{name} gets the socket {known[0]} as a descriptor")
        self.words += ["-chardev", f"socket,id={channel},fd={marked(known[0])},server=on,wait=off"]
        self.words += [option, form.format(channel)]


def refused(line: Line, text: str) -> RingfenceError:
    """The error of a line."""
    return RingfenceError(f"{FILE}, line {line.number}: {text}")
