"""What the statistics of both cgroup versions have in common: reading numbers from the kernel's little texts."""

from __future__ import annotations

from ringfence.cgroups.files import read_or_empty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

U64_MAX = 2**64 - 1
PRESSURE_AVERAGES = ("avg10", "avg60", "avg300")


def number(path: str) -> int:
    """The number in a file, 0 when the file is not there; ``max`` is the largest u64."""
    text = read_or_empty(path).strip()
    return U64_MAX if text == "max" else int(text or 0)


def table(path: str) -> dict[str, int]:
    """A file of ``name number`` lines."""
    rows = (row.split() for row in read_or_empty(path).splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2}


def number_list(text: str) -> list[int]:
    """``0-2,7`` as numbers (cpuset(7), List format)."""
    found: list[int] = []
    for part in text.strip().split(",") if text.strip() else ():
        first, _dash, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found


def present(members: dict[str, Any]) -> dict[str, Any]:
    """The members that are not zero or empty; the others are left out of the event."""
    return {name: value for name, value in members.items() if value}


def pressure(path: str) -> dict[str, Any]:
    """Pressure stall information as ``{some, full}``, empty where the kernel has none (accounting/psi.rst)."""
    found: dict[str, Any] = {}
    for row in read_or_empty(path).splitlines():
        kind, *pairs = row.split()
        values = dict(pair.split("=") for pair in pairs)
        found[kind] = {name: float(values[name]) for name in PRESSURE_AVERAGES} | {"total": int(values["total"])}
    return found


def with_pressure(members: dict[str, Any], path: str) -> dict[str, Any]:
    """The members, and ``psi`` where the kernel has it."""
    return members | present({"psi": pressure(path)})


def entry(device: str, operation: str, value: int) -> dict[str, Any]:
    """One count of block I/O; zero members are left out, as in every event."""
    major, minor = device.split(":")
    return present({"major": int(major), "minor": int(minor), "op": operation, "value": value})


def amount(limit: int, usage: int, peak: int, failures: int) -> dict[str, int]:
    """Memory of one kind, bytes but for the count of failures."""
    members = present({"usage": usage, "max": peak})
    return {"limit": limit, **members, "failcnt": failures}


def cpuset(values: dict[str, int], cpus: str, mems: str) -> dict[str, Any]:
    """The cpuset section: lists may be left out, the switches may not."""
    lists = {"cpus": number_list(cpus), "mems": number_list(mems)}
    members: dict[str, Any] = {}
    for name in ("cpus", "cpu_exclusive", "mems", "mem_hardwall", *CPUSET_REST):
        if name in lists:
            members.update(present({name: lists[name]}))
        else:
            members[name] = values.get(name, 0)
    return members


CPUSET_REST = (
    "mem_exclusive",
    "memory_migrate",
    "memory_spread_page",
    "memory_spread_slab",
    "memory_pressure",
    "sched_load_balance",
    "sched_relax_domain_level",
)
