"""Steps that make and configure cgroups. ``perform.py`` does them; here they are data.

Every step names the files it writes, so that an update can put the old values back.
"""

from __future__ import annotations

from ringfence.cgroups.paths import CgroupDir
from ringfence.plan.step import HostStep


class MakeCgroup(HostStep):
    """Make the container's cgroup in every hierarchy.

    ``cpuset_mount`` is where v1's cpuset is mounted, "" without it: empty cpusets on the way down are filled from
    their parents, because a task cannot enter an empty one (cpusets(7)). ``tolerant``: hierarchies in which this user
    may not make cgroups are left out (LNX-RLESS-04). ``shared``: systemd has made some of them already.
    """

    name: str
    dirs: tuple[CgroupDir, ...]
    cpuset_mount: str = ""
    tolerant: bool = False
    shared: bool = False

    def describe(self) -> tuple[str, str]:
        count = len(self.dirs)
        return "make", f"cgroup {self.name} in {count} {'hierarchy' if count == 1 else 'hierarchies'}"


class EnableControllers(HostStep):
    """Switch on every controller of cgroup v2 from the mount root down to the parent of ``path`` (LNX-CG2-01)."""

    mount: str
    path: str

    def describe(self) -> tuple[str, str]:
        return "enable", "every controller for the cgroup"


class LeaveCgroup(HostStep):
    """Move the caller from its own cgroup into a leaf below it: one with processes cannot have controllers below."""

    path: str

    def describe(self) -> tuple[str, str]:
        return "move", "this process into a leaf of its cgroup"


class EnableNamed(HostStep):
    """Switch on some controllers below a cgroup; each is needed."""

    path: str
    names: tuple[str, ...]

    def describe(self) -> tuple[str, str]:
        return "enable", f"{' '.join(self.names)} for the cgroup"


class WriteCgroupFile(HostStep):
    """Write one value; ``optional``: a kernel without the file is passed over."""

    path: str
    value: str
    shown: str
    verb: str = "limit"
    optional: bool = False

    def describe(self) -> tuple[str, str]:
        return self.verb, self.shown


class WriteTogether(HostStep):
    """Write values that the kernel accepts only in an order which depends on the old ones.

    A value refused with EINVAL is tried again after the others, until nothing moves any more: raising memory above the
    old memory+swap and lowering both, or period and quota below a limited parent, need no knowledge of what was there
    (LNX-UPD-07, LNX-UPD-09, LNX-UPD-19). The files named in ``optional`` may be missing.
    """

    writes: tuple[tuple[str, str], ...]
    shown: str
    optional: tuple[str, ...] = ()

    def describe(self) -> tuple[str, str]:
        return "limit", self.shown


class WriteFirstPresent(HostStep):
    """Write the first of several files that this kernel has, each with its own value."""

    choices: tuple[tuple[str, str], ...]
    shown: str

    def describe(self) -> tuple[str, str]:
        return "limit", self.shown


class WriteCpuShares(HostStep):
    """Write cpu.shares and read it back, because the kernel clamps silently (LNX-CG1-03)."""

    path: str
    shares: int

    def describe(self) -> tuple[str, str]:
        return "limit", f"cpu shares {self.shares}"


class CheckMemoryUsage(HostStep):
    """Refuse an update below what is used now (LNX-UPD-16, memory.checkBeforeUpdate)."""

    path: str
    limit: int
    swap: int

    def describe(self) -> tuple[str, str]:
        return "check", "that the new memory limit is above the usage"


class LimitDevicesV1(HostStep):
    """Bring a v1 devices cgroup from whatever list it has to this one, widening before narrowing (LNX-DEVC-08).

    ``rules`` are lines of devices.list: what is allowed, or with ``allow_all`` what is denied.
    """

    directory: str
    allow_all: bool
    rules: tuple[str, ...]

    def describe(self) -> tuple[str, str]:
        return "limit", device_words(self.allow_all, len(self.rules))


class LimitDevicesV2(HostStep):
    """Attach a BPF_PROG_TYPE_CGROUP_DEVICE program to the cgroup, in place of one that is there (LNX-DEVC-09)."""

    directory: str
    program: bytes
    shown: str

    def describe(self) -> tuple[str, str]:
        return "limit", self.shown


class OwnCgroup(HostStep):
    """Give the cgroup to the container's user, as far as /sys/kernel/cgroup/delegate says (LNX-CG-08)."""

    path: str
    uid: int

    def describe(self) -> tuple[str, str]:
        return "chown", f"the cgroup to uid {self.uid}"


def device_words(allow_all: bool, count: int) -> str:
    """How many kinds of devices may be used, in words."""
    if allow_all:
        return f"devices: all but {count}" if count else "devices: all"
    return f"devices: none but {count}" if count else "devices: none"
