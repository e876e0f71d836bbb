"""Whatever stands in a config, it is loaded or refused: nothing else happens."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.spec.load import load_config
from ringfence.spec.types import Config
from ringfence.spec.validate import warnings
from tests.unit.spec.documents import Document, document, with_user_namespace


def full_document() -> Document:
    """A valid config that uses every section."""
    made = document(with_user_namespace)
    made.update(domainname="d", annotations={"a": "b"}, hooks={"poststop": [{"path": "/x", "timeout": 1, "env": []}]})
    made["process"].update(
        scheduler={"policy": "SCHED_FIFO", "priority": 1, "flags": ["SCHED_FLAG_RECLAIM"]},
        ioPriority={"class": "IOPRIO_CLASS_RT", "priority": 3},
        execCPUAffinity={"initial": "0-3,7"},
        consoleSize={"height": 1, "width": 2},
        oomScoreAdj=5,
    )
    ids = [{"containerID": 0, "hostID": 1, "size": 2}]
    bind = {"destination": "m", "options": ["rbind", "ridmap"], "source": "/", "uidMappings": ids, "gidMappings": ids}
    made["mounts"].append(bind)
    made["linux"]["namespaces"].append({"type": "time"})
    made["linux"].update(
        timeOffsets={"monotonic": {"secs": -1, "nanosecs": 5}},
        devices=[{"path": "/dev/x", "type": "b", "major": 1, "minor": 2, "fileMode": 438}],
        netDevices={"eth0": {"name": "eth1"}},
        intelRdt={"closID": "a", "schemata": ["L3:0=f"]},
        sysctl={"net.ipv4.ip_forward": "1", "kernel/shmmax": "2"},
        rootfsPropagation="rslave",
        personality={"domain": "LINUX"},
        memoryPolicy={"mode": "MPOL_BIND", "nodes": "0"},
        cgroupsPath="/x",
    )
    made["linux"]["resources"].update(
        memory={"limit": 5, "swap": 6, "swappiness": 60},
        cpu={"cpus": "0-1", "quota": 5, "burst": 4, "idle": 1},
        blockIO={"weightDevice": [{"major": 8, "minor": 0, "weight": 10}]},
        hugepageLimits=[{"pageSize": "2MB", "limit": 5}],
        network={"priorities": [{"name": "eth0", "priority": 1}]},
        rdma={"mlx5_1": {"hcaHandles": 1}},
        unified={"memory.high": "5"},
    )
    argument = {"index": 5, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"}
    made["linux"]["seccomp"] = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": 6,
        "architectures": ["SCMP_ARCH_X86_64"],
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "listenerPath": "/run/agent",
        "syscalls": [{"names": ["read"], "action": "SCMP_ACT_NOTIFY", "args": [argument]}],
    }
    return made


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a JSON value, as the keys that lead there."""
    found = [path]
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found += places(value[key], (*path, key))
    return found


WHOLE = full_document()
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
WORDS = st.sampled_from(sorted({str(place[-1]) for place in places(WHOLE) if place}))


def replaced(place: tuple[Any, ...], value: object) -> Any:
    """The full config with ``value`` at ``place``."""
    if not place:
        return value
    made = deepcopy(WHOLE)
    holder: Any = made
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    return made


def outcome(made: Any) -> Config | str:
    """The config, or the text of the refusal."""
    try:
        return load_config(json.dumps(made))
    except RingfenceError as error:
        assert error.field == "" or error.field.startswith("/")
        return str(error)


def test_the_full_config_is_valid() -> None:
    assert isinstance(outcome(WHOLE), Config)


@given(st.sampled_from(places(WHOLE)), VALUES)
def test_any_value_at_any_place_is_loaded_or_refused(place: tuple[Any, ...], value: object) -> None:
    result = outcome(replaced(place, value))
    if isinstance(result, Config):
        warnings(result)
    else:
        assert result.isprintable()


@given(st.dictionaries(WORDS | st.text(), VALUES | st.dictionaries(WORDS, VALUES)))
def test_any_object_is_loaded_or_refused(made: Document) -> None:
    assert outcome(made)


@given(st.sampled_from(places(WHOLE)[1:]), st.randoms(use_true_random=False))
def test_the_case_of_keys_does_not_matter(place: tuple[Any, ...], random: Any) -> None:
    """LNX-CFG-02: known keys are matched case-insensitively."""
    key = place[-1]
    made = deepcopy(WHOLE)
    holder: Any = made
    for step in place[:-1]:
        holder = holder[step]
    # Keys of a map are the user's own, and stay as they are.
    if isinstance(key, str) and place[-2:-1] not in MAPS:
        holder["".join(random.choice((letter.lower(), letter.upper())) for letter in key)] = holder.pop(key)
    assert outcome(made) == outcome(WHOLE)


MAPS = [("annotations",), ("sysctl",), ("timeOffsets",), ("netDevices",), ("rdma",), ("unified",)]
