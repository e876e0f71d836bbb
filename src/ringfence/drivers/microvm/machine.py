"""QEMU's command line, and the plan of its process. Pure."""

from __future__ import annotations

from ringfence.drivers.guest.kernel import HASTE, quoted
from ringfence.drivers.guest.ramdisk import FIRST_PROCESS
from ringfence.drivers.microvm.cell import cell_steps
from ringfence.drivers.microvm.image import Image, disk_words
from ringfence.network.hardware import hardware_address
from ringfence.plan import inside
from ringfence.plan.plan import Plan
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.microvm.translate import Own
    from ringfence.plan.step import InitStep

QEMU = "/usr/bin/qemu-system-"
"""Behind this follows the name of the processor."""
CONTROL, MONITOR, CONSOLE, RAMDISK = range(3, 7)
"""Its descriptors: three sockets, and the first of what it is handed on."""
MICROVM, Q35, VIRT = "microvm", "q35", "virt"
"""Boards of x86_64, and that of aarch64."""
SLOTS = 8
"""Places for devices on the board ``microvm`` without ACPI; with it there are 24 (MVM-QEMU-03)."""
MOST_NICS = 8
OTHER_DEVICES = 2  # the serial ports, the files
VIRTIOFS, P9 = "virtiofs", "9p"
VIRTIOFSD = ("/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd")
"""The daemon in Rust of QEMU 8 and later, and the one that was QEMU's own before."""
DAEMON = 3

LAUNCHER_FAILED = 127
NOBODY = 65534
PORT = "ringfence.control"


class Machine(Record):
    """The hardware, and the kernel for it.

    ``memory`` is in MiB; ``tsc_khz`` the frequency of the host's time stamp counter, 0 if unknown; ``virtiofsd`` the
    path of that program, "" where files are served by 9p; ``modules`` that of a ramdisk with modules for the kernel;
    ``parameters`` are words of the configuration for the kernel, ``initrd`` a ramdisk of its, "" for none. With ``kvm``
    the guest has ``greeting`` milliseconds for its first frame. ``layout`` are places of the host beside /usr that
    QEMU's process needs, with the target of those that are symbolic links; ``program`` is the path of QEMU. ``own`` has
    the words of a file that the administrator or the bundle has written. ``unprivileged``: the caller is not root, and
    root of a user namespace in which there is no other user. Without ``shares`` the guest needs no files of the host:
    its root is an image, and there are no volumes. ``state`` is the file with the state that it begins with, "" for
    none.
    """

    kernel: str
    board: str = MICROVM
    virtiofsd: str = ""
    memory: int = 512
    cpus: int = 1
    kvm: bool = False
    tsc_khz: int = 0
    modules: str = ""
    parameters: tuple[str, ...] = ()
    initrd: str = ""
    image: Image | None = None
    greeting: int = 0
    layout: tuple[tuple[str, str], ...] = ()
    program: str = f"{QEMU}x86_64"
    unprivileged: bool = False
    own: Own | None = None
    shares: bool = True
    state: str = ""


def parts_of(machine: Machine) -> tuple[str, ...]:
    """What people ask of a machine: hypervisor, kernel, board, accelerator, image, "" without, and MiB of memory."""
    image = machine.image.path if machine.image else ""
    accelerator = "kvm" if machine.kvm else "tcg"
    return machine.program, machine.kernel, machine.board, accelerator, image, str(machine.memory)


def handed_on(machine: Machine) -> list[str]:
    """The names of what QEMU's process gets behind its three sockets, in their order; taps follow."""
    sockets = machine.own.sockets if machine.own else ()
    files = ["files"] if machine.virtiofsd else []
    state = ["state"] if machine.state else []
    return ["ramdisk", "kernel", *files, *(["image"] if machine.image else []), *state, *sockets]


def descriptor_of(machine: Machine, name: str) -> int:
    """The number that one of them has there."""
    return RAMDISK + handed_on(machine).index(name)


