"""Making a domain: what dom0 does before and with ``xl create``, step by step."""

from __future__ import annotations

import posix
from _stat import S_ISBLK, S_ISDIR, S_ISREG

from ringfence.container.domain_plan import with_network
from ringfence.container.record import OOM, STATE, save_record, write_whole
from ringfence.container.toolstack import Answer, all_domains, command, domain, run, waited
from ringfence.drivers.guest.client import SOCKET, listen
from ringfence.drivers.guest.inner import changed
from ringfence.drivers.guest.numbers import digest_of, guest_bytes
from ringfence.drivers.guest.ramdisk import padded, with_plan
from ringfence.drivers.guest.share import FOLDER
from ringfence.drivers.linux.perform import perform
from ringfence.drivers.xen import steps
from ringfence.drivers.xen.cfg import PVH
from ringfence.drivers.xen.failure import failure
from ringfence.drivers.xen.listing import folder_in
from ringfence.drivers.xen.sizes import memory_of
from ringfence.errors import RingfenceError, from_os_error
from ringfence.initfile import INIT, bytes_of
from ringfence.network.cni import on_bridge
from ringfence.plan.domain import WatchDomain

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Callable
    from typing import Any

    from ringfence.container.planning import Prepared
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.drivers.xen.listing import Domain
    from ringfence.drivers.xen.wanted import Wanted
    from ringfence.plan.plan import Plan
    from ringfence.plan.step import HostStep

SAID = "said"
"""A file in the container's folder: the last words of a guest's kernel."""
STEPS = "guest.json"
MOST_WORDS = 4096
"""Bytes of a console that are read for the words of a failure."""
FAULT = "/run/ringfence.fault.cfg"
DEVPTS_MAJORS = range(136, 144)
KINDS = {
    "f": (S_ISREG, "is no regular file"),
    "d": (S_ISDIR, "is no folder"),
    "b": (lambda mode: S_ISREG(mode) or S_ISBLK(mode), "is neither a regular file nor a block device"),
    "e": (lambda _mode: True, ""),
}


