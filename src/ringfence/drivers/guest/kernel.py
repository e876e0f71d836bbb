"""Words of a configuration for a guest's kernel. Pure."""

from __future__ import annotations

from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import VirtualMachine

HASTE = "rcupdate.rcu_expedited=1"
"""Moving a process into a cgroup, and taking a mount or a network device away, wait for grace periods of RCU. Expedited
ones cost next to nothing in a guest of few processors (Documentation/admin-guide/kernel-parameters.txt)."""


def parameters_of(machine: VirtualMachine | None) -> tuple[str, ...]:
    """The configuration's words for the kernel (MVM-KERNEL-07).

    Raises:
        RingfenceError: one of them would not stay one word, or names another first process.
    """
    words = machine.kernel.parameters if machine and machine.kernel else ()
    for index, word in enumerate(words):
        field = f"/vm/kernel/parameters/{index}"
        if not word or '"' in word or not word.isprintable():
            raise RingfenceError(
                "a kernel parameter must be one word without quotes or control characters", field=field
            )
        if word.startswith(("init=", "rdinit=")) or word == "--":
            raise RingfenceError(f"the kernel parameter {word} would replace the first process", field=field)
    return words


def quoted(word: str) -> str:
    """A word of the kernel's command line that stays one (kernel-parameters.rst)."""
    return f'"{word}"' if " " in word else word
