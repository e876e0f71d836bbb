"""checkpoint and restore of a container whose machine holds all its state: QEMU writes that to a file, and reads it.

The guest's init is asked to hold still between two frames, since another supervisor will speak with it afterwards.
"""

from __future__ import annotations

import os
import posix
from _stat import S_ISREG

from ringfence.container.bundle import read_text
from ringfence.container.hypervisor import version_line
from ringfence.container.image import image_for
from ringfence.container.machine import check
from ringfence.container.record import CONFIG, write_whole
from ringfence.drivers.guest.client import Client
from ringfence.drivers.linux.mount import is_bind
from ringfence.drivers.microvm.monitor import Monitor
from ringfence.drivers.microvm.sizes import kind_of
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host.probe import read_or
from ringfence.jsontext import dumps, loads
from ringfence.plan.frames import GO_ON, HOLD, MONITOR, PROTOCOL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ringfence.container.planning import Prepared
    from ringfence.container.record import ContainerRecord
    from ringfence.criu.options import CriuOptions
    from ringfence.spec.types import Config

STATE, ABOUT = "machine.state", "machine.json"
VERSION = 1
LARGEST_ABOUT = 1 << 20
BESIDE_MEMORY = 256 << 20
"""Bytes of a state at most beyond the guest's memory: those of its devices, and what tells pages apart."""
AT_ONCE = {"max-bandwidth": 1 << 40, "downtime-limit": 2_000_000}
"""QEMU copies memory while the guest runs until the rest fits into this many milliseconds; here nobody waits for it."""
CRIU_ONLY = (
    "parent_path", "pre_dump", "page_server", "lazy_pages", "tcp_established", "tcp_skip_in_flight", "link_remap",
    "ext_unix_sk", "shell_job", "file_locks", "auto_dedup", "empty_network", "lsm_profile", "lsm_mount_context",
)  # fmt: skip
MEMBERS = {
    "version": "form",
    "protocol": "protocol of ringfence's init",
    "qemu": "QEMU",
    "machine": "machine",
    "kernel": "kernel",
    "processor": "processor",
    "image": "image",
}
"""What must be the same at the restore, and its name in a refusal."""


def keep_machine(record: ContainerRecord, config: Config, options: CriuOptions, *, paused: bool) -> None:
    """Write a machine's state to the folder ``options.image_path``; whether it goes on is the caller's to see to.

    Raises:
        RingfenceError: part of the state lies outside the machine, or QEMU cannot; the container runs on.
    """
    refuse(record, config, options, paused=paused)
    flags = posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_NOFOLLOW | posix.O_CLOEXEC
    try:
        os.makedirs(options.image_path, 0o700, exist_ok=True)
        file = posix.open(f"{options.image_path}/{STATE}", flags, 0o600)
    except OSError as error:
        raise from_os_error(f"--image-path {options.image_path}", error) from None
    try:
        with Client(record.directory) as client:
            check(client.ask("HOLD", stream=HOLD))
            write_state(
                client, file, lambda: write_about(record, options.image_path, file), goes_on=options.leave_running
            )
            if options.leave_running:
                check(client.ask("HOLD", stream=GO_ON))
    except OSError as error:
        raise from_os_error(f"cannot write the checkpoint to {options.image_path}", error) from None
    finally:
        posix.close(file)


def write_about(record: ContainerRecord, folder: str, file: int) -> None:
    """What the state in an open file was made with.

    Raises:
        OSError: it cannot be found out, or not be written.
    """
    about = {**facts(record.machine, read_text(f"{record.directory}/{CONFIG}")), "size": posix.fstat(file).st_size}
    write_whole(f"{folder}/{ABOUT}", dumps(about))


def write_state(client: Client, file: int, finish: Callable[[], None], *, goes_on: bool) -> None:
    """Have QEMU write the state, and ``finish`` what belongs to it.

    The machine stands still afterwards unless it ``goes_on``, or if either has failed.
    """
    with Monitor(client.borrow(MONITOR)) as monitor:
        monitor.greet()
        try:
            monitor.give("state", file)
            monitor.ask("migrate-set-parameters", **AT_ONCE)
            monitor.ask("migrate", uri="fd:state")
            wait_for_state(monitor)
            finish()
        except OSError:
            monitor.asked("cont", {})
            raise
        except RingfenceError as error:
            monitor.asked("cont", {})
            raise RingfenceError(f"the container cannot be checkpointed: {error.attempted}") from None
        if goes_on:
            monitor.ask("cont")


def wait_for_state(monitor: Monitor) -> None:
    """Return when all has been written.

    Raises:
        RingfenceError: it could not be.
    """
    from time import sleep

    while (told := monitor.ask("query-migrate")).get("status") != "completed":
        if told.get("status") in ("failed", "cancelled"):
            raise RingfenceError(f"QEMU cannot write its state: {told.get('error-desc', 'no reason is given')}")
        sleep(0.02)


