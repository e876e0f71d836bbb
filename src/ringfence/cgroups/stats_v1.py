"""What a container uses, read from cgroup v1 (Documentation/admin-guide/cgroup-v1)."""

from __future__ import annotations

import posix

from ringfence.cgroups.files import read_or_empty
from ringfence.cgroups.measure import CPUSET_REST, amount, cpuset, entry, number, present, table
from ringfence.cgroups.paths import find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.cgroups.paths import CgroupDir

NOWHERE = "/nonexistent"
NANOSECONDS = 10**9
BLOCK_COUNTS = (
    ("ioServiceBytesRecursive", "io_service_bytes"),
    ("ioServicedRecursive", "io_serviced"),
    ("ioQueueRecursive", "io_queued"),
    ("ioServiceTimeRecursive", "io_service_time"),
    ("ioWaitTimeRecursive", "io_wait_time"),
    ("ioMergedRecursive", "io_merged"),
    ("ioTimeRecursive", "time"),
    ("sectorsRecursive", "sectors"),
)


def stats_v1(dirs: tuple[CgroupDir, ...]) -> dict[str, Any]:
    """The ``data`` of a stats event, without what other parts of the runtime know."""
    return {
        "cpu": cpu(place(dirs, "cpu"), place(dirs, "cpuacct")),
        "cpuset": cpuset_v1(place(dirs, "cpuset")),
        "memory": memory(place(dirs, "memory")),
        "pids": pids(place(dirs, "pids")),
        "blkio": block(place(dirs, "blkio")),
        "hugetlb": huge_pages(place(dirs, "hugetlb")),
    }


def place(dirs: tuple[CgroupDir, ...], controller: str) -> str:
    """The directory of a controller; without one a path where nothing can be read."""
    return find(dirs, controller) or NOWHERE


def cpu(bandwidth: str, account: str) -> dict[str, Any]:
    """Times in nanoseconds."""
    stat = table(f"{bandwidth}/cpu.stat")
    return {
        "usage": cpu_usage(account),
        "throttling": present(
            {
                "periods": stat.get("nr_periods"),
                "throttledPeriods": stat.get("nr_throttled"),
                "throttledTime": stat.get("throttled_time"),
            }
        ),
    }


def cpu_usage(path: str) -> dict[str, Any]:
    """Time used, in all and by each CPU; cpuacct.stat counts in ticks of USER_HZ."""
    tick = NANOSECONDS // posix.sysconf("SC_CLK_TCK")
    ticks = table(f"{path}/cpuacct.stat")
    rows = [row.split() for row in read_or_empty(f"{path}/cpuacct.usage_all").splitlines()[1:]]
    optional = present(
        {
            "total": number(f"{path}/cpuacct.usage"),
            "percpu": [int(word) for word in read_or_empty(f"{path}/cpuacct.usage_percpu").split()],
            "percpu_kernel": [int(row[2]) for row in rows],
            "percpu_user": [int(row[1]) for row in rows],
        }
    )
    return {**optional, "kernel": ticks.get("system", 0) * tick, "user": ticks.get("user", 0) * tick}


def cpuset_v1(path: str) -> dict[str, Any]:
    """Where the container may run and have its memory."""
    names = ("cpu_exclusive", "mem_hardwall", *CPUSET_REST)
    values = {name: number(f"{path}/cpuset.{name}") for name in names}
    return cpuset(values, read_or_empty(f"{path}/cpuset.cpus"), read_or_empty(f"{path}/cpuset.mems"))


def memory(path: str) -> dict[str, Any]:
    """Bytes of each kind of memory."""
    raw = table(f"{path}/memory.stat")
    return {
        **present({"cache": raw.get("cache")}),
        "usage": memory_entry(f"{path}/memory"),
        "swap": memory_entry(f"{path}/memory.memsw"),
        "kernel": memory_entry(f"{path}/memory.kmem"),
        "kernelTCP": memory_entry(f"{path}/memory.kmem.tcp"),
        **present({"raw": dict(sorted(raw.items()))}),
    }


def memory_entry(stem: str) -> dict[str, int]:
    """Limit, usage, peak and failures of one kind."""
    names = ("limit_in_bytes", "usage_in_bytes", "max_usage_in_bytes", "failcnt")
    return amount(*(number(f"{stem}.{name}") for name in names))


def pids(path: str) -> dict[str, int]:
    """Tasks and their limit, which is left out when there is none."""
    limit = read_or_empty(f"{path}/pids.max").strip()
    return present(
        {"current": number(f"{path}/pids.current"), "limit": 0 if limit in ("", "max") else int(limit)},
    )


def block(path: str) -> dict[str, Any]:
    """Counts of block I/O, from the I/O scheduler that keeps them or else from throttling."""
    return present({name: block_entries(path, file) for name, file in BLOCK_COUNTS})


def block_entries(path: str, name: str) -> list[dict[str, Any]]:
    """The lines of the first of the files that may hold a count which has any."""
    for stem in ("blkio.bfq", "blkio", "blkio.throttle"):
        rows = [row.split() for row in read_or_empty(f"{path}/{stem}.{name}_recursive").splitlines()]
        found = [entry(row[0], row[1] if len(row) == 3 else "", int(row[-1])) for row in rows if ":" in row[0]]
        if found:
            return found
    return []


def huge_pages(path: str) -> dict[str, Any]:
    """Bytes in huge pages, by their size."""
    sizes = sorted(
        name.removeprefix("hugetlb.").removesuffix(".usage_in_bytes")
        for name in files(path)
        if name.endswith("B.usage_in_bytes")
    )
    return {size: huge_page_entry(f"{path}/hugetlb.{size}") for size in sizes}


def huge_page_entry(stem: str) -> dict[str, int]:
    """Usage, peak and failures of one size."""
    members = present({"usage": number(f"{stem}.usage_in_bytes"), "max": number(f"{stem}.max_usage_in_bytes")})
    return {**members, "failcnt": number(f"{stem}.failcnt")}


def files(path: str) -> list[str]:
    """The names in a cgroup, none when it has vanished."""
    try:
        return posix.listdir(path)
    except OSError:
        return []
