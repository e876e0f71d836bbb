"""From a configuration to a domain: four parts, sizes, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.drivers.guest.asked import refuse_fixed
from ringfence.drivers.guest.inner import changed
from ringfence.drivers.guest.numbers import digest_of, guest_bytes
from ringfence.drivers.linux.context import Context
from ringfence.drivers.xen.change import CHANGEABLE, changes_of, named
from ringfence.drivers.xen.environment import Said, said_in
from ringfence.drivers.xen.guest import WALL
from ringfence.drivers.xen.hardware import check_hardware
from ringfence.drivers.xen.plan import kernel_line
from ringfence.drivers.xen.sizes import Sizes, cap_of, check_memory, floor_of, memory_of, sizes_of, vcpus_of, weight_of
from ringfence.drivers.xen.steps import RunCommand
from ringfence.errors import RingfenceError
from ringfence.plan import guest, mounts
from ringfence.plan.domain import WatchDomain
from ringfence.spec.types import CPUResources, Hardware, MemoryFrames, MemoryResources, PidsResources, Resources
from tests.unit.microvm.test_plan import plan_of as microvm_plan
from tests.unit.namespaces.machines import plain_config
from tests.unit.xen.samples import STATE, config_of, plan_of, wanted_of

MIB = 1 << 20
USER, IDS = [{"type": "user"}, {"type": "mount"}], [{"containerID": 0, "hostID": 1, "size": 9}]


def test_the_phases_in_their_order() -> None:
    """XEN-CREATE-01: checks and files, the toolstack, the watcher, the guest; their steps are numbered through."""
    rows = plan_of().rows()
    assert list(dict.fromkeys(row.phase for row in rows)) == ["host", "birth", "inside", "xl", "guest"]
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    commands = [row.text.partition("   ")[0] for row in rows if row.phase == "host" and row.verb == "run"]
    assert commands == [
        f"/usr/sbin/xl create -q -e -p {STATE}/xl.cfg",
        "/usr/sbin/xl list -v web",
        "/usr/bin/xenstore-read /local/domain/DOMID/console/tty",
    ]


def test_the_guests_plan_is_that_of_any_guest() -> None:
    """XEN-GUEST-06: but for where its files come from, step by step."""
    ours, theirs = (plan.part("guest") for plan in (plan_of(), microvm_plan()))
    assert ours.inside == theirs.inside
    assert ours.birth[1:] == theirs.birth[1:]
    assert (ours.birth[0].target, theirs.birth[0].target) == ("/share/root", "/share")  # type: ignore[attr-defined]


def test_the_watcher_knows_the_guests_plan() -> None:
    """XEN-GUEST-06, XEN-START-03: and a step of it has the number that explain shows."""
    plan = plan_of()
    watch = plan.inside[-1]
    assert isinstance(watch, WatchDomain)
    assert watch.digest == digest_of(plan) != digest_of(plan_of({"hostname": "other"}))
    first = next(row.number for row in plan.rows() if row.phase == "guest")
    assert int.from_bytes(guest_bytes(plan)[16:20], "little") == first - 1


def test_shares() -> None:
    """XEN-ROOTFS-01, XEN-ROOTFS-03, XEN-ROOTFS-06: one for each bind mount, read-only in dom0; a file's has only it."""
    volumes = [
        {"destination": "/v", "source": "/srv/a b,c='\"", "options": ["rbind", "ro"]},
        {"destination": "/f", "source": "file", "options": ["bind"]},
    ]
    number = len(plain_config()["mounts"])
    plan = plan_of({"mounts": [*plain_config()["mounts"], *volumes]}, files=(number + 1,))
    shown = {
        step.target: (step.source, step.set & 1)
        for step in plan.part("xl").inside
        if isinstance(step, mounts.BindMount)
    }
    assert shown == {
        "/root": ("/bundle/rootfs", 1),
        f"/v{number}": ("/srv/a b,c='\"", 1),
        f"/v{number + 1}/content": ("/bundle/file", 0),
    }
    mounted = [step for step in plan.part("guest").birth if isinstance(step, guest.MountAt)]
    assert [(step.source, step.target) for step in mounted] == [
        ("root", "/share/root"),
        (f"v{number}", f"/share/{number}"),
        (f"v{number + 1}", f"/share/{number + 1}"),
    ]
    assert all("trans=xen,version=9p2000.L,msize=" in step.data for step in mounted)
    inner = [step.source for step in plan.part("guest").inside if isinstance(step, mounts.BindMount)]
    assert inner == [f"/share/{number}", f"/share/{number + 1}/content"]


def test_nothing_is_made_in_the_root_by_dom0() -> None:
    """XEN-ROOTFS-02: no step of dom0's opens the bundle's root for anything but a bind mount of it."""
    plan = plan_of()
    touching = [row.text for row in plan.rows() if row.phase != "guest" and "/bundle/rootfs" in row.text]
    assert touching == ["/bundle/rootfs → /root  rbind  ro nosuid nodev"]


