"""Rules about namespaces, and about fields that need one of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.spec.names import NAMESPACES
from ringfence.spec.sysctl import is_plain, namespace_of, sysctl_path
from tests.unit.spec.documents import Document, Edit, is_loaded, loaded, namespaces, problems

ALL = ("pid", "network", "mount", "ipc", "uts", "cgroup")
ONE_ID = [{"containerID": 0, "hostID": 1000, "size": 1}]


def linux(**changes: Any) -> Edit:
    """An edit of the linux section."""
    return lambda made: made["linux"].update(changes)


def test_all_types_are_known() -> None:
    """LNX-NS-01: eight types."""
    edit = linux(namespaces=namespaces(*NAMESPACES), uidMappings=ONE_ID, gidMappings=ONE_ID)
    config = loaded(edit)
    assert config.linux is not None
    assert [entry.type for entry in config.linux.namespaces] == list(NAMESPACES)


@pytest.mark.parametrize(("kind", "path", "shown"), [("bogus", None, '"bogus" ""'), ("PID", "/x", '"PID" "/x"')])
def test_unknown_types_are_refused(kind: str, path: str | None, shown: str) -> None:
    """LNX-NS-01: an unknown type is named."""
    entries = [*namespaces(*ALL), {"type": kind, "path": path}]
    assert problems(linux(namespaces=entries)) == {
        "/linux/namespaces/6/type": f"namespace {{{shown}}} does not exist",
    }


def test_duplicate_types_are_refused() -> None:
    """LNX-NS-02: the same type twice."""
    entries = [*namespaces(*ALL), {"type": "network", "path": "/run/netns/x"}]
    assert problems(linux(namespaces=entries)) == {
        "/linux/namespaces/6/type": 'malformed spec file: duplicated ns {"network" "/run/netns/x"}',
    }


def test_paths_are_absolute() -> None:
    """config-linux.md, Namespaces: a path MUST be absolute; an empty one is the same as none."""
    found = problems(linux(namespaces=namespaces("mount", "uts", network="run/x")))
    assert found == {"/linux/namespaces/2/path": "must be an absolute path"}
    assert is_loaded(linux(namespaces=namespaces("mount", "uts", network="")))


def test_a_mount_namespace_is_not_joined() -> None:
    """LNX-NS-09: a mount namespace by path cannot be combined with a switch of the root."""
    found = problems(linux(namespaces=namespaces("uts", mount="/proc/1/ns/mnt")))
    assert list(found) == ["/linux/namespaces/1/path"]


@pytest.mark.parametrize("name", ["hostname", "domainname"])
def test_host_names_need_a_uts_namespace(name: str) -> None:
    """LNX-UTS-01: without a private UTS namespace the host's name would change."""

    def edit(made: Document) -> None:
        made.pop("hostname")
        made[name] = "box"
        made["linux"]["namespaces"] = namespaces("mount", "pid")

    assert problems(edit) == {f"/{name}": f"unable to set {name} without a private UTS namespace"}


def test_host_names_need_a_uts_namespace_also_without_a_linux_section() -> None:
    """LNX-UTS-01, LNX-NS-03: no namespaces at all means that the host's are shared."""
    found = problems(lambda made: made.pop("linux"))
    assert found == {"/hostname": "unable to set hostname without a private UTS namespace"}


def test_an_empty_host_name_is_none() -> None:
    edit = linux(namespaces=namespaces("mount"))
    assert is_loaded(lambda made: (edit(made), made.update(hostname="", domainname="")))


def test_host_names_have_the_kernels_length() -> None:
    """sethostname(2): 64 bytes."""
    assert is_loaded(lambda made: made.update(hostname="x" * 64))
    found = problems(lambda made: made.update(hostname="é" * 33))
    assert found == {"/hostname": "must have at most 64 bytes, not 66"}


@pytest.mark.parametrize("kind", ["uid", "gid"])
def test_a_new_user_namespace_needs_mappings(kind: str) -> None:
    """LNX-UNS-01: a new user namespace without mappings."""
    maps = {"uidMappings": ONE_ID, "gidMappings": ONE_ID} | {f"{kind}Mappings": []}
    found = problems(linux(namespaces=namespaces(*ALL, "user"), **maps))
    assert found == {f"/linux/{kind}Mappings": f"User namespaces enabled, but no {kind} mappings found."}


