"""Machines to make plans for, and plans for them."""

from __future__ import annotations

from typing import Any

from ringfence.cgroups.compile import compile_cgroup
from ringfence.cgroups.paths import locate
from ringfence.drivers.linux.context import Context, section
from ringfence.drivers.linux.plan import compile_create
from ringfence.host.facts import Hierarchy, Host
from ringfence.jsontext import dumps
from ringfence.plan.plan import Plan
from ringfence.spec.load import load_config
from ringfence.spec.template import template

V1_HOST = Host(
    0,
    0,
    (6, 1),
    "x86_64",
    "v1",
    (
        Hierarchy(("cpu", "cpuacct"), "/sys/fs/cgroup/cpu,cpuacct", "/", "/"),
        Hierarchy(("memory",), "/sys/fs/cgroup/memory", "/", "/"),
        Hierarchy(("devices",), "/sys/fs/cgroup/devices", "/", "/"),
        Hierarchy(("freezer",), "/sys/fs/cgroup/freezer", "/", "/"),
        Hierarchy(("pids",), "/sys/fs/cgroup/pids", "/", "/"),
        Hierarchy(("name=systemd",), "/sys/fs/cgroup/systemd", "/", "/"),
    ),
)
V2_HOST = Host(0, 0, (6, 12), "x86_64", "v2", (Hierarchy(("",), "/sys/fs/cgroup", "/", "/user.slice/shell"),))


def plain_config() -> dict[str, Any]:
    """What ``spec`` writes, without a terminal."""
    config: dict[str, Any] = template(False, "ringfence")
    config["process"]["terminal"] = False
    return config


def plan_for(config: dict[str, Any], host: Host = V1_HOST, *, fifo: bool = True) -> Plan:
    """The plan of create for a bundle at /bundle."""
    loaded = load_config(dumps(config))
    cgroups = locate(host, section(loaded).cgroups_path, "golden")
    context = Context("golden", "/bundle", "/bundle/rootfs", cgroups, {"PATH": "/bin"}, fifo=fifo)
    return compile_create(loaded, host, context, compile_cgroup(host, cgroups, section(loaded).resources))


def shown(plan: Plan) -> str:
    """The plan as ``explain`` would tell it."""
    lines = [f"{row.number:3} {row.phase:7} {row.verb:9} {row.text}  [{row.pointer}]" for row in plan.rows()]
    return "\n".join(lines) + "\n"
