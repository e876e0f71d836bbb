"""checkpoint and restore by CRIU."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.guest.inside.helpers import is_loaded, output, with_systemd
from tests.support import Bundle, ConsoleSocket, Container, Runtime, cgroup
from tests.support.poll import wait_until
from tests.support.process import descendants, read_text

TICK = "n=0; while :; do n=$((n+1)); echo $n >/tmp/n; sleep 0.2; done"


@pytest.fixture
def ticking(runtime: Runtime, bundle: Bundle) -> Bundle:
    """A bundle whose program counts in a file of its own /tmp, and needs nothing of the host's."""
    bundle.mount("/tmp", "tmpfs", "tmpfs")
    bundle.sh(TICK)
    return bundle


def piped(runtime: Runtime, *words: str) -> int:
    """Call the runtime for a container whose standard descriptors are pipes, which lie on no mount; its status."""
    near, far = os.pipe()
    try:
        subprocess.Popen(["cat"], stdin=near, stdout=subprocess.DEVNULL)
        call = [runtime.binary, *runtime.globals(), *words]
        ended = subprocess.run(call, check=False, stdin=subprocess.PIPE, stdout=far, stderr=far, env=runtime.env)
    finally:
        os.close(near)
        os.close(far)
    return ended.returncode


def start(runtime: Runtime, bundle: Bundle, name: str | None = None) -> Container:
    """A running container."""
    bundle.write()
    chosen = name or runtime.new_id()
    assert piped(runtime, "run", "--detach", "--bundle", bundle.path, chosen) == 0, runtime.errors()
    return runtime.container(chosen)


def restored(runtime: Runtime, bundle: Bundle, images: str, *options: str, name: str) -> Container:
    """Restore in the background."""
    words = ["restore", "--detach", "--bundle", bundle.path, "--image-path", images, *options, name]
    log = os.path.join(images, "restore.log")
    assert piped(runtime, *words) == 0, (runtime.errors(), read_text(log)[-3000:])
    return runtime.container(name)


def count(container: Container) -> int:
    """How far the program has counted."""
    return int(container.sh("cat /tmp/n").ok().out or 0)


def checkpointed(runtime: Runtime, container: Container, *options: str) -> str:
    """Checkpoint the container; the folder of its images."""
    images = runtime.new_path("images")
    result = runtime.run("checkpoint", "--image-path", images, *options, container.id)
    assert result.code == 0, (runtime.errors(), read_text(os.path.join(images, "dump.log"))[-3000:])
    return images


def test_there_and_back(runtime: Runtime, ticking: Bundle) -> None:
    """LNX-CR-04, LNX-CR-07, LNX-CR-08, LNX-CR-09: gone after a checkpoint, and back where it was; exec works; again."""
    name = runtime.new_id()
    container = start(runtime, ticking, name)
    wait_until(lambda: count(container) > 2, "a few ticks")
    for _ in range(2):
        before = count(container)
        folder = cgroup.of_process(container.pid)[""]
        images = checkpointed(runtime, container)
        assert runtime.run("state", name).code == 1
        assert not os.path.exists(folder)
        assert len(json.loads(read_text(os.path.join(images, "descriptors.json")))) == 3
        container = restored(runtime, ticking, images, name=name)
        assert container.status() == "running"
        assert count(container) >= before
        now = count(container)
        wait_until(lambda: count(container) > now, "further ticks")  # noqa: B023 - called at once
    container.end()
    container.delete().ok()


def test_leave_running(runtime: Runtime, ticking: Bundle) -> None:
    """LNX-CR-04: with --leave-running it goes on."""
    container = start(runtime, ticking)
    images = checkpointed(runtime, container, "--leave-running")
    assert container.status() == "running"
    assert os.path.exists(os.path.join(images, "inventory.img"))


