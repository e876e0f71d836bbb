"""What a container's domain is made from: what this host has, what config.json and the administrator want."""

from __future__ import annotations

import posix
from _stat import S_ISDIR

from ringfence import paths
from ringfence.container.kernel import MODULES, OWN, STOCK
from ringfence.drivers.guest.inner import changed
from ringfence.drivers.guest.kernel import parameters_of
from ringfence.drivers.linux.mount import is_bind
from ringfence.drivers.xen.environment import said_in
from ringfence.drivers.xen.hardware import X86, check_hardware
from ringfence.drivers.xen.names import domain_name, uuid_of
from ringfence.drivers.xen.sizes import check_memory, floor_of, memory_of, sizes_of
from ringfence.drivers.xen.wanted import IMAGE, PACKED, SHARE, Tools, Wanted
from ringfence.errors import RingfenceError
from ringfence.host.probe import read_or
from ringfence.record import Record
from ringfence.settings import FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.linux.context import Context
    from ringfence.drivers.xen.environment import Said
    from ringfence.host.facts import Host
    from ringfence.settings import XenSettings
    from ringfence.spec.types import Config, VirtualMachine

MEMORY, VCPUS = 512, 1
SHOWN_UUID = bytes(16)
RUNX_TAG, PVCALLS = "share_dir", b"pvcalls"
"""What the kernel of an image made for RunX knows its root by; a word of the file that tells what a kernel has."""


class Asking(Record):
    """Who wants a domain: the container's folder, the state folder of all, and what is usual there.

    ``is_default`` tells whether ``root`` is the usual one. ``memory`` and ``vcpus`` are those of a container that says
    nothing, and ``pvcalls`` tells whether one without a network uses dom0's sockets where the kernel can: a name under
    which ringfence is called may have other ones than its own (XEN-COMPAT-03).
    """

    state: str
    root: str
    is_default: bool = True
    memory: int = MEMORY
    vcpus: int = VCPUS
    pvcalls: bool = False
    random: bytes = SHOWN_UUID


class Boot(Record):
    """Kernel and ramdisk of a guest: their files, and the fields or settings that name them.

    ``copies`` are pairs of a file of the image and its private copy, which create makes.
    """

    kernel: str
    kernel_by: str = ""
    initrd: str = ""
    initrd_by: str = ""
    modules: str = ""
    copies: tuple[tuple[str, str], ...] = ()


def tools_of(settings: XenSettings) -> Tools:
    """The programs of the toolstack."""
    return Tools(settings.xl, settings.xenstore_read, settings.timeout)


def own_kernel() -> tuple[str, str]:
    """Ringfence's own kernel, else the distribution's with its modules; the first if there is neither."""
    if not posix.access(OWN, posix.F_OK) and posix.access(STOCK, posix.F_OK):
        return STOCK, MODULES
    return OWN, ""


def check_machine(machine: VirtualMachine, settings: XenSettings) -> None:
    """Whether config.json may ask for what its ``vm`` says (XEN-VM-02, XEN-VM-04, XEN-VM-08).

    Raises:
        RingfenceError: it may not, by the name of the field.
    """
    hypervisor = machine.hypervisor
    if hypervisor and hypervisor.path != settings.xl:
        hint = f"it may only be that of xen.xl in {FILE}: {settings.xl}"
        raise RingfenceError(
            f"a bundle may not name the hypervisor {hypervisor.path}", field="/vm/hypervisor/path", hint=hint
        )
    if hypervisor and hypervisor.parameters:
        raise RingfenceError("parameters of a hypervisor are not supported", field="/vm/hypervisor/parameters")
    named = [("kernel/path", machine.kernel.path), ("kernel/initrd", machine.kernel.initrd)] if machine.kernel else []
    for name, path in named:
        if path is not None:
            check_path(path, f"/vm/{name}", settings.vm_folders)
    if machine.image and machine.image.format != "raw":
        hint = f"convert it: qemu-img convert -O raw {machine.image.path} {machine.image.path}.raw"
        raise RingfenceError(f"an image must be raw, not {machine.image.format}", field="/vm/image/format", hint=hint)
    if machine.image:
        check_path(machine.image.path, "/vm/image/path", ())


def check_path(path: str, field: str, folders: tuple[str, ...]) -> None:
    """Whether a path of config.json is absolute, and lies where the administrator wants it.

    Raises:
        RingfenceError: it does not.
    """
    if not path.startswith("/"):
        raise RingfenceError(f"{path} is no absolute path", field=field)
    clean = paths.normpath(path)
    if folders and not any(f"{clean}/".startswith(f"{folder.rstrip('/')}/") for folder in folders):
        raise RingfenceError(f"{path} may not be used", field=field, hint=f"xen.vm-folders of {FILE} names the folders")


