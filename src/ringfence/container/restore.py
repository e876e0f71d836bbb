"""restore: a container comes back from its images (LNX-CR-08 to 13)."""

from __future__ import annotations

import os
from contextlib import ExitStack

from ringfence import paths
from ringfence.container.birth import Birth
from ringfence.container.bundle import read_text
from ringfence.container.checkpoint import DESCRIPTORS, NULL, explained, open_folders
from ringfence.container.delete import remove
from ringfence.container.foreground import Foreground
from ringfence.container.machine_state import STATE
from ringfence.container.place import CRIU_ROOT, remove_mount
from ringfence.container.planning import choose_wall, decide
from ringfence.container.run import run
from ringfence.container.runtime import JAIL, RunOptions
from ringfence.container.sockets import connected
from ringfence.criu.options import RESTORE_LOG, outer_mounts, outer_namespaces, pipes, restore_options
from ringfence.criu.places import Places
from ringfence.criu.session import FIRST_EXTRA, Session, find_criu
from ringfence.criu.wire import RESTORE
from ringfence.drivers.linux.context import section, user_outside
from ringfence.drivers.linux.mount import clean, is_bind
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host.probe import probe
from ringfence.jsontext import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.container.planning import Prepared
    from ringfence.container.runtime import Runtime
    from ringfence.criu.options import CriuOptions
    from ringfence.criu.wire import Answer
    from ringfence.spec.types import Mount

CLONE_NEWTIME = 0x80


def restore(runtime: Runtime, container_id: str, options: RunOptions, images: CriuOptions) -> int:
    """Make a container from a bundle and images; returns its exit status, 0 when detached.

    Raises:
        RingfenceError: it could not be restored; nothing is left behind.
    """
    state = f"{images.image_path}/{STATE}"
    if os.path.lexists(state):
        return run(runtime, container_id, RunOptions(**{**dict(options.items()), "state": state}))
    chosen = choose_wall(runtime, options)
    if chosen.choice.driver == JAIL:
        raise RingfenceError("a jail cannot be restored", hint="CRIU is Linux's alone")
    prepared = decide(runtime, container_id, options, detached=options.detach, fifo=False, chosen=chosen)
    if prepared.domain:
        raise RingfenceError("a Xen domain's container cannot be restored: no set of its devices has been proven")
    if prepared.machine:
        raise RingfenceError(f"{images.image_path} holds no state of a machine")
    returning = Return(Birth(runtime, container_id, options, prepared), images)
    if options.detach:
        returning.perform(None)
        return 0
    owner = user_outside(prepared.process, section(prepared.config), prepared.namespaces.own)
    front = Foreground(prepared.process.terminal, owner)
    returning.front = front
    returning.perform(front.stdio)
    record = returning.birth.record
    try:
        return front.wait(record.pid)
    finally:
        if paths.isdir(record.directory):
            remove(runtime, record, force=True)


