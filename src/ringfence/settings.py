"""The administrator's settings: /etc/ringfence/ringfence.toml, read when a container is made.

Neither an option nor a variable names another file: whoever calls ringfence could otherwise undo what the administrator
has decided. Without the file nothing is loaded but this module; with it the standard library's parser is, which costs
11 ms more (it pulls in ``re``).
"""

from __future__ import annotations

import posix

from ringfence.errors import RingfenceError, from_os_error
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

FILE = "/etc/ringfence/ringfence.toml"
WRITABLE_BY_OTHERS = 0o022
JAILS, XEN = "jail.", "xen."
"""What the fields of JailSettings and XenSettings have before them in KEYS."""


class XenSettings(Record):
    """What the file says of Xen domains.

    ``xl`` and ``xenstore_read`` are the toolstack's programs, ``timeout`` the seconds that each call of them has,
    ``boot_timeout`` those from the start until the container's program must run. ``type`` is pv or pvh. ``kernel``
    and ``ramdisk`` are for guests that name none, "" for ringfence's own and none. ``memory`` in MiB and ``vcpus`` are
    those of a container that says nothing, 0 for ringfence's own default. ``root``: where a container's root comes
    from, and ``packed_limit`` the MiB up to which it may be packed. Files of ``XLCONF`` lie in ``xlconf_folders``,
    networks of ``NETCONF`` in ``cni_folders``, plugins in ``cni_plugins``; ``bridges`` are those that may be used, all
    if there are none. ``image_kernels``: an image may bring its own kernel. Kernels that config.json names lie in
    ``vm_folders``, anywhere if there are none. ``pass_hardware``: config.json may give hardware of the host to a
    guest. ``pvcalls``: a container without a network uses dom0's sockets. ``vif_script`` connects network devices, ""
    for Xen's own. ``keep_logs``: the toolstack's stay after delete.
    """

    xl: str = "/usr/sbin/xl"
    xenstore_read: str = "/usr/bin/xenstore-read"
    timeout: int = 60
    boot_timeout: int = 120
    type: str = "pv"
    kernel: str = ""
    ramdisk: str = ""
    memory: int = 0
    vcpus: int = 0
    root: str = "share"
    packed_limit: int = 32
    xlconf_folders: tuple[str, ...] = ()
    cni_folders: tuple[str, ...] = ("/etc/cni/net.d",)
    cni_plugins: str = "/opt/cni/bin"
    bridges: tuple[str, ...] = ()
    image_kernels: bool = False
    vm_folders: tuple[str, ...] = ()
    pass_hardware: bool = False
    pvcalls: bool = False
    vif_script: str = ""
    keep_logs: bool = False


class JailSettings(Record):
    """The system's tools by absolute path, and what a configuration may ask of a jail.

    ``libc`` is the library with jail_attach(2); ``annotations``: those of ``org.freebsd.*`` are obeyed; ``nullfs``: a
    jail may mount nullfs itself; ``mounts`` are further file systems; ``ocijail_defaults``: what is not said is as
    ocijail has it; ``drop_linux_defaults``: what containerd puts into every configuration for Linux is left out.
    """

    jail: str = "/usr/sbin/jail"
    jls: str = "/usr/sbin/jls"
    ps: str = "/bin/ps"
    rctl: str = "/usr/bin/rctl"
    cpuset: str = "/usr/bin/cpuset"
    mount: str = "/sbin/mount"
    umount: str = "/sbin/umount"
    devfs: str = "/sbin/devfs"
    ifconfig: str = "/sbin/ifconfig"
    sysctl: str = "/sbin/sysctl"
    libc: str = "libc.so.7"
    annotations: bool = True
    nullfs: bool = False
    mounts: tuple[str, ...] = ()
    ocijail_defaults: bool = False
    drop_linux_defaults: bool = False


class Settings(Record):
    """What the file says. ``driver`` is the wall of containers that nobody chose one for, "" for ringfence's own.

    ``annotation_drivers`` are the walls that an annotation of config.json may choose; without any it may choose none.
    ``accelerator`` is what runs the code of machines, ``boot_timeout`` the seconds that KVM has for a first sign,
    ``files`` how they get their files. ``hypervisor`` is the path of QEMU, "" for the usual one; a bundle may name one
    of ``hypervisors`` if ``bundle_hypervisor``. ``pod_memory`` in MiB and ``pod_vcpus`` are those of the machine of a
    sandbox that says nothing, 0 for the same as of any container. Machines get networks of ``NETCONF`` from files in
    ``vm_cni_folders``, none if there are none; ``vm_cni_plugins`` has the plugins. ``xen`` has those of Xen domains.
    """

    driver: str = ""
    annotation_drivers: tuple[str, ...] = ()
    accelerator: str = "auto"
    boot_timeout: int = 5
    files: str = "auto"
    hypervisor: str = ""
    bundle_hypervisor: bool = False
    hypervisors: tuple[str, ...] = ()
    vm_cni_folders: tuple[str, ...] = ()
    vm_cni_plugins: str = "/opt/cni/bin"
    pod_memory: int = 0
    pod_vcpus: int = 0
    jail: JailSettings = JailSettings()
    xen: XenSettings = XenSettings()


