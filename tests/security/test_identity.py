"""Who a process becomes."""

from __future__ import annotations

import errno
import os

import pytest

from tests.conformance.inside import field
from tests.conformance.probe import failed, install_probe
from tests.security.outside import Outside
from tests.support import Bundle, Runtime
from tests.support.mark import unlike_runc

TRAP = "1000:x:0:0:trap:/root:/bin/sh\nroot:x:0:0:root:/root:/bin/sh\n"
TOO_LARGE = [2**32, 2**32 + 1, 2**63, 2**64]
GETEUID, MKDIR = 107, 83  # x86_64
CAPABILITY_SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def test_a_number_is_never_looked_up_as_a_name(runtime: Runtime, bundle: Bundle) -> None:
    """CVE-2016-3697: an image whose /etc/passwd has a user called 1000 with the id 0. Digits are ids."""
    bundle.file("/etc/passwd", TRAP)
    bundle.file("/etc/group", "1000:x:0:\n")
    bundle.sh("id -u; exec sleep 1000")
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    container = runtime.started(bundle)
    assert container.wait_output("\n") == "1000\n"
    assert container.exec("id", "-u", options=["--user", "1000"]).ok().out == "1000\n"
    assert container.exec("id", "-g", options=["--user", "1000:1000"]).ok().out == "1000\n"


@unlike_runc("an id of 2**32 in config.json becomes 0", always=False)
@pytest.mark.parametrize("number", TOO_LARGE)
@pytest.mark.parametrize("key", ["uid", "gid"])
def test_an_id_that_overflows_is_refused(runtime: Runtime, bundle: Bundle, key: str, number: int) -> None:
    """CVE-2026-46680, CVE-2024-40635: 2**32 must not become 0, in config.json or on the command line."""
    bundle.sleep()
    container = runtime.started(bundle)
    given = str(number) if key == "uid" else f"1000:{number}"
    assert container.exec("id", "-u", options=["--user", given]).out == ""
    bundle.process["user"] = {"uid": 1000, "gid": 1000, key: number}
    bundle.sh("id -u")
    result = runtime.run_bundle(bundle)
    assert (result.code, result.out) == (1, "")


@pytest.mark.parametrize(
    "given", ["", "-1", "0x0", " 0", "0 ", "1000:", "1000:0x0", "1000 :0", "1000:1000:0", "1_000", "\u0660", "1e3", ":"]
)
def test_a_user_is_two_numbers_and_nothing_else(runtime: Runtime, bundle: Bundle, given: str) -> None:
    """CVE-2026-30892: `exec --user` read half a word and ran as another user. Whatever is not uid[:gid] is refused."""
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.sleep()
    container = runtime.started(bundle)
    result = container.exec("id", "-u", options=[f"--user={given}"])
    assert result.out in (("",) if given else ("", "1000\n")), result


@unlike_runc("refuses ids above 2**31", always=False)
@pytest.mark.parametrize("given", ["0", "7", "7:8", "4294967294:1"])
def test_a_user_is_exactly_the_one_given(runtime: Runtime, bundle: Bundle, given: str) -> None:
    """CVE-2026-30892: the other side, every well-formed word means what it says."""
    bundle.sleep()
    container = runtime.started(bundle)
    uid, _, gid = given.partition(":")
    show = "sed -n 's/^[UG]id:.//p' /proc/self/status"
    found = container.exec("sh", "-c", show, options=["--user", given]).ok().out.split()
    assert found == [uid] * 4 + [gid or "0"] * 4


def capabilities(text: str) -> dict[str, int]:
    """The five sets as in /proc/PID/status."""
    return {name: int(field(text, name), 16) for name in CAPABILITY_SETS}


def test_nothing_is_inheritable_that_was_not_asked_for(runtime: Runtime, bundle: Bundle) -> None:
    """CVE-2022-24769, CVE-2022-27650, CVE-2022-29162, CVE-2025-27612: program, exec and exec --cap alike."""
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.sh("cat /proc/self/status; exec sleep 1000")
    container = runtime.started(bundle)
    first = capabilities(container.wait_output("nonvoluntary"))
    assert first["CapInh"] == first["CapAmb"] == 0
    for options in ([], ["--cap", "CAP_KILL"], ["--cap", "CAP_KILL", "--cap", "CAP_SYS_ADMIN", "--user", "0"]):
        found = capabilities(container.exec("cat", "/proc/self/status", options=options).ok().out)
        assert found["CapInh"] == 0, options


def test_exec_gains_nothing_the_container_has_not(runtime: Runtime, bundle: Bundle) -> None:
    """CVE-2022-29162: an exec without --cap has the configuration's sets, bit by bit."""
    bundle.sh("cat /proc/self/status; exec sleep 1000")
    container = runtime.started(bundle)
    first = capabilities(container.wait_output("nonvoluntary"))
    assert capabilities(container.exec("cat", "/proc/self/status").ok().out) == first


def test_set_user_id_programs_gain_nothing(runtime: Runtime, bundle: Bundle, outside: Outside) -> None:
    """CVE-2020-5291: no_new_privs holds for the program and whatever it starts, and for exec."""
    install_probe(bundle)
    os.chmod(os.path.join(bundle.rootfs, "bin/probe"), 0o4755)
    bundle.bind(outside.path, "/outside")
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.sh(f"probe sys {GETEUID}; probe sys {MKDIR} @/outside/made 0777; exec sleep 1000")
    container = runtime.started(bundle)
    assert container.wait_output("errno").split("\n")[:2] == ["ok 1000", failed(errno.EACCES)]
    assert container.exec("probe", "sys", str(GETEUID)).ok().out == "ok 1000\n"