class Rise:
    """One domain on its way. ``plan`` is the container's, which an address that is reserved changes."""

    def __init__(self, runtime: Runtime, record: ContainerRecord, prepared: Prepared) -> None:
        assert prepared.wanted
        self.runtime = runtime
        self.record = record
        self.prepared = prepared
        self.plan: Plan = prepared.plan
        self.wanted: Wanted = prepared.wanted
        self.listener: _socket.socket | None = None
        self.files: dict[str, int] = {}

    @property
    def given(self) -> dict[str, int]:
        """Descriptors by the names of the plan's slots."""
        return {**({"listener": self.listener.fileno()} if self.listener else {}), **self.files}

    def begin(self) -> None:
        """Make what the watcher is given beside the console.

        Raises:
            OSError: it cannot be made.
        """
        folder = self.record.directory
        # Behind other walls the container's own root comes for a FIFO (XEN-SEC-05).
        posix.chmod(folder, 0o700)
        posix.mkdir(f"{folder}/{FOLDER}", 0o700)
        self.listener = listen(folder, SOCKET)
        flags = posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_APPEND | posix.O_CLOEXEC
        for slot, name in (("oom", OOM), ("said", SAID)):
            self.files[slot] = posix.open(f"{folder}/{name}", flags, 0o600)

    def close(self) -> None:
        """Let go of it all; the watcher has its own."""
        if self.listener:
            self.listener.close()
        for descriptor in self.files.values():
            posix.close(descriptor)
        self.listener, self.files = None, {}

    def perform(self, step: HostStep) -> None:
        """Do one step.

        Raises:
            RingfenceError: it failed.
        """
        PERFORM[type(step).__name__](self, step)

    def check_places(self, step: steps.CheckPlaces) -> None:
        """What the domain is made from is there (XEN-CREATE-05), and nobody else's."""
        if self.wanted.image:
            from ringfence.container.domain_place import check_image

            check_image(self.runtime, self.record)
        for (pointer, path), kind in zip(step.places, step.kinds, strict=True):
            test, words = KINDS[kind]
            try:
                mode = posix.stat(path).st_mode
            except OSError as error:
                raise from_os_error(f"cannot find {path}", error, field=field_of(pointer)) from None
            if not test(mode):
                raise RingfenceError(f"{path} {words}", field=field_of(pointer))

    def copy_from_image(self, step: steps.CopyFromImage) -> None:
        """The image's own kernel or ramdisk (XEN-ENV-04)."""
        from ringfence.container.image_kernel import copied

        copied(step.rootfs, step.source, step.target)

    def find_program(self, step: steps.FindProgram) -> None:
        """The program is in the root (XEN-CREATE-06)."""
        from ringfence.container.domain_program import find_program

        find_program(step)

    def check_bridge(self, _step: steps.CheckBridge) -> None:
        """The bridge is one, and tells its MTU."""
        assert self.wanted.netconf
        self.renew(on_bridge(self.wanted.netconf))

    def renew(self, netconf: object) -> None:
        """Go on with what is now known of the network."""
        from ringfence.container.domain_network import steps_for

        new = steps_for(netconf, self.wanted.nics[0].mac)  # type: ignore[arg-type]
        self.plan = with_network(self.plan, self.wanted.network, new)
        self.wanted = changed(self.wanted, netconf=netconf, network=new)

    def reserve(self, step: steps.ReserveAddress) -> None:
        """An address of host-local's, which the record tells of already (XEN-NET-06)."""
        from ringfence.network.cni_plugin import reserve

        assert self.wanted.netconf and step.words
        self.renew(reserve(self.wanted.netconf, self.record.id, self.record.domain["plugins"]))

    def write_config(self, step: steps.WriteConfig) -> None:
        """The domain's file, and what its guest's steps are, for the words of one that fails."""
        from ringfence.container.guest_steps import dumped

        try:
            write_whole(step.path, step.content)
            write_whole(f"{self.record.directory}/{STEPS}", dumped(self.plan))
        except OSError as error:
            raise from_os_error(f"cannot write {step.path}", error) from None

    def write_ramdisk(self, step: steps.WriteRamdisk) -> None:
        """The private copy of the ramdisk: the source is never changed (XEN-VM-03)."""
        watch = self.plan.inside[-1]
        assert isinstance(watch, WatchDomain)
        try:
            first = padded(bytes_of(step.initrd)) if step.initrd else b""
            own = with_plan(bytes_of(INIT), guest_bytes(self.plan), digest_of(self.plan), terminal=watch.terminal)
            last = bytes_of(step.modules) if step.modules else b""
            write_bytes(step.path, first + own + self.packed(step.packed) + last)
        except OSError as error:
            raise from_os_error(f"cannot write {step.path}", error) from None

    def packed(self, folder: str) -> bytes:
        """The container's root as a part of the ramdisk."""
        if not folder:
            return b""
        from ringfence.container.packed import packed

        return packed(folder)

    def run_command(self, step: steps.RunCommand) -> None:
        """``xl create``, in the places of the nested plan; what it leaves running has these too."""
        if self.wanted.type == PVH:
            self.check_paging()
        self.record.domain["making"] = "1"
        save_record(self.record)
        plan = self.plan.part(step.inside)

        def start(null: int, out: int, said: int) -> int:
            return perform(plan, {}, (null, out, said), lambda _pid: None).pid

        answer = waited(step.words, start, self.wanted.tools.timeout)
        if answer.code:
            self.refuse_namesake()
            raise failure("create", answer.code, answer.said + answer.output, self.facts())

    def check_paging(self) -> None:
        """A PVH domain needs nested paging; a host that has none says so (XEN-CFG-04)."""
        able = command(self.wanted.tools, "info", "virt_caps").output.split()
        if able and "hap" not in able:
            hint = "set xen.type to pv, or turn nested paging on"
            raise RingfenceError("this host cannot run a PVH domain", hint=hint)

    def refuse_namesake(self) -> None:
        """A domain of our name that is not ours is left alone (XEN-CREATE-04)."""
        name = self.wanted.name
        domains = all_domains(self.wanted.tools)
        found = next((one for one in domains if one.name == name and one.uuid != self.wanted.uuid), None)
        if found:
            text = f"a domain called {name} is there already, with the UUID {found.uuid}: {self.owner_of(found)}"
            raise RingfenceError(text, hint="delete it, or choose another id")

    def owner_of(self, found: Domain) -> str:
        """Whose a domain is that is not this container's: the files that it was made from tell (XEN-ERR-02)."""
        folder = folder_in(command(self.wanted.tools, "list", "-l", str(found.number)).output)
        if folder in ("", self.record.directory) or not posix.access(f"{folder}/{STATE}", posix.F_OK):
            return "it belongs to no container of ringfence's"
        root, _, name = folder.rpartition("/")
        return f"it belongs to the container {name} of the root {root}"

    def facts(self) -> dict[str, str]:
        """What the words of a failure may name."""
        wanted, config = self.wanted, self.prepared.config
        return {
            "name": wanted.name,
            "kernel": wanted.kernel,
            "kernel_field": field_of(wanted.origins[0]),
            "memory": str(wanted.sizes.memory),
            "memory_field": memory_of(config, 0)[1],
            "free": free_memory(wanted),
            "floor": f"at least {wanted.floor}",
            "image": wanted.image,
            "bridge": wanted.nics[0].bridge if wanted.nics else "",
            "bridge_field": "/process/env",
            "state": self.record.directory,
            "kept": self.kept_config(),
        }

    def kept_config(self) -> str:
        """A copy of the domain's file that outlives the container's folder, "" if it cannot be made."""
        try:
            write_bytes(FAULT, bytes_of(f"{self.record.directory}/xl.cfg"))
        except OSError:
            return ""
        return FAULT

    def confirm(self, step: steps.ConfirmDomain) -> None:
        """The domain is there, is ours, and stands still (XEN-CREATE-07)."""
        found = domain(self.wanted.tools, self.wanted.name, step.uuid)
        if found is None or found.is_over or not found.is_paused:
            words = f"the domain {self.wanted.name} {unconfirmed(found)}"
            last = self.last_words(found) if found else ""
            raise RingfenceError(f"{words}; its console's last words: {last}" if last else words)
        self.record.domain["number"] = str(found.number)
        save_record(self.record)

    def last_words(self, found: Domain) -> str:
        """What is in the console of a domain that should not have run yet, "" for nothing."""
        from ringfence.container.domain_life import plain

        step = next(one for one in self.plan.host if isinstance(one, steps.OpenConsole))
        try:
            descriptor = self.console(step, str(found.number))
        except RingfenceError:
            return ""
        try:
            return plain(posix.read(descriptor, MOST_WORDS))
        except OSError:
            return ""
        finally:
            posix.close(descriptor)

    def console(self, step: steps.OpenConsole, number: str) -> int:
        """The terminal of a domain's console.

        Raises:
            RingfenceError: nobody tells it, or it is none.
        """
        words = tuple(word.replace(steps.DOMID, number) for word in step.words)
        answer: Answer = run(words, self.wanted.tools.timeout)
        if answer.code:
            raise RingfenceError(
                "xenstored does not tell the domain's console", hint="do xenstored and xenconsoled run in dom0?"
            )
        return open_tty(answer.output.strip())

    def open_console(self, step: steps.OpenConsole) -> None:
        """The console's terminal, before the domain may run."""
        number = self.record.domain["number"]
        self.files["domain"] = self.console(step, number)
        self.plan = numbered(self.plan, number)


