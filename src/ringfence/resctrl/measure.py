"""What resctrl knows of a container's use of caches and memory bandwidth (LNX-EVT-14)."""

from __future__ import annotations

from ringfence.host.probe import names, read_or

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.resctrl.place import Group

L3_INFO = ("cbm_mask", "min_cbm_bits", "num_closids")
MB_INFO = ("bandwidth_gran", "delay_linear", "min_bandwidth", "num_closids")
BANDWIDTH = ("mbm_total_bytes", "mbm_local_bytes")


def text(path: str) -> str:
    """A file of resctrl, "" where this processor has no such thing."""
    return read_or(path, b"").decode(errors="replace").strip()


def number(path: str) -> int | None:
    """A file that holds a number; None for one that is not there or says Unavailable."""
    held = text(path)
    return int(held) if held.isdecimal() else None


def info(mount: str, resource: str, wanted: tuple[str, ...]) -> dict[str, object]:
    """A resource's folder below info/, as far as it is there; the mask as text."""
    held = {name: text(f"{mount}/info/{resource}/{name}") for name in wanted}
    return {
        name: int(value) if value.isdecimal() and name != "cbm_mask" else value for name, value in held.items() if value
    }


def schema(path: str, resource: str) -> str:
    """The line of a group's schemata that is about a resource."""
    lines = (line.strip() for line in text(f"{path}/schemata").splitlines())
    return next((line for line in lines if line.startswith(f"{resource}:")), "")


def monitored(group: str) -> dict[str, object]:
    """The counters of every L3 domain, in the order of their names."""
    bandwidth, occupancy = [], []
    for domain in sorted(name for name in names(f"{group}/mon_data") if name.startswith("mon_L3_")):
        folder = f"{group}/mon_data/{domain}"
        counted = {name: value for name in BANDWIDTH if (value := number(f"{folder}/{name}")) is not None}
        if counted:
            bandwidth.append(counted)
        if (used := number(f"{folder}/llc_occupancy")) is not None:
            occupancy.append({"llc_occupancy": used})
    return {name: found for name, found in (("mbm_stats", bandwidth), ("cmt_stats", occupancy)) if found}


def stats(group: Group) -> dict[str, object]:
    """The ``intel_rdt`` object of a stats event, with runc's keys; what the processor lacks is left out."""
    told: dict[str, object] = {
        "l3_cache_info": info(group.mount, "L3", L3_INFO),
        "l3_cache_schema_root": schema(group.mount, "L3"),
        "l3_cache_schema": schema(group.path, "L3"),
        "mem_bw_info": info(group.mount, "MB", MB_INFO),
        "mem_bw_schema_root": schema(group.mount, "MB"),
        "mem_bw_schema": schema(group.path, "MB"),
    }
    return {name: value for name, value in told.items() if value} | monitored(group.monitoring or group.path)