def test_an_image_as_the_root() -> None:
    """XEN-ROOTFS-04, XEN-VM-05, XEN-CFG-06: a disk by a name of ours; the guest finds out what it holds."""
    plan = plan_of(root="image", image="/srv/i,mage=1", image_readonly=False)
    assert f"format=raw,vdev=xvda,access=rw,target={STATE}/share/image" in str(plan.host)
    first = plan.part("guest").birth[0]
    assert isinstance(first, guest.MountImage)
    beside = plan_of(image="/srv/image")
    assert "access=ro" in str(beside.host)
    assert not any(isinstance(step, guest.MountImage) for step in beside.part("guest").birth)


def test_the_kernels_line() -> None:
    """XEN-CFG-05: nothing of the container's goes there; it has a limit."""
    config = config_of({"process": {**plain_config()["process"], "env": ["SECRET=1"], "args": ["/p", "x y"]}})
    line = kernel_line(wanted_of(config, parameters=("a=b c", "d")))
    assert line == 'console=hvc0 rdinit=/init quiet domain "a=b c" d'
    with pytest.raises(RingfenceError, match="longer than the 1023 bytes"):
        kernel_line(wanted_of(config, parameters=("x" * 1024,)))
    assert kernel_line(wanted_of(config, parameters=("x" * 1024,), type="pvh"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"linux": {"intelRdt": {}}}, "/linux/intelRdt"),
        ({"linux": {"netDevices": {"eth7": {}}}}, "/linux/netDevices"),
        ({"linux": {"namespaces": [{"type": "mount"}, {"type": "ipc", "path": "/x"}]}}, "/linux/namespaces/1"),
        ({"hooks": {"createContainer": [{"path": "/h"}]}}, "/hooks/createContainer"),
        ({"linux": {"namespaces": USER, "uidMappings": IDS, "gidMappings": IDS}}, "/linux/uidMappings"),
    ],
)  # fmt: skip
def test_what_a_domain_cannot_have(change: dict[str, Any], field: str) -> None:
    """XEN-EXEC-03, XEN-HOOKS-02: each is refused by its field."""
    if "linux" in change:
        change["linux"] = {**plain_config()["linux"], **change["linux"]}
        change["hostname"] = ""
    with pytest.raises(RingfenceError) as caught:
        plan_of(change)
    assert caught.value.field == field


def test_hooks_of_the_runtime_run_beside_the_watcher() -> None:
    """XEN-HOOKS-01, XEN-HOOKS-03: those of the container are the guest's to run."""
    hooks = {name: [{"path": f"/{name}"}] for name in ("prestart", "createRuntime", "startContainer", "poststop")}
    rows = [(row.phase, row.text) for row in plan_of({"hooks": hooks}).rows() if row.verb == "hook"]
    assert rows == [
        ("birth", "prestart /prestart"),
        ("birth", "createRuntime /createRuntime"),
        ("guest", "startContainer /startContainer"),
    ]


def test_no_network_means_no_device() -> None:
    """XEN-NET-01: nor is it an error; loopback is up inside."""
    linux = {**plain_config()["linux"], "namespaces": [{"type": "mount"}, {"type": "pid"}]}
    plan = plan_of({"linux": linux, "hostname": ""})
    assert not any("vif" in getattr(step, "content", "") for step in plan.host)
    assert any(row.text == "network interface lo" for row in plan.rows() if row.phase == "guest")


def test_memory() -> None:
    """XEN-VM-06: what is demanded goes before limits, those before the default; each is rounded up."""
    assert memory_of(config_of(), 512) == (512, "")
    linux = {**plain_config()["linux"], "resources": {"memory": {"limit": 100 * MIB + 1}}}
    assert memory_of(config_of({"linux": linux}), 512) == (165, "/linux/resources/memory/limit")
    machine = {"hwConfig": {"memory": 70 * MIB + 1, "vcpus": 3}, "kernel": {"path": "/k"}}
    assert memory_of(config_of({"linux": linux, "vm": machine}), 512) == (71, "/vm/hwConfig/memory")
    assert vcpus_of(config_of({"vm": machine}), 1) == 3
    with pytest.raises(RingfenceError, match="at least one processor"):
        vcpus_of(config_of({"vm": {**machine, "hwConfig": {"vcpus": 0}}}), 1)
    assert floor_of(62 * MIB, 2 * MIB, is_packed=False) == 88
    assert floor_of(6 * MIB, MIB, is_packed=True) == 55
    with pytest.raises(RingfenceError, match=r"48 MiB .* needs 88") as caught:
        check_memory(48, "/vm/hwConfig/memory", 88)
    assert caught.value.field == "/vm/hwConfig/memory"


def test_processors() -> None:
    """XEN-UPDATE-02, XEN-VM-06: quota to cap and count, shares to weight."""
    cpu = {"quota": 150000, "period": 100000, "shares": 2048, "cpus": "0-1"}
    sizes = sizes_of(config_of({"linux": {**plain_config()["linux"], "resources": {"cpu": cpu}}}), 512, 1)
    assert (sizes.vcpus, sizes.cap, sizes.weight, sizes.cpus) == (2, 150, 512, "0-1")
    assert [weight_of(shares) for shares in (2, 1024, 262144, 10**9)] == [1, 256, 65535, 65535]
    assert [cap_of(CPUResources(quota=quota, period=3)) for quota in (1, 3, -1, 0)] == [34, 100, 0, 0]


