"""NOTIFY_SOCKET: a service manager is told when the container's program is ready."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from tests.support import Bundle, Process, Runtime, wait_until
from tests.support.mark import unlike_runc
from tests.support.process import read_text

SEND = """
import os, socket, sys, time
while not os.path.exists("/tmp/go"):
    time.sleep(0.02)
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
s.send(b"READY=1\\n")
time.sleep(1000)
"""


class Manager:
    """A service manager's end of NOTIFY_SOCKET."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(20)

    def receive(self) -> list[str]:
        """The lines of the next message; descriptors in it are closed, which is what a barrier waits for."""
        payload, fds, _, _ = socket.recv_fds(self.socket, 4096, 4)
        for fd in fds:
            os.close(fd)
        return payload.decode().split()


@pytest.fixture
def manager(runtime: Runtime) -> Iterator[Manager]:
    """A service manager that listens."""
    held = Manager(os.path.join(runtime.folder, "manager.sock"))
    yield held
    held.socket.close()


@pytest.fixture
def telling(bundle: Bundle, runtime: Runtime) -> Bundle:
    """A bundle whose program says that it is ready once /tmp/go exists."""
    for name in ("usr", "lib", "lib64"):
        if os.path.isdir(f"/{name}"):
            os.makedirs(os.path.join(bundle.rootfs, name), exist_ok=True)
            bundle.bind(f"/{name}", f"/{name}", "ro", "rbind")
    os.makedirs(os.path.join(bundle.rootfs, "run"), exist_ok=True)
    bundle.bind(runtime.folder, "/tmp")
    bundle.args("/usr/bin/python3", "-IS", "-c", SEND)
    return bundle


def go(runtime: Runtime) -> None:
    """Let the program say that it is ready."""
    with open(os.path.join(runtime.folder, "go"), "w", encoding="utf-8"):
        pass


def told_ready(manager: Manager) -> set[str]:
    """Everything the manager is told up to the barrier."""
    seen: set[str] = set()
    while "BARRIER=1" not in seen:
        seen |= set(manager.receive())
    return seen


@unlike_runc("sends no barrier")
def test_a_detached_run_waits_for_ready(runtime: Runtime, telling: Bundle, manager: Manager) -> None:
    """LNX-FILE-08: READY=1 is passed on with the init's pid and a barrier; run -d waits for it."""
    telling.write()
    name = runtime.new_id()
    process = runtime.spawn("run", "-d", "-b", telling.path, name, env={"NOTIFY_SOCKET": manager.path})
    wait_until(
        lambda: runtime.container(name).exists() and runtime.container(name).status() == "running", "a container"
    )
    assert process.running()
    go(runtime)
    seen = told_ready(manager)
    assert {"READY=1", f"MAINPID={runtime.container(name).pid}"} <= seen
    assert process.wait().code == 0


@unlike_runc("sends no barrier")
def test_start_waits_for_ready(runtime: Runtime, telling: Bundle, manager: Manager) -> None:
    """LNX-FILE-08: so does start of a container that was created with a NOTIFY_SOCKET."""
    telling.write()
    container = runtime.create(telling, env={"NOTIFY_SOCKET": manager.path})
    process: Process = runtime.spawn("start", container.id, env={"NOTIFY_SOCKET": manager.path})
    wait_until(lambda: container.status() == "running", "a container")
    assert process.running()
    go(runtime)
    assert {"READY=1", f"MAINPID={container.pid}"} <= told_ready(manager)
    assert process.wait().code == 0


@unlike_runc("waits for ever", always=False)
def test_the_end_of_the_program_ends_the_wait(runtime: Runtime, bundle: Bundle, manager: Manager) -> None:
    """LNX-FILE-08: a detached command waits for READY or the end of the init."""
    bundle.sh("echo $NOTIFY_SOCKET; ls -d /run/notify/notify.sock; exit 0")
    bundle.write()
    out = runtime.new_path("out")
    process = runtime.spawn(
        "run", "-d", "-b", bundle.path, runtime.new_id(), env={"NOTIFY_SOCKET": manager.path}, output=out
    )
    wait_until(lambda: runtime.leaks.reap() > 0 or not process.running(), "the end of the program")
    assert process.wait().code == 0
    assert read_text(out).split() == ["/run/notify/notify.sock", "/run/notify/notify.sock"]
