"""The container's view of its cgroups: an entry of type ``cgroup`` in mounts."""

from __future__ import annotations

from ringfence.drivers.linux.context import CLONE_NEWCGROUP, CLONE_NEWUSER, Namespaces
from ringfence.drivers.linux.mount import attributes, clean, context_option, parsed
from ringfence.host.facts import V2
from ringfence.plan import mounts
from ringfence.spec.options import MOUNT_ATTR_RDONLY, MS_RDONLY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.linux.context import Context
    from ringfence.host.facts import Host
    from ringfence.plan.step import InitStep
    from ringfence.spec.types import Config, Linux, Mount


def owns_cgroup(config: Config) -> bool:
    """Whether the container is to own its cgroup: a namespace of its own and a writable mount (LNX-CG-08)."""
    shown = [
        mount for mount in config.mounts if mount.type == "cgroup" and clean(mount.destination) == "/sys/fs/cgroup"
    ]
    writable = any(not parsed(mount).flags & MS_RDONLY for mount in shown)
    return writable and bool(Namespaces(config.linux).new & CLONE_NEWCGROUP)


def cgroup_mounts(index: int, mount: Mount, linux: Linux, host: Host, context: Context) -> list[InitStep]:
    """Steps for one entry of type cgroup, v1 or v2 as the host has it (LNX-CGM-01 to 06)."""
    pointer, target = f"/mounts/{index}", clean(mount.destination)
    flags = attributes(parsed(mount).flags)
    namespaces = Namespaces(linux)
    if host.cgroup_mode == V2:
        return [unified(pointer, target, flags, namespaces, context)]
    data = ("mode=755", *context_option("tmpfs", linux.mount_label or ""))
    steps: list[InitStep] = [
        mounts.MountFilesystem(
            pointer, "tmpfs", "tmpfs", target, flags & ~MOUNT_ATTR_RDONLY, data, False, False, False, False
        )
    ]
    for group in context.cgroups:
        if group.controllers != ("",):
            steps += hierarchy(pointer, target, flags, namespaces, group.controllers, group.path)
    if parsed(mount).flags & MS_RDONLY:
        steps.append(mounts.SetMountAttributes(f"{pointer}/options", target, MOUNT_ATTR_RDONLY, 0, False))
    return steps


def unified(pointer: str, target: str, flags: int, namespaces: Namespaces, context: Context) -> InitStep:
    """cgroup v2; where the kernel will refuse a new mount, the container's own folder is bound instead."""
    if namespaces.own & CLONE_NEWUSER and not namespaces.own & CLONE_NEWCGROUP:
        return bind(pointer, context.cgroups[0].path, target, flags)
    return mounts.MountFilesystem(pointer, "cgroup2", "cgroup", target, flags, (), False, False, False, False)


def bind(pointer: str, source: str, target: str, flags: int) -> InitStep:
    """A cgroup folder of the host, shown at a target."""
    return mounts.BindMount(pointer, source, 0, target, False, flags, 0, 0, False, 0, 0, False, False, False)


def hierarchy(
    pointer: str, target: str, flags: int, namespaces: Namespaces, controllers: tuple[str, ...], path: str
) -> list[InitStep]:
    """One v1 hierarchy: mounted where a cgroup namespace gives it the right root, else the folder bound."""
    names = [name.removeprefix("name=") for name in controllers]
    place = f"{target}/{','.join(names)}"
    if namespaces.own & CLONE_NEWCGROUP:
        data = tuple(controllers) if controllers[0] in names else ("none", *controllers)
        data = ("ro", *data) if flags & MOUNT_ATTR_RDONLY else data
        step: InitStep = mounts.MountFilesystem(
            pointer, "cgroup", "cgroup", place, flags, data, False, False, False, False
        )
    else:
        step = bind(pointer, path, place, flags)
    links = [mounts.MakeSymlink(pointer, f"{target}/{name}", ",".join(names), False) for name in names]
    return [step, *(links if len(names) > 1 else [])]
