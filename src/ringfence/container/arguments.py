"""The file ``hypervisor.args`` of a container: where it is, whether it may be there, and what its tags stand for."""

from __future__ import annotations

import posix

from ringfence.drivers.guest.kernel import parameters_of, quoted
from ringfence.drivers.guest.share import FOLDER
from ringfence.drivers.microvm.arguments import FILE, Line, fill, read_lines, socket_values
from ringfence.drivers.microvm.translate import translate
from ringfence.errors import RingfenceError, from_os_error
from ringfence.record import Record
from ringfence.settings import FILE as FILE_OF_SETTINGS
from ringfence.settings import guarded_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.machine import Asking
    from ringfence.drivers.microvm.translate import Own
    from ringfence.settings import Settings
    from ringfence.spec.types import Config

PROGRAMS = ("/usr/bin", "/usr/local/bin", "/usr/libexec", "/bin")
ROOT = 0


def arguments_for(
    asking: Asking, config: Config, settings: Settings, kernel: str, *, kvm: bool
) -> tuple[str, Own | None]:
    """The program and the words of the first file there is, neither without one (MVM-CCOR-02).

    Raises:
        RingfenceError: the bundle may not have one, or there is something wrong with it.
    """
    folders = (asking.bundle, *asking.folders)
    found = next((found for folder in folders if (found := file_at(f"{folder}/{FILE}"))), None)
    if found is None:
        return "", None
    lines = read_lines(found.text)
    program = program_of(lines[0], asking.rootfs)
    if found.path == f"{asking.bundle}/{FILE}":
        check_bundles(found.path, found.owner, program, settings)
    image = config.vm.image.path if config.vm and config.vm.image else None
    filled = fill(lines, values_for(asking, config, kernel, image))
    return program, translate(filled, asking.state, image or "", kvm=kvm)


class File(Record):
    """A file that has been read."""

    path: str
    text: str
    owner: int


def file_at(path: str) -> File | None:
    """A file's text and its owner; None without the file.

    Raises:
        RingfenceError: it cannot be read, or others than its owner may write to it.
    """
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NOFOLLOW | posix.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise from_os_error(f"cannot read {path}", error) from None
    try:
        text = guarded_text(descriptor, path).decode("utf-8", "surrogateescape")
        return File(path, text, posix.fstat(descriptor).st_uid)
    except OSError as error:
        raise from_os_error(f"cannot read {path}", error) from None
    finally:
        posix.close(descriptor)


def program_of(line: Line, rootfs: str) -> str:
    """The path of the program that the first line names; it is looked for in a fixed list of folders.

    Raises:
        RingfenceError: it is nowhere, or lies in the container's root.
    """
    places = [line.text] if line.text.startswith("/") else [f"{folder}/{line.text}" for folder in PROGRAMS]
    for path in places:
        if f"{path}/".startswith(f"{rootfs}/"):
            raise RingfenceError(f"{FILE}, line {line.number}: {path} lies in the container's root")
        if posix.access(path, posix.X_OK):
            return path
    raise RingfenceError(f"{FILE}, line {line.number}: there is no program {line.text}")


def check_bundles(path: str, owner: int, program: str, settings: Settings) -> None:
    """Whether a bundle may have such a file (MVM-CCOR-03).

    Raises:
        RingfenceError: it may not, by the administrator's settings.
    """
    if not settings.bundle_hypervisor:
        hint = f"it may where vm.allow-bundle-hypervisor of {FILE_OF_SETTINGS} is true"
        raise RingfenceError(f"a bundle may not have the file {FILE}", hint=hint)
    if owner not in (ROOT, posix.getuid()):
        raise RingfenceError(f"{path} belongs to another user", hint="it must be root's or the caller's")
    if program not in settings.hypervisors:
        hint = f"those that a bundle may name are listed in vm.hypervisors of {FILE_OF_SETTINGS}"
        raise RingfenceError(f"a bundle may not name the hypervisor {program}", hint=hint)


def values_for(asking: Asking, config: Config, kernel: str, image: str | None) -> dict[str, str | None]:
    """What the tags stand for, None for what this container does not have (MVM-CCOR-05 to 07).

    Raises:
        RingfenceError: a value would become more than one word.
    """
    number = posix.urandom(16).hex()
    uuid = "-".join((number[:8], number[8:12], f"4{number[13:16]}", f"a{number[17:20]}", number[20:]))
    return {
        "KERNEL": kernel,
        "KERNEL_PARAMS": " ".join(map(quoted, parameters_of(config.vm))),
        "KERNEL_NET_PARAMS": f"ip=::::::{hostname_of(config)}::off::",
        "IMAGE": image,
        "SIZE": str(size_of(image)) if image else None,
        "UUID": uuid,
        "NAME": uuid.rpartition("-")[2],
        "WORKLOAD_DIR": f"{asking.state}/{FOLDER}",
        **socket_values(asking.state, console=asking.console),
    }


def hostname_of(config: Config) -> str:
    """The host name, as a part of one of the kernel's words.

    Raises:
        RingfenceError: it would not stay one.
    """
    name = config.hostname or ""
    if not name.replace("-", "").replace(".", "").replace("_", "").isalnum() and name:
        raise RingfenceError(f"the host name {name!r} cannot be a word of the kernel's", field="/hostname")
    return name


def size_of(path: str) -> int:
    """The bytes of a file or a block device.

    Raises:
        RingfenceError: it cannot be opened.
    """
    try:
        descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC | posix.O_NONBLOCK)
    except OSError as error:
        raise from_os_error(f"cannot read the image {path}", error, field="/vm/image/path") from None
    try:
        return posix.lseek(descriptor, 0, 2)
    finally:
        posix.close(descriptor)
