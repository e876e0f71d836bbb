"""How large a machine is, and what of the object ``vm`` it follows. Pure."""

from __future__ import annotations

from ringfence.drivers.linux.context import section
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import Config, VirtualMachine

MIB = 1 << 20
SANDBOX, CONTAINER = "sandbox", "container"
KINDS = ("io.kubernetes.cri-o.ContainerType", "io.kubernetes.cri.container-type", "ocid/container_type")
"""Annotations by which CRI-O, containerd and the first CRI-O say what a container is in its pod (MVM-POD-01)."""
SANDBOX_MEMORY = "io.kubernetes.cri.sandbox-memory"
SANDBOX_CPU = ("io.kubernetes.cri.sandbox-cpu-quota", "io.kubernetes.cri.sandbox-cpu-period")
MOST_DIGITS = 15
DEFAULT_MEMORY, KERNEL_MEMORY, LEAST_MEMORY = 512, 64, 40
MOST_MEMORY = 1 << 40


def kind_of(annotations: dict[str, str]) -> str:
    """Whether a container is a sandbox or a container of one, "" for what belongs to no pod."""
    found = next((annotations[key] for key in KINDS if key in annotations), "")
    return found if found in (SANDBOX, CONTAINER) else ""


def number_in(config: Config, key: str) -> int:
    """A number that an annotation of the sandbox has, 0 for none: nothing but digits counts (MVM-POD-05)."""
    text = config.annotations.get(key, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else 0


def check_fits(config: Config, machine: tuple[str, ...]) -> None:
    """Whether a container fits into the machine of its sandbox.

    Raises:
        RingfenceError: its memory limit is above what that has.
    """
    resources = section(config).resources
    limit = resources.memory.limit if resources and resources.memory else None
    whole = int(machine[-1])
    if limit and limit > whole * MIB:
        text = f"a memory limit of {limit} bytes is more than the {whole} MiB that the machine of the sandbox has"
        raise RingfenceError(text, field="/linux/resources/memory/limit")


def memory_of(config: Config, pod: int = 0) -> int:
    """The machine's memory in MiB: as demanded, or the container's limit and what the kernel needs (MVM-QEMU-15).

    A sandbox has what Kubernetes says of all its containers, else ``pod`` MiB (MVM-POD-05).

    Raises:
        RingfenceError: so little has been demanded that no kernel starts.
    """
    hardware = config.vm.hw_config if config.vm else None
    if hardware and hardware.memory is not None:
        if hardware.memory < LEAST_MEMORY * MIB:
            text = f"{hardware.memory} bytes of memory are too few for a machine: the least is {LEAST_MEMORY} MiB"
            raise RingfenceError(text, field="/vm/hwConfig/memory")
        return hardware.memory // MIB
    if kind_of(config.annotations) == SANDBOX:
        demanded = min(number_in(config, SANDBOX_MEMORY), MOST_MEMORY)
        return -(-demanded // MIB) + KERNEL_MEMORY if demanded else pod or DEFAULT_MEMORY
    resources = section(config).resources
    limit = resources.memory.limit if resources and resources.memory else None
    return DEFAULT_MEMORY if not limit or limit < 0 else -(-limit // MIB) + KERNEL_MEMORY


def vcpus_of(config: Config, most: int, pod: int = 0) -> int:
    """The number of processors: as demanded, or enough for the quota; never more than the host's (MVM-QEMU-14).

    A sandbox has enough for what Kubernetes says of all its containers, else ``pod``.
    """
    hardware = config.vm.hw_config if config.vm else None
    resources = section(config).resources
    cpu = resources.cpu if resources else None
    wanted = 1
    if hardware and hardware.vcpus:
        wanted = hardware.vcpus
    elif kind_of(config.annotations) == SANDBOX:
        quota, period = (number_in(config, key) for key in SANDBOX_CPU)
        wanted = -(-quota // period) if quota and period else pod or 1
    elif cpu and cpu.quota and cpu.quota > 0 and cpu.period:
        wanted = -(-cpu.quota // cpu.period)
    return max(1, min(wanted, most))


def check_machine(machine: VirtualMachine) -> None:
    """Whether all that is asked of the machine can be given.

    Raises:
        RingfenceError: it cannot, by the name of the field.
    """
    refused: list[tuple[str, object]] = []
    if machine.kernel:
        if machine.kernel.initrd is not None and not machine.kernel.initrd.startswith("/"):
            raise RingfenceError("the path of a ramdisk must be absolute", field="/vm/kernel/initrd")
        if not machine.kernel.path.startswith("/"):
            raise RingfenceError("the path of a kernel must be absolute", field="/vm/kernel/path")
    if machine.hw_config:
        refused.append(("/vm/hwConfig/deviceTree", machine.hw_config.device_tree))
    for field, value in refused:
        if value is not None:
            name = field[1:].replace("/", ".")
            raise RingfenceError(f"{name} is not supported by the driver microvm", field=field, hint="remove it")