class Return:
    """One container on its way back."""

    def __init__(self, birth: Birth, images: CriuOptions) -> None:
        self.birth = birth
        self.images = images
        self.front: Foreground | None = None

    @property
    def prepared(self) -> Prepared:
        """What has been decided about the container."""
        return self.birth.prepared

    def perform(self, stdio: tuple[int, int, int] | None) -> None:
        """Make state and cgroups, have CRIU make the processes, and tell the caller.

        Raises:
            RingfenceError: something failed, and all of it has been undone.
        """
        criu = find_criu(self.images.criu, self.birth.runtime.environment)
        asked = self.request()
        self.birth.begin()
        try:
            self.birth.perform_host_steps()
            with ExitStack() as held:
                self.converse(criu, asked, stdio, held)
            self.birth.release_holders()
            self.birth.tell()
        except BaseException:
            self.birth.undo()
            raise
        self.birth.release()

    def request(self) -> dict[str, Any]:
        """What does not need a descriptor of CRIU's."""
        config, birth = self.prepared.config, self.birth
        root = f"{birth.runtime.root}/{birth.record.id}/{CRIU_ROOT}"
        asked = restore_options(config, self.images, root)
        asked["ext_mnt"] = outer_mounts(config, probe(), self.prepared.cgroups, birth.options.bundle)
        return asked

    def converse(self, criu: str, asked: dict[str, Any], stdio: tuple[int, int, int] | None, held: ExitStack) -> None:
        """The conversation with CRIU, whose place in the tree of processes and cgroups the container takes.

        ``held`` closes the descriptors that are opened for it.
        """
        images, record = self.images, self.birth.record
        if not os.path.isdir(images.image_path):
            raise RingfenceError(f"--image-path {images.image_path}: no such file or directory")
        # CRIU opens the folders by their numbers here, through its peer's /proc entry; what it inherits has its own.
        asked.update(open_folders(images, held))
        outer = [(key, open_namespace(path, held)) for _kind, key, path in outer_namespaces(self.prepared.config)]
        kept = [(key, FIRST_EXTRA + index) for index, (key, _descriptor) in enumerate(outer)]
        asked["inherit_fd"] = [*kept, *pipes(read_descriptors(images.image_path))]
        places = Places(record.rootfs, asked["root"], [place_of(mount, self) for mount in self.prepared.config.mounts])
        try:
            places.prepare()
        except OSError as error:
            raise from_os_error(f"cannot make the mount points below {record.rootfs}", error, field="/mounts") from None
        asked["ext_mnt"] = [(places.seen(target), source) for target, source in asked["ext_mnt"]]
        if section(self.prepared.config).masked_paths:
            asked["ext_mnt"].append((NULL, NULL))
        session = Session(criu, tuple(descriptor for _key, descriptor in outer), stdio)
        try:
            asked["cg_root"] = self.enter_cgroups(session.pid)
            answer = session.ask(RESTORE, asked, self.note)
        except RingfenceError as error:
            raise explained(error, images.work_path or images.image_path, RESTORE_LOG) from None
        finally:
            session.close()
            remove_mount(asked["root"])
        self.born(answer.pid)

    def enter_cgroups(self, pid: int) -> list[tuple[str, str]]:
        """Put CRIU into the container's cgroups, and tell it that these are the roots of what it restores."""
        for group in self.birth.record.cgroups:
            try:
                with open(f"{group.path}/cgroup.procs", "w", encoding="ascii") as file:
                    file.write(str(pid))
            except OSError as error:
                raise from_os_error(f"cannot move CRIU into {group.path}", error, field="/linux/cgroupsPath") from None
        rows = read_text(f"/proc/{pid}/cgroup").splitlines()
        return [(row.split(":", 2)[1], row.split(":", 2)[2]) for row in rows]

    def note(self, answer: Answer, descriptors: list[int]) -> None:
        """The moments of a restore: hooks when there are namespaces, a terminal without an owner, the process."""
        if answer.script == "setup-namespaces":
            self.run_hooks(answer.pid)
        elif answer.script == "orphan-pts-master":
            for descriptor in descriptors:
                self.hand_over(descriptor)
        elif answer.script == "post-restore":
            self.born(answer.pid)

    def run_hooks(self, pid: int) -> None:
        """prestart and createRuntime, in the runtime's namespaces."""
        from ringfence.container.hooks import hook_state, hooks_of
        from ringfence.drivers.linux.hooks import JSON_NAMES
        from ringfence.hookprocess import run_hook

        record = self.birth.record
        record.pid = pid
        state = hook_state(record, "creating")
        for kind in ("prestart", "create_runtime"):
            for index, hook in enumerate(hooks_of(self.prepared.config, kind)):
                words = f"{JSON_NAMES[kind]} hook #{index}"
                run_hook(hook, state, record.bundle, words, self.birth.runtime.environment)

    def hand_over(self, master: int) -> None:
        """Give the terminal's master to the foreground, or to the caller's console socket."""
        import _socket

        with ExitStack() as held:
            held.callback(os.close, master)
            if self.front and self.front.ends:
                end = self.front.ends[1]
            else:
                end = connected(self.birth.runtime, self.birth.options.console_socket, "console socket")
                held.callback(end.close)
            rights = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, master.to_bytes(4, "little"))]
            try:
                end.sendmsg([b"pts"], rights)
            except OSError as error:
                raise from_os_error("cannot hand over the terminal", error) from None

    def born(self, pid: int) -> None:
        """Record the process. CRIU puts it into a time namespace of its own, which exec has to join (LNX-CR-11)."""
        record = self.birth.record
        if record.pid == pid and record.start_time:
            return
        if os.stat(f"/proc/{pid}/ns/time").st_ino != os.stat("/proc/self/ns/time").st_ino:
            record.namespaces |= CLONE_NEWTIME
        self.birth.born(pid)


def place_of(mount: Mount, returning: Return) -> tuple[str, str, str]:
    """A mount point: its target, its type, and the source of a bind mount."""
    bundle = returning.birth.options.bundle
    return clean(mount.destination), mount.type or "", paths.join(bundle, mount.source or "") if is_bind(mount) else ""


def open_namespace(path: str, held: ExitStack) -> int:
    """A namespace that the container comes back into, open as long as ``held``.

    Raises:
        RingfenceError: it has gone.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise from_os_error(f"the namespace {path}", error, field="/linux/namespaces") from None
    held.callback(os.close, descriptor)
    return descriptor


def read_descriptors(folder: str) -> list[Any]:
    """descriptors.json of the images, which anybody may have written.

    Raises:
        RingfenceError: it is missing, or no list.
    """
    try:
        held = loads(read_text(os.path.join(folder, DESCRIPTORS)))
    except OSError as error:
        raise from_os_error(f"cannot read {folder}/{DESCRIPTORS}", error, hint="is it a checkpoint?") from None
    if not isinstance(held, list):
        raise RingfenceError(f"{folder}/{DESCRIPTORS} is not a list")
    return held
