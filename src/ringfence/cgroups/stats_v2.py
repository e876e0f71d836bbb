"""What a container uses, read from cgroup v2 (Documentation/admin-guide/cgroup-v2), in the words of v1."""

from __future__ import annotations

from ringfence.cgroups.files import read_or_empty
from ringfence.cgroups.measure import (
    U64_MAX,
    amount,
    cpuset,
    entry,
    number,
    present,
    table,
    with_pressure,
)
from ringfence.cgroups.stats_v1 import files, pids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MICROSECONDS = 1000
BLOCK_COUNTS = {
    "rbytes": ("ioServiceBytesRecursive", "Read"),
    "wbytes": ("ioServiceBytesRecursive", "Write"),
    "dbytes": ("ioServiceBytesRecursive", "Discard"),
    "rios": ("ioServicedRecursive", "Read"),
    "wios": ("ioServicedRecursive", "Write"),
    "dios": ("ioServicedRecursive", "Discard"),
}


def stats_v2(path: str) -> dict[str, Any]:
    """The ``data`` of a stats event, without what other parts of the runtime know."""
    return {
        "cpu": with_pressure(cpu(path), f"{path}/cpu.pressure"),
        "cpuset": cpuset(
            {}, read_or_empty(f"{path}/cpuset.cpus.effective"), read_or_empty(f"{path}/cpuset.mems.effective")
        ),
        "memory": with_pressure(memory(path), f"{path}/memory.pressure"),
        "pids": pids(path),
        "blkio": with_pressure(block(path), f"{path}/io.pressure"),
        "hugetlb": huge_pages(path),
    }


def cpu(path: str) -> dict[str, Any]:
    """Times in nanoseconds; the kernel counts microseconds."""
    stat = table(f"{path}/cpu.stat")
    return {
        "usage": {
            **present({"total": stat.get("usage_usec", 0) * MICROSECONDS}),
            "kernel": stat.get("system_usec", 0) * MICROSECONDS,
            "user": stat.get("user_usec", 0) * MICROSECONDS,
        },
        "throttling": present(
            {
                "periods": stat.get("nr_periods"),
                "throttledPeriods": stat.get("nr_throttled"),
                "throttledTime": stat.get("throttled_usec", 0) * MICROSECONDS,
            }
        ),
    }


def memory(path: str) -> dict[str, Any]:
    """Bytes; swap is told as memory+swap, as in v1."""
    raw = table(f"{path}/memory.stat")
    usage = number(f"{path}/memory.current")
    limit = number(f"{path}/memory.max")
    swap = number(f"{path}/memory.swap.current")
    swap_limit = number(f"{path}/memory.swap.max")
    both = U64_MAX if U64_MAX in (limit, swap_limit) else limit + swap_limit
    return {
        **present({"cache": raw.get("file")}),
        "usage": amount(limit, usage, number(f"{path}/memory.peak"), 0),
        "swap": amount(both, usage + swap, 0, 0),
        "kernel": amount(0, 0, 0, 0),
        "kernelTCP": amount(0, 0, 0, 0),
        **present({"raw": dict(sorted(raw.items()))}),
    }


def block(path: str) -> dict[str, Any]:
    """io.stat: one line for each device, with its counts by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in read_or_empty(f"{path}/io.stat").splitlines():
        device, *pairs = row.split()
        for pair in pairs:
            name, _equals, value = pair.partition("=")
            if name in BLOCK_COUNTS:
                section, operation = BLOCK_COUNTS[name]
                found.setdefault(section, []).append(entry(device, operation, int(value)))
    return found


def huge_pages(path: str) -> dict[str, Any]:
    """Bytes in huge pages, by their size."""
    sizes = sorted(
        name.removeprefix("hugetlb.").removesuffix(".current")
        for name in files(path)
        if name.startswith("hugetlb.") and name.endswith("B.current")
    )
    return {
        size: {
            **present({"usage": number(f"{path}/hugetlb.{size}.current")}),
            "failcnt": table(f"{path}/hugetlb.{size}.events").get("max", 0),
        }
        for size in sizes
    }
