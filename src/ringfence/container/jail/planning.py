"""From a bundle to the plan of its jail: what create, run and explain have in common."""

from __future__ import annotations

import os

from ringfence import paths
from ringfence.container.bundle import read_text
from ringfence.container.record import container_directory
from ringfence.drivers.jail.inroot import resolve
from ringfence.drivers.jail.parameters import notes, with_looser_defaults
from ringfence.drivers.jail.plan import Context, compile_create
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host import freebsd
from ringfence.jsontext import dumps, loads
from ringfence.record import Record
from ringfence.spec.linux_defaults import without_linux_defaults
from ringfence.spec.load import parse_config, parse_text
from ringfence.spec.problems import Problems
from ringfence.spec.rules.jail.extension import FILE as EXTENSION
from ringfence.spec.rules.jail.extension import with_extension
from ringfence.spec.rules.jail.load import load_jail
from ringfence.spec.rules.jail.policy import Policy
from ringfence.spec.types import Linux

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.bundle import Read
    from ringfence.container.choice import Choice
    from ringfence.container.runtime import CreateOptions, Runtime
    from ringfence.plan.plan import Plan
    from ringfence.settings import JailSettings
    from ringfence.spec.types import Config, Process

EXTENSION_LARGEST = 1 << 20
RUNJ, RUNJ_ROOT = "runj", "root"


class PreparedJail(Record):
    """A container that has been decided on and not begun.

    ``text`` is the configuration that is kept, ``cautions`` are for the log, ``notes`` and ``files``, of which a jail
    needs none, for ``explain``.
    """

    text: str
    config: Config
    rootfs: str
    plan: Plan
    choice: Choice
    cautions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()

    @property
    def process(self) -> Process:
        """The process; the loader has made sure there is one."""
        assert self.config.process is not None
        return self.config.process


def prepare(runtime: Runtime, container_id: str, options: CreateOptions, read: Read, choice: Choice) -> PreparedJail:
    """Decide everything for a configuration, changing nothing.

    Raises:
        RingfenceError: the configuration is wrong, or asks for what a jail cannot give.
    """
    settings = choice.settings.jail
    document, left_out = completed(read, runtime.program, settings.drop_linux_defaults)
    loaded = load_jail(document, policy_of(settings))
    config = with_looser_defaults(loaded.config) if settings.ocijail_defaults else loaded.config
    rootfs = locate_root(options.bundle, config)
    state = os.path.realpath(container_directory(runtime, container_id))  # mounts are listed by real paths
    release = freebsd.major(freebsd.uname()[1]) if freebsd.is_freebsd() else freebsd.OLDEST
    plan = compile_create(config, Context(container_id, options.bundle, rootfs, state, release))
    cautions = (*left_out, *loaded.warnings, *path_cautions(config, rootfs))
    text = read.text if document is read.value else dumps(document)
    return PreparedJail(text, config, rootfs, plan, choice, cautions, notes(config))


def policy_of(settings: JailSettings) -> Policy:
    """What the administrator lets a configuration ask."""
    return Policy(mount_types=settings.mounts, nullfs=settings.nullfs, annotations=settings.annotations)


def completed(read: Read, program: str, drop: bool) -> tuple[dict[str, object], tuple[str, ...]]:
    """The document with runj's extension file, and a warning of what has been left out of it.

    Called as runj it has runj's default for the root, and nothing of containerd's defaults for Linux, which ``drop``
    leaves out for all (JAIL-COMPAT-04).

    Raises:
        RingfenceError: the file is no plain JSON object of the known form.
    """
    document = read.document
    told = extension_beside(read.folder or read.bundle)
    if told is not None:
        document = with_extension(document, told)
    root = document.get("root", {})
    if program == RUNJ and isinstance(root, dict) and not root.get("path"):
        document = {**document, "root": {**root, "path": RUNJ_ROOT}}
    pointers: list[str] = []
    if drop or program == RUNJ:
        document, pointers = without_linux_defaults(document)
    text = f"defaults for Linux are left out of config.json: {', '.join(pointers)}"
    return document, (text,) if pointers else ()


def extension_beside(folder: str) -> object:
    """What runj.ext.json beside the configuration says; None without it (JAIL-CFG-17).

    Raises:
        RingfenceError: it is no regular file, too large, or no JSON.
    """
    path = f"{folder}/{EXTENSION}"
    if not os.path.lexists(path):
        return None
    if not os.path.isfile(path) or os.path.getsize(path) > EXTENSION_LARGEST:
        raise RingfenceError(f"{EXTENSION} is no regular file of at most 1 MiB")
    try:
        return loads(read_text(path))
    except OSError as error:
        raise from_os_error(f"cannot read {path}", error) from None
    except RingfenceError as error:
        raise error.prefixed(EXTENSION) from None


def kept_config(text: str) -> Config:
    """The configuration in a state folder, which was checked when it was put there."""
    return parse_config(parse_text(text), Problems())


def locate_root(bundle: str, config: Config) -> str:
    """The absolute path of the root, links followed (JAIL-CREATE-03).

    Raises:
        RingfenceError: it does not exist, is no folder, or is the host's own.
    """
    assert config.root is not None
    asked = paths.normpath(paths.join(bundle, config.root.path))
    try:
        rootfs = os.path.realpath(asked, strict=True)
    except OSError as error:
        raise from_os_error(f"invalid rootfs: stat {asked}", error, field="/root/path") from None
    if rootfs == "/":
        raise RingfenceError("invalid rootfs: the host's own root cannot be a jail's", field="/root/path")
    if not os.path.isdir(rootfs):
        raise RingfenceError(f"invalid rootfs: not a directory: {asked}", field="/root/path")
    return rootfs


def path_cautions(config: Config, rootfs: str) -> list[str]:
    """Masked and read-only paths: a warning for those that the root does not have (JAIL-CFG-14).

    Raises:
        RingfenceError: the root has one, and a jail cannot hide it.
    """
    linux = config.linux or Linux()
    texts = []
    for name, listed in (("maskedPaths", linux.masked_paths), ("readonlyPaths", linux.readonly_paths)):
        for index, path in enumerate(listed):
            if is_there(rootfs, path):
                raise RingfenceError(f"a jail cannot do this to {path}", field=f"/linux/{name}/{index}")
        if listed:
            texts.append(f"/linux/{name}: the root has none of them, they are ignored")
    return texts


def is_there(rootfs: str, path: str) -> bool:
    """Whether the root has a path, never looking outside."""
    try:
        resolve(rootfs, path)
    except RingfenceError:
        return False
    return True
