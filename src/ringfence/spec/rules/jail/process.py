"""Rules about the process of a jail (config.md, Process; FreeBSD's getrlimit(2))."""

from __future__ import annotations

from ringfence.spec.names import RLIMITS as LINUX_RLIMITS
from ringfence.spec.problems import bare, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.problems import Problems
    from ringfence.spec.types import Process, Rlimit

LARGEST_ID = 4294967294
RLIMITS = (
    "RLIMIT_AS",
    "RLIMIT_CORE",
    "RLIMIT_CPU",
    "RLIMIT_DATA",
    "RLIMIT_FSIZE",
    "RLIMIT_MEMLOCK",
    "RLIMIT_NOFILE",
    "RLIMIT_NPROC",
    "RLIMIT_RSS",
    "RLIMIT_STACK",
    "RLIMIT_SBSIZE",
    "RLIMIT_NPTS",
    "RLIMIT_SWAP",
    "RLIMIT_KQUEUES",
    "RLIMIT_UMTXP",
)
IMPOSSIBLE = (
    ("capabilities", "capabilities"),
    ("no_new_privileges", "noNewPrivileges"),
    ("apparmor_profile", "apparmorProfile"),
    ("selinux_label", "selinuxLabel"),
    ("oom_score_adj", "oomScoreAdj"),
    ("scheduler", "scheduler"),
    ("io_priority", "ioPriority"),
    ("exec_cpu_affinity", "execCPUAffinity"),
)


def check_process(process: Process, where: str, problems: Problems) -> None:
    """What the process object says by itself; ``where`` is its place in the document."""
    if not process.cwd.startswith("/"):
        problems.add(f"{where}/cwd", "Cwd must be an absolute path")
    if not process.args:
        problems.add(f"{where}/args", "args must not be empty")
    for index, entry in enumerate(process.env):
        if entry.find("=") < 1:
            problems.add(f"{where}/env/{index}", f"invalid environment variable: {quoted(entry)}")
    check_user(process, where, problems)
    check_rlimits(process.rlimits, f"{where}/rlimits", problems)
    for field, name in IMPOSSIBLE:
        if getattr(process, field) not in (None, False, ""):
            problems.add(f"{where}/{name}", "a jail has no such thing")


def check_user(process: Process, where: str, problems: Problems) -> None:
    """Ids that a process can have (JAIL-PROC-02)."""
    user = process.user
    if user is None:
        return
    ids = [("uid", user.uid), ("gid", user.gid)]
    ids += [(f"additionalGids/{index}", gid) for index, gid in enumerate(user.additional_gids)]
    for name, number in ids:
        if number > LARGEST_ID:
            problems.add(f"{where}/user/{name}", f"must be at most {LARGEST_ID}, not {number}")
    if user.umask is not None and user.umask > 0o777:
        problems.add(f"{where}/user/umask", f"must be at most {0o777}, not {user.umask}")


def check_rlimits(rlimits: tuple[Rlimit, ...], where: str, problems: Problems) -> None:
    """FreeBSD's limits by name, each once (JAIL-PROC-06)."""
    seen = set()
    for index, rlimit in enumerate(rlimits):
        place = f"{where}/{index}"
        if rlimit.type in LINUX_RLIMITS and rlimit.type not in RLIMITS:
            problems.add(f"{place}/type", f"{rlimit.type} is Linux's alone")
        elif rlimit.type not in RLIMITS:
            problems.add(f"{place}/type", f"wrong rlimit value: {bare(rlimit.type)}")
        elif rlimit.type in seen:
            problems.add(f"{place}/type", f"duplicate rlimit: {rlimit.type}")
        if rlimit.soft > rlimit.hard:
            problems.add(f"{place}/soft", f"must not be above the hard limit {rlimit.hard}", f"{place}/hard")
        seen.add(rlimit.type)
