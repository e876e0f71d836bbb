"""From a configuration to a machine: three plans, and what goes where."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.drivers.guest.inner import OWN, changed
from ringfence.drivers.guest.numbers import digest_of, guest_bytes
from ringfence.drivers.linux.context import Context
from ringfence.drivers.microvm.guest import guest_config
from ringfence.drivers.microvm.limits import host_resources
from ringfence.drivers.microvm.machine import VIRT, Machine, command, compile_machine, daemon_command, kernel_line
from ringfence.drivers.microvm.plan import compile_create
from ringfence.errors import RingfenceError
from ringfence.host.facts import Host
from ringfence.jsontext import dumps
from ringfence.network.hardware import hardware_address
from ringfence.plan import guest, inside, mounts
from ringfence.plan.plan import Plan
from ringfence.spec.load import load_config
from ringfence.spec.types import CPUResources, MemoryResources, Resources
from tests.unit.namespaces.machines import V2_HOST, plain_config

STATE = "/run/ringfence/web"
TREE = f"{STATE}/share"
MACHINE = Machine("/k/vmlinux", virtiofsd="/usr/lib/qemu/virtiofsd", tsc_khz=2_400_000)


def config_of(change: dict[str, Any] | None = None) -> Any:
    """A plain configuration, loaded."""
    return load_config(dumps({**plain_config(), **(change or {})}))


def plan_of(machine: Machine = MACHINE, host: Host = V2_HOST, *, waits: bool = False, **change: Any) -> Plan:
    """The whole plan of a container called web, which ``waits`` for its start or not."""
    context = Context("web", "/bundle", "/bundle/rootfs", (), {}, fifo=waits)
    return compile_create(config_of(change), host, context, (), machine, "/run/ringfence/web")


def test_the_phases_in_their_order() -> None:
    """MVM-CREATE-03: supervisor, machine, its files, guest; their steps are numbered through."""
    rows = plan_of().rows()
    assert list(dict.fromkeys(row.phase for row in rows)) == ["birth", "inside", "machine", "files", "guest"]
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))


def test_a_step_of_the_guest_has_the_number_that_explain_shows() -> None:
    """MVM-ERR-03: the guest's init counts on from the steps before it."""
    plan = plan_of()
    first = next(row.number for row in plan.rows() if row.phase == "guest")
    assert int.from_bytes(guest_bytes(plan)[16:20], "little") == first - 1


def test_the_supervisor_knows_the_guests_plan_by_its_digest() -> None:
    """MVM-CTL-01: so that another one is noticed."""
    plan = plan_of()
    supervise = plan.inside[-1]
    assert isinstance(supervise, guest.Supervise)
    assert supervise.digest == digest_of(plan)
    assert digest_of(plan) != digest_of(plan_of(hostname="other"))


@pytest.mark.parametrize(("waits", "shares", "spare"), [(True, True, True), (False, True, False), (False, False, True)])
def test_a_network_device_is_held_ready_for_who_may_bring_one(waits: bool, shares: bool, spare: bool) -> None:
    """MVM-NET-10, MVM-CHECKPOINT-01: between create and start; and where a state may come from such a container."""
    supervise = plan_of(changed(MACHINE, shares=shares), waits=waits).inside[-1]
    assert isinstance(supervise, guest.Supervise)
    assert supervise.spare == spare


@pytest.mark.parametrize("board", ["microvm", "q35"])
def test_the_devices_of_a_board(board: str) -> None:
    """MVM-QEMU-01, MVM-QEMU-02: the bus is in their names, every one is modern, nothing comes by itself."""
    words = command(Machine("/k", board=board, virtiofsd="/d"), TREE, 1)
    suffix = "pci" if board == "q35" else "device"
    assert f"virtio-serial-{suffix}" in words
    assert f"vhost-user-fs-{suffix},chardev=files,tag=root" in words
    assert {"-nodefaults", "-no-user-config", "-no-reboot", "virtio-mmio.force-legacy=false"} <= set(words)


def test_a_path_cannot_change_an_option() -> None:
    """MVM-QEMU-13."""
    words = command(Machine("/k"), "/run/a,b=c", 1)
    assert words[words.index("-fsdev") + 1].startswith("local,id=root,path=/run/a,,b=c,security_model=")
    assert daemon_command("/usr/lib/qemu/virtiofsd", "/run/a,b")[-1] == "source=/run/a,,b,cache=auto"


def test_words_for_emulation_only() -> None:
    """MVM-KERNEL-09, MVM-QEMU-07: timers need no calibration there; hardware has clocks of its own."""
    emulated, real = kernel_line(MACHINE).split(), kernel_line(Machine("/k", kvm=True)).split()
    assert {"console=hvc0", "quiet", "panic=-1", "reboot=t"} <= set(emulated) & set(real)
    assert set(emulated) - set(real) == {"no_timer_check", "tsc=reliable", "nolapic_timer", "tsc_early_khz=2400000"}
    assert kernel_line(MACHINE).endswith(" guest")
    assert "noreplace-smp" not in kernel_line(Machine("/k", cpus=2))


