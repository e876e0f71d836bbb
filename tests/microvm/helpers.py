"""What is seen of a machine from the host."""

from __future__ import annotations

import os

from tests.support import Container
from tests.support.process import pids, read_text

OVERLAY = "mount -t tmpfs none {0} && mkdir {0}/upper {0}/work {0}/upper/ringfence"
OVER_ETC = "mount -t overlay -o lowerdir=/etc,upperdir={0}/upper,workdir={0}/work none /etc"
"""A mount namespace of the test's own has its own /etc: there is no other way to name another file."""


def named(container: Container, program: str) -> list[int]:
    """The processes below a container's supervisor that run a program."""
    below = {container.pid}
    found = []
    for pid in sorted(pids()):
        stat = read_text(f"/proc/{pid}/stat")
        if not stat or int(stat.rpartition(") ")[2].split()[1]) not in below:
            continue
        below.add(pid)
        if os.path.basename(read_text(f"/proc/{pid}/cmdline").split("\0")[0]) == program:
            found.append(pid)
    return found


def other_etc(folder: str, place: str) -> tuple[str, ...]:
    """What is put before words for them to see an /etc with what ``place``, a command, makes in ``folder``/upper."""
    upper = f"mkdir {folder} && {OVERLAY.format(folder)}"
    return "sh", "-ec", f'{upper} && {place} && {OVER_ETC.format(folder)} && exec "$@"', "sh"


def qemu(container: Container) -> int:
    """The machine's process."""
    (pid,) = named(container, "qemu-system-x86_64")
    return pid


def field(pid: int, name: str) -> str:
    """One line of /proc/PID/status."""
    lines = read_text(f"/proc/{pid}/status").splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.startswith(f"{name}:"))
