"""The rules of the object vm (config-vm.md)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.problems import Problems
    from ringfence.spec.types import VirtualMachine


def check_vm(machine: VirtualMachine, problems: Problems) -> None:
    """Whether every text that must be there is."""
    texts = []
    if machine.hypervisor:
        texts.append(("hypervisor/path", machine.hypervisor.path))
    if machine.kernel:
        texts.append(("kernel/path", machine.kernel.path))
    if machine.image:
        texts += [("image/path", machine.image.path), ("image/format", machine.image.format)]
    for name, text in texts:
        if not text:
            problems.add(f"/vm/{name}", "must be given")
