"""For which system a root's programs are, as ELF says it (elf(5), the header's EI_OSABI and e_machine)."""

from __future__ import annotations

from ringfence.image.platform import Platform, host_platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = ("bin/sh", "bin/ls", "libexec/ld-elf.so.1", "sbin/init", "usr/bin/env", "rescue/sh")
"""Programs that a root of FreeBSD has some of."""
HEADER = 20
FREEBSD = 9
LITTLE = 1
MACHINES = {
    3: ("386", ""),
    21: ("ppc64le", ""),
    40: ("arm", "v7"),
    62: ("amd64", ""),
    183: ("arm64", ""),
    243: ("riscv64", ""),
}


def root_platform(head: Callable[[str, int], bytes]) -> Platform:
    """The platform of a root; that of this machine unless a program bears FreeBSD's brand.

    Args:
        head: gives the first bytes of a file of the root.
    """
    for path in PROGRAMS:
        data = head(path, HEADER)
        if len(data) == HEADER and data.startswith(b"\x7fELF") and data[7] == FREEBSD:
            machine = MACHINES.get(int.from_bytes(data[18:20], "little" if data[5] == LITTLE else "big"))
            if machine:
                return Platform("freebsd", *machine)
    return host_platform()