def read_settings(path: str, walls: tuple[str, ...]) -> Settings:
    """The settings in a file; all have their defaults if it does not exist. ``walls`` are the names of drivers.

    Raises:
        RingfenceError: it cannot be read, others than its owner may write to it, or it is wrong.
    """
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return Settings()
    except OSError as error:
        raise from_os_error(f"cannot read {path}", error) from None
    try:
        text = guarded_text(descriptor, path)
    except OSError as error:
        raise from_os_error(f"cannot read {path}", error) from None
    finally:
        posix.close(descriptor)
    return parse_settings(text, path, walls)


def guarded_text(descriptor: int, path: str) -> bytes:
    """The text of a file that its owner alone may write to.

    Raises:
        OSError: it cannot be read.
        RingfenceError: others may write to it.
    """
    if posix.fstat(descriptor).st_mode & WRITABLE_BY_OTHERS:
        raise RingfenceError(f"{path} can be written by others than its owner", hint=f"chmod go-w {path}")
    parts = []
    while part := posix.read(descriptor, 1 << 16):
        parts.append(part)
    return b"".join(parts)


def parse_settings(text: bytes, path: str, walls: tuple[str, ...]) -> Settings:
    """The settings in a text.

    Raises:
        RingfenceError: it is not TOML, or a key is unknown or has a value that cannot be used.
    """
    import tomllib  # only where there is a file: see above

    try:
        table = tomllib.loads(text.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RingfenceError(f"{path} is not TOML: {error}") from None
    values: dict[str, Any] = {}
    for key, value in flattened(table).items():
        if key not in KEYS:
            raise RingfenceError(f"{path}: there is no setting {key}", hint=f"the settings are: {', '.join(KEYS)}")
        field, parse = KEYS[key]
        try:
            values[field] = parse(value, walls)
        except ValueError as error:
            raise RingfenceError(f"{path}: {key} {error}") from None
    parts: tuple[tuple[str, type[Record]], ...] = ((JAILS, JailSettings), (XEN, XenSettings))
    for name, kind in parts:
        own = {field.removeprefix(name): values.pop(field) for field in [*values] if field.startswith(name)}
        values[name[:-1]] = kind(**own)
    return Settings(**values)


def flattened(table: dict[str, object], prefix: str = "") -> dict[str, object]:
    """``{"a": {"b": 1}}`` as ``{"a.b": 1}``."""
    found: dict[str, object] = {}
    for name, value in table.items():
        if isinstance(value, dict):
            found.update(flattened(value, f"{prefix}{name}."))
        else:
            found[f"{prefix}{name}"] = value
    return found


def wall(value: object, walls: tuple[str, ...]) -> str:
    """The name of a wall.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str) or value not in walls:
        raise ValueError(f"must be one of {', '.join(walls)}, not {value!r}")
    return value


def wall_list(value: object, walls: tuple[str, ...]) -> tuple[str, ...]:
    """A list of walls.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, list):
        return tuple(wall(one, walls) for one in value)
    raise ValueError(f"must be a list of drivers, not {value!r}")


LONGEST_BOOT = 600
FILE_SYSTEMS = ("ufs", "zfs", "nfs", "cd9660")
JAIL_PATHS = ("jail", "jls", "ps", "rctl", "cpuset", "mount", "umount", "devfs", "ifconfig", "sysctl")


def one_of(*words: str) -> Parse:
    """What takes one of these words, and raises ValueError for anything else."""

    def parse(value: object, _walls: tuple[str, ...]) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"must be one of {', '.join(words)}, not {value!r}")
        return value

    return parse


def seconds(value: object, _walls: tuple[str, ...]) -> int:
    """A time in whole seconds.

    Raises:
        ValueError: it is none, or longer than anybody waits.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LONGEST_BOOT:
        raise ValueError(f"must be 1 to {LONGEST_BOOT} seconds, not {value!r}")
    return value


def count(least: int, most: int) -> Parse:
    """What takes a whole number, and raises ValueError for anything else."""

    def parse(value: object, _walls: tuple[str, ...]) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"must be {least} to {most}, not {value!r}")
        return value

    return parse


def path(value: object, _walls: tuple[str, ...]) -> str:
    """An absolute path.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str) or not value.startswith("/"):
        raise ValueError(f"must be an absolute path, not {value!r}")
    return value


