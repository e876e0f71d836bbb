"""Rules about the rest of the linux section, its resources and hooks."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.spec.names import HOOKS, MEMORY_FLAGS, MEMORY_MODES
from ringfence.spec.options import PROPAGATIONS
from tests.unit.spec.documents import Document, is_loaded, loaded, problems

BAD_INTERFACES = ["", ".", "..", "a/b", "a:b", "a b", "a\tb", "x" * 16, "é" * 8]


def refused(**changes: Any) -> dict[str, str]:
    """The problems of a linux section with these changes, by their place below ``/linux``."""
    found = problems(lambda made: made["linux"].update(changes))
    return {pointer.removeprefix("/linux"): text for pointer, text in found.items()}


def accepted(**changes: Any) -> bool:
    """Whether a linux section with these changes is loaded."""
    return loaded(lambda made: made["linux"].update(changes)).linux is not None


def limited(**changes: Any) -> dict[str, str]:
    """The problems of these resources, by their place below them."""
    return {pointer.removeprefix("/resources"): text for pointer, text in refused(resources=changes).items()}


@pytest.mark.parametrize("propagation", [*PROPAGATIONS, "", None])
def test_rootfs_propagations(propagation: str | None) -> None:
    """LNX-RPROP-01: four kinds and their r-forms; empty is the default."""
    assert accepted(rootfsPropagation=propagation)


def test_other_rootfs_propagations_are_refused() -> None:
    """LNX-RPROP-01: anything else is an error."""
    assert refused(rootfsPropagation="upwards") == {"/rootfsPropagation": "rootfsPropagation=upwards is not supported"}


@pytest.mark.parametrize("kind", ["c", "u", "b"])
def test_devices_have_numbers(kind: str) -> None:
    """LNX-DEVC-01: major and minor are needed, in the kernel's range."""
    assert accepted(devices=[{"path": "/dev/x", "type": kind, "major": 4095, "minor": 1048575}])
    assert refused(devices=[{"path": "/dev/x", "type": kind}]) == {
        "/devices/0/major": "must be given",
        "/devices/0/minor": "must be given",
    }
    assert refused(devices=[{"path": "/dev/x", "type": kind, "major": 4096, "minor": -1}]) == {
        "/devices/0/major": "must be from 0 to 4095, not 4096",
        "/devices/0/minor": "must be from 0 to 1048575, not -1",
    }


def test_pipes_have_no_numbers() -> None:
    """LNX-DEVC-01: major and minor are not needed for p."""
    assert accepted(devices=[{"path": "/run/pipe", "type": "p", "fileMode": 0o600}])


@pytest.mark.parametrize("kind", ["q", "a", "", "cc"])
def test_other_devices_are_refused(kind: str) -> None:
    """LNX-DEVC-01: other types are refused."""
    found = refused(devices=[{"path": "/dev/x", "type": kind, "major": 1, "minor": 3}])
    assert found == {"/devices/0/type": f'invalid device type "{kind}"'}


def test_paths_of_devices_are_absolute() -> None:
    """LNX-DEVC-01: the full path inside the container."""
    found = refused(devices=[{"path": "dev/x", "type": "c", "major": 1, "minor": 3}])
    assert found == {"/devices/0/path": "must be an absolute path"}


@pytest.mark.parametrize("name", ["eth0", "x" * 15, "veth-é", "a.b", "..."])
def test_names_of_net_devices(name: str) -> None:
    """LNX-NET-02: names that the kernel takes; the new one may hold ``%d``."""
    assert accepted(netDevices={name: {"name": name}})
    assert accepted(netDevices={name: {}, "other": {"name": "eth%d"}})


@pytest.mark.parametrize("name", BAD_INTERFACES)
def test_other_names_of_net_devices_are_refused(name: str) -> None:
    """LNX-NET-02: empty, ``.``, ``..``, slash, colon, blank, more than 15 bytes."""
    (text,) = refused(netDevices={name: {}}).values()
    assert text.endswith("is no name of a network device")
    assert list(refused(netDevices={"eth0": {"name": name}})) == ["/netDevices/eth0/name"]


@pytest.mark.parametrize("clos_id", ["gold", "/", "", "a.b", "..."])
def test_resctrl_groups(clos_id: str) -> None:
    """LNX-RDT-02: the name of a group, or ``/`` for the root group."""
    assert accepted(intelRdt={"closID": clos_id})


@pytest.mark.parametrize("clos_id", ["..", ".", "a/b", "/a", "../x"])
def test_other_resctrl_groups_are_refused(clos_id: str) -> None:
    """LNX-RDT-02: ``..`` and slashes."""
    assert refused(intelRdt={"closID": clos_id}) == {"/intelRdt/closID": f'invalid closID "{clos_id}"'}


