"""The machine under the measurement: what it is, and the one thing that has to be changed on it for crun."""

from __future__ import annotations

import contextlib
import ctypes
import datetime
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HUGETLB = Path("/sys/fs/cgroup/hugetlb")
UNIFIED = Path("/sys/fs/cgroup/unified/cgroup.controllers")
PATIENCE = 5.0

CLONE_NEWNS = 0x20000
MS_REC = 0x4000
MS_SLAVE = 0x80000


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def load() -> float:
    """The load average of the last minute."""
    return os.getloadavg()[0]


def version(program: str) -> str:
    """The first line of its --version, without the word in the middle."""
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    return told.splitlines()[0].replace(" version", "")


def interpreter_of(launcher: str) -> str:
    """The Python that the launcher's first line names; the running one when there is no such launcher."""
    try:
        with open(launcher, "rb") as file:
            first = file.readline()
    except FileNotFoundError:
        first = b""
    return first[2:].split()[0].decode() if first.startswith(b"#!") else os.path.realpath(sys.executable)


def describe() -> dict[str, object]:
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "kernel": platform.release(),
        "processor": processor(),
        "processors": os.cpu_count(),
        "load": round(load(), 2),
    }


def check(result: int, what: str) -> None:
    """Raise the OSError of a libc call that returned less than 0."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def mount_hugetlb() -> None:
    """Mount the controller in a mount namespace of this process's own, so that nobody else sees it."""
    libc = ctypes.CDLL(None, use_errno=True)
    check(libc.unshare(CLONE_NEWNS), "unshare")
    check(libc.mount(None, b"/", None, MS_REC | MS_SLAVE, None), "/")
    HUGETLB.mkdir(exist_ok=True)
    check(libc.mount(b"cgroup", bytes(HUGETLB), b"cgroup", 0, b"hugetlb"), str(HUGETLB))


def hugetlb_cgroups() -> int:
    lines = Path("/proc/cgroups").read_text().splitlines()
    return next(int(line.split()[2]) for line in lines if line.startswith("hugetlb"))


def unmount_hugetlb() -> None:
    """Give the controller back to cgroup v2, which takes it only when the last cgroup made meanwhile has gone."""
    end = time.monotonic() + PATIENCE
    while hugetlb_cgroups() > 1 and time.monotonic() < end:
        time.sleep(0.05)
    libc = ctypes.CDLL(None, use_errno=True)
    with contextlib.suppress(OSError):  # others see the folder too: they may have used it, or removed it with the mount
        check(libc.umount2(bytes(HUGETLB), 0), str(HUGETLB))
        HUGETLB.rmdir()


@contextlib.contextmanager
def hugetlb_for_crun() -> Iterator[None]:
    """crun refuses a hybrid machine while cgroup v2 holds a controller, maybe hugetlb: mount that as v1 meanwhile."""
    if not UNIFIED.exists() or "hugetlb" not in UNIFIED.read_text():
        yield
        return
    mount_hugetlb()
    try:
        yield
    finally:
        unmount_hugetlb()
