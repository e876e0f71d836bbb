"""A state root that is full or read-only, and outputs nobody reads."""

from __future__ import annotations

import os

import pytest

from tests.faults.conftest import Disk
from tests.support import Bundle, Process, Runtime, cgroup
from tests.support.mark import unlike_runc


@unlike_runc("says %!w(<nil>)")
@pytest.mark.parametrize("verb", ["create", "run"])
def test_a_full_disk(runtime: Runtime, bundle: Bundle, disk: Disk, verb: str) -> None:
    """No room for the state: create fails and leaves nothing."""
    disk.fill()
    runtime.refuses_bundle("no space left on device", bundle, verb=verb)


@unlike_runc("says %!w(<nil>)", always=False)
@pytest.mark.parametrize("inodes", [2, 3, 4, 5, 6])
def test_a_disk_without_inodes(runtime: Runtime, bundle: Bundle, inodes: int) -> None:
    """No room for another file: create fails at whichever file it was, or works."""
    disk = Disk(runtime.root, f"size=256k,nr_inodes={inodes}")
    bundle.write()
    name = runtime.new_id()
    try:
        if runtime.run("create", "-b", bundle.path, name).code:
            assert len(runtime.errors()) == 1
            assert "no space left on device" in runtime.last_error()
            assert runtime.ids() == []
        else:
            runtime.run("delete", "--force", name).ok()
        assert [line for line in runtime.leaks.settled() if "state" not in line] == []
    finally:
        disk.remove()


def test_a_disk_that_became_full(runtime: Runtime, bundle: Bundle, disk: Disk) -> None:
    """A container that exists can be used and removed although the disk is full now."""
    bundle.sleep()
    container = runtime.create(bundle)
    disk.fill()
    container.start()
    assert container.status() == "running"
    assert container.exec("echo", "word").ok().out == "word\n"
    runtime.run("pause", container.id).ok()
    runtime.run("resume", container.id).ok()
    container.kill("KILL").ok()
    container.reap()
    container.delete().ok()
    assert runtime.ids() == []


@unlike_runc("leaves the new limit")
def test_an_update_that_cannot_be_stored(runtime: Runtime, bundle: Bundle, disk: Disk) -> None:
    """An update that cannot be stored fails, and the old limit holds."""
    bundle.resources["pids"] = {"limit": 30}
    container = runtime.create(bundle)
    disk.fill()
    folder = cgroup.of_controller(container.pid, "pids")
    result = runtime.run("update", "--pids-limit", "55", container.id)
    if result.code:
        assert "no space left on device" in runtime.last_error()
        assert cgroup.read(folder, "pids.max") == "30"
    else:
        assert cgroup.read(folder, "pids.max") == "55"
    disk.empty()


@unlike_runc("says that it has deleted")
def test_a_read_only_root(runtime: Runtime, bundle: Bundle, disk: Disk) -> None:
    """A state root that cannot be written to: create fails, looking works, delete says why it cannot."""
    bundle.sleep()
    container = runtime.started(bundle)
    disk.read_only(True)
    runtime.refuses_bundle("read-only file system", bundle)
    assert container.status() == "running"
    assert runtime.run("list", "-q").ok().out == f"{container.id}\n"
    container.kill("KILL").ok()
    container.reap()
    assert container.status() == "stopped"
    result = container.delete("--force")
    assert result.code == 1
    assert "ead-only file system" in runtime.last_error()
    assert runtime.ids() == [container.id]
    disk.read_only(False)
    container.delete("--force").ok()
    assert runtime.leaks.settled() == [f"mount {runtime.root}"]


def test_a_root_that_is_a_file(runtime: Runtime, bundle: Bundle) -> None:
    """A state root that is a file is refused."""
    with open(runtime.root, "w", encoding="utf-8"):
        pass
    runtime.refuses_bundle(runtime.root, bundle)
    os.unlink(runtime.root)


def to_dev_full(runtime: Runtime, *words: str) -> tuple[int, str]:
    """Exit status and standard error of a command whose standard output is /dev/full."""
    out = runtime.new_path("out")
    script = 'exec "$@" >/dev/full'
    command = ["/bin/sh", "-c", script, "sh", runtime.binary, "--root", runtime.root, *words]
    result = Process(command, out, out + ".err", env=runtime.env).wait()
    return result.code, result.err


@unlike_runc("passes over it", always=False)
@pytest.mark.parametrize("words", [["list"], ["list", "-f", "json"], ["features"], ["--version"], ["help"]])
def test_output_that_cannot_be_written(runtime: Runtime, words: list[str]) -> None:
    """Output that cannot be written is an error of one line, never a traceback."""
    os.makedirs(runtime.root)
    code, err = to_dev_full(runtime, *words)
    assert code == 1
    assert "no space left on device" in err.lower()
    assert "Traceback" not in err


def test_a_reader_that_has_gone(runtime: Runtime) -> None:
    """A reader that has gone ends the command without a word."""
    out = runtime.new_path("out")
    script = '{ sleep 0.2; exec "$@"; } | true'
    command = ["/bin/sh", "-c", script, "sh", runtime.binary, "features"]
    assert "Traceback" not in Process(command, out, out + ".err", env=runtime.env).wait().err


def test_a_log_that_cannot_be_written(runtime: Runtime) -> None:
    """A full log does not change what a command does; the error is still told on standard error."""
    os.makedirs(runtime.root)
    result = runtime.run("state", "nobody", options=["--root", runtime.root, "--log", "/dev/full"])
    assert result.code == 1
    assert "container does not exist" in result.err


@pytest.mark.parametrize("descriptors", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(runtime: Runtime, bundle: Bundle, descriptors: str) -> None:
    """Closed standard descriptors do not end up as something else inside."""
    bundle.sh("exit 6")
    bundle.write()
    out = runtime.new_path("out")
    script = f'"$@" {descriptors}; echo $? > {runtime.folder}/code'
    words = [runtime.binary, *runtime.globals(), "run", "-b", bundle.path, runtime.new_id()]
    Process(["/bin/sh", "-c", script, "sh", *words], out, out + ".err", env=runtime.env).wait()
    with open(os.path.join(runtime.folder, "code"), encoding="utf-8") as file:
        assert file.read() == "6\n"
