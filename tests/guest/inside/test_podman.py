"""Podman on cgroup v2, under systemd's manager: as root and as an ordinary user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guest.inside.engines import Podman
from tests.guest.inside.helpers import is_loaded, open_to_all, shown
from tests.support.image import NAME, write_image

MIB = 1 << 20
KINDS = [False, True]
"""Whether an ordinary user's. Podman's own manager of cgroups is left out: under it the runtime makes them, as all of
tests/conformance has it do, and each command of podman's takes seconds under emulation."""
ROOT = pytest.mark.only("root")
"""What is no other for an ordinary user, or is the same for both: these take turns."""
USER = pytest.mark.only("user")
"""The other half."""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The archive with the image, readable for everybody."""
    folder = tmp_path_factory.mktemp("image")
    open_to_all(str(folder))
    write_image(f"{folder}/image.tar")
    return f"{folder}/image.tar"


@pytest.fixture(scope="module", params=KINDS, ids=["root", "user"])
def podman(request: pytest.FixtureRequest, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    """Each kind in turn, with the image."""
    folder = tmp_path_factory.mktemp("podman")
    open_to_all(str(folder))
    held = Podman(str(folder), user=request.param)
    held("load", "--input", image).ok()
    yield held
    held("rm", "--all", "--force", "--time", "0").ok()


@pytest.fixture(scope="module")
def container(podman: Podman) -> str:
    """The id of a container with limits, that sleeps: one for all tests, the last of which removes it."""
    return podman.sleeping("asleep", "--memory", "64m", "--pids-limit", "50", "--cpus", "0.5")


def test_limits_are_in_force(podman: Podman) -> None:
    """As the program sees them, whose status is podman's; nothing of it is left."""
    script = "cd /sys/fs/cgroup && cat memory.max pids.max cpu.max; exit 42"
    result = podman.sh(script, "--memory", "64m", "--pids-limit", "50", "--cpus", "0.5")
    assert (result.code, result.out.splitlines()) == (42, [str(64 * MIB), "50", "50000 100000"])
    assert podman("ps", "--all", "--quiet").ok().out == ""


def test_the_limits_are_the_scopes(podman: Podman, container: str) -> None:
    """systemd knows them too, so that a reload of its units does not undo them."""
    expected = {"MemoryMax": str(64 * MIB), "TasksMax": "50", "CPUQuotaPerSecUSec": "500ms"}
    assert shown(f"libpod-{container}.scope", *expected, user=podman.user) == expected


@USER
def test_stats(podman: Podman, container: str) -> None:
    """What podman reads itself, in the cgroup of the pid that it was told."""
    told = podman("stats", "--no-stream", "--format", "{{.PIDs}} {{.MemUsage}}", "asleep").ok().out
    assert told.split()[0] == "1"
    assert told.split()[-1] == "67.11MB"


@USER
def test_exec(podman: Podman, container: str) -> None:
    """Into the cgroup of the container, as another user of it."""
    script = "id -u; cat /proc/1/comm; cat /proc/self/cgroup; cat /proc/1/cgroup; exit 7"
    result = podman("exec", "--user", "7:8", "asleep", "sh", "-c", script)
    user, name, *groups = result.out.splitlines()
    assert (result.code, user, name) == (7, "7", "sleep"), result
    assert groups[0] == groups[1]


@ROOT
def test_pause(podman: Podman, container: str) -> None:
    podman("pause", "asleep").ok()
    assert podman("inspect", "--format", "{{.State.Status}}", "asleep").ok().out == "paused\n"
    podman("unpause", "asleep").ok()
    assert podman("inspect", "--format", "{{.State.Status}}", "asleep").ok().out == "running\n"


@ROOT
def test_update(podman: Podman, container: str) -> None:
    podman("update", "--memory", "96m", "asleep").ok()
    assert podman("exec", "asleep", "cat", "/sys/fs/cgroup/memory.max").ok().out == f"{96 * MIB}\n"


def test_kill_stop_and_the_end_of_the_cgroup(podman: Podman, container: str) -> None:
    """A scope below the slice that podman names; with the container it is gone."""
    podman("kill", "--signal", "KILL", "asleep").ok()
    assert podman("wait", "asleep").ok().out == "137\n"
    podman("start", "asleep").ok()
    pid = podman("inspect", "--format", "{{.State.Pid}}", "asleep").ok().out.strip()
    path = Path(f"/proc/{pid}/cgroup").read_text().splitlines()[-1].removeprefix("0::")
    assert container in path
    scope = f"libpod-{container}.scope"
    assert is_loaded(scope, user=podman.user)
    podman("stop", "--time", "0", "asleep").ok()
    assert podman("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", "asleep").ok().out == "exited 137\n"
    podman("rm", "--force", "--time", "0", "asleep").ok()
    assert not os.path.exists(f"/sys/fs/cgroup{path}")
    assert not is_loaded(scope, user=podman.user)


@ROOT
def test_out_of_memory(podman: Podman) -> None:
    script = "head -c 300m /dev/zero | tail"
    result = podman("run", "--name", "hog", "--memory", "16m", "--memory-swap", "16m", NAME, "sh", "-c", script)
    assert result.code == 137 or "Killed" in result.err, result
    podman("rm", "hog").ok()


@ROOT
def test_a_container_of_systemd_shape(podman: Podman) -> None:
    """``--systemd=always``: the container gets a cgroup that it may make others in."""
    script = "mkdir /sys/fs/cgroup/below && echo made"
    assert podman.sh(script, "--systemd", "always").ok().out == "made\n"


@ROOT
def test_checkpoint_and_restore(podman: Podman) -> None:
    """Podman asks the runtime by name whether it can; only root may."""
    script = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.2; done"
    podman("run", "--detach", "--name", "counts", NAME, "sh", "-c", script).ok()
    podman("container", "checkpoint", "counts").ok()
    assert podman("inspect", "--format", "{{.State.Checkpointed}}", "counts").ok().out == "true\n"
    before = int(podman("logs", "counts").ok().out.split()[-1])
    podman("container", "restore", "counts").ok()
    podman("exec", "counts", "sleep", "1").ok()
    after = [int(word) for word in podman("logs", "counts").ok().out.split()]
    assert after[-1] > before
    assert after == sorted(after)
    podman("rm", "--force", "--time", "0", "counts").ok()