def test_qemu_has_rights_only_where_it_serves_files() -> None:
    """MVM-QEMU-08."""
    kinds = [type(step) for step in compile_machine(MACHINE, STATE, TREE).inside]
    assert kinds.index(inside.SetUser) < kinds.index(inside.SetCapabilities) < kinds.index(inside.Exec)
    assert inside.SetUser not in [type(step) for step in compile_machine(Machine("/k"), STATE, TREE).inside]


def test_read_only_is_the_hosts_to_keep() -> None:
    """MVM-FILES-05: the mounts that the guest is shown are read-only already."""
    volume = {"destination": "/v", "source": "data", "options": ["rbind", "ro"]}
    plan = plan_of(root={"path": "rootfs", "readonly": True}, mounts=[*plain_config()["mounts"], volume])
    shown = {step.target: step.set for step in plan.inside if isinstance(step, mounts.BindMount)}
    number = len(plain_config()["mounts"])
    assert shown == {"/root": 1, f"/{number}": 1}


def test_network_devices() -> None:
    """MVM-NET-02, MVM-QEMU-03: taps are the last descriptors; ACPI is turned on when the places do not suffice."""
    words = command(Machine("/k", virtiofsd="/d"), TREE, 2)
    assert [word for word in words if word.startswith("tap,")] == ["tap,id=nic0,fd=9", "tap,id=nic1,fd=10"]
    assert "tap,id=nic0,fd=8" in command(Machine("/k"), TREE, 1)
    for nics, acpi in ((6, "off"), (7, "on")):
        words = command(Machine("/k"), TREE, nics)
        assert f"microvm,acpi={acpi},isa-serial=off" in words
        assert ("nolapic_timer" in words[-1].split()) == (acpi == "off")


def test_kvm() -> None:
    """MVM-QEMU-07, MVM-QEMU-09: nothing of emulation is left; QEMU has a device node of its own."""
    machine = Machine("/k", virtiofsd="/d", kvm=True, tsc_khz=2_000_000)
    words = command(machine, TREE, 0)
    assert words[words.index("-accel") :][:4] == ("-accel", "kvm", "-cpu", "host")
    assert not {"tsc=reliable", "nolapic_timer", "no_timer_check"} & {*words[-1].split()}
    for held, nodes in ((machine, ["/dev/kvm"]), (MACHINE, [])):
        steps = compile_machine(held, STATE, TREE).inside
        assert [step.path for step in steps if isinstance(step, mounts.MakeDevice)][3:] == nodes


def test_the_guests_configuration() -> None:
    """MVM-GUEST-05, MVM-HOOKS-03: its network is the container's, and only the container's own hooks run there."""
    hooks = {name: [{"path": "/h"}] for name in ("createRuntime", "startContainer", "poststop")}
    inner: Any = guest_config(config_of({"hooks": hooks}), OWN)
    assert "network" not in [namespace.type for namespace in inner.linux.namespaces]
    assert (len(inner.hooks.start_container), inner.hooks.create_runtime, inner.hooks.poststop) == (1, (), ())
    assert inner.root.path == "/share/root"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"intelRdt": {}}, "/linux/intelRdt"),
        ({"netDevices": {"eth7": {}}}, "/linux/netDevices"),
        ({"timeOffsets": {"boottime": {"secs": 1, "nanosecs": 0}}}, "/linux/timeOffsets"),
        ({"namespaces": [{"type": "mount"}, {"type": "ipc", "path": "/run/netns/x"}]}, "/linux/namespaces/1"),
        ({"namespaces": [{"type": "mount"}]}, "/linux/namespaces"),
    ],
)
def test_what_a_guest_cannot_have(change: dict[str, Any], field: str) -> None:
    """MVM-CREATE-06, MVM-NET-07: is refused by the name of its field."""
    linux = {**plain_config()["linux"], **change}
    with pytest.raises(RingfenceError) as caught:
        guest_config(config_of({"linux": linux, "hostname": ""}), OWN)
    assert caught.value.field == field


def test_limits_of_host_and_guest() -> None:
    """MVM-GUEST-10, MVM-GUEST-11: the processors' time binds the machine, memory and processes the guest's cgroup."""
    asked = Resources(memory=MemoryResources(limit=64 << 20), cpu=CPUResources(quota=5000, period=10000))
    outer = host_resources(asked)
    assert outer is not None
    assert (outer.memory, outer.cpu) == (None, asked.cpu)
    resources = {"memory": {"limit": 64 << 20}, "pids": {"limit": 9}}
    plan = plan_of(linux={**plain_config()["linux"], "resources": resources})
    written = {step.path: step.value for step in plan.part("guest").birth if isinstance(step, guest.WriteFile)}
    assert written["/sys/fs/cgroup/container/memory.max"] == str(64 << 20)
    assert written["/sys/fs/cgroup/container/pids.max"] == "9"


def test_the_machine_of_aarch64() -> None:
    """MVM-QEMU-01: the board `virt` with the same devices, and no words about the clocks of a PC."""
    words = command(Machine("/k/Image", VIRT, program="/usr/bin/qemu-system-aarch64"), "/t", 1)
    assert words[0] == "qemu-system-aarch64"
    assert words[words.index("-M") + 1] == "virt,gic-version=max"
    assert words[-1] == "console=hvc0 quiet panic=-1 mitigations=off rcupdate.rcu_expedited=1 guest"
    assert f"virtio-net-device,netdev=nic0,mac={hardware_address(0).hex(chr(58))}" in words
