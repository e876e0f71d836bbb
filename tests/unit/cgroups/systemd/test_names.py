"""From cgroupsPath to a unit and its cgroup."""

from __future__ import annotations

import pytest

from ringfence.cgroups.systemd.facts import Systemd, addresses, parse_devices, user_base
from ringfence.cgroups.systemd.names import locate_unit, unit_of, unit_path
from ringfence.errors import RingfenceError
from ringfence.host.facts import Hierarchy, Host

SYSTEM = Systemd(False, "")
USER = Systemd(True, "/user.slice/user-1000.slice/user@1000.service")


def host(own: str, uid: int = 0) -> Host:
    return Host(uid, uid, (6, 12), "x86_64", "v2", (Hierarchy(("",), "/sys/fs/cgroup", "/", own),))


@pytest.mark.parametrize(
    ("asked", "name", "path"),
    [
        ("system.slice:cri:abc", "cri-abc.scope", "/system.slice/cri-abc.scope"),
        (":cri:abc", "cri-abc.scope", "/system.slice/cri-abc.scope"),
        ("::abc", "abc.scope", "/system.slice/abc.scope"),
        ("-:cri:abc", "cri-abc.scope", "/cri-abc.scope"),
        ("-.slice:cri:abc", "cri-abc.scope", "/cri-abc.scope"),
        ("a-b-c.slice:x:y", "x-y.scope", "/a.slice/a-b.slice/a-b-c.slice/x-y.scope"),
        ("a.slice:ignored:a-pod.slice", "a-pod.slice", "/a.slice/a-pod.slice"),
        (None, "ringfence-box.scope", "/system.slice/ringfence-box.scope"),
    ],
)
def test_units(asked: str | None, name: str, path: str) -> None:
    """LNX-SYSD-02, LNX-SYSD-03: slice, prefix and name make the unit; dashes nest slices."""
    unit = unit_of(asked, "box", SYSTEM)
    assert unit.name == name
    assert unit_path(unit, SYSTEM) == path


@pytest.mark.parametrize("asked", ["/box", "box", "a:b", "a:b:c:d", "relative/path"])
def test_paths_of_another_form_are_refused(asked: str) -> None:
    """LNX-SYSD-01: what is not `slice:prefix:name` is refused with the words engines know."""
    with pytest.raises(RingfenceError, match='expected cgroupsPath to be of format "slice:prefix:name"') as caught:
        unit_of(asked, "box", SYSTEM)
    assert caught.value.field == "/linux/cgroupsPath"


@pytest.mark.parametrize("asked", ["system:a:b", "a/b.slice:a:b", "a--b.slice:x:y", "-a.slice:x:y", ".slice:x:y"])
def test_slices_have_a_form(asked: str) -> None:
    """LNX-SYSD-02: a slice without `.slice`, with `/` or with empty parts is refused."""
    with pytest.raises(RingfenceError, match="invalid slice name"):
        unit_of(asked, "box", SYSTEM)


@pytest.mark.parametrize("name", ["a/b", "a b", "\u00fc", "x" * 300])
def test_names_that_no_unit_can_have(name: str) -> None:
    """LNX-SYSD-03: a name with other characters than a unit's is refused before systemd sees it."""
    with pytest.raises(RingfenceError, match="invalid unit name"):
        unit_of(f"system.slice:cri:{name}", "box", SYSTEM)


def test_a_user_has_slices_of_his_own() -> None:
    """LNX-SYSD-13: without a slice, a user's scopes are in user.slice below his manager's cgroup."""
    unit = unit_of(":cri:abc", "box", USER)
    found = locate_unit(host("/"), unit, USER)
    below = "/user.slice/user-1000.slice/user@1000.service/user.slice/cri-abc.scope"
    assert [group.path for group in found] == [f"/sys/fs/cgroup{below}"]


@pytest.mark.parametrize(
    "own",
    [
        "/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.service",
        "/user.slice/user-1000.slice/session-3.scope",
    ],
)
def test_the_users_manager_is_found_from_inside_a_user_namespace(own: str) -> None:
    """LNX-SYSD-13: the caller's own cgroup tells whose manager it is; his uid inside a user namespace does not."""
    assert user_base(host(own, 0)) == "/user.slice/user-1000.slice/user@1000.service"


def test_the_users_manager_without_a_session() -> None:
    """LNX-SYSD-13: else it is where systemd puts the manager of a uid."""
    assert user_base(host("/x", 1000)) == "/user.slice/user-1000.slice/user@1000.service"


def test_addresses_of_the_session_bus() -> None:
    """LNX-SYSD-13: DBUS_SESSION_BUS_ADDRESS comes first, then XDG_RUNTIME_DIR/bus."""
    told = "tcp:host=x;unix:path=/run/a,guid=1;unix:abstract=/tmp/b"
    environment = {"DBUS_SESSION_BUS_ADDRESS": told, "XDG_RUNTIME_DIR": "/run/user/1000"}
    assert addresses(True, environment) == ("/run/a", "\0/tmp/b", "/run/user/1000/bus")
    assert addresses(True, {}) == ()
    assert addresses(False, environment) == ("/run/dbus/system_bus_socket",)


def test_drivers_by_number() -> None:
    """LNX-DEVC-11: of several drivers of one number the first is known."""
    text = "Character devices:\n  1 mem\n136 pts\n  4 tty\n  4 ttyS\n\nBlock devices:\n259 blkext\n"
    assert parse_devices(text) == (("c", 1, "mem"), ("c", 136, "pts"), ("c", 4, "tty"), ("b", 259, "blkext"))
