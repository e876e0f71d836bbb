"""What is missing on the host is told as it is, and nothing is left behind (MVM-ERR-05)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.conftest import Disk
from tests.support import Bundle, Runtime, cgroup


@pytest.fixture
def small_disk(machines: Runtime) -> Iterator[Disk]:
    """The state root as a file system of 64 KiB."""
    held = Disk(machines.root, "size=64k,mode=700")
    yield held
    held.remove()


def told(runtime: Runtime, bundle: Bundle) -> str:
    """What a run says that fails, "" for one that does not."""
    bundle.sh("true")
    result = runtime.run_bundle(bundle)
    assert result.code in (0, 1)
    assert runtime.ids() == []
    assert "Traceback" not in result.err
    assert "internal error" not in result.err
    assert len(result.err.splitlines()) <= 1
    return result.err


def test_a_full_state_root(machines: Runtime, bundle: Bundle, small_disk: Disk) -> None:
    """MVM-ERR-05."""
    small_disk.fill()
    assert "no space left on device" in told(machines, bundle)


@pytest.mark.parametrize("pages", range(1, 8))
def test_a_state_root_with_little_room(machines: Runtime, bundle: Bundle, pages: int) -> None:
    """MVM-ERR-05: at whichever file the room ends."""
    disk = Disk(machines.root, f"size={pages * 4}k,mode=700")
    try:
        said = told(machines, bundle)
        assert not said or "no space left on device" in said
    finally:
        disk.remove()


def test_a_read_only_state_root(machines: Runtime, bundle: Bundle, small_disk: Disk) -> None:
    """MVM-ERR-05."""
    small_disk.read_only(True)
    assert "read-only file system" in told(machines, bundle)


@pytest.fixture
def crowd(machines: Runtime) -> Iterator[str]:
    """A cgroup that the runtime is called in, and its containers are made below; the folder of its pids controller."""
    name = f"{machines.token}crowd"
    folder = cgroup.make("pids", f"/{name}")
    machines.prefix = ["sh", "-c", f'echo $$ >{folder}/cgroup.procs; exec "$@"', "sh"]
    yield folder
    machines.prefix = []
    for held in cgroup.folders_named(name):
        cgroup.remove(held)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 8, 10, 12])
@pytest.mark.skipif(cgroup.is_v2(), reason="a cgroup of v2 with processes has no children with controllers")
def test_too_few_processes(machines: Runtime, bundle: Bundle, crowd: str, limit: int) -> None:
    """MVM-ERR-05: whoever of runtime, supervisor, machine and daemon it meets."""
    cgroup.write(crowd, "pids.max", str(limit))
    bundle.linux["cgroupsPath"] = f"/{machines.token}crowd/inner"
    said = told(machines, bundle)
    causes = ("emporarily unavailable", "the daemon that serves the files has ended")
    assert any(cause in said for cause in causes) or (not said and limit > 8)


@pytest.mark.parametrize("limit", [6, 8, 9, 10, 11, 12, 16, 20, 32])
def test_too_few_descriptors(machines: Runtime, bundle: Bundle, limit: int) -> None:
    """MVM-ERR-05."""
    machines.prefix = ["prlimit", f"--nofile={limit}", "--"]
    said = told(machines, bundle)
    machines.prefix = []
    assert not said or "too many open files" in said


def test_no_room_in_memory(machines: Runtime, bundle: Bundle) -> None:
    """MVM-ERR-05: for the ramdisk."""
    machines.prefix = ["prlimit", "--fsize=65536", "--"]
    assert "cannot prepare the machine: file too large" in told(machines, bundle)
    machines.prefix = []


def test_a_share_that_is_not_there(machines: Runtime, bundle: Bundle) -> None:
    """MVM-ERR-05: the mount's pointer and path."""
    number = len(bundle.mounts)
    bundle.mounts.append({"destination": "/x", "type": "bind", "source": "/nope/there", "options": ["bind"]})
    assert "/nope/there: no such file or directory" in told(machines, bundle)
    assert machines.log_records()[-1]["field"] == f"/mounts/{number}/source"