def test_resctrl_lines() -> None:
    """LNX-RDT-04: memBwSchema starts with ``MB:``, no line holds a newline."""
    assert accepted(intelRdt={"memBwSchema": "MB:0=20", "l3CacheSchema": "L3:0=f", "schemata": ["L2:0=f", "MB:0=2"]})
    assert refused(intelRdt={"memBwSchema": "L3:0=f"}) == {"/intelRdt/memBwSchema": "must start with MB:"}
    lines = {"memBwSchema": "MB:0=1\n", "l3CacheSchema": "L3:0=f\nMB:0=2", "schemata": ["a", "b\nc"]}
    assert refused(intelRdt=lines) == {
        "/intelRdt/l3CacheSchema": "must not hold a newline",
        "/intelRdt/memBwSchema": "must not hold a newline",
        "/intelRdt/schemata/1": "must not hold a newline",
    }


@pytest.mark.parametrize("domain", ["LINUX", "LINUX32"])
def test_personalities(domain: str) -> None:
    """LNX-PERS-01: two domains, no flags."""
    assert accepted(personality={"domain": domain, "flags": []})
    assert list(refused(personality={"domain": domain, "flags": ["ADDR_NO_RANDOMIZE"]})) == ["/personality/flags"]


@pytest.mark.parametrize("domain", ["linux", "BSD", None])
def test_other_personalities_are_refused(domain: str | None) -> None:
    """LNX-PERS-01: anything else is an error."""
    found = refused(personality={"domain": domain})
    assert found == {"/personality/domain": f'invalid personality domain "{domain or ""}"'}


@pytest.mark.parametrize("mode", MEMORY_MODES)
def test_memory_policies(mode: str) -> None:
    """LNX-MPOL-01: seven modes, three flags."""
    nodes = None if mode in ("MPOL_DEFAULT", "MPOL_LOCAL") else "0-3,7"
    assert accepted(memoryPolicy={"mode": mode, "nodes": nodes, "flags": list(MEMORY_FLAGS)})


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({}, {"/mode": 'invalid memory policy mode ""'}),
        ({"mode": "BIND", "nodes": "0"}, {"/mode": 'invalid memory policy mode "BIND"'}),
        ({"mode": "MPOL_LOCAL", "flags": ["X"]}, {"/flags/0": 'invalid memory policy flag "X"'}),
        (
            {"mode": "MPOL_BIND", "nodes": "0-1024"},
            {"/nodes": 'invalid memory policy nodes "0-1024": 1024 is not from 0 to 1023'},
        ),
        (
            {"mode": "MPOL_BIND", "nodes": "a"},
            {"/nodes": "invalid memory policy nodes \"a\": 'a' is not a number"},
        ),
        ({"mode": "MPOL_DEFAULT", "nodes": "0-7"}, {"/nodes": "MPOL_DEFAULT mode requires 0 nodes but got 8"}),
        ({"mode": "MPOL_LOCAL", "nodes": "0,0,1"}, {"/nodes": "MPOL_LOCAL mode requires 0 nodes but got 2"}),
        ({"mode": "MPOL_BIND"}, {"/nodes": "MPOL_BIND mode requires at least 1 node"}),
        ({"mode": "MPOL_INTERLEAVE", "nodes": ""}, {"/nodes": "MPOL_INTERLEAVE mode requires at least 1 node"}),
    ],
)
def test_other_memory_policies_are_refused(policy: Document, expected: Document) -> None:
    """LNX-MPOL-01, LNX-MPOL-02: unknown words, bad lists, nodes that the mode does not take."""
    assert refused(memoryPolicy=policy) == {f"/memoryPolicy{place}": text for place, text in expected.items()}


def test_the_preferred_policy_takes_any_number_of_nodes() -> None:
    """set_mempolicy(2): MPOL_PREFERRED without nodes is local allocation."""
    assert accepted(memoryPolicy={"mode": "MPOL_PREFERRED"})


def test_device_rules() -> None:
    """LNX-DEVC-04, LNX-DEVC-05: types a, b, c or none; -1 is a wildcard; other letters of access do not matter."""
    rules = [{"allow": False}, {"allow": True, "type": "", "access": "xyz"}]
    rules += [{"allow": True, "type": kind, "major": -1, "minor": 2**32 - 1} for kind in "abc"]
    assert accepted(resources={"devices": rules})


def test_other_device_rules_are_refused() -> None:
    """LNX-CFG-08: invalid values of known properties."""
    rule = {"allow": True, "type": "p", "major": -2, "minor": 2**32}
    assert limited(devices=[rule]) == {
        "/devices/0/type": 'invalid cgroup device type "p"',
        "/devices/0/major": "must be from -1 to 4294967295, not -2",
        "/devices/0/minor": "must be from -1 to 4294967295, not 4294967296",
    }


