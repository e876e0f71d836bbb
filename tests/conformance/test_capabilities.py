"""process.capabilities."""

from __future__ import annotations

import re

import pytest

from tests.conformance.inside import field, output, through, warnings
from tests.support import Bundle, Runtime
from tests.support.process import read_text

SETS = {
    "inheritable": "CapInh",
    "permitted": "CapPrm",
    "effective": "CapEff",
    "bounding": "CapBnd",
    "ambient": "CapAmb",
}
ALL = """
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
"""
NAMES = ALL.split()


def mask(*names: str) -> int:
    """The bits of these capabilities, named without CAP_."""
    return sum(1 << NAMES.index(name) for name in names)


def owned() -> int:
    """The bounding set of the test process."""
    return int(field(read_text("/proc/self/status"), "CapBnd"), 16)


def capabilities(status: str) -> dict[str, int]:
    """The five sets of /proc/PID/status, by their name in config.json."""
    return {name: int(field(status, shown), 16) for name, shown in SETS.items()}


def sets_of(runtime: Runtime, bundle: Bundle) -> dict[str, int]:
    """The five sets of the program."""
    bundle.args("cat", "/proc/self/status")
    return capabilities(output(runtime, bundle))


def give(bundle: Bundle, **sets: list[str]) -> None:
    """Set ``process.capabilities``; names are without CAP_."""
    bundle.process["capabilities"] = {kind: [f"CAP_{name}" for name in names] for kind, names in sets.items()}


def test_sets_of_another_user(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CAP-01: the five sets are set as listed; by the kernel's rules exec leaves a user what is ambient."""
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    give(
        bundle,
        bounding=["KILL", "CHOWN", "SYSLOG"],
        permitted=["KILL", "CHOWN"],
        effective=["CHOWN"],
        inheritable=["KILL", "CHOWN"],
        ambient=["CHOWN"],
    )
    expected = {
        "bounding": mask("KILL", "CHOWN", "SYSLOG"),
        "inheritable": mask("KILL", "CHOWN"),
        "permitted": mask("CHOWN"),
        "effective": mask("CHOWN"),
        "ambient": mask("CHOWN"),
    }
    assert sets_of(runtime, bundle) == expected


def test_user_without_ambient_has_nothing(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CAP-01: permitted and effective alone are lost by a user at exec; bounding stays."""
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    give(bundle, bounding=["KILL"], permitted=["KILL"], effective=["KILL"])
    expected = dict.fromkeys(SETS, 0) | {"bounding": mask("KILL")}
    assert sets_of(runtime, bundle) == expected


@pytest.mark.parametrize("given", [None, {}, {"bounding": []}])
@pytest.mark.parametrize("uid", [0, 1000])
def test_no_capabilities(runtime: Runtime, bundle: Bundle, given: dict[str, list[str]] | None, uid: int) -> None:
    """LNX-CAP-01: an absent or empty object leaves all sets empty, for root too."""
    bundle.process["user"]["uid"] = uid
    bundle.process["capabilities"] = given
    assert sets_of(runtime, bundle) == dict.fromkeys(SETS, 0)


def test_unknown_names_are_warned_of(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CAP-02: unknown names give one warning that lists them, and the container runs without them."""
    unknown = ["CAP_UNKNOWN", "UNKNOWN_CAP", "cap_chown"]
    kinds = ("bounding", "effective", "permitted")
    bundle.process["capabilities"] = {kind: [*unknown, "CAP_KILL"] for kind in kinds}
    assert sets_of(runtime, bundle)["bounding"] == mask("KILL")
    found = [text for text in warnings(runtime) if "ignoring unknown or unavailable capabilities: [" in text]
    assert len(found) == 1
    listed = re.search(r"capabilities: \[(.*?)\]", found[0])
    assert listed and sorted(listed[1].split()) == sorted(unknown)


def test_unknown_name_given_to_exec(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CAP-02: exec --cap acts alike."""
    bundle.sleep()
    container = runtime.started(bundle)
    result = container.exec("cat", "/proc/self/status", options=["--cap", "CAP_UNKNOWN", "--cap", "CAP_CHOWN"])
    assert capabilities(result.ok().out)["effective"] & mask("CHOWN")
    assert warnings(runtime)[-1].endswith("ignoring unknown or unavailable capabilities: [CAP_UNKNOWN]")


def test_user_switch_keeps_capabilities(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CAP-03: the sets survive the change of uid, though SETUID and SETPCAP are not among them."""
    bundle.process["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [5]}
    give(bundle, **{kind: ["NET_ADMIN"] for kind in SETS})
    assert sets_of(runtime, bundle) == dict.fromkeys(SETS, mask("NET_ADMIN"))


def test_ambient_that_cannot_be_raised(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CAP-04: ambient entries missing from inheritable or permitted are warned of, others are raised.

    runc 1.1 does not warn.
    """
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    give(
        bundle,
        bounding=["KILL", "CHOWN", "SYSLOG"],
        permitted=["KILL", "CHOWN"],
        effective=["KILL", "CHOWN"],
        inheritable=["KILL", "SYSLOG"],
        ambient=["CHOWN", "KILL", "SYSLOG"],
    )
    assert sets_of(runtime, bundle)["ambient"] == mask("KILL")
    found = "\n".join(warnings(runtime))
    assert "can't raise ambient capability CAP_CHOWN: " in found
    assert "can't raise ambient capability CAP_SYSLOG: " in found


def test_root_gets_its_bounding_set(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CAP-05: for uid 0 with bounding {SYS_ADMIN}, CapPrm and CapEff are exactly SYS_ADMIN after exec.

    With noNewPrivileges the kernel would not add what permitted lacks.
    """
    bundle.process["noNewPrivileges"] = False
    give(bundle, bounding=["SYS_ADMIN"])
    found = sets_of(runtime, bundle)
    assert (found["permitted"], found["effective"], found["bounding"]) == (mask("SYS_ADMIN"),) * 3


def test_every_name_is_known(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CAP-06: all 41 names up to CAP_CHECKPOINT_RESTORE are known (here: those the test process has)."""
    available = [name for bit, name in enumerate(NAMES) if owned() >> bit & 1]
    give(bundle, bounding=available, permitted=available, effective=available)
    assert len(NAMES) == 41
    assert sets_of(runtime, bundle)["bounding"] == mask(*available)
    assert warnings(runtime) == []


def test_capability_the_caller_lacks(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CAP-02: a name that is not available here, for the caller lacks it, is warned of. runc fails."""
    through(runtime, 'exec setpriv --bounding-set=-sys_time --inh-caps=-all "$@"')
    kinds = ("bounding", "effective", "permitted")
    give(bundle, **{kind: ["SYS_TIME", "KILL"] for kind in kinds})
    assert sets_of(runtime, bundle)["bounding"] == mask("KILL")
    assert warnings(runtime)[0].endswith("ignoring unknown or unavailable capabilities: [CAP_SYS_TIME]")


def test_exec_has_the_configured_sets(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CAP-01: exec'd processes get the configured sets."""
    give(bundle, bounding=["CHOWN"], permitted=["CHOWN"], effective=["CHOWN"])
    bundle.sleep()
    found = capabilities(runtime.started(bundle).exec("cat", "/proc/self/status").ok().out)
    assert found == dict.fromkeys(SETS, mask("CHOWN")) | {"inheritable": 0, "ambient": 0}
