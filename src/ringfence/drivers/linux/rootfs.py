"""The container's file tree: from mounts, devices and paths of the configuration to steps."""

from __future__ import annotations

from ringfence.drivers.linux.cgroupfs import cgroup_mounts
from ringfence.drivers.linux.context import CLONE_NEWNS, CLONE_NEWUSER, Namespaces
from ringfence.drivers.linux.devices import console_step, device_steps
from ringfence.drivers.linux.hooks import has_hooks, hook_steps, state_halves
from ringfence.drivers.linux.identity import environment
from ringfence.drivers.linux.mount import Sources, clean, is_bind, mount_steps, parsed
from ringfence.errors import RingfenceError
from ringfence.plan import inside, mounts
from ringfence.spec.options import MOUNT_ATTR_RDONLY, MS_RDONLY, MS_REC, MS_SHARED, MS_SLAVE, PROPAGATIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.linux.context import Context, Slots
    from ringfence.host.facts import Host
    from ringfence.plan.step import InitStep
    from ringfence.spec.types import Config, Linux, Process, Root


def opening_steps(linux: Linux, context: Context) -> list[InitStep]:
    """The inherited mounts are cut loose from the host before the rootfs is bound (LNX-RPROP-03).

    Only a shared root needs them shared, for binds that are to pass mounts on; an unbindable one must be bound first.
    """
    asked = PROPAGATIONS.get(linux.rootfs_propagation or "", 0)
    shared = bool(asked & MS_SHARED)
    pointer = "/linux/rootfsPropagation" if linux.rootfs_propagation else ""
    return [
        mounts.SetTreePropagation(pointer, asked if shared else MS_SLAVE | MS_REC),
        # pivot_root(2) refuses a root whose parent mount is shared; made slaves above, none is.
        mounts.OpenRoot("/root/path", context.rootfs, shared),
    ]


def all_mounts(config: Config, linux: Linux, host: Host, context: Context, sources: Sources) -> list[InitStep]:
    """Every entry in its order (LNX-MNT-01), then the folder of the notify socket."""
    steps: list[InitStep] = []
    for index, mount in enumerate(config.mounts):
        if mount.type == "cgroup" and not is_bind(mount):
            steps += cgroup_mounts(index, mount, linux, host, context)
        else:
            steps += mount_steps(index, mount, sources)
    if held := context.notify:
        shown = (held.source, 0, held.target, False, 0, 0, 0, False, 0, 0, False, False, False)
        steps.append(mounts.BindMount("", *shown))
    return steps


def readonly_later(config: Config) -> list[InitStep]:
    """tmpfs mounts and /dev turn read-only only now, when everything in them has been made."""
    return [
        mounts.SetMountAttributes(f"/mounts/{index}/options", clean(mount.destination), MOUNT_ATTR_RDONLY, 0, False)
        for index, mount in enumerate(config.mounts)
        if not is_bind(mount)
        and (mount.type == "tmpfs" or clean(mount.destination) == "/dev")
        and parsed(mount).flags & MS_RDONLY
    ]


def early_hook_steps(config: Config, process: Process, context: Context) -> list[InitStep]:
    """The wait for the runtime's hooks, and the container's own, before the root switch (LNX-HOOK-02, LNX-HOOK-03)."""
    steps: list[InitStep] = []
    if has_hooks(config, "prestart", "create_runtime"):
        steps.append(inside.AwaitConductor("/hooks", True))
    halves = state_halves(context.container_id, context.bundle, config.annotations, "creating")
    return steps + hook_steps(config, "create_container", halves, environment(process)[0], context.rootfs)


def closing_steps(root: Root, linux: Linux) -> list[InitStep]:
    """What is protected and hidden, then the root itself: read-only last of all (LNX-MASK-06, LNX-ROOT-04).

    Its propagation comes after what is bound from within it, for an unbindable one would refuse that. Without a mount
    namespace all of these would change the host.
    """
    if not Namespaces(linux).own & CLONE_NEWNS:
        return []
    steps: list[InitStep] = [
        mounts.MakeReadonly(f"/linux/readonlyPaths/{index}", path) for index, path in enumerate(linux.readonly_paths)
    ]
    steps += [
        mounts.MaskPath(f"/linux/maskedPaths/{index}", path, linux.mount_label or "")
        for index, path in enumerate(dict.fromkeys(linux.masked_paths))
    ]
    if linux.rootfs_propagation:
        steps.append(mounts.SetRootPropagation("/linux/rootfsPropagation", PROPAGATIONS[linux.rootfs_propagation]))
    if root.readonly:
        steps.append(mounts.SetRootAttributes("/root/readonly", MOUNT_ATTR_RDONLY))
    return steps


def check_label(linux: Linux, host: Host) -> None:
    """A label for mounts is never left out in silence (LNX-LSM-03)."""
    if linux.mount_label and not host.selinux:
        raise RingfenceError(
            "config.json#/linux/mountLabel: "
            "selinux label is specified in config, but selinux is disabled or not supported",
            field="/linux/mountLabel",
        )


def tree_steps(
    config: Config, process: Process, linux: Linux, host: Host, context: Context, slots: Slots, sources: Sources
) -> list[InitStep]:
    """From the inherited tree to the container's own, with its terminal."""
    root = config.root
    assert root is not None
    check_label(linux, host)
    namespaces = Namespaces(linux)
    if not namespaces.own & CLONE_NEWNS:
        use, change = mounts.UseRoot("/root/path", context.rootfs), mounts.ChangeRoot("/root/path")
        return [use, *early_hook_steps(config, process, context), change]
    binds_devices = bool(namespaces.own & CLONE_NEWUSER)
    steps = opening_steps(linux, context)
    steps += all_mounts(config, linux, host, context, sources)
    steps += device_steps(config, linux, host, binds_devices)
    steps += early_hook_steps(config, process, context)
    steps.append(mounts.MoveRoot("") if context.no_pivot else mounts.PivotRoot(""))
    if process.terminal:
        steps.append(console_step(process, slots, bound=True))
    steps.append(mounts.MakeDirectory("/process/cwd", process.cwd))
    return steps + readonly_later(config)
