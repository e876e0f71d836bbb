"""Rules about the process (config.md, Process)."""

from __future__ import annotations

from ringfence.spec.names import IO_CLASSES, RLIMITS, SCHEDULER_FLAGS, SCHEDULER_POLICIES
from ringfence.spec.numberlists import CPUS, parse_number_list
from ringfence.spec.problems import bare, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.problems import Problems
    from ringfence.spec.types import ExecCPUAffinity, IOPriority, Process, Rlimit, Scheduler

REAL_TIME = ("SCHED_FIFO", "SCHED_RR")


def check_process(process: Process, where: str, problems: Problems) -> None:
    """What the process object says by itself; ``where`` is its place in the document."""
    _check_cwd(process.cwd, f"{where}/cwd", problems)
    if not process.args:
        problems.add(f"{where}/args", "args must not be empty")
    for index, entry in enumerate(process.env):
        if entry.find("=") < 1:
            problems.add(f"{where}/env/{index}", f"invalid environment variable: {quoted(entry)}")
    _check_rlimits(process.rlimits, f"{where}/rlimits", problems)
    if process.oom_score_adj is not None and not -1000 <= process.oom_score_adj <= 1000:
        problems.add(f"{where}/oomScoreAdj", f"must be from -1000 to 1000, not {process.oom_score_adj}")
    if process.scheduler is not None:
        _check_scheduler(process.scheduler, f"{where}/scheduler", problems)
    if process.io_priority is not None:
        _check_io_priority(process.io_priority, f"{where}/ioPriority", problems)
    if process.exec_cpu_affinity is not None:
        _check_affinity(process.exec_cpu_affinity, f"{where}/execCPUAffinity", problems)


def _check_cwd(cwd: str, where: str, problems: Problems) -> None:
    if not cwd:
        problems.add(where, "Cwd property must not be empty")
    elif not cwd.startswith("/"):
        problems.add(where, "Cwd must be an absolute path")


def _check_rlimits(rlimits: tuple[Rlimit, ...], where: str, problems: Problems) -> None:
    seen = set()
    for index, rlimit in enumerate(rlimits):
        if rlimit.type not in RLIMITS:
            problems.add(f"{where}/{index}/type", f"wrong rlimit value: {bare(rlimit.type)}")
        elif rlimit.type in seen:
            problems.add(f"{where}/{index}/type", f"duplicate rlimit: {rlimit.type}")
        if rlimit.soft > rlimit.hard:
            problems.add(
                f"{where}/{index}/soft", f"must not be above the hard limit {rlimit.hard}", f"{where}/{index}/hard"
            )
        seen.add(rlimit.type)


def _check_scheduler(scheduler: Scheduler, where: str, problems: Problems) -> None:
    """The conditions under which sched_setattr(2) answers EINVAL."""
    policy = scheduler.policy
    if policy not in SCHEDULER_POLICIES:
        problems.add(f"{where}/policy", f"invalid scheduler policy {quoted(policy)}")
    for index, flag in enumerate(scheduler.flags):
        if flag not in SCHEDULER_FLAGS:
            problems.add(f"{where}/flags/{index}", f"invalid scheduler flag {quoted(flag)}")
    if not -20 <= (scheduler.nice or 0) <= 19:
        problems.add(f"{where}/nice", f"must be from -20 to 19, not {scheduler.nice}")
    priority = scheduler.priority or 0
    if policy in REAL_TIME and not 1 <= priority <= 99:
        problems.add(f"{where}/priority", f"must be from 1 to 99 for {policy}, not {priority}", f"{where}/policy")
    if policy not in REAL_TIME and priority:
        problems.add(f"{where}/priority", "is only for SCHED_FIFO and SCHED_RR", f"{where}/policy")
    for name in ("runtime", "deadline", "period"):
        if policy != "SCHED_DEADLINE" and getattr(scheduler, name):
            problems.add(f"{where}/{name}", "is only for SCHED_DEADLINE", f"{where}/policy")


def _check_io_priority(io_priority: IOPriority, where: str, problems: Problems) -> None:
    if io_priority.class_ not in IO_CLASSES:
        problems.add(f"{where}/class", f"invalid ioPriority class {quoted(io_priority.class_)}")
    if not 0 <= io_priority.priority <= 7:
        problems.add(f"{where}/priority", f"must be from 0 to 7, not {io_priority.priority}")


def _check_affinity(affinity: ExecCPUAffinity, where: str, problems: Problems) -> None:
    for name, text in affinity.items():
        try:
            parse_number_list(text or "", CPUS)
        except ValueError as error:
            problems.add(f"{where}/{name}", f"invalid CPU list {quoted(text)}: {error}")
