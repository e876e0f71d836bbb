"""What create and run have in common: from a decided plan to a live process, or to nothing left at all."""

from __future__ import annotations

import posix
import time

from ringfence import paths
from ringfence.cgroups.make import check_all_unused
from ringfence.cgroups.manager import Cgroup
from ringfence.cgroups.perform import perform as perform_host_step
from ringfence.container.place import make_directory, remove_directory
from ringfence.container.planning import is_notified
from ringfence.container.record import CONFIG, FIFO, ContainerRecord, lock, save_record, write_whole
from ringfence.container.runtime import MICROVM, XEN
from ringfence.container.sockets import send_pidfd
from ringfence.container.status import process_stat, start_time
from ringfence.container.unit import attachment_for, stop_unit
from ringfence.drivers.linux.context import CLONE_NEWPID, CLONE_NEWUSER, outside_id, section
from ringfence.drivers.linux.hooks import has_hooks
from ringfence.drivers.linux.perform import end, perform
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cgroups.systemd.perform import Holder
    from ringfence.container.agent import Agent
    from ringfence.container.domain_birth import Rise
    from ringfence.container.machine import Boot, Member
    from ringfence.container.notify import Relay
    from ringfence.container.planning import Prepared
    from ringfence.container.runtime import CreateOptions, Runtime
    from ringfence.drivers.linux.perform import Outcome
    from ringfence.network.netconf import Netconf
    from ringfence.plan.step import HostStep

FIFO_MODE = 0o622