@pytest.mark.parametrize(
    "resources",
    [
        {"memory": {"limit": -1, "reservation": 0, "swap": -1, "swappiness": 100, "kernel": -5}},
        {"memory": {"limit": 5, "swap": 5}},
        {"memory": {"limit": -1, "swap": 5}},
        {"cpu": {"cpus": "0-3,7", "mems": "", "idle": 1, "quota": -1, "burst": 5}},
        {"cpu": {"quota": 5, "burst": 5}},
        {"blockIO": {"weight": 0, "weightDevice": [{"major": 8, "minor": 0, "leafWeight": 5}]}},
        {"hugepageLimits": [{"pageSize": size, "limit": 0} for size in ("64KB", "2MB", "1GB")]},
        {"network": {"classID": 2**32 - 1, "priorities": [{"name": "eth0", "priority": 0}]}},
        {"rdma": {"mlx5_1": {"hcaObjects": 0}}},
        {"unified": {"memory.high": "max", "hugetlb.1GB.max": "5", "io.max": "259:0 rbps=1\n253:0 wiops=2"}},
    ],
)
def test_limits(resources: Document) -> None:
    """LNX-CG1-01, LNX-CG2-10: values as engines send them."""
    assert accepted(resources=resources)


@pytest.mark.parametrize(
    ("resources", "pointer", "text"),
    [
        ({"memory": {"limit": -2}}, "/memory/limit", "must not be negative, except -1 for unlimited, not -2"),
        ({"memory": {"swappiness": 101}}, "/memory/swappiness", "must be from 0 to 100, not 101"),
        (
            {"memory": {"limit": 6, "swap": 5}},
            "/memory/swap",
            "is memory and swap together, so it must not be below the limit 6",
        ),
        ({"cpu": {"cpus": "zero"}}, "/cpu/cpus", '"zero" is no list such as 0-3,7'),
        ({"cpu": {"mems": "0;1"}}, "/cpu/mems", '"0;1" is no list such as 0-3,7'),
        ({"cpu": {"idle": 2}}, "/cpu/idle", "must be 0 or 1, not 2"),
        ({"cpu": {"quota": 4, "burst": 5}}, "/cpu/burst", "must not be above the quota 4"),
        (
            {"blockIO": {"weight": 65536}},
            "/blockIO/weight",
            "must be a whole number from 0 to 65535, not 65536",
        ),
        (
            {"blockIO": {"weightDevice": [{"major": 8, "minor": 0}]}},
            "/blockIO/weightDevice/0",
            "must have a weight or a leafWeight",
        ),
        (
            {"hugepageLimits": [{"pageSize": "../2MB", "limit": 1}]},
            "/hugepageLimits/0/pageSize",
            '"../2MB" is no size such as 2MB',
        ),
        (
            {"network": {"priorities": [{"name": "a b", "priority": 1}]}},
            "/network/priorities/0/name",
            '"a b" is no name of a network device',
        ),
        ({"rdma": {"a\nb": {"hcaHandles": 1}}}, r"/rdma/a\nb", r'"a\nb" is no name of an RDMA device'),
        ({"rdma": {"mlx": {}}}, "/rdma/mlx", "must have hcaHandles or hcaObjects"),
        (
            {"unified": {"a/memory.max": "1"}},
            "/unified/a~1memory.max",
            '"a/memory.max" is no file of a cgroup controller',
        ),
        ({"unified": {"memory": "1"}}, "/unified/memory", '"memory" is no file of a cgroup controller'),
        ({"unified": {".max": "1"}}, "/unified/.max", '".max" is no file of a cgroup controller'),
    ],
)
def test_other_limits_are_refused(resources: Document, pointer: str, text: str) -> None:
    """LNX-CFG-08, LNX-CG2-10: invalid values of known properties are never silently ignored."""
    assert limited(**resources) == {pointer: text}


@pytest.mark.parametrize("name", HOOKS)
def test_hooks_are_absolute(name: str) -> None:
    """LNX-HOOK-09: a path is absolute and not empty, in every list."""
    assert is_loaded(lambda made: made.update(hooks={name: [{"path": "/bin/true"}]}))
    entries = [{"path": "/bin/true"}, {"path": "true"}, {"path": ""}]
    text = "must be an absolute path"
    found = problems(lambda made: made.update(hooks={name: entries}))
    assert found == {f"/hooks/{name}/1/path": text, f"/hooks/{name}/2/path": text}


@pytest.mark.parametrize("timeout", [0, -1])
def test_timeouts_of_hooks_are_positive(timeout: int) -> None:
    """LNX-HOOK-12: a timeout of 0 or less is an error."""
    hook = {"path": "/bin/true", "timeout": timeout}
    found = problems(lambda made: made.update(hooks={"poststop": [hook]}))
    assert found == {"/hooks/poststop/0/timeout": f"must be more than 0 seconds, not {timeout}"}


def test_annotations_may_have_any_key() -> None:
    """LNX-ANN-01: empty keys are accepted, values are texts."""
    assert loaded(lambda made: made.update(annotations={"": "x", "a/b": ""})).annotations == {"": "x", "a/b": ""}