def test_changes() -> None:
    """XEN-UPDATE-01, XEN-UPDATE-02, XEN-UPDATE-03."""
    new = Resources(
        memory=MemoryResources(limit=100 * MIB), cpu=CPUResources(quota=1000, period=1000, shares=512, cpus="1")
    )
    assert [(one.verb, one.words) for one in changes_of(new, new, Sizes(256, 4), 80)] == [
        ("mem-set", ("164m",)),
        ("sched", ("-w", "128", "-c", "100")),
        ("vcpu-set", ("1",)),
        ("vcpu-pin", ("all", "1")),
    ]
    whole = named(Resources())
    assert changes_of(whole, whole, Sizes(256, 4), 80)[0].words == ("256m",)
    for limit, words in ((300 * MIB, "more than the 256 MiB"), (1, "too few"), (193 * MIB, "257 MiB")):
        with pytest.raises(RingfenceError, match=words):
            changes_of(Resources(memory=MemoryResources(limit=limit)), Resources(), Sizes(256, 1), 80)
    with pytest.raises(RingfenceError, match="pids limit cannot be changed"):
        refuse_fixed(Resources(pids=PidsResources(limit=3)), CHANGEABLE, WALL)


def test_control_variables() -> None:
    """XEN-ENV-01: exact names only; values as they are; the last of two wins."""
    env = [
        "MYNETCONF=x",
        "A=NETCONF=y",
        "NETCONF=/f,a b=c",
        "XLCONF=1",
        "NETCONF=/g,'n'",
        "RUNX_KERNEL=",
    ]
    config = config_of({"process": {**plain_config()["process"], "env": env}})
    assert said_in(config) == {"NETCONF": Said("/g,'n'", "/process/env/4"), "XLCONF": Said("1", "/process/env/3")}


@pytest.mark.parametrize(
    ("hardware", "machine", "allowed", "field"),
    [
        (Hardware(irqs=(88,)), "aarch64", False, "/vm/hwConfig/irqs"),
        (Hardware(dtdevs=("/serial",)), "x86_64", True, "/vm/hwConfig/dtdevs"),
        (Hardware(device_tree="dt"), "aarch64", True, "/vm/hwConfig/deviceTree"),
        (Hardware(irqs=(1 << 20,)), "aarch64", True, "/vm/hwConfig/irqs/0"),
        (Hardware(iomems=(MemoryFrames(1, 0),)), "aarch64", True, "/vm/hwConfig/iomems/0"),
        (Hardware(iomems=(MemoryFrames(1 << 52, 1),)), "aarch64", True, "/vm/hwConfig/iomems/0"),
    ],
)
def test_hardware_of_the_host(hardware: Hardware, machine: str, allowed: bool, field: str) -> None:
    """XEN-VM-07: only where the administrator allows it, and in its ranges."""
    with pytest.raises(RingfenceError) as caught:
        check_hardware(hardware, machine, allowed=allowed)
    assert caught.value.field == field


def test_hardware_in_the_file() -> None:
    """XEN-VM-07: numbers of frames are hexadecimal."""
    machine = {
        "kernel": {"path": "/k"},
        "hwConfig": {
            "deviceTree": "/dt",
            "dtdevs": ["/serial"],
            "irqs": [88],
            "iomems": [{"firstMFN": 16, "nrMFNs": 2, "firstGFN": 0}],
        },
    }
    text = str(plan_of({"vm": machine}).host)
    for line in ('device_tree = "/dt"', 'dtdev = [ "/serial" ]', 'iomem = [ "10,2@0" ]', "irqs = [ 88 ]"):
        assert line in text


def test_descriptors_cannot_cross() -> None:
    from ringfence.drivers.xen.plan import compile_create
    from tests.unit.namespaces.machines import V2_HOST

    config = config_of()
    context = changed(Context("web", "/bundle", "/bundle/rootfs", (), {}), preserve_fds=1)
    with pytest.raises(RingfenceError, match="descriptors cannot cross"):
        compile_create(config, V2_HOST, context, wanted_of(config), STATE)


def test_the_toolstack_runs_in_places_of_its_own() -> None:
    """XEN-ROOTFS-08, XEN-SEC-03: a mount namespace that ends with what xl leaves running; no devices, no set ids."""
    plan = plan_of()
    (step,) = (step for step in plan.host if isinstance(step, RunCommand))
    assert step.inside == "xl"
    binds = [step for step in plan.part("xl").inside if isinstance(step, mounts.BindMount)]
    assert all(step.set & 0x2 and step.set & 0x4 for step in binds)
    assert plan.part("xl").birth[0].flags == 0x00020000  # type: ignore[attr-defined]
