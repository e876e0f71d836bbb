"""process.user: ids, groups, umask."""

from __future__ import annotations

import os

import pytest

from tests.conformance.inside import field, inside, output, refused
from tests.support import Bundle, Runtime


def status(runtime: Runtime, bundle: Bundle) -> str:
    """/proc/self/status of the program."""
    bundle.args("cat", "/proc/self/status")
    return output(runtime, bundle)


@pytest.mark.parametrize(("uid", "gid"), [(1000, 2000), (0, 77), (4294967294, 4294967294)])
def test_ids_are_used_as_they_are(runtime: Runtime, bundle: Bundle, uid: int, gid: int) -> None:
    """LNX-USER-01: real, effective, saved and file system ids equal the numbers, /etc/passwd is not asked.

    runc 1.1 refuses numbers above 2147483647.
    """
    bundle.process["user"] = {"uid": uid, "gid": gid}
    out = status(runtime, bundle)
    assert field(out, "Uid").split() == [str(uid)] * 4
    assert field(out, "Gid").split() == [str(gid)] * 4


def test_a_user_without_gid_has_gid_0(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-USER-01: no passwd lookup: uid 1000 is alice there, with group 1000, and still gets gid 0."""
    bundle.process["user"] = {"uid": 1000}
    assert field(status(runtime, bundle), "Gid").split() == ["0"] * 4


@pytest.mark.parametrize("user", [{"uid": 50, "gid": 0}, {"uid": 0, "gid": 50}])
def test_unmapped_ids_are_refused(runtime: Runtime, bundle: Bundle, user: dict[str, int]) -> None:
    """LNX-USER-02: an id with no mapping in the user namespace makes create fail with a message that says so."""
    bundle.user_namespace(size=10)
    bundle.process["user"] = user
    refused(runtime, bundle, "unmapped")


def test_supplementary_groups(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-USER-03: supplementary groups are exactly additionalGids."""
    bundle.process["user"] = {"uid": 1000, "gid": 1000, "additionalGids": [7, 8]}
    assert field(status(runtime, bundle), "Groups") == "7 8"


@pytest.mark.parametrize("user", [{"uid": 1000, "gid": 1000}, {"uid": 1000, "gid": 1000, "additionalGids": []}])
def test_no_supplementary_groups(runtime: Runtime, bundle: Bundle, user: dict[str, int]) -> None:
    """LNX-USER-03: without additionalGids there are none, though /etc/group lists alice."""
    bundle.process["user"] = user
    assert field(status(runtime, bundle), "Groups") == ""


def test_groups_of_the_caller_are_dropped(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-USER-03: supplementary groups of the runtime's caller do not reach the program."""
    groups = os.getgroups()
    os.setgroups([4242])
    try:
        assert field(status(runtime, bundle), "Groups") == ""
    finally:
        os.setgroups(groups)


def test_umask_of_init_and_exec(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-USER-05: user.umask (63 = 077) applies to init and to exec'd processes. runc 1.1 leaves exec out."""
    bundle.process["user"] = {"uid": 0, "gid": 0, "umask": 63}
    bundle.sh("umask; exec sleep 1000")
    container = runtime.started(bundle)
    assert container.wait_output("\n") == "0077\n"
    assert container.sh("umask").out == "0077\n"


@pytest.mark.parametrize("mask", [0o077, 0o000])
def test_umask_of_the_caller_is_not_inherited(runtime: Runtime, bundle: Bundle, mask: int) -> None:
    """LNX-USER-06: without umask init runs with 022, whatever the caller's umask is."""
    old = os.umask(mask)
    try:
        assert inside(runtime, bundle, "umask") == "0022\n"
    finally:
        os.umask(old)


def test_umask_zero(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-USER-05: umask 0 is not the same as none."""
    bundle.process["user"] = {"uid": 0, "gid": 0, "umask": 0}
    assert inside(runtime, bundle, "umask") == "0000\n"
