"""exec: another process in a container that lives."""

from __future__ import annotations

import posix

from ringfence import paths
from ringfence.cgroups.files import read_or_empty
from ringfence.cgroups.paths import UNIFIED, CgroupDir, mount_of
from ringfence.container.birth import write_pid_file
from ringfence.container.bundle import read_config, read_text
from ringfence.container.descriptors import check_preserved
from ringfence.container.exec_process import changed_process
from ringfence.container.foreground import Foreground
from ringfence.container.planning import filter_of
from ringfence.container.record import load_record
from ringfence.container.runtime import JAIL, MICROVM, XEN, Source
from ringfence.container.saved import saved_config
from ringfence.container.sockets import check_terminal_options, connected, send_pidfd
from ringfence.container.status import PAUSED, STOPPED, start_time, status
from ringfence.container.unit import attachment_for, is_beyond_reach
from ringfence.drivers.linux.context import section, user_outside
from ringfence.drivers.linux.identity import ambient_warnings, available_capabilities
from ringfence.drivers.linux.perform import perform
from ringfence.drivers.linux.plan import ExecContext, compile_exec
from ringfence.errors import EXEC_FAILURE, RingfenceError, from_os_error
from ringfence.host.probe import probe
from ringfence.record import Record
from ringfence.spec.load import load_process
from ringfence.spec.validate import capability_warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cgroups.systemd.perform import Attachment
    from ringfence.container.agent import Agent
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import ExecOptions, Runtime
    from ringfence.host.facts import Host
    from ringfence.plan.plan import Plan
    from ringfence.spec.types import Config, Process


def execute(runtime: Runtime, container_id: str, options: ExecOptions) -> int:
    """Run a process in a container; returns its exit status, 0 when detached (LNX-EXEC-07).

    Raises:
        RingfenceError: with status 255, when the process could not be run.
    """
    try:
        return execute_in(runtime, load_record(runtime, container_id), options)
    except RingfenceError as error:
        error.status = EXEC_FAILURE
        raise


def execute_in(runtime: Runtime, record: ContainerRecord, options: ExecOptions) -> int:
    """The exec of a container whose record has been read."""
    refuse(record, options)
    if record.driver == JAIL:
        from ringfence.container.jail.execute import execute as execute_jail

        return execute_jail(runtime, record, options)
    saved = saved_config(record)
    process = asked_process(runtime, record, options)
    check_terminal_options(process.terminal, options.detach, options.console_socket, given=False)
    check_preserved(3, options.preserve_fds)
    plan = exec_plan(runtime, record, options, saved, process)
    aid = Aid(agent_for(runtime, record, plan, saved), attachment_for(plan, record))
    descriptor = container_entry(record)
    given = {"connection" if "connection" in plan.slots else "pidfd": descriptor}
    try:
        if options.detach:
            return detached(runtime, options, plan, given, aid)
        front = Foreground(process.terminal, user_outside(process, section(saved), record.namespaces))
        return foreground(runtime, options, front, plan, given, aid)
    finally:
        posix.close(descriptor)


def refuse(record: ContainerRecord, options: ExecOptions) -> None:
    """Only a container that lives, and is not frozen unawares, takes another process (LNX-EXEC-18, LNX-EXEC-19)."""
    now = status(record)
    if now == STOPPED:
        raise RingfenceError("cannot exec in a stopped container")
    if now == PAUSED and not options.ignore_paused:
        raise RingfenceError("cannot exec in a paused container (use --ignore-paused to override)")
    if record.driver == XEN:
        raise RingfenceError("this wall has no way into a domain: another process cannot be started there")


def asked_process(runtime: Runtime, record: ContainerRecord, options: ExecOptions) -> Process:
    """The process: whole from a file, else the bundle's, changed by the options (LNX-EXEC-03, LNX-EXEC-04)."""
    if options.process_text:
        return load_process(options.process_text, "process.json")
    if options.process_file:
        path = paths.join(runtime.cwd, options.process_file)
        try:
            return load_process(read_text(path), "process.json")
        except OSError as error:
            raise from_os_error(f"cannot read {path}", error) from None
    if not options.args:
        raise RingfenceError("exec args cannot be empty")
    process = read_config(Source(record.bundle)).config.process
    assert process is not None
    return changed_process(process, options)


def exec_plan(runtime: Runtime, record: ContainerRecord, options: ExecOptions, saved: Config, process: Process) -> Plan:
    """Decide everything about the new process, and say what to be cautious of."""
    host = probe()
    linux = section(saved)
    sets = process.capabilities
    ignored = capability_warnings(sets, available_capabilities(linux, host)) if sets else []
    for caution in (*ignored, *ambient_warnings(process)):
        runtime.log.warning(caution)
    affinity = process.exec_cpu_affinity
    cgroups = exec_cgroups(record, options.cgroup, host)
    context = ExecContext(
        record.id,
        record.bundle,
        record.rootfs,
        cgroups,
        runtime.environment,
        filter=filter_of(saved, host, runtime),
        preserve_fds=options.preserve_fds,
        namespaces=record.namespaces,
        initial=cpu_mask(affinity.initial if affinity else None),
        final=cpu_mask(affinity.final if affinity else None),
        resctrl=record.resctrl.paths if record.resctrl else (),
        unit=record.unit if record.unit and is_beyond_reach(host, cgroups) else "",
    )
    if record.driver == MICROVM:
        from ringfence.container.machine import seat_of
        from ringfence.drivers.microvm import plan

        return plan.compile_exec(process, saved, host, context, seat_of(record, saved))
    return compile_exec(process, linux, host, context)


