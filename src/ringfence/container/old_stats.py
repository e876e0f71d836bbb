"""The numbers of ``events`` by the names that libcontainer's own structures had in 2015 (OLD-CLI-10)."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

USAGE = {"total": "total_usage", "percpu": "percpu_usage", "kernel": "usage_in_kernelmode", "user": "usage_in_usermode"}
THROTTLING = {"periods": "periods", "throttledPeriods": "throttled_periods", "throttledTime": "throttled_time"}
MEMORY = {"usage": "usage", "max": "max_usage", "failcnt": "failcnt"}
BLOCK = {
    "ioServiceBytesRecursive": "io_service_bytes_recursive",
    "ioServicedRecursive": "io_serviced_recursive",
    "ioQueueRecursive": "io_queue_recursive",
    "ioServiceTimeRecursive": "io_service_time_recursive",
    "ioWaitTimeRecursive": "io_wait_time_recursive",
    "ioMergedRecursive": "io_merged_recursive",
    "ioTimeRecursive": "io_time_recursive",
    "sectorsRecursive": "sectors_recursive",
}
SECTIONS = {"usage": "usage", "swap": "swap_usage", "kernel": "kernel_usage"}


def old_stats(data: dict[str, Any]) -> dict[str, object]:
    """The ``data`` of a stats event of 2015."""
    cpu, memory = data.get("cpu") or {}, data.get("memory") or {}
    groups = {
        "cpu_stats": {
            "cpu_usage": named(cpu.get("usage"), USAGE),
            "throttling_data": named(cpu.get("throttling"), THROTTLING),
        },
        "memory_stats": {
            "cache": memory.get("cache", 0),
            **{new: named(memory.get(old), MEMORY) for old, new in SECTIONS.items()},
            "stats": memory.get("raw") or {},
        },
        "blkio_stats": {new: (data.get("blkio") or {}).get(old) or [] for old, new in BLOCK.items()},
        "hugetlb_stats": {size: named(held, MEMORY) for size, held in (data.get("hugetlb") or {}).items()},
    }
    return {"Interfaces": data.get("network_interfaces"), "CgroupStats": groups}


def named(held: dict[str, Any] | None, names: dict[str, str]) -> dict[str, Any]:
    """Members by their old names; numbers that are missing are 0."""
    held = held or {}
    return {new: held.get(old, [] if old == "percpu" else 0) for old, new in names.items()}