def kernel_line(machine: Machine, *, acpi: bool = False) -> str:
    """The kernel's command line (MVM-KERNEL-09).

    The word "guest" is the init's: the kernel hands on what it does not know. The configuration's own follow it, and
    QEMU adds more. Those about timers are for emulation, whose clocks need no calibration; with ACPI no timer is left
    but the one of the local APIC (QEMU 7.2: nothing that sleeps ever wakes without it). Patching the lock prefixes out
    throws translated code away.
    """
    own = machine.own
    words = [*([own.append] if own else []), f"console=hvc{own.consoles if own else 0}"]
    words += ["quiet", "panic=-1", "mitigations=off", HASTE]
    words += [] if machine.board == VIRT else pc_words(machine, acpi=acpi)
    if machine.initrd or own:
        words.append(f"rdinit=/{FIRST_PROCESS}")
    parameters = () if own and own.parameters else machine.parameters
    return " ".join([*words, "guest", *(quoted(word) for word in parameters)])


def pc_words(machine: Machine, *, acpi: bool) -> list[str]:
    """What a kernel of x86_64 is told of its processor's clocks and of how to reboot."""
    words = ["reboot=t", *(["noreplace-smp"] if machine.cpus == 1 else [])]
    if machine.kvm:
        return words
    words += ["no_timer_check", "tsc=reliable"]
    words += ["nolapic_timer"] if machine.cpus == 1 and not acpi else []
    return words + ([f"tsc_early_khz={machine.tsc_khz}"] if machine.tsc_khz else [])


def accelerator(machine: Machine) -> list[str]:
    """How the guest's code is run."""
    threads = "single" if machine.cpus == 1 else "multi"
    name, processor = ("kvm", "host") if machine.kvm else (f"tcg,thread={threads},tb-size=32", "max")
    return ["-accel", name, *([] if machine.own and machine.own.processor else ["-cpu", processor])]


def escaped(value: str) -> str:
    """A value inside a comma-separated option (MVM-QEMU-13)."""
    return value.replace(",", ",,")


def device(machine: Machine, name: str) -> str:
    """A virtio device as the board's bus has it."""
    return f"{name}-{'pci' if machine.board == Q35 else 'device'}"


def needs_acpi(machine: Machine, nics: int) -> bool:
    """Whether there are more devices than the board has places for without it (MVM-QEMU-03)."""
    if machine.own:
        return machine.board == MICROVM and machine.own.acpi
    return machine.board == MICROVM and OTHER_DEVICES + bool(machine.image) + nics > SLOTS


def board(machine: Machine, nics: int) -> list[str]:
    """The machine itself and its memory, which a daemon that serves files has to share."""
    if machine.own:
        return own_memory(machine, machine.own)
    name = board_name(machine, nics)
    if not machine.virtiofsd:
        return ["-M", name, "-m", str(machine.memory)]
    return [*backend(machine), "-M", f"{name},memory-backend=memory", "-m", str(machine.memory)]


def board_name(machine: Machine, nics: int) -> str:
    """The board and how it is to be."""
    if machine.board == MICROVM:
        return f"{MICROVM},acpi={'on' if needs_acpi(machine, nics) else 'off'},isa-serial=off"
    return f"{VIRT},gic-version=max" if machine.board == VIRT else machine.board


def backend(machine: Machine) -> list[str]:
    """Memory that a daemon can share."""
    return ["-object", f"memory-backend-memfd,id=memory,size={machine.memory}M,share=on"]


def own_memory(machine: Machine, own: Own) -> list[str]:
    """What a file's board and memory lack for ours."""
    size = [] if own.memory else ["-m", str(machine.memory)]
    return [*size, *([*backend(machine), "-machine", "memory-backend=memory"] if machine.virtiofsd else [])]


def files(machine: Machine, tree: str) -> list[str]:
    """How the guest gets its files."""
    if not machine.shares:
        return []
    if machine.virtiofsd:
        socket = f"socket,id=files,fd={descriptor_of(machine, 'files')}"
        return ["-chardev", socket, "-device", f"{device(machine, 'vhost-user-fs')},chardev=files,tag=root"]
    share = f"local,id=root,path={escaped(tree)},security_model=passthrough,multidevs=remap"
    return ["-fsdev", share, "-device", f"{device(machine, 'virtio-9p')},fsdev=root,mount_tag=root"]


def network(machine: Machine, nics: int) -> list[str]:
    """Network devices, each with a tap that comes as a descriptor; the first is the one behind all others."""
    words = []
    for number in range(1 if machine.own and machine.own.network else 0, nics):
        end, card = network_device(machine, number)
        words += ["-netdev", end, "-device", card]
    return words


def network_device(machine: Machine, number: int) -> tuple[str, str]:
    """QEMU's end of a network device, and the guest's."""
    end = f"tap,id=nic{number},fd={RAMDISK + len(handed_on(machine)) + number}"
    options = f"netdev=nic{number},mac={hardware_address(number).hex(':')}"
    return end, f"{device(machine, 'virtio-net')},{options}" + (",romfile=" * (machine.board == Q35))