def cpu_mask(cpus: str | None) -> bytes:
    """The bit mask of a list of CPUs, empty for none."""
    if not cpus:
        return b""
    from ringfence.drivers.linux.policy import list_mask

    return list_mask(cpus, "invalid CPU list", 8192)


def exec_cgroups(record: ContainerRecord, asked: tuple[str, ...], host: Host) -> tuple[CgroupDir, ...]:
    """The container's cgroups, or the sub-cgroups asked for (LNX-EXEC-28, LNX-EXEC-29)."""
    if not asked:
        found = [joinable(group, record, host) for group in record.cgroups]
        return tuple(group for group in found if paths.isdir(group.path))
    from ringfence.container.subcgroup import sub_cgroups

    return sub_cgroups(record.cgroups, asked)


def joinable(group: CgroupDir, record: ContainerRecord, host: Host) -> CgroupDir:
    """The cgroup itself, or on v2 the one the init is in now, when no process may be in it any more (LNX-EXEC-27).

    cgroups(7), "no internal processes": one with controllers switched on below it takes none.
    """
    if group.controllers != UNIFIED or not read_or_empty(f"{group.path}/cgroup.subtree_control").strip():
        return group
    for row in read_or_empty(f"/proc/{record.pid}/cgroup").splitlines():
        if row.startswith("0::/"):
            return CgroupDir(UNIFIED, mount_of(host, group) + row[3:])
    return group


def container_entry(record: ContainerRecord) -> int:
    """The descriptor by which the init enters: a pidfd, or a connection to the supervisor of a machine."""
    if record.driver != MICROVM:
        return container_pidfd(record)
    from ringfence.container.machine import connection

    return connection(record)


def container_pidfd(record: ContainerRecord) -> int:
    """A pidfd of the container's init, known to be that very process."""
    try:
        descriptor = posix.pidfd_open(record.pid)
    except OSError:
        raise RingfenceError("cannot exec in a stopped container") from None
    if start_time(record.pid) != record.start_time:
        posix.close(descriptor)
        raise RingfenceError("cannot exec in a stopped container")
    return descriptor


def told(runtime: Runtime, options: ExecOptions, pid: int) -> None:
    """The caller's pid file and pidfd socket; when they fail, so does the exec (LNX-EXEC-21)."""
    from ringfence.drivers.linux.perform import end

    try:
        if options.pid_file:
            write_pid_file(runtime, options.pid_file, pid)
        if options.pidfd_socket:
            send_pidfd(runtime, options.pidfd_socket, pid, "setns")
    except RingfenceError:
        end(pid)
        raise


class Aid(Record):
    """Who does for the new process what it may not do itself: its seccomp agent, and who moves it into its unit."""

    agent: Agent | None = None
    attachment: Attachment | None = None


def performed(runtime: Runtime, plan: Plan, given: dict[str, int], stdio: tuple[int, int, int] | None, aid: Aid) -> int:
    """Perform the plan; returns the pid of the process that came of it."""
    agent, attachment = aid.agent, aid.attachment
    given = {**given, "agent": agent.acknowledge} if agent else given
    given = {**given, "unit": attachment.acknowledge} if attachment else given
    on_listener = agent.hand_over if agent else None
    on_unit = attachment.move if attachment else None
    verbose = runtime.log.verbose
    outcome = perform(plan, given, stdio, lambda _: None, on_listener=on_listener, on_unit=on_unit, traced=verbose)
    if runtime.log.verbose:
        from ringfence.container.trace import log_steps

        log_steps(runtime.log, plan, outcome)
    return outcome.pid


def agent_for(runtime: Runtime, record: ContainerRecord, plan: Plan, saved: Config) -> Agent | None:
    """The agent that answers for the new process, if its filter asks one."""
    seccomp = section(saved).seccomp
    if "agent" not in plan.slots or seccomp is None:
        return None
    from ringfence.container.agent import Agent

    return Agent(runtime, seccomp, record, "running")


def detached(runtime: Runtime, options: ExecOptions, plan: Plan, given: dict[str, int], aid: Aid) -> int:
    """A process with the caller's own stdio, not waited for (LNX-EXEC-20)."""
    socket = None
    if options.console_socket:
        socket = connected(runtime, options.console_socket, "console socket")
        given["console"] = socket.fileno()
    told(runtime, options, performed(runtime, plan, given, None, aid))
    return 0


def foreground(
    runtime: Runtime, options: ExecOptions, front: Foreground, plan: Plan, given: dict[str, int], aid: Aid
) -> int:
    """A process that is waited for."""
    pid = performed(runtime, plan, {**given, **front.given}, front.stdio, aid)
    told(runtime, options, pid)
    return front.wait(pid)
