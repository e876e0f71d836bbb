"""checkpoint: a container's processes become files (LNX-CR-01 to 13)."""

from __future__ import annotations

import os
from contextlib import ExitStack

from ringfence.cgroups.manager import Cgroup
from ringfence.container.delete import remove
from ringfence.container.record import container_directory, load_record, lock
from ringfence.container.runtime import JAIL, MICROVM, XEN
from ringfence.container.saved import saved_config
from ringfence.container.status import PAUSED, RUNNING, status
from ringfence.criu.options import DUMP_LOG, dump_options, outer_mounts, outer_namespaces
from ringfence.criu.session import Session, find_criu, logged_errors
from ringfence.criu.wire import DUMP, PRE_DUMP
from ringfence.drivers.linux.context import section
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host.probe import probe
from ringfence.inroot import open_in_root
from ringfence.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.criu.options import CriuOptions
    from ringfence.criu.wire import Answer
    from ringfence.spec.types import Config

DESCRIPTORS = "descriptors.json"
NULL = "/dev/null"
STANDARD = (0, 1, 2)


def checkpoint(runtime: Runtime, container_id: str, options: CriuOptions) -> None:
    """Write a container's images; afterwards it is gone, unless it was to go on running (LNX-CR-04).

    Raises:
        RingfenceError: it does not run, or CRIU cannot do it; then it runs on.
    """
    held = lock(container_directory(runtime, container_id))
    try:
        record = load_record(runtime, container_id)
        now = status(record)
        if now not in (RUNNING, PAUSED):
            raise RingfenceError(f"Container cannot be checkpointed in {now} state")
        if record.driver == JAIL:
            raise RingfenceError("a jail cannot be checkpointed", hint="CRIU is Linux's alone")
        if record.driver == XEN:
            from ringfence.container.domain_refusals import refuse_checkpoint

            refuse_checkpoint(record)
        config = saved_config(record)
        if record.driver == MICROVM:
            from ringfence.container.machine_state import keep_machine

            keep_machine(record, config, options, paused=now == PAUSED)
        else:
            dump(runtime, record, config, options)
        if not (options.leave_running or options.pre_dump):
            remove(runtime, record, force=True)
    finally:
        os.close(held)


def dump(runtime: Runtime, record: ContainerRecord, config: Config, options: CriuOptions) -> None:
    """Have CRIU write the images."""
    criu = find_criu(options.criu, runtime.environment)
    check_parent(options)
    check_status_descriptor(options)
    freezer = Cgroup(record.cgroups).freezer.path
    asked = dump_options(config, options, record.pid, record.rootfs, freezer)
    asked["external"] = [f"{kind}[{os.stat(path).st_ino}]:{key}" for kind, key, path in outer_namespaces(config)]
    with ExitStack() as held:
        asked.update(open_folders(options, held))
        if not options.pre_dump:
            asked["ext_mnt"] = seen_mounts(record, config)
            write_descriptors(record, asked["images_dir_fd"])
        try:
            converse(criu, options, asked)
        except RingfenceError as error:
            raise explained(error, options.work_path or options.image_path, DUMP_LOG) from None


def converse(criu: str, options: CriuOptions, asked: dict[str, Any]) -> None:
    """The conversation of a dump. CRIU opens the folders by their numbers here, through its peer's /proc entry."""
    if options.pre_dump or options.lazy_pages:
        session = Session(criu)
        try:
            session.check(options.pre_dump, options.lazy_pages)
        finally:
            session.close()
    session = Session(criu)
    try:
        session.ask(PRE_DUMP if options.pre_dump else DUMP, asked, lambda answer, _found: note(answer, options))
    finally:
        session.close()


def note(answer: Answer, options: CriuOptions) -> None:
    """The one moment of a dump that somebody waits for: the server of lazy pages is ready (LNX-CR-12)."""
    if answer.script == "status-ready" and options.status_fd >= 0:
        os.write(options.status_fd, b"\0")
        os.close(options.status_fd)


def check_parent(options: CriuOptions) -> None:
    """The images of the dump before, named from this one's folder (LNX-CR-06)."""
    if not options.parent_path:
        return
    if options.parent_path.startswith("/"):
        raise RingfenceError("--parent-path must be relative")
    place = os.path.join(options.image_path, options.parent_path)
    if not os.path.isdir(os.path.normpath(place)):
        raise RingfenceError(f"invalid --parent-path: {options.parent_path}: no such folder seen from the image folder")


def check_status_descriptor(options: CriuOptions) -> None:
    """A descriptor of the caller's, to write to."""
    if options.status_fd < 0:
        return
    import fcntl

    try:
        flags = fcntl.fcntl(options.status_fd, fcntl.F_GETFL)
    except OSError as error:
        raise from_os_error(f"invalid --status-fd argument {options.status_fd}", error) from None
    if flags & os.O_ACCMODE == os.O_RDONLY:
        raise RingfenceError(f"invalid --status-fd argument {options.status_fd}: not writable")


def open_folders(options: CriuOptions, held: ExitStack) -> dict[str, int]:
    """The folders that CRIU is told of, by the names of their options and open as long as ``held``."""
    found = {"images_dir_fd": open_folder(options.image_path, "--image-path")}
    held.callback(os.close, found["images_dir_fd"])
    if options.work_path:
        found["work_dir_fd"] = open_folder(options.work_path, "--work-path")
        held.callback(os.close, found["work_dir_fd"])
    return found


def open_folder(path: str, words: str) -> int:
    """A folder of the caller's, made if it is missing."""
    try:
        os.makedirs(path, 0o700, exist_ok=True)
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise from_os_error(f"{words} {path}", error) from None


def seen_mounts(record: ContainerRecord, config: Config) -> list[tuple[str, str]]:
    """Mounts that stay outside, by where the container really sees them; files that are masked are all /dev/null."""
    root = os.open(f"/proc/{record.pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = [
            (place, place)
            for target, _source in outer_mounts(config, probe(), record.cgroups, record.bundle)
            if (place := seen(root, target))
        ]
        masked = [path for path in section(config).masked_paths if is_masked_file(root, path)]
    finally:
        os.close(root)
    return list(dict.fromkeys([*found, *((path, NULL) for path in masked)]))


def seen(root: int, target: str) -> str:
    """Where a target is in the container, links followed inside; "" where there is nothing."""
    try:
        place = open_in_root(root, target, os.O_PATH)
    except OSError:
        return ""
    try:
        return os.readlink(f"/proc/self/fd/{place}")
    finally:
        os.close(place)


def is_masked_file(root: int, path: str) -> bool:
    """Whether a masked path is there, and no folder."""
    import stat

    try:
        place = open_in_root(root, path, os.O_PATH)
    except OSError:
        return False
    try:
        return not stat.S_ISDIR(os.fstat(place).st_mode)
    finally:
        os.close(place)


def write_descriptors(record: ContainerRecord, images: int) -> None:
    """What the standard descriptors are, so that a restore can put others in the place of pipes (LNX-CR-07)."""
    found = []
    for number in STANDARD:
        try:
            found.append(os.readlink(f"/proc/{record.pid}/fd/{number}"))
        except OSError:
            found.append("")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(DESCRIPTORS, flags, 0o600, dir_fd=images), "w") as file:
        file.write(dumps(found))


def explained(error: RingfenceError, folder: str, name: str) -> RingfenceError:
    """The error with what CRIU's own log has about it."""
    told = logged_errors(folder, name)
    text = f"{error.attempted}: {told}" if told else error.attempted
    return RingfenceError(text, hint=error.hint or f"CRIU's log is {os.path.join(folder, name)}")
