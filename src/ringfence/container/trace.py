"""--trace and --debug: when each step of the init was done, beside the step itself."""

from __future__ import annotations

from ringfence.errors import from_os_error
from ringfence.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.runtime import Log
    from ringfence.drivers.linux.perform import Outcome
    from ringfence.plan.plan import Plan


def traced_steps(plan: Plan, outcome: Outcome) -> list[dict[str, object]]:
    """One object a step that the init performed, as in ``explain --json``, in the order of completion."""
    return timed_steps(plan, [(report.step, report.value) for report in outcome.done])


def timed_steps(plan: Plan, done: list[tuple[int, int]]) -> list[dict[str, object]]:
    """The same for pairs of a step's number and the time in nanoseconds at which it was done.

    ``microseconds`` are those since the step before.
    """
    rows = {row.number: row for row in plan.rows()}
    told: list[dict[str, object]] = []
    before = 0
    for number, moment in sorted(done, key=lambda pair: pair[1]):
        step = dict(rows[number].items())
        step["microseconds"] = (moment - before) // 1000 if before else 0
        before = moment
        told.append(step)
    return told


def log_steps(log: Log, plan: Plan, outcome: Outcome) -> None:
    """A debug record for every step that the init performed (LNX-LOG-05)."""
    for step in traced_steps(plan, outcome):
        log.debug(f"init: {step['verb']} {step['text']} ({step['microseconds']} µs)")


def write_trace(path: str, plan: Plan, outcome: Outcome) -> None:
    """Write the trace of what the init performed.

    Raises:
        RingfenceError: the file cannot be written.
    """
    write_steps(path, plan, [(report.step, report.value) for report in outcome.done])


def write_steps(path: str, plan: Plan, done: list[tuple[int, int]]) -> None:
    """Write a trace as JSON, one step a line.

    Raises:
        RingfenceError: the file cannot be written.
    """
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(dumps(step) + "\n" for step in timed_steps(plan, done))
    except OSError as error:
        raise from_os_error(f"cannot write the trace {path}", error) from None