def timestamp() -> str:
    """Now in RFC 3339 with nanoseconds, UTC (LNX-STATE-04)."""
    now = time.time_ns()
    moment = time.gmtime(now // 10**9)
    return (
        f"{moment.tm_year:04d}-{moment.tm_mon:02d}-{moment.tm_mday:02d}"
        f"T{moment.tm_hour:02d}:{moment.tm_min:02d}:{moment.tm_sec:02d}.{now % 10**9:09d}Z"
    )


class Birth:
    """One container on its way: everything that has been made, so that it can be undone."""

    def __init__(self, runtime: Runtime, container_id: str, options: CreateOptions, prepared: Prepared):
        self.runtime = runtime
        self.options = options
        self.prepared = prepared
        self.relay: Relay | None = None
        self.boot: Boot | Member | None = None
        self.netconf: Netconf | None = None
        self.rise: Rise | None = None
        hooks = has_hooks(prepared.config, "poststart", "poststop")
        self.record = ContainerRecord(
            "",
            container_id,
            options.bundle,
            prepared.rootfs,
            timestamp(),
            cgroups=prepared.cgroups,
            annotations=prepared.config.annotations,
            namespaces=prepared.namespaces.own,
            own_pid_namespace=bool(prepared.namespaces.new & CLONE_NEWPID),
            hooks=hooks,
            unit=prepared.unit,
            bus=prepared.bus,
            supervised=options.supervised,
            resctrl=prepared.resctrl,
            driver=prepared.choice.driver,
            machine=prepared.machine,
            network=prepared.network,
            pod=prepared.pod,
            key=prepared.key,
            domain=prepared.domain,
        )
        self.holders: list[Holder] = []
        self.lock = -1
        self.fifo = -1
        self.made_resctrl = False
        self.made = False  # the first step makes the cgroups, or leaves those of someone else alone

    def begin(self) -> None:
        """Make the state folder and record what is going to be made, before it is."""
        record = self.record
        record.directory = make_directory(self.runtime, record.id)
        try:
            self.lock = lock(record.directory)
            check_all_unused(record.cgroups)
            write_whole(f"{record.directory}/{CONFIG}", self.prepared.text)
            save_record(record)
            if is_notified(self.runtime, self.prepared.choice.driver):
                self.make_notify()
            if "fifo" in self.prepared.plan.slots:
                self.make_fifo()
            if record.driver == MICROVM:
                self.make_boot()
            if self.prepared.netconf:
                self.reserve(self.prepared.netconf)
            if record.driver == XEN:
                self.make_rise()
        except (OSError, RingfenceError) as error:
            self.release_address()
            self.release()
            remove_directory(record.directory)
            if isinstance(error, RingfenceError):
                raise
            raise from_os_error(f"cannot write the state of container {record.id}", error) from None

    def make_notify(self) -> None:
        """The folder and socket the program says on that it is ready; ``start`` binds the socket anew."""
        from ringfence.container.notify import Relay, make_folder

        make_folder(self.record.directory)
        main = posix.getpid() if self.options.supervised else 0
        self.relay = Relay(self.record.directory, self.runtime.environment["NOTIFY_SOCKET"], main)

    def make_fifo(self) -> None:
        """The FIFO that start opens; the container's root may write to it (LNX-FILE-02)."""
        path = f"{self.record.directory}/{FIFO}"
        posix.mkfifo(path, FIFO_MODE)
        posix.chmod(path, FIFO_MODE)
        linux = section(self.prepared.config)
        uid, gid = outside_id(linux.uid_mappings, 0), outside_id(linux.gid_mappings, 0)
        if self.record.namespaces & CLONE_NEWUSER and uid >= 0:
            posix.chown(path, uid, gid)
        self.fifo = posix.open(path, posix.O_PATH | posix.O_CLOEXEC)

    def reserve(self, netconf: Netconf) -> None:
        """The addresses of a network of the container's own."""
        from ringfence.container.own_network import reserve_address

        self.netconf = reserve_address(self.record, netconf, self.prepared.choice.settings.vm_cni_plugins)

    def connect(self, netconf: Netconf) -> None:
        """Connect the machine with that network."""
        from ringfence.container.own_network import attach

        attach(self.record, netconf)

    def release_address(self) -> None:
        """Give the addresses back."""
        if self.record.reserved:
            from ringfence.container.own_network import release_address

            release_address(self.record)

    def make_boot(self) -> None:
        """What the machine is started with; a file in the FIFO's place says that the container waits for start."""
        from ringfence.container.machine import Boot, Member

        record = self.record
        self.boot = Member(record) if record.pod else Boot(record, self.prepared.plan, self.runtime.hypervisor_log)
        if not self.options.state:
            write_whole(f"{self.record.directory}/{FIFO}", "")

    def make_rise(self) -> None:
        """What the domain's watcher is given; a file in the FIFO's place says that the container waits for start."""
        from ringfence.container.domain_birth import Rise

        self.rise = Rise(self.runtime, self.record, self.prepared)
        self.rise.begin()
        write_whole(f"{self.record.directory}/{FIFO}", "")

    def perform(self, given: dict[str, int], stdio: tuple[int, int, int] | None) -> Outcome:
        """Perform the whole plan; afterwards the process waits for start, or runs.

        Raises:
            RingfenceError: a step failed; everything has been undone.
        """
        plan = self.prepared.plan
        traced = bool(self.runtime.trace) or self.runtime.log.verbose
        given = {**given, "fifo": self.fifo} if self.fifo >= 0 else given
        given = {**given, **self.boot.given} if self.boot else given
        on_listener = on_unit = None
        try:
            self.perform_host_steps()
            if self.rise:
                plan, given = self.rise.plan, {**given, **self.rise.given}
            if "agent" in plan.slots:
                agent = self.connect_agent()
                given, on_listener = {**given, "agent": agent.acknowledge}, agent.hand_over
            if attachment := attachment_for(plan, self.record):
                given, on_unit = {**given, "unit": attachment.acknowledge}, attachment.move
            outcome = perform(plan, given, stdio, self.born, on_listener=on_listener, on_unit=on_unit, traced=traced)
            self.release_holders()
            if self.netconf:
                self.connect(self.netconf)
            self.tell()
        except RingfenceError as error:
            self.undo()
            raise self.explained(error) from None
        except BaseException:
            self.undo()
            raise
        for notice in self.prepared.notices:
            self.runtime.log.warning(notice)
        for note in outcome.notes:
            self.runtime.log.debug(note)
        if self.runtime.log.verbose:
            from ringfence.container.trace import log_steps

            log_steps(self.runtime.log, plan, outcome)
        if self.runtime.trace:
            from ringfence.container.trace import write_trace

            write_trace(self.runtime.trace, plan, outcome)
        return outcome

    def perform_host_steps(self) -> None:
        """Make the cgroups and set their limits, or make the domain.

        Raises:
            RingfenceError: a step failed; ``undo`` knows what had been made.
        """
        for step in self.prepared.plan.host:
            if self.rise:
                self.rise.perform(step)
                continue
            if self.record.resctrl and self.perform_resctrl(step):
                continue
            if holder := perform_host_step(step):
                self.holders.append(holder)
            self.made = True

    def perform_resctrl(self, step: HostStep) -> bool:
        """Do a step if it is one of resctrl's."""
        from ringfence.resctrl.files import perform

        done = perform(step)
        self.made_resctrl |= done
        return done

    def connect_agent(self) -> Agent:
        """The agent that answers for the program, found before there is one."""
        from ringfence.container.agent import Agent

        seccomp = section(self.prepared.config).seccomp
        assert seccomp is not None
        return Agent(self.runtime, seccomp, self.record, "creating")

    def born(self, pid: int) -> None:
        """Record the process as soon as there is one.

        Raises:
            RingfenceError: there is no room for it.
        """
        self.record.pid = pid
        self.record.start_time = process_stat(pid)[1]
        try:
            save_record(self.record)
        except OSError as error:
            raise from_os_error(f"cannot write the state of container {self.record.id}", error) from None

    def tell(self) -> None:
        """The caller's pid file and pidfd socket, before the command returns (LNX-FILE-03)."""
        pid = self.record.pid
        if self.options.pidfd_socket:
            send_pidfd(self.runtime, self.options.pidfd_socket, pid, "standard")
        if self.options.pid_file:
            write_pid_file(self.runtime, self.options.pid_file, pid)

    def explained(self, error: RingfenceError) -> RingfenceError:
        """The error, with the kernel's own reason for a process that ended without a word (LNX-LIFE-26)."""
        if "ended without a word" not in error.attempted:
            return error
        words = "container init was OOM-killed (memory limit too low?)"
        if not self.oom_killed:
            words = "container init ended during setup (possibly OOM-killed)"
        field = "/linux/resources/memory/limit" if self.oom_killed else ""
        return RingfenceError(f"unable to start container process: {words}", field=field)

    oom_killed = False

    def undo(self) -> None:
        """Leave nothing behind: process, cgroups, state folder; then the poststop hooks (LNX-HOOK-13)."""
        record = self.record
        self.release_holders()
        if record.pid and start_time(record.pid) == record.start_time:
            end(record.pid)
        if record.driver == XEN:
            from ringfence.container.domain_end import remove_domain

            remove_domain(self.runtime, record)
        group = Cgroup(record.cgroups)
        self.oom_killed = group.oom_killed()
        if record.pid:
            group.end_all()
        if self.made:
            stop_unit(self.runtime, record)
            group.remove(kill=True)
        if record.resctrl and self.made_resctrl:
            from ringfence.resctrl.files import remove

            remove(record.resctrl)
        self.release_address()
        self.release()
        remove_directory(record.directory)
        if record.hooks and record.pid:
            from ringfence.container.hooks import run_poststop

            run_poststop(self.runtime, record, self.prepared.config)

    def release_holders(self) -> None:
        """Let go of what held the cgroup while nothing was in it."""
        while self.holders:
            self.holders.pop().release()

    def release(self) -> None:
        """Give back the lock and the descriptors of the birth."""
        if self.boot:
            self.boot.close()
            self.boot = None
        if self.rise:
            self.rise.close()
            self.rise = None
        for descriptor in (self.fifo, self.lock):
            if descriptor >= 0:
                posix.close(descriptor)
        self.fifo = self.lock = -1


def write_pid_file(runtime: Runtime, path: str, pid: int) -> None:
    """Write a pid without a newline, whole, relative to the caller's working directory (LNX-FILE-03).

    Raises:
        RingfenceError: it cannot be written.
    """
    place = paths.join(runtime.cwd, path)
    try:
        write_whole(place, str(pid), 0o644)
    except OSError as error:
        raise from_os_error(f"cannot write the pid file {place}", error) from None
