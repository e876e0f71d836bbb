"""A step that failed, in the words that engines and people look for."""

from __future__ import annotations

import posix

from ringfence.errors import RingfenceError
from ringfence.plan import birth, inside, mounts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.linux.perform import Report
    from ringfence.plan.plan import Plan
    from ringfence.plan.step import Step

START = "unable to start container process"
INIT = "error during container init"
HINTS = {
    "BindMount": "create the source on the host, or remove the mount",
    "MountFilesystem": "is the file system built into this kernel, and its options right?",
    "WriteIdMaps": "are the host ids this caller's to map (subuid(5), newuidmap(1))?",
}


def kernel_words(number: int) -> str:
    """The text of an errno in lower case, as Go prints it; "" for 0."""
    return posix.strerror(number).lower() if number else ""


def joined(*parts: str) -> str:
    """The parts that say something, as a chain of causes."""
    return ": ".join(part for part in parts if part)


def mount_words(step: mounts.BindMount | mounts.MountFilesystem, detail: str, words: str) -> str:
    """Every failed mount names both ends (LNX-MNT-11)."""
    if detail == "source":
        detail = f"cannot open {step.source}"
    return joined(f'error mounting "{step.source}" to rootfs at "{step.target}"', detail, words)


def cause(step: Step, detail: str, words: str) -> str:
    """What a step's failure is called."""
    if isinstance(step, inside.FindExecutable):
        return joined(START, detail, words)
    if isinstance(step, (mounts.BindMount, mounts.MountFilesystem)):
        return joined(START, INIT, mount_words(step, detail, words))
    if isinstance(step, birth.OpenBindSource) and detail == "source":
        return joined(START, INIT, f'error mounting "{step.source}"', f"cannot open {step.source}", words)
    if isinstance(step, (birth.OpenCgroup, inside.EnterCgroups)):
        return joined("unable to apply cgroup configuration", words)
    if isinstance(step, inside.SetScheduler) and step.cpus:
        detail = "process scheduler can't be used together with AllowedCPUs"
    if isinstance(step, birth.RunHook):
        return joined(detail, words)
    did, what = step.describe()
    return joined(START, INIT, detail or f"cannot {did} {what}", words)


def failure(plan: Plan, report: Report) -> RingfenceError:
    """The error for a step that the init reported as failed; it names the step's number and its config field."""
    steps = [step for _, step in plan.steps()]
    if not 1 <= report.step <= len(steps):
        words = kernel_words(report.value)
        return RingfenceError(joined(START, "the init could not begin", report.text, words), errno=report.value)
    step = steps[report.step - 1]
    hint = HINTS.get(type(step).__name__, "") if report.value else ""
    return RingfenceError(
        cause(step, report.text, kernel_words(report.value)),
        field=step.pointer,
        errno=report.value,
        hint=hint,
        step=f"step {report.step} of {len(steps)}",
    )
