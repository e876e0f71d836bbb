"""The bundle: config.json and the rootfs it names."""

from __future__ import annotations

import posix

from ringfence import paths
from ringfence.errors import RingfenceError, from_os_error
from ringfence.jsontext import dumps
from ringfence.record import Record
from ringfence.spec.load import is_current, load_document, parse_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.runtime import Source
    from ringfence.spec.types import Config

CONFIG = "config.json"
OLDEST = "container.json"


class Found(Record):
    """A configuration as text and as records, and what was doubtful about it; ``old``: of a form before 1.0.

    ``document`` is what was read, as JSON values: that of an old form before it was converted.
    """

    text: str
    config: Config
    document: dict[str, object]
    warnings: tuple[str, ...] = ()
    old: bool = False


def read_text(path: str) -> str:
    """A whole file as text; a file that grows or a pipe is read to its end.

    Raises:
        OSError: it cannot be read.
    """
    descriptor = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        parts = []
        while part := posix.read(descriptor, 1 << 20):
            parts.append(part)
    finally:
        posix.close(descriptor)
    return b"".join(parts).decode("utf-8", "surrogateescape")


class Read(Record):
    """A configuration as it was found, not yet checked: its text, the folder it lies in, and its JSON value.

    ``document`` is what decides about the wall: {} for a text that holds no object.
    """

    text: str
    folder: str
    value: object
    bundle: str

    @property
    def document(self) -> dict[str, object]:
        """The value as an object."""
        return self.value if isinstance(self.value, dict) else {}


def read_document(source: Source, vm_folders: tuple[str, ...] = ()) -> Read:
    """A configuration of any form, so that the wall can be chosen before it is checked.

    ``vm_folders`` may have the object ``vm`` of one that has none in vm.json; the first that is there counts.

    Raises:
        RingfenceError: it is missing, or no JSON (LNX-LIFE-03).
    """
    text, folder = source_text(source)
    document = parse_text(text)
    read = document if isinstance(document, dict) else {}
    if vm_folders or "vm" in read:
        from ringfence.container.vm_file import with_machine  # only with a machine

        changed = with_machine(read, vm_folders)
        if changed is not read:
            text, document = dumps(changed), changed
    return Read(text, folder, document, source.bundle)


def checked(read: Read) -> Found:
    """The same checked by the rules of a Linux kernel; one of an old form has been converted (OLD-DETECT-01).

    Raises:
        RingfenceError: it is wrong (LNX-LIFE-03).
    """
    if is_current(read.value):
        return Found(read.text, load_document(read.value), read.document)
    from ringfence.container.old import runnable  # forms before 1.0 only

    text, warnings, old = runnable(read.value, read.bundle, read.folder)
    return Found(text, load_document(parse_text(text)), read.document, warnings, old)


def read_config(source: Source, vm_folders: tuple[str, ...] = ()) -> Found:
    """A configuration of any form, checked.

    Raises:
        RingfenceError: as ``read_document`` and ``checked``.
    """
    return checked(read_document(source, vm_folders))


def source_text(source: Source) -> tuple[str, str]:
    """The text, and the folder it lies in, "" for none.

    Raises:
        RingfenceError: it is missing, or cannot be read.
    """
    if source.text is not None:
        return source.text, ""
    file = source.file or config_of(source.bundle)
    shown = source.file or CONFIG
    try:
        return read_text(file), paths.dirname(file)
    except (FileNotFoundError, NotADirectoryError):
        hint = "" if source.file else f"is {source.bundle} a bundle? make a configuration with: ringfence spec"
        raise RingfenceError(f"JSON specification file {shown} not found", hint=hint) from None
    except OSError as error:
        raise from_os_error(f"cannot read {file}", error) from None


def config_of(bundle: str) -> str:
    """The bundle's file; June 2015 called it container.json."""
    file = f"{bundle}/{CONFIG}"
    if not posix.access(file, posix.F_OK) and posix.access(f"{bundle}/{OLDEST}", posix.F_OK):
        return f"{bundle}/{OLDEST}"
    return file


def real_path(path: str) -> str:
    """Where a path leads, links followed by the kernel.

    Raises:
        OSError: nowhere.
    """
    descriptor = posix.open(path, posix.O_PATH | posix.O_CLOEXEC)
    try:
        return posix.readlink(f"/proc/self/fd/{descriptor}")
    finally:
        posix.close(descriptor)


def locate_rootfs(bundle: str, config: Config) -> str:
    """The absolute path of the rootfs, which no link may stand in for (LNX-ROOT-01, LNX-ROOT-02).

    Raises:
        RingfenceError: it is missing, or not what its path says.
    """
    assert config.root is not None
    rootfs = paths.normpath(paths.join(bundle, config.root.path))
    field = "/root/path"
    try:
        real = real_path(rootfs)
    except OSError as error:
        raise from_os_error(f"invalid rootfs: stat {rootfs}", error, field=field) from None
    if paths.islink(rootfs) or paths.normpath(rootfs) != rootfs:
        raise RingfenceError(f"invalid rootfs: not an absolute path, or a symlink: {rootfs}", field=field)
    if not paths.isdir(real):
        raise RingfenceError(f"invalid rootfs: not a directory: {rootfs}", field=field)
    return real