def field_of(pointer: str) -> str:
    """A JSON pointer; what is named by a setting has none."""
    return pointer if pointer.startswith("/") else ""


def unconfirmed(found: Domain | None) -> str:
    """What is wrong with a domain that should stand still."""
    if found is None:
        return "was gone when it had been made"
    if found.is_over:
        return f"has ended while it was made: {found.ending or found.state}"
    return f"does not stand still: its state is {found.state}"


def numbered(plan: Plan, number: str) -> Plan:
    """The plan with the domain's number in the watcher's commands."""
    watch = plan.inside[-1]
    assert isinstance(watch, WatchDomain)
    looking, ends = (
        tuple(number if word == steps.DOMID else word for word in words) for words in (watch.looking, watch.ends)
    )
    named = changed(watch, looking=looking, ends=ends)
    return changed(plan, inside=(*plan.inside[:-1], named))  # type: ignore[no-any-return]


def open_tty(name: str) -> int:
    """Open the terminal of a console, which must be one of those on devpts (XEN-CONSOLE-02).

    Raises:
        RingfenceError: it is something else.
    """
    number = name.removeprefix("/dev/pts/")
    wrong = RingfenceError("xenstored names a console that is no terminal of dom0's")
    if not name.startswith("/dev/pts/") or not (number.isascii() and number.isdigit()):
        raise wrong
    try:
        descriptor = posix.open(
            name, posix.O_RDWR | posix.O_NOCTTY | posix.O_NOFOLLOW | posix.O_NONBLOCK | posix.O_CLOEXEC
        )
    except OSError as error:
        raise from_os_error(f"cannot open the domain's console {name}", error) from None
    if posix.major(posix.fstat(descriptor).st_rdev) not in DEVPTS_MAJORS or not posix.isatty(descriptor):
        posix.close(descriptor)
        raise wrong
    return descriptor


def write_bytes(path: str, content: bytes) -> None:
    """A new file of root's alone.

    Raises:
        OSError: it cannot be written.
    """
    flags = posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC | posix.O_NOFOLLOW | posix.O_CLOEXEC
    descriptor = posix.open(path, flags, 0o600)
    try:
        while content:
            content = content[posix.write(descriptor, content) :]
    finally:
        posix.close(descriptor)


def free_memory(wanted: Wanted) -> str:
    """The MiB that the host has left, in words; "" when xl does not tell."""
    answer = command(wanted.tools, "info", "free_memory")
    free = answer.output.strip()
    return f"{free} are free" if answer.code == 0 and free.isdigit() else ""


PERFORM: dict[str, Callable[[Rise, Any], None]] = {
    "CheckPlaces": Rise.check_places,
    "CopyFromImage": Rise.copy_from_image,
    "FindProgram": Rise.find_program,
    "CheckBridge": Rise.check_bridge,
    "ReserveAddress": Rise.reserve,
    "WriteConfig": Rise.write_config,
    "WriteRamdisk": Rise.write_ramdisk,
    "RunCommand": Rise.run_command,
    "ConfirmDomain": Rise.confirm,
    "OpenConsole": Rise.open_console,
}
