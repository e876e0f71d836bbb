"""How much of the host's memory a container's machine takes."""

from __future__ import annotations

from pathlib import Path

RAM = "memfd:memory-backend-memfd"


def processes_below(pid: int) -> list[int]:
    """A process and all that it and its children have started."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def proportional(pid: int) -> tuple[int, int]:
    """A process' proportional set size, and what of it is the guest's memory; KiB (proc_pid_smaps(5))."""
    whole, ram, inside = 0, 0, False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0]:
            inside = RAM in line
        elif words[0] == "Pss:":
            whole += int(words[1])
            ram += int(words[1]) if inside else 0
    return whole, ram


def overhead(pid: int) -> float:
    """MiB above the guest's own memory, of the supervisor with this pid and all below it."""
    taken = [proportional(one) for one in processes_below(pid)]
    return sum(whole - ram for whole, ram in taken) / 1024


def resident(pid: int) -> int:
    """KiB of one process, as top(1) shows it."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
