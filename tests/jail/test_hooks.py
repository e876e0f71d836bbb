"""Hooks and terminals."""

from __future__ import annotations

import json
import os
import select

from tests.jail.consoles import Console
from tests.jail.harness import Container, Host, gone, poll, text_of

KINDS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


def test_every_hook_at_its_moment(host: Host) -> None:
    """JAIL-HOOK-01, JAIL-HOOK-02, JAIL-HOOK-03, JAIL-HOOK-05: in order, with the state on standard input."""
    log = f"{host.folder}/log"
    bundle = host.sh("/bin/cat /order 2>/dev/null; exec /bin/sleep 1000", annotations={"a": "b"})
    for kind in KINDS:
        if kind == "startContainer":
            bundle.hook(kind, "/bin/cat > /order; echo startContainer >> /order", path="/bin/sh")
        else:
            bundle.hook(kind, f"echo {kind} $(pwd) >> {log}; cat >> {log}; echo >> {log}")
    container = host.create(bundle)
    rows = text_of(log).splitlines()
    assert [row.split()[0] for row in rows[::2]] == ["prestart", "createRuntime", "createContainer"]
    states = [json.loads(row) for row in rows[1::2]]
    pid = container.pid
    assert [state["status"] for state in states] == ["creating"] * 3
    assert all((state["id"], state["pid"]) == (container.id, pid) for state in states)
    assert all(state["annotations"] == {"a": "b", "org.freebsd.jail.jid": container.jid} for state in states)
    assert rows[4].split()[1] == bundle.rootfs
    container.run("start").ok()
    container.says("startContainer")
    inside = json.loads(container.output().splitlines()[0].replace("startContainer", ""))
    assert (inside["id"], inside["status"], inside["pid"]) == (container.id, "created", pid)
    after = text_of(log).splitlines()[6:]
    assert after[0].split()[0] == "poststart"
    assert json.loads(after[1])["status"] == "running"
    container.delete("--force").ok()
    last = text_of(log).splitlines()[8:]
    assert last[0].split()[0] == "poststop"
    assert json.loads(last[1])["status"] == "stopped"


def test_a_hook_that_fails(host: Host) -> None:
    """JAIL-HOOK-05, JAIL-HOOK-02: the container is undone and poststop hooks run; the message names the hook."""
    for kind in ("prestart", "createRuntime", "createContainer"):
        mark = host.path("stopped")
        bundle = host.bundle()
        bundle.hook(kind, "echo because >&2; exit 3")
        bundle.hook("poststop", f"echo stopped > {mark}")
        host.refuses(bundle, kind)
        assert text_of(mark) == "stopped\n"
    for kind in ("startContainer", "poststart"):
        bundle = host.sh("echo ran; exec /bin/sleep 1000")
        bundle.hook(kind, "exit 3")
        container = host.create(bundle)
        container.run("start").refused(kind)
        assert not host.processes(container) if kind == "startContainer" else host.traces() == []
        container.delete("--force").ok()
    bundle = host.bundle()
    mark = host.path("second")
    bundle.hook("poststop", "exit 3")
    bundle.hook("poststop", f"echo ran > {mark}")
    container = host.start(bundle)
    told = container.delete("--force").ok()
    assert "poststop" in told.err
    assert text_of(mark) == "ran\n"


def test_a_hook_that_takes_too_long(host: Host) -> None:
    """JAIL-HOOK-04: its whole group is killed; the message names list, number and path."""
    mark = host.path("child")
    bundle = host.bundle()
    bundle.hook("createRuntime", f"/bin/sleep 600 & echo $! > {mark}; wait", timeout=1)
    host.refuses(bundle, "createRuntime", "/bin/sh")
    child = int(text_of(mark))
    poll(lambda: gone(host, child), "the end of the hook's child")


def test_hooks_that_are_careless(host: Host) -> None:
    """JAIL-HOOK-06: no words, no reading of the state, no environment; a relative path is refused."""
    bundle = host.bundle(annotations={"long": "x" * 200000})
    true = "/usr/bin/true" if os.path.exists("/usr/bin/true") else "/bin/true"
    bundle.config["hooks"] = {"createRuntime": [{"path": true}, {"path": true, "args": []}]}
    container = host.start(bundle)
    container.delete("--force").ok()
    bundle.config["hooks"] = {"prestart": [{"path": "bin/true"}]}
    host.refuses(bundle, "/hooks/prestart/0/path")


# terminals


def test_a_terminal_of_its_own(host: Host) -> None:
    """JAIL-CON-01, JAIL-CON-02: one message with one descriptor; the program leads a session on it, with its size."""
    console = Console(f"{host.folder}/c")
    try:
        bundle = host.sh("stty size; test -t 0 && test -t 1 && test -t 2 && echo all; read line; echo got $line")
        bundle.process.update({"terminal": True, "consoleSize": {"height": 33, "width": 77}})
        bundle.process["user"] = {"uid": 1001, "gid": 1001}
        host.needs_root_tool("stty")
        container = host.create(bundle, "--console-socket", console.path)
        name = console.receive()
        assert name
        assert os.isatty(console.master)
        container.run("start").ok()
        assert "33 77" in console.read_until("all")
        os.write(console.master, b"words\n")
        console.read_until("got words")
        container.ends()
    finally:
        console.close()


def test_a_terminal_for_exec(host: Host) -> None:
    """JAIL-CON-02, JAIL-EXEC-02."""
    console = Console(f"{host.folder}/c")
    try:
        container = host.start(host.bundle())
        words = ["--tty", "--detach", "--console-socket", console.path]
        container.exec("/bin/sh", "-c", "test -t 0 && echo tty", options=words).ok()
        console.receive()
        assert "tty" in console.read_until("tty")
    finally:
        console.close()


def test_consoles_that_cannot_be(host: Host) -> None:
    """JAIL-CON-02: no socket, none that listens, one without a terminal: refused and undone."""
    with_terminal = host.bundle()
    with_terminal.process["terminal"] = True
    without = host.bundle()
    for bundle, options in (
        (with_terminal, []),
        (with_terminal, ["--console-socket", f"{host.folder}/nosuch"]),
        (with_terminal, ["--console-socket", host.template]),
        (without, ["--console-socket", f"{host.folder}/nosuch"]),
    ):
        bundle.write()
        host.run("create", "--bundle", bundle.path, *options, host.name()).refused()
        assert host.traces() == []


def test_a_terminal_in_the_foreground(host: Host) -> None:
    """JAIL-CON-03: what the caller's terminal was set to is set again, also after a kill."""
    host.needs_root_tool("stty")
    bundle = host.sh("test -t 0 && echo inner; exec /bin/sleep 1000")
    bundle.process["terminal"] = True
    bundle.write()
    master, slave = os.openpty()
    container = Container(host, host.name(), "")
    try:
        import termios

        before = termios.tcgetattr(slave)
        running = host.spawn_on(slave, "run", "--bundle", bundle.path, container.id)
        shown = b""
        while b"inner" not in shown:
            ready, _, _ = select.select([master], [], [], 20)
            assert ready, shown
            shown += os.read(master, 4096)
        assert termios.tcgetattr(slave) != before
        os.kill(running.pid, 15)
        assert running.wait(60) in (143, -15)
        assert termios.tcgetattr(slave) == before
    finally:
        os.close(master)
        os.close(slave)