def test_pre_dump(runtime: Runtime, ticking: Bundle) -> None:
    """LNX-CR-05, LNX-CR-06: a pre-dump leaves it running; the dump after it links to its images."""
    name = runtime.new_id()
    container = start(runtime, ticking, name)
    first = checkpointed(runtime, container, "--pre-dump")
    assert container.status() == "running"
    parent = f"../{os.path.basename(first)}"
    images = checkpointed(runtime, container, "--parent-path", parent)
    assert os.readlink(os.path.join(images, "parent")) == parent
    restored(runtime, ticking, images, name=name)


def test_parents_that_cannot_be(runtime: Runtime, ticking: Bundle) -> None:
    """LNX-CR-06: an absolute parent, or one that is not there, is refused; the container runs on."""
    container = start(runtime, ticking)
    images = runtime.new_path("images")
    for path, text in (("/abs", "--parent-path must be relative"), ("../none", "--parent-path")):
        assert runtime.run("checkpoint", "--image-path", images, "--parent-path", path, container.id).code == 1
        assert text in runtime.last_error()
    assert container.status() == "running"


def test_without_criu(runtime: Runtime, ticking: Bundle) -> None:
    """LNX-CR-01, LNX-CLI-20: without the program there is a clear error, and the container runs on."""
    container = start(runtime, ticking)
    assert runtime.run("checkpoint", container.id, env={"PATH": "/nowhere"}).code == 1
    assert "executable file not found in $PATH" in runtime.last_error()
    options = [*runtime.globals(), "--criu", "/no/criu"]
    assert runtime.run("checkpoint", container.id, options=options).code == 1
    assert container.status() == "running"


def test_what_cannot_be_checkpointed(runtime: Runtime, ticking: Bundle) -> None:
    """LNX-CR-04: a created container is refused."""
    container = runtime.create(ticking)
    runtime.refuses("cannot be checkpointed in created state", "checkpoint", container.id)


def test_a_failed_restore_leaves_nothing(runtime: Runtime, ticking: Bundle) -> None:
    """LNX-CR-08: images that are none: CRIU's own error, and nothing is left."""
    ticking.write()
    images = runtime.new_path("images")
    os.mkdir(images)
    name = runtime.new_id()
    words = ("restore", "--bundle", ticking.path, "--image-path", images, "--detach", name)
    runtime.refuses("descriptors.json", *words)
    with open(os.path.join(images, "descriptors.json"), "w", encoding="ascii") as file:
        file.write("[1, 2, 3]")
    result = runtime.run(*words)
    assert result.code == 1
    assert runtime.ids() == []
    assert "criu" in runtime.last_error().lower()