def own_words(machine: Machine, own: Own, nics: int) -> list[str]:
    """A file's words; its tags of the network are those of the first device."""
    from ringfence.drivers.microvm.arguments import NETWORK, settled  # only with such a file

    values = {name: str(descriptor_of(machine, name)) for name in handed_on(machine)}
    if nics:
        end, card = network_device(machine, 0)
        values.update(zip(NETWORK, ("-netdev", end, "-device", card), strict=True))
    return settled(own.words, values)


def command(machine: Machine, tree: str, nics: int) -> tuple[str, ...]:
    """The whole command line; ``tree`` is the folder that the guest sees."""
    own = machine.own
    words = [machine.program.rpartition("/")[2], *(own_words(machine, own, nics) if own else [])]
    words += [*board(machine, nics), *accelerator(machine)]
    words += [] if own and own.cpus else ["-smp", str(machine.cpus)]
    words += ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
    words += ["-global", "virtio-mmio.force-legacy=false"]
    words += ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]
    words += ["-device", device(machine, "virtio-serial")]
    words += ["-chardev", f"socket,id=control,fd={CONTROL}"]
    words += ["-device", f"virtserialport,chardev=control,name={PORT}"]
    words += ["-chardev", f"socket,id=console,fd={CONSOLE}", "-device", "virtconsole,chardev=console"]
    words += ["-chardev", f"socket,id=monitor,fd={MONITOR}", "-mon", "chardev=monitor,mode=control"]
    words += files(machine, tree)
    if machine.image and (machine.image.is_root or not (own and own.disk)):
        words += disk_words(device(machine, "virtio-blk"), descriptor_of(machine, "image"))
    words += network(machine, nics)
    words += ["-incoming", f"fd:{descriptor_of(machine, 'state')}"] if machine.state else []
    kernel = descriptor_of(machine, "kernel")
    words += ["-kernel", f"/proc/self/fd/{kernel}", "-initrd", f"/proc/self/fd/{RAMDISK}"]
    return (*words, "-append", kernel_line(machine, acpi=needs_acpi(machine, nics)))


def daemon_command(program: str, tree: str) -> tuple[str, ...]:
    """The command line of virtiofsd; the older one has its options in another form."""
    if program == VIRTIOFSD[0]:
        return ("virtiofsd", f"--fd={DAEMON}", "--shared-dir", tree, "--sandbox", "namespace", "--cache", "auto")
    return ("virtiofsd", f"--fd={DAEMON}", "-f", "--rlimit-nofile=0", "-o", f"source={escaped(tree)},cache=auto")


def compile_daemon(machine: Machine, tree: str) -> Plan | None:
    """The plan of the process that serves the files, None where QEMU does."""
    if not machine.virtiofsd:
        return None
    steps = (
        inside.NewSession(""),
        inside.SetNoNewPrivileges(""),
        inside.FindExecutable("", machine.virtiofsd, ""),
        inside.Exec("", daemon_command(machine.virtiofsd, tree), ("PATH=/usr/bin:/bin",), LAUNCHER_FAILED),
    )
    return Plan((), (), steps)


def nobody_steps(machine: Machine) -> list[InitStep]:
    """QEMU runs without any right where a daemon serves the files; by 9p it must act as every user (MVM-QEMU-08)."""
    if not machine.virtiofsd and machine.shares:
        return []
    user = [] if machine.unprivileged else [inside.SetUser("", NOBODY, NOBODY, (), True)]
    return [inside.DropBounding("", 0), *user, inside.SetCapabilities("", 0, 0, 0, 0)]


def compile_machine(machine: Machine, state: str, tree: str, nics: int = 1) -> Plan:
    """The plan of QEMU's process, which the supervisor starts, with so many network devices.

    ``state`` is the container's folder, ``tree`` the one that the guest sees.
    """
    steps = (
        inside.NewSession(""),
        *cell_steps(machine, state, tree),
        inside.SetNoNewPrivileges(""),
        *nobody_steps(machine),
        inside.FindExecutable("", machine.program, ""),
        inside.Exec("/vm/hypervisor", command(machine, tree, nics), ("PATH=/usr/bin:/bin",), LAUNCHER_FAILED),
    )
    return Plan((), (), steps)