def library(value: object, walls: tuple[str, ...]) -> str:
    """An absolute path, or the plain name of a library that the system looks for.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, str) and value and "/" not in value:
        return value
    return path(value, walls)


def path_list(value: object, walls: tuple[str, ...]) -> tuple[str, ...]:
    """A list of absolute paths.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, list):
        return tuple(path(one, walls) for one in value)
    raise ValueError(f"must be a list of paths, not {value!r}")


def file_systems(value: object, _walls: tuple[str, ...]) -> tuple[str, ...]:
    """A list of file systems that a jail has not always (JAIL-MNT-04).

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, list) and all(one in FILE_SYSTEMS for one in value):
        return tuple(value)
    raise ValueError(f"must be a list of {', '.join(FILE_SYSTEMS)}, not {value!r}")


def word_list(value: object, _walls: tuple[str, ...]) -> tuple[str, ...]:
    """A list of words.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, list) and all(isinstance(one, str) and one for one in value):
        return tuple(value)
    raise ValueError(f"must be a list of words, not {value!r}")


def truth(value: object, _walls: tuple[str, ...]) -> bool:
    """True or false.

    Raises:
        ValueError: it is neither.
    """
    if value is True or value is False:
        return value
    raise ValueError(f"must be true or false, not {value!r}")


if TYPE_CHECKING:
    Parse = Callable[[object, tuple[str, ...]], str | int | tuple[str, ...]]

KEYS: dict[str, tuple[str, Parse]] = {
    "driver": ("driver", wall),
    "annotations.drivers": ("annotation_drivers", wall_list),
    "qemu.accelerator": ("accelerator", one_of("auto", "kvm", "tcg")),
    "kvm.boot-timeout": ("boot_timeout", seconds),
    "qemu.path": ("hypervisor", path),
    "vm.allow-bundle-hypervisor": ("bundle_hypervisor", truth),
    "vm.hypervisors": ("hypervisors", path_list),
    "vm.cni-folders": ("vm_cni_folders", path_list),
    "vm.cni-plugins": ("vm_cni_plugins", path),
    "pod.memory": ("pod_memory", count(40, 1 << 20)),
    "pod.vcpus": ("pod_vcpus", count(1, 1024)),
    "files": ("files", one_of("auto", "virtiofs", "9p")),
    **{f"jail.{name}": (f"jail.{name}", path) for name in JAIL_PATHS},
    "jail.libc": ("jail.libc", library),
    "jail.annotations": ("jail.annotations", truth),
    "jail.allow-nullfs": ("jail.nullfs", truth),
    "jail.mounts": ("jail.mounts", file_systems),
    "jail.ocijail-defaults": ("jail.ocijail_defaults", truth),
    "jail.drop-linux-defaults": ("jail.drop_linux_defaults", truth),
    "xen.xl": ("xen.xl", path),
    "xen.xenstore-read": ("xen.xenstore_read", path),
    "xen.timeout": ("xen.timeout", seconds),
    "xen.boot-timeout": ("xen.boot_timeout", seconds),
    "xen.type": ("xen.type", one_of("pv", "pvh")),
    "xen.kernel": ("xen.kernel", path),
    "xen.ramdisk": ("xen.ramdisk", path),
    "xen.memory": ("xen.memory", count(32, 1 << 20)),
    "xen.vcpus": ("xen.vcpus", count(1, 512)),
    "xen.root": ("xen.root", one_of("share", "ramdisk")),
    "xen.packed-limit": ("xen.packed_limit", count(1, 1024)),
    "xen.xlconf-folders": ("xen.xlconf_folders", path_list),
    "xen.cni-folders": ("xen.cni_folders", path_list),
    "xen.cni-plugins": ("xen.cni_plugins", path),
    "xen.bridges": ("xen.bridges", word_list),
    "xen.image-kernels": ("xen.image_kernels", truth),
    "xen.vm-folders": ("xen.vm_folders", path_list),
    "xen.pass-hardware": ("xen.pass_hardware", truth),
    "xen.pvcalls": ("xen.pvcalls", truth),
    "xen.vif-script": ("xen.vif_script", path),
    "xen.keep-logs": ("xen.keep_logs", truth),
}
"""Every key with its field in Settings and what makes a value of it."""
