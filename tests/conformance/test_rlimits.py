"""process.rlimits."""

from __future__ import annotations

import resource

import pytest

from tests.conformance.inside import inside, output, refused, through
from tests.support import Bundle, Runtime

INFINITY = 2**64 - 1
UNLIMITED = "unlimited"
NAMES = {
    "RLIMIT_AS": "Max address space",
    "RLIMIT_CORE": "Max core file size",
    "RLIMIT_CPU": "Max cpu time",
    "RLIMIT_DATA": "Max data size",
    "RLIMIT_FSIZE": "Max file size",
    "RLIMIT_LOCKS": "Max file locks",
    "RLIMIT_MEMLOCK": "Max locked memory",
    "RLIMIT_MSGQUEUE": "Max msgqueue size",
    "RLIMIT_NICE": "Max nice priority",
    "RLIMIT_NOFILE": "Max open files",
    "RLIMIT_NPROC": "Max processes",
    "RLIMIT_RSS": "Max resident set",
    "RLIMIT_RTPRIO": "Max realtime priority",
    "RLIMIT_RTTIME": "Max realtime timeout",
    "RLIMIT_SIGPENDING": "Max pending signals",
    "RLIMIT_STACK": "Max stack size",
}
# Low enough for any caller, high enough for busybox to run; the last two are 0 for a caller without rights.
VALUES = dict.fromkeys(NAMES, (4_000_000, 5_000_000)) | {
    "RLIMIT_AS": (1 << 30, 1 << 31),
    "RLIMIT_DATA": (1 << 30, 1 << 31),
    "RLIMIT_MSGQUEUE": (1000, 2000),
    "RLIMIT_NOFILE": (100, 200),
    "RLIMIT_NPROC": (300, 400),
    "RLIMIT_SIGPENDING": (500, 600),
    "RLIMIT_NICE": (0, 0),
    "RLIMIT_RTPRIO": (0, 0),
}


def limits(text: str) -> dict[str, tuple[str, str]]:
    """(soft, hard) by the kernel's name for the limit."""
    table = {line[:25].strip(): line[25:].split() for line in text.splitlines()[1:]}
    return {name: (words[0], words[1]) for name, words in table.items()}


def program_limits(runtime: Runtime, bundle: Bundle) -> dict[str, tuple[str, str]]:
    """The limits of the program."""
    bundle.args("cat", "/proc/self/limits")
    return limits(output(runtime, bundle))


def test_every_type(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RLIM-01, LNX-RLIM-02: all 16 types are known, soft and hard are both set exactly."""
    bundle.process["rlimits"] = [{"type": name, "soft": soft, "hard": hard} for name, (soft, hard) in VALUES.items()]
    found = program_limits(runtime, bundle)
    assert {NAMES[name]: found[NAMES[name]] for name in NAMES} == {
        NAMES[name]: (str(soft), str(hard)) for name, (soft, hard) in VALUES.items()
    }


@pytest.mark.parametrize("name", ["RLIMIT_FOO", "NOFILE", "rlimit_nofile", ""])
def test_unknown_type_is_refused(runtime: Runtime, bundle: Bundle, name: str) -> None:
    """LNX-RLIM-01: any other type is an error that quotes it."""
    bundle.process["rlimits"] = [{"type": name, "soft": 1, "hard": 1}]
    refused(runtime, bundle, f"wrong rlimit value: {name}")


def test_infinity(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RLIM-02: 18446744073709551615 is infinity, for the hard limit alone too."""
    bundle.process["rlimits"] = [
        {"type": "RLIMIT_CORE", "soft": INFINITY, "hard": INFINITY},
        {"type": "RLIMIT_FSIZE", "soft": 1 << 20, "hard": INFINITY},
    ]
    found = program_limits(runtime, bundle)
    assert found["Max core file size"] == (UNLIMITED, UNLIMITED)
    assert found["Max file size"] == (str(1 << 20), UNLIMITED)


def test_soft_above_hard_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RLIM-02: the kernel takes no soft limit above the hard one, so create fails."""
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 200, "hard": 100}]
    refused(runtime, bundle)


def test_duplicate_type_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RLIM-03: a duplicate type is an error; runc 1.1 lets it pass."""
    bundle.process["rlimits"] = [{"type": "RLIMIT_CORE", "soft": value, "hard": value} for value in (1, 2)]
    refused(runtime, bundle)


@pytest.mark.parametrize("count", [20])
def test_low_number_of_files_with_many_mounts(runtime: Runtime, bundle: Bundle, count: int) -> None:
    """LNX-RLIM-05: RLIMIT_NOFILE 20 does not break a set-up with many mounts; the limit holds for exec too."""
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": count, "hard": count}]
    for number in range(40):
        bundle.bind(bundle.rootfs, f"/tmp/{number}", "ro")
    bundle.sh("ulimit -Sn; ulimit -Hn; exec sleep 1000")
    container = runtime.started(bundle)
    assert container.wait_output(f"{count}\n{count}\n") == f"{count}\n{count}\n"
    assert container.sh("ulimit -Sn; ulimit -Hn").ok().out == f"{count}\n{count}\n"


def test_limits_hold_for_exec(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RLIM-05: limits are put on exec'd processes as on init."""
    bundle.process["rlimits"] = [{"type": "RLIMIT_STACK", "soft": 1 << 20, "hard": 1 << 22}]
    bundle.sleep()
    found = limits(runtime.started(bundle).exec("cat", "/proc/self/limits").ok().out)
    assert found["Max stack size"] == (str(1 << 20), str(1 << 22))


def test_types_not_listed_keep_the_callers_values(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RLIM-06: types not listed keep the values the runtime was started with.

    runc 1.1 raises its own soft limit of files and hands that down.
    """
    bundle.process["rlimits"] = []
    through(runtime, 'ulimit -Sn 777\nulimit -Hc 4096\nulimit -Sc 2048\nulimit -s 7168\nexec "$@"')
    found = program_limits(runtime, bundle)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert found["Max open files"] == ("777", str(hard))
    assert found["Max core file size"] == (str(2048 * 512), str(4096 * 512))
    assert found["Max stack size"] == (str(7168 * 1024), str(7168 * 1024))


def test_exec_keeps_the_callers_values(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RLIM-06: types not listed keep the values `exec` was started with. runc 1.1 as above."""
    bundle.process["rlimits"] = []
    bundle.sleep()
    container = runtime.started(bundle)
    through(runtime, 'ulimit -Sn 777\nexec "$@"')
    assert container.sh("ulimit -Sn").ok().out == "777\n"


def test_limits_apply_to_an_unprivileged_program(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RLIM-02: the program, whoever it runs as, cannot raise the hard limit again."""
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 50, "hard": 60}]
    assert inside(runtime, bundle, "ulimit -n 61 2>/dev/null || ulimit -Hn") == "60\n"
