"""The default config of ``spec``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringfence.jsontext import dumps
from ringfence.spec.load import load_config
from ringfence.spec.template import rootless, template
from ringfence.spec.validate import warnings
from tests.support.config import default_config


@pytest.mark.parametrize("cgroup_v2", [False, True])
def test_what_is_written_can_be_run(cgroup_v2: bool) -> None:
    """LNX-SPEC-02: the default config is valid, also the rootless one."""
    made = template(cgroup_v2, "box")
    for written in (made, rootless(made, 1000, 1000)):
        assert warnings(load_config(dumps(written, "\t"))) == []


def test_it_is_the_config_the_tests_start_from() -> None:
    """LNX-SPEC-03 to LNX-SPEC-06, LNX-SPEC-08: the same values, in the same order."""
    expected = default_config() | {"hostname": "box"}
    expected["process"]["terminal"] = True
    v2 = any(entry["type"] == "cgroup" for entry in expected["linux"]["namespaces"])
    assert dumps(template(v2, "box")) == json.dumps(expected, separators=(",", ":"))


def _types(made: dict[str, Any]) -> list[str]:
    return [entry["type"] for entry in made["linux"]["namespaces"]]


def test_the_cgroup_namespace_belongs_to_v2() -> None:
    """LNX-SPEC-07: five namespaces, and the cgroup one on a v2 host."""
    assert _types(template(False, "box")) == ["pid", "network", "ipc", "uts", "mount"]
    assert _types(template(True, "box")) == ["pid", "network", "ipc", "uts", "mount", "cgroup"]


def test_rootless() -> None:
    """LNX-SPEC-09: what changes for a user without privileges."""
    made = template(True, "box")
    before = dumps(made)
    changed = rootless(made, 1000, 100)
    assert dumps(made) == before
    assert _types(changed) == ["pid", "ipc", "uts", "mount", "cgroup", "user"]
    assert changed["linux"]["uidMappings"] == [{"containerID": 0, "hostID": 1000, "size": 1}]
    assert changed["linux"]["gidMappings"] == [{"containerID": 0, "hostID": 100, "size": 1}]
    assert "resources" not in changed["linux"]
    mounts = {entry["destination"]: entry for entry in changed["mounts"]}
    assert list(mounts) == [entry["destination"] for entry in made["mounts"]]
    bound = {"type": "none", "source": "/sys", "options": ["rbind", "nosuid", "noexec", "nodev", "ro"]}
    assert mounts["/sys"] == {"destination": "/sys", **bound}
    assert mounts["/dev/pts"]["options"] == ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]
    assert mounts["/proc"] == {"destination": "/proc", "type": "proc", "source": "proc"}


def test_the_masked_paths_survive_rootless() -> None:
    """LNX-SPEC-08: the masked and read-only paths are the same for every user."""
    made = template(False, "box")
    changed = rootless(made, 1, 1)
    for name in ("maskedPaths", "readonlyPaths"):
        assert changed["linux"][name] == made["linux"][name]