def test_a_joined_user_namespace_has_its_own_mappings() -> None:
    """LNX-UNS-01, LNX-UNS-06: mappings may be left out, or repeated."""
    joined = namespaces(*ALL, user="/proc/1/ns/user")
    assert is_loaded(linux(namespaces=joined))
    assert is_loaded(linux(namespaces=joined, uidMappings=ONE_ID, gidMappings=ONE_ID))


@pytest.mark.parametrize("kind", ["uid", "gid"])
def test_mappings_need_a_user_namespace(kind: str) -> None:
    """LNX-UNS-02: mappings without a user namespace."""
    text = "User namespace mappings specified, but user namespace isn't enabled in the config"
    assert problems(linux(**{f"{kind}Mappings": ONE_ID})) == {f"/linux/{kind}Mappings": text}


def mapped(*lines: tuple[int, int, int]) -> Edit:
    """An edit that gives a user namespace these uid mappings."""
    maps = [dict(zip(("containerID", "hostID", "size"), line)) for line in lines]
    return linux(namespaces=namespaces(*ALL, "user"), uidMappings=maps, gidMappings=ONE_ID)


def test_mappings_that_the_kernel_takes() -> None:
    """LNX-UNS-03: several lines, in any order, up to the last id."""
    assert is_loaded(mapped((10, 0, 5), (0, 100, 10), (2**32 - 2, 2**32 - 2, 1)))
    assert is_loaded(mapped(*((number, number, 1) for number in range(340))))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([(0, 0, 0)], {"/0/size": "must not be 0"}),
        ([(0, 0, 10), (9, 20, 1)], {"/1/containerID": "overlaps another entry"}),
        ([(0, 5, 10), (10, 0, 6)], {"/0/hostID": "overlaps another entry"}),
        ([(0, 2**32 - 2, 2)], {"/0/size": "reaches beyond the last id, 4294967294"}),
        ([(2**32 - 1, 0, 1)], {"/0/size": "reaches beyond the last id, 4294967294"}),
        ([(number, number, 1) for number in range(341)], {"": "must have at most 340 entries, not 341"}),
    ],
)
def test_mappings_that_the_kernel_refuses(lines: list[tuple[int, int, int]], expected: Document) -> None:
    """user_namespaces(7): what a uid_map may hold."""
    assert problems(mapped(*lines)) == {f"/linux/uidMappings{place}": text for place, text in expected.items()}


def test_time_offsets() -> None:
    """LNX-TIME-01: two clocks, seconds of any sign."""
    offsets = {"monotonic": {"secs": -5, "nanosecs": 999_999_999}, "boottime": {"secs": 2**62}}
    assert is_loaded(linux(namespaces=namespaces(*ALL, "time"), timeOffsets=offsets))
    assert is_loaded(linux(timeOffsets={}))


@pytest.mark.parametrize(
    ("entries", "offsets", "expected"),
    [
        (namespaces(*ALL, "time"), {"real/time": {}}, {"/real~1time": '"real/time" is no clock of a time namespace'}),
        (
            namespaces(*ALL, "time"),
            {"boottime": {"nanosecs": 10**9}},
            {"/boottime/nanosecs": "must be less than 1000000000"},
        ),
        (
            namespaces(*ALL),
            {"boottime": {"secs": 1}},
            {"": "time namespace offsets specified, but time namespace isn't enabled in the config"},
        ),
        (
            namespaces(*ALL, time="/proc/1/ns/time"),
            {"boottime": {"secs": 1}},
            {"": "the offsets of a time namespace that is joined by its path cannot be changed"},
        ),
    ],
)
def test_invalid_time_offsets_are_refused(entries: Any, offsets: Document, expected: Document) -> None:
    """LNX-TIME-01, LNX-TIME-03: other clocks, no time namespace, or one that is joined."""
    found = problems(linux(namespaces=entries, timeOffsets=offsets))
    assert found == {f"/linux/timeOffsets{place}": text for place, text in expected.items()}