def boot_for(config: Config, said: dict[str, Said], settings: XenSettings, rootfs: str, state: str) -> Boot:
    """Kernel and ramdisk, each from the first that names one: ``vm``, the image, the administrator, ringfence.

    Raises:
        RingfenceError: the image names one and may not, or it is not there.
    """
    kernel = config.vm.kernel if config.vm else None
    own, modules = own_kernel()
    found = Boot(
        settings.kernel or own,
        "xen.kernel" if settings.kernel else "",
        settings.ramdisk,
        "xen.ramdisk" if settings.ramdisk else "",
        "" if settings.kernel else modules,
    )
    if "RUNX_KERNEL" in said or "RUNX_RAMDISK" in said:
        from ringfence.container.image_kernel import from_image

        found = from_image(found, said, settings, rootfs, state)
    if kernel:
        found = changed(found, kernel=kernel.path, kernel_by="/vm/kernel/path", modules="")
    if kernel and kernel.initrd:
        found = changed(found, initrd=kernel.initrd, initrd_by="/vm/kernel/initrd")
    used = tuple(copy for copy in found.copies if copy[1] in (found.kernel, found.initrd))
    return changed(found, copies=used)  # type: ignore[no-any-return]


def size_of(path: str) -> int:
    """A file's size in bytes, 0 for one that is not there: that is told when it is looked for."""
    try:
        return posix.stat(path).st_size if path else 0
    except OSError:
        return 0


def is_elf(path: str) -> bool:
    """Whether a kernel lies as it is; one that is not there counts as such."""
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"\x7fELF"
    except OSError:
        return True


def files_among(config: Config, bundle: str) -> tuple[int, ...]:
    """The numbers of the bind mounts whose source is a file and no folder."""
    found = []
    for index, mount in enumerate(config.mounts):
        if not is_bind(mount):
            continue
        try:
            mode = posix.stat(paths.normpath(paths.join(bundle, mount.source or ""))).st_mode
        except OSError:
            continue  # told by the step that looks for it
        found += [] if S_ISDIR(mode) else [index]
    return tuple(found)


def root_of(config: Config, settings: XenSettings, rootfs: str) -> str:
    """Where the container's root comes from (XEN-VM-05).

    Raises:
        RingfenceError: the root cannot be read.
    """
    if config.vm and config.vm.image and not posix.listdir(rootfs):
        return IMAGE
    if settings.root != PACKED:
        return SHARE
    from ringfence.container.packed import check_packed

    check_packed(rootfs, settings.packed_limit)
    return PACKED


def wanted_for(config: Config, host: Host, context: Context, settings: XenSettings, asking: Asking) -> Wanted:
    """Everything that is decided on by looking at the host.

    Raises:
        RingfenceError: the configuration asks for what it may not have, or what cannot be.
    """
    if config.vm:
        check_machine(config.vm, settings)
    if config.vm and config.vm.hw_config:
        check_hardware(config.vm.hw_config, host.machine, allowed=settings.pass_hardware)
    said = said_in(config)
    boot = boot_for(config, said, settings, context.rootfs, asking.state)
    memory, vcpus = settings.memory or asking.memory, settings.vcpus or asking.vcpus
    uuid = uuid_of(asking.random)
    image = config.vm.image.path if config.vm and config.vm.image else ""
    root = root_of(config, settings, context.rootfs)
    wanted = Wanted(
        domain_name(context.container_id, asking.root, is_default=asking.is_default),
        uuid,
        boot.kernel,
        sizes_of(config, memory, vcpus),
        settings.type if host.machine in X86 else "",
        boot.initrd,
        boot.modules,
        (boot.kernel_by, boot.initrd_by),
        parameters_of(config.vm),
        root,
        image,
        root != IMAGE or bool(config.root and config.root.readonly),
        files=files_among(config, context.bundle),
        copies=boot.copies,
        floor=floor(boot),
        patience=settings.boot_timeout,
        tools=tools_of(settings),
    )
    check_memory(*memory_of(config, memory), wanted.floor)
    if "XLCONF" in said:
        from ringfence.container.xlconf import with_file

        wanted = with_file(wanted, said["XLCONF"], settings, context)
    if "RUNX_KERNEL" in said:
        wanted = changed(wanted, tag=RUNX_TAG)
    if "NETCONF" in said:
        from ringfence.container.domain_network import with_network

        return with_network(wanted, said["NETCONF"], settings)
    return with_pvcalls(wanted, settings, asking)


def with_pvcalls(wanted: Wanted, settings: XenSettings, asking: Asking) -> Wanted:
    """A domain without a network of its own: by dom0's sockets, or with none (XEN-NET-09, XEN-COMPAT-03).

    Raises:
        RingfenceError: these are asked for, and the kernel does not tell that it has them.
    """
    has = PVCALLS in read_or(f"{wanted.kernel}.features", b"").split()
    if settings.pvcalls and not has:
        hint = f"a file {wanted.kernel}.features with the word pvcalls tells that it has"
        raise RingfenceError(f"the kernel {wanted.kernel} has no pvcalls, which xen.pvcalls asks for", hint=hint)
    return changed(wanted, pvcalls=has and (settings.pvcalls or asking.pvcalls))  # type: ignore[no-any-return]


def floor(boot: Boot) -> int:
    """The MiB that a guest needs at least."""
    return floor_of(
        size_of(boot.kernel), size_of(boot.initrd) + size_of(boot.modules), is_packed=not is_elf(boot.kernel)
    )