def refuse(record: ContainerRecord, config: Config, options: CriuOptions, *, paused: bool) -> None:
    """What of the container's state is not the machine's, or what only CRIU does (MVM-CHECKPOINT-02).

    Raises:
        RingfenceError: there is some.
    """
    words = "a container behind a microVM cannot be checkpointed"
    if named := [name for name in CRIU_ONLY if getattr(options, name)]:
        raise RingfenceError(f"{words} with --{named[0].replace('_', '-')}: only CRIU does that, in namespaces")
    if paused:
        raise RingfenceError(f"{words} while it is paused: its guest cannot be asked")
    if record.pod or kind_of(config.annotations):
        raise RingfenceError(f"{words}: it shares its machine with a pod")
    if config.process and config.process.terminal:
        raise RingfenceError(f"{words}: it has a terminal", field="/process/terminal")
    image = image_for(config.vm.image if config.vm else None, record.rootfs)
    if not image or not image.is_root:
        raise RingfenceError(
            f"{words}: its root lives on the host", field="/root/path", hint="vm.image can be its root"
        )
    for index, mount in enumerate(config.mounts):
        if is_bind(mount):
            raise RingfenceError(f"{words}: {mount.destination} lives on the host", field=f"/mounts/{index}")


def facts(machine: tuple[str, ...], text: str) -> dict[str, Any]:
    """What a machine's state depends on: QEMU, the hardware, the kernel, the image, and config.json by its members.

    Raises:
        OSError: the kernel or the image cannot be read.
    """
    program, kernel, board, accelerator, image, memory = machine
    found = posix.stat(image)
    document = loads(text)
    members = document.items() if isinstance(document, dict) else ()
    return {
        "version": VERSION,
        "protocol": PROTOCOL,
        "qemu": f"{program} {version_line(program).decode('utf-8', 'replace')}",
        "machine": f"{board} {accelerator} {memory} MiB",
        "kernel": digest_of_file(kernel),
        "processor": processor() if accelerator == "kvm" else "",
        "image": f"{image} {found.st_size} {found.st_mtime_ns}",
        "config": {name: digest(dumps(value).encode()) for name, value in members},
    }


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal digits."""
    from hashlib import sha256

    return sha256(data).hexdigest()


def digest_of_file(path: str) -> str:
    """That of a file's content."""
    with open(path, "rb") as file:
        return digest(file.read())


def processor() -> str:
    """The model of this host's processor and what it can do, which a guest under KVM sees."""
    lines = read_or("/proc/cpuinfo", b"").split(b"\n\n")[0].splitlines()
    kept = [line for line in lines if line.startswith((b"model name", b"flags", b"Features", b"CPU part"))]
    return digest(b"\n".join(kept))


def check_state(folder: str, prepared: Prepared) -> None:
    """See that a state in a folder, which anybody may have written, is one of the machine that is to have it.

    Raises:
        RingfenceError: it is not, or is none.
    """
    if not prepared.machine:
        raise RingfenceError(f"{folder} holds the state of a machine, and the container is to have none")
    about = read_about(f"{folder}/{ABOUT}")
    here = facts(prepared.machine, prepared.text)
    for member, name in MEMBERS.items():
        if about.get(member) != here[member]:
            raise RingfenceError(
                f"the checkpoint was made with another {name}: {about.get(member)}, here {here[member]}"
            )
    told, config = about.get("config"), here["config"]
    kept = told if isinstance(told, dict) else {}
    for member in sorted({*kept, *config}, key=str):
        if kept.get(member) != config.get(member):
            raise RingfenceError(f"{member} of config.json is not that of the checkpoint", field=f"/{member}")
    check_size(f"{folder}/{STATE}", about.get("size"), int(prepared.machine[-1]) << 20)


def read_about(path: str) -> dict[str, Any]:
    """What a checkpoint says of itself.

    Raises:
        RingfenceError: it cannot be read, or is no JSON object.
    """
    try:
        if posix.stat(path).st_size > LARGEST_ABOUT:
            raise RingfenceError(f"{path} is too large")
        about = loads(read_text(path))
    except OSError as error:
        raise from_os_error(f"cannot read {path}", error, hint="is it a checkpoint of a machine?") from None
    if not isinstance(about, dict):
        raise RingfenceError(f"{path} is no JSON object")
    return about


def check_size(path: str, told: object, memory: int) -> None:
    """See that a state is a whole file, no longer than the state of such a machine can be.

    Raises:
        RingfenceError: it is not.
    """
    found = posix.lstat(path)
    if not S_ISREG(found.st_mode):
        raise RingfenceError(f"{path} is no file")
    if found.st_size != told or found.st_size > memory + BESIDE_MEMORY:
        raise RingfenceError(f"{path} has {found.st_size} bytes, which a whole state of this machine has not")