def test_in_the_foreground(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CR-08: in the foreground restore ends with the program's status, its output arrives, and it is deleted."""
    bundle.mount("/tmp", "tmpfs", "tmpfs")
    bundle.sh("while test ! -e /tmp/go; do sleep 0.1; done; echo went on; exit 42")
    name = runtime.new_id()
    container = start(runtime, bundle, name)
    images = checkpointed(runtime, container)
    running = runtime.spawn("restore", "--bundle", bundle.path, "--image-path", images, name)
    wait_until(lambda: runtime.run("state", name).code == 0 and runtime.container(name).status() == "running", "it", 30)
    runtime.container(name).sh("touch /tmp/go").ok()
    result = running.wait()
    assert result.code == 42, (result, runtime.errors())
    assert result.out == "went on\n"
    assert runtime.ids() == []


def test_a_terminal(runtime: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """LNX-CR-08: a terminal comes back through the console socket; pid file as for run."""
    bundle.process["terminal"] = True
    bundle.sh("while read line; do echo got $line; done")
    bundle.write()
    name = runtime.new_id()
    runtime.run("run", "--detach", "--console-socket", console.path, "--bundle", bundle.path, name).ok()
    master = console.receive().fds[0]  # held: a terminal that is hung up ends the program
    images = checkpointed(runtime, runtime.container(name))
    pid_file = runtime.new_path("pid")
    words = ("--console-socket", console.path, "--pid-file", pid_file)
    runtime.run("restore", "--detach", "--bundle", bundle.path, "--image-path", images, *words, name).ok()
    master = console.receive().fds[0]
    os.write(master, b"hello\n")
    wait_until(lambda: b"got hello" in os.read(master, 4096), "the answer", 20)
    assert int(read_text(pid_file)) == runtime.container(name).pid


def test_bind_mounts(runtime: Runtime, ticking: Bundle) -> None:
    """LNX-CR-10: bind mounts come back from the host, their mount points too, also below each other and by links."""
    outer = runtime.new_path("outer")
    os.makedirs(os.path.join(outer, "inner"))
    with open(os.path.join(outer, "file"), "w", encoding="ascii") as file:
        file.write("of the host")
    inner = runtime.new_path("inner")
    os.mkdir(inner)
    os.makedirs(os.path.join(ticking.rootfs, "real"))
    os.symlink("/real", os.path.join(ticking.rootfs, "linked"))
    ticking.bind(outer, "/linked")
    ticking.bind(inner, "/linked/inner")
    ticking.bind(os.path.join(outer, "file"), "/etc/one-file", "ro")
    name = runtime.new_id()
    images = checkpointed(runtime, start(runtime, ticking, name))
    os.rmdir(os.path.join(outer, "inner"))
    container = restored(runtime, ticking, images, name=name)
    assert (
        container.sh("cat /real/file /etc/one-file; ls -d /real/inner").ok().out
        == "of the hostof the host/real/inner\n"
    )


@pytest.fixture
def network(runtime: Runtime) -> Iterator[str]:
    name = f"rf{os.getpid()}"
    output("ip", "netns", "add", name)
    yield f"/run/netns/{name}"
    output("ip", "netns", "delete", name)


def test_a_network_from_outside(runtime: Runtime, ticking: Bundle, network: str) -> None:
    """LNX-CR-09, LNX-NET-03: a joined network namespace is the same after the restore."""
    ticking.namespace("network", network)
    name = runtime.new_id()
    container = start(runtime, ticking, name)
    before = os.stat(f"/proc/{container.pid}/ns/net").st_ino
    images = checkpointed(runtime, container)
    container = restored(runtime, ticking, images, name=name)
    assert os.stat(f"/proc/{container.pid}/ns/net").st_ino == before == os.stat(network).st_ino


def test_another_cgroup(runtime: Runtime, ticking: Bundle) -> None:
    """LNX-CR-11: with another cgroupsPath the restored container is there, with the limits of its config."""
    ticking.linux["cgroupsPath"] = f"/{runtime.new_id()}-first"
    name = runtime.new_id()
    images = checkpointed(runtime, start(runtime, ticking, name), "--manage-cgroups-mode", "ignore")
    second = f"/{runtime.new_id()}-second"
    ticking.linux["cgroupsPath"] = second
    ticking.resources["pids"] = {"limit": 55}
    ticking.write()
    container = restored(runtime, ticking, images, "--manage-cgroups-mode", "ignore", name=name)
    folder = cgroup.of_process(container.pid)[""]
    assert folder == f"/sys/fs/cgroup{second}"
    assert cgroup.read(folder, "pids.max") == "55"
    assert cgroup.folders_named(f"{ticking.linux['cgroupsPath'][1:]}") == [folder]


def test_hooks(runtime: Runtime, ticking: Bundle) -> None:
    """LNX-CR-08: the hooks prestart and createRuntime run again, with the new process."""
    marks = runtime.new_path("marks")
    ticking.hook("createRuntime", "/bin/sh", "-c", f"cat >>{marks}; echo >>{marks}")
    name = runtime.new_id()
    images = checkpointed(runtime, start(runtime, ticking, name))
    container = restored(runtime, ticking, images, name=name)
    states = [json.loads(line) for line in read_text(marks).splitlines() if line]
    assert [state["status"] for state in states] == ["creating", "creating"]
    assert states[1]["pid"] == container.pid


def test_with_systemd(runtime: Runtime, ticking: Bundle) -> None:
    """LNX-CR-08, LNX-SYSD-04: under systemd's manager the restored container has a unit again."""
    with_systemd(runtime)
    name = runtime.new_id()
    images = checkpointed(runtime, start(runtime, ticking, name))
    unit = f"ringfence-{name}.scope"
    assert not is_loaded(unit)
    container = restored(runtime, ticking, images, name=name)
    assert cgroup.of_process(container.pid)[""].endswith(unit)
    assert is_loaded(unit)


def test_seconds_go_on(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CR-11: CRIU's own time namespace is joined by exec: clocks inside agree."""
    bundle.mount("/tmp", "tmpfs", "tmpfs")
    bundle.sh("while :; do cut -d. -f1 /proc/uptime >/tmp/n; sleep 0.2; done")
    name = runtime.new_id()
    images = checkpointed(runtime, start(runtime, bundle, name))
    time.sleep(3)
    container = restored(runtime, bundle, images, name=name)
    wait_until(lambda: count(container) - 2 <= seconds(container) <= count(container) + 2, "one clock")


def seconds(container: Container) -> int:
    """The uptime that an exec'd process sees."""
    return int(container.sh("cut -d. -f1 /proc/uptime").ok().out)


def test_the_form_with_an_id(runtime: Runtime, ticking: Bundle) -> None:
    """OLD-CLI-11: --id checkpoint into <cwd>/checkpoint, --id restore in the foreground, its folder goes afterwards."""
    container = start(runtime, ticking)
    wait_until(lambda: count(container) > 2, "the program to count")
    reached = count(container)
    runtime.run(options=[*runtime.globals(), "--id", container.id, "checkpoint"], cwd=ticking.path).ok()
    images = os.path.join(ticking.path, "checkpoint")
    assert os.path.isdir(images)
    assert not container.exists()
    back = runtime.spawn(options=[*runtime.globals(), "--id", container.id, "restore"], cwd=ticking.path)
    wait_until(lambda: container.exists() and container.status() == "running", "the container to be back")
    assert count(container) >= reached
    again = runtime.run(options=[*runtime.globals(), "--id", container.id, "restore"], cwd=ticking.path)
    assert again.code == 1
    assert f"Container with id {container.id} already running" in runtime.last_error()
    container.kill("KILL").ok()
    assert back.wait().code == 137
    assert not os.path.exists(images)
    assert not container.exists()


@pytest.mark.parametrize(
    ("server", "words"),
    [("here", "Use --page-server ADDRESS:PORT to specify page server"), ("127.0.0.1:no", "Invalid port number")],
)
def test_a_page_server_that_is_none(runtime: Runtime, server: str, words: str) -> None:
    """OLD-CLI-11: the words of 2015."""
    result = runtime.run(options=[*runtime.globals(), "--id", "any", "checkpoint", "--page-server", server])
    assert result.code == 1
    assert words in runtime.last_error()


def test_lazy_pages(runtime: Runtime, ticking: Bundle) -> None:
    """LNX-CR-12: one NUL byte when the server of the pages is ready; everything else has been written by then."""
    container = start(runtime, ticking)
    images = runtime.new_path("images")
    near, far = os.pipe()
    server = ("--lazy-pages", "--page-server", "127.0.0.1:27277", "--status-fd", str(far))
    process = runtime.spawn("checkpoint", "--image-path", images, *server, container.id, pass_fds=[far])
    os.close(far)
    try:
        assert select.select([near], [], [], 120)[0], runtime.errors()
        assert os.read(near, 16) == b"\0"
        assert os.path.exists(os.path.join(images, "inventory.img"))
    finally:
        for pid in (process.pid, *(child for child, _ in descendants(process.pid))):
            os.kill(pid, signal.SIGKILL)
        process.wait()
        os.close(near)
        container.delete("--force").ok()