def test_masks_need_a_mount_namespace() -> None:
    """LNX-MASK-07: either list without an own mount namespace."""
    text = "unable to restrict sys entries without a private MNT namespace"
    assert problems(linux(namespaces=namespaces("uts"))) == {
        "/linux/maskedPaths": text,
        "/linux/readonlyPaths": text,
    }
    assert is_loaded(linux(namespaces=namespaces("uts"), maskedPaths=[], readonlyPaths=None))


def test_masks_are_absolute() -> None:
    """config-linux.md: the values MUST be absolute paths."""
    assert problems(linux(maskedPaths=["/proc/x", "proc/x"], readonlyPaths=[""])) == {
        "/linux/maskedPaths/1": "must be an absolute path",
        "/linux/readonlyPaths/0": "must be an absolute path",
    }


OWNED = [
    ("ipc", ["kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax"]),
    ("ipc", ["kernel.shmmni", "kernel.shm_rmid_forced", "fs.mqueue.msg_max", "fs/mqueue/queues_max"]),
    ("network", ["net.ipv4.ip_forward", "net/ipv4/conf/eth0.1/forwarding", "net.ipv4.conf.eth0/1.forwarding"]),
    ("user", ["user.max_user_namespaces"]),
    ("uts", ["kernel.domainname", "kernel/domainname"]),
]


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in OWNED for name in names])
def test_sysctls_belong_to_a_namespace(kind: str, name: str) -> None:
    """LNX-SCTL-01, LNX-SCTL-02: allowed with the own namespace, refused without it."""
    maps: Document = {"uidMappings": ONE_ID, "gidMappings": ONE_ID}
    assert is_loaded(linux(namespaces=namespaces(*ALL, "user"), sysctl={name: "1"}, **maps))
    others = [other for other in (*ALL, "user") if other != kind]
    edit = linux(namespaces=namespaces(*others), sysctl={name: "1"}, **(maps if kind != "user" else {}))
    found = problems(lambda made: (made.pop("hostname"), edit(made)))
    assert list(found.values()) == [f'sysctl "{name}" is not in a separate kernel namespace']


@pytest.mark.parametrize(
    "name",
    [
        "kernel.panic",
        "vm.swappiness",
        "fs.file-max",
        "net",
        "net.",
        "",
        "kernel",
        "net/../kernel/panic",
        "net.ipv4.//.//.kernel.panic",
        "../net/ipv4",
        "/net/ipv4",
        "net/./ipv4",
        "fs.mqueue",
        "kernel.msgmax.x",
    ],
)
def test_other_sysctls_are_refused(name: str) -> None:
    """LNX-SCTL-03: anything else is the whole machine's, whatever it begins with."""
    (text,) = problems(linux(sysctl={name: "1"})).values()
    assert text == f'sysctl "{name}" is not in a separate kernel namespace'


@pytest.mark.parametrize("name", ["kernel.hostname", "kernel/hostname"])
def test_the_host_name_has_its_own_field(name: str) -> None:
    """LNX-SCTL-03: kernel.hostname is always refused."""
    (text,) = problems(linux(sysctl={name: "x"})).values()
    assert text == f'sysctl "{name}" is not allowed as it conflicts with the OCI "hostname" field'


@given(st.text("netipv4./", max_size=12).map(lambda rest: f"net.{rest}"))
def test_an_allowed_sysctl_stays_below_its_folder(name: str) -> None:
    path = sysctl_path(name)
    if is_plain(path) and namespace_of(path):
        assert path.startswith("net/")
        assert not {"", ".", ".."} & set(path.split("/"))


def test_net_devices_need_a_network_namespace() -> None:
    """LNX-NET-02: no own net namespace is an error."""
    found = problems(linux(namespaces=namespaces("mount", "uts"), netDevices={"eth0": {}}))
    assert found == {"/linux/netDevices": "unable to move network devices without a private NET namespace"}
    assert is_loaded(linux(namespaces=namespaces("mount", "uts", network="/run/netns/x"), netDevices={"eth0": {}}))


def test_broken_namespaces_are_told_alone() -> None:
    """What follows from a list that could not be read is not said."""
    found = problems(linux(namespaces=[{"type": 5}], sysctl={"net.x": "1"}, timeOffsets={"boottime": {}}))
    assert found == {"/linux/namespaces/0/type": "must be a string, not 5"}
