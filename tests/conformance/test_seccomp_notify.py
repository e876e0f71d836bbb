"""SCMP_ACT_NOTIFY and its agent."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.inside import inside, refused
from tests.conformance.notify import Agent
from tests.conformance.probe import failed, install_probe
from tests.support import Bundle, ConsoleSocket, Runtime, wait_until

MKDIR = 83
NOTIFY = "SCMP_ACT_NOTIFY"


@pytest.fixture
def agent(console: ConsoleSocket) -> Iterator[Agent]:
    """An agent that lets mkdir fail with ENODATA and everything else go on."""
    held = Agent(console, {MKDIR: errno.ENODATA})
    yield held
    held.close()


def use(bundle: Bundle, path: str | None, *names: str, **more: Any) -> None:
    """Give the bundle a filter that asks an agent at ``path`` about these calls."""
    install_probe(bundle)
    held: dict[str, Any] = {"defaultAction": "SCMP_ACT_ALLOW", **more}
    held["syscalls"] = [{"names": list(names), "action": NOTIFY}]
    if path is not None:
        held["listenerPath"] = path
    bundle.linux["seccomp"] = held


def test_agent_answers(runtime: Runtime, bundle: Bundle, agent: Agent) -> None:
    """LNX-SEC-13, LNX-SEC-14: the agent's answer is what the program sees."""
    use(bundle, agent.console.path, "mkdir")
    assert inside(runtime, bundle, f"probe sys {MKDIR} @/mnt/x 0755") == failed(errno.ENODATA) + "\n"
    assert agent.calls == [MKDIR]


@pytest.mark.parametrize("no_new_privileges", [True, False])
@pytest.mark.parametrize(
    "names", [["execve", "openat", "open", "read", "close", "fcntl"], ["mkdir", "execve"]], ids=str
)
def test_no_deadlock(runtime: Runtime, bundle: Bundle, agent: Agent, names: list[str], no_new_privileges: bool) -> None:
    """LNX-SEC-13: calls that the set-up itself makes do not lead to a deadlock."""
    bundle.process["noNewPrivileges"] = no_new_privileges
    use(bundle, agent.console.path, *names)
    bundle.sh("cat /etc/passwd >/dev/null; echo done; exec sleep 1000")
    container = runtime.started(bundle)
    container.wait_output("done\n")
    assert agent.calls
    assert container.exec("cat", "/etc/group").ok().out.startswith("root")


def test_state_of_init_and_exec(runtime: Runtime, bundle: Bundle, agent: Agent) -> None:
    """LNX-SEC-14, LNX-SEC-15: one connection per process brings one container process state and one descriptor."""
    use(bundle, agent.console.path, "mkdir", listenerMetadata="some data")
    bundle.config["annotations"] = {"key": "value"}
    bundle.sleep()
    container = runtime.started(bundle)
    wait_until(lambda: len(agent.states) == 1, "the first state")
    first = agent.states[0]
    assert first["ociVersion"] == container.state()["ociVersion"]
    assert (first["fds"], first["pid"], first["metadata"]) == (["seccompFd"], container.pid, "some data")
    state = first["state"]
    assert (state["id"], state["status"], state["bundle"]) == (container.id, "creating", bundle.path)
    assert state["pid"] == container.pid
    container.exec("true").ok()
    wait_until(lambda: len(agent.states) == 2, "the second state")
    second = agent.states[1]
    assert second["state"]["status"] == "running"
    assert second["pid"] not in (0, container.pid)
    wait_until(agent.closed, "the end of both connections")


def test_agent_that_goes(runtime: Runtime, bundle: Bundle, agent: Agent) -> None:
    """LNX-SEC-16: the runtime keeps no copy of the listener: with the agent gone the call gives ENOSYS."""
    use(bundle, agent.console.path, "mkdir")
    bundle.sh(f"read line </mnt/go; probe sys {MKDIR} @/tmp/x 0755")
    os.mkfifo(os.path.join(bundle.rootfs, "mnt/go"))
    container = runtime.started(bundle)
    wait_until(lambda: len(agent.states) == 1, "the state")
    agent.close()
    with open(os.path.join(bundle.rootfs, "mnt/go"), "w", encoding="ascii") as fifo:
        fifo.write("go\n")
    assert container.wait_output("\n") == failed(errno.ENOSYS) + "\n"


def test_hooks_see_no_listener(runtime: Runtime, bundle: Bundle, agent: Agent) -> None:
    """LNX-SEC-17: startContainer hooks see no descriptor beyond 0, 1, 2."""
    use(bundle, agent.console.path, "mkdir")
    bundle.mount("/mnt", "tmpfs", "tmpfs")
    bundle.hook("startContainer", "/bin/sh", "-c", "probe fds >/mnt/seen")
    assert inside(runtime, bundle, "cat /mnt/seen; probe fds").split() == ["0", "1", "2"] * 2


@pytest.mark.parametrize("path", [None, ""])
def test_missing_listener_path_is_refused(runtime: Runtime, bundle: Bundle, path: str | None) -> None:
    """LNX-SEC-11: NOTIFY needs `listenerPath`."""
    use(bundle, path, "mkdir")
    refused(runtime, bundle)


def test_nobody_listening_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-11: nobody listening gives the words callers know."""
    use(bundle, runtime.new_path("nobody.sock"), "mkdir")
    refused(runtime, bundle, "failed to connect with seccomp agent")


def test_path_without_notify_is_ignored(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SEC-11: without any NOTIFY action listenerPath and listenerMetadata are ignored."""
    use(bundle, "/no/such/socket", listenerMetadata="data")
    bundle.linux["seccomp"]["syscalls"] = []
    assert inside(runtime, bundle, "echo seen") == "seen\n"


def test_notify_for_write_is_refused(runtime: Runtime, bundle: Bundle, agent: Agent) -> None:
    """LNX-SEC-12: NOTIFY for write is refused in the words callers know."""
    use(bundle, agent.console.path, "write")
    refused(runtime, bundle, "SCMP_ACT_NOTIFY cannot be used for the write syscall")


def test_notify_by_default_is_refused(runtime: Runtime, bundle: Bundle, agent: Agent) -> None:
    """LNX-SEC-12: NOTIFY as default action is refused in the words callers know."""
    use(bundle, agent.console.path, "mkdir", defaultAction=NOTIFY)
    refused(runtime, bundle, "SCMP_ACT_NOTIFY cannot be used as default action")
