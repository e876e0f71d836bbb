"""process.terminal, consoleSize and /dev/console."""

from __future__ import annotations

import os
import termios

import pytest

from tests.conformance.inside import host_folder, inside
from tests.support import Bundle, ConsoleSocket, Container, Runtime
from tests.support.console import read_all, read_until
from tests.support.terminal import Terminal, window_size


def on_console(runtime: Runtime, bundle: Bundle, console: ConsoleSocket, script: str) -> tuple[Container, int]:
    """A started container with a terminal, and the master of that."""
    bundle.process["terminal"] = True
    bundle.sh(script)
    container = runtime.create(bundle, "--console-socket", console.path)
    message = console.receive()
    container.start()
    return container, message.fds[0]


def test_terminal_is_the_containers_own(runtime: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """LNX-TTY-01: stdin, stdout and stderr are /dev/pts/0 of the container's devpts."""
    script = "tty; ls /dev/pts; for n in 0 1 2; do readlink /proc/$$/fd/$n; done"
    _, master = on_console(runtime, bundle, console, script)
    words = read_all(master).split()
    assert words == ["/dev/pts/0", "0", "ptmx", *["/dev/pts/0"] * 3]


def test_terminal_is_the_controlling_one(runtime: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """LNX-TTY-01: it is the controlling terminal of a new session: ^C reaches the program."""
    script = "trap 'echo interrupted; exit 3' INT; echo ready >/dev/tty; while :; do sleep 1; done"
    container, master = on_console(runtime, bundle, console, script)
    read_until(master, "ready")
    os.write(master, b"\x03")
    read_until(master, "interrupted")
    assert container.reap() == 3


def test_program_leads_its_session(runtime: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """LNX-TTY-01: the program leads the session and the terminal's foreground process group."""
    _, master = on_console(runtime, bundle, console, "cut -d' ' -f1,5,6,7,8 /proc/$$/stat; sleep 0")
    pid, group, session, terminal, foreground = read_all(master).split()[:5]
    assert pid == group == session == "1"
    assert int(terminal) >> 8 == 136
    assert foreground == "1" or int(foreground) > 1


def test_console_is_the_same_terminal(runtime: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """LNX-TTY-02: /dev/console is the same pty."""
    script = "stat -c '%t:%T' /dev/console /dev/pts/0; echo to-console >/dev/console"
    _, master = on_console(runtime, bundle, console, script)
    first, second, text = read_all(master).split()
    assert first == second == "88:0"
    assert text == "to-console"


def test_exec_terminal_leaves_the_console(runtime: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """LNX-TTY-02: exec terminals do not touch /dev/console."""
    container, _ = on_console(runtime, bundle, console, "sleep 1000")
    script = "tty; stat -c '%t:%T' /dev/console"
    options = ["--tty", "--detach", "--console-socket", console.path]
    assert container.exec("sh", "-c", script, options=options).code == 0
    assert read_all(console.receive().fds[0]).split() == ["/dev/pts/1", "88:0"]


def test_no_console_without_a_terminal(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-TTY-02: without a terminal there is no /dev/console."""
    assert inside(runtime, bundle, "test -e /dev/console || echo none") == "none\n"


@pytest.mark.parametrize("mapped", [False, True], ids=["no user namespace", "user namespace"])
def test_slave_belongs_to_the_user(runtime: Runtime, bundle: Bundle, console: ConsoleSocket, mapped: bool) -> None:
    """LNX-TTY-03: the slave is owned by the process' uid, its group stays that of the devpts mount."""
    if mapped:
        bundle.user_namespace()
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    _, master = on_console(runtime, bundle, console, "stat -c '%u %g %a' /dev/pts/0")
    assert read_all(master).split() == ["1000", "5", "620"]


def test_unmapped_gid_does_not_matter(runtime: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """LNX-TTY-03: a user namespace that does not map the slave's group is no problem."""
    bundle.user_namespace(size=1)
    pts = bundle.mounts[2]
    pts["options"] = [word for word in pts["options"] if not word.startswith("gid=")]
    _, master = on_console(runtime, bundle, console, "tty")
    assert read_all(master).split() == ["/dev/pts/0"]


def test_master_is_not_kept(runtime: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """LNX-TTY-04: detached, the runtime keeps no master: closing the received one hangs the program up."""
    container, master = on_console(
        runtime, bundle, console, "trap 'exit 5' HUP; echo ready; while :; do sleep 0.1; done"
    )
    read_until(master, "ready")
    console.received.remove(master)
    os.close(master)
    assert container.reap() == 5


def foreground(runtime: Runtime, bundle: Bundle, terminal: Terminal, script: str) -> tuple[int, str]:
    """Exit status of a foreground run at the terminal, and what appeared there."""
    bundle.process["terminal"] = True
    bundle.sh(script)
    bundle.write()
    words = [runtime.binary, *runtime.globals(), "run", "--bundle", bundle.path, runtime.new_id()]
    return terminal.finish(terminal.spawn(words, runtime.env, runtime.folder))


def test_foreground_copies_both_ways(runtime: Runtime, bundle: Bundle, terminal: Terminal) -> None:
    """LNX-TTY-04: in the foreground the runtime copies both ways and restores the caller's terminal."""
    before = terminal.attributes()
    terminal.type("typed\n")
    code, out = foreground(runtime, bundle, terminal, "read word; echo got $word; exit 7")
    assert code == 7
    assert "got typed" in out
    assert terminal.attributes() == before


def test_foreground_terminal_is_raw_meanwhile(runtime: Runtime, bundle: Bundle, terminal: Terminal) -> None:
    """LNX-TTY-04: the caller's terminal is in raw mode while the program runs."""
    bundle.process["terminal"] = True
    bundle.sh("echo ready; read word; echo end")
    bundle.write()
    words = [runtime.binary, *runtime.globals(), "run", "--bundle", bundle.path, runtime.new_id()]
    process = terminal.spawn(words, runtime.env, runtime.folder)
    terminal.read_until("ready")
    flags = terminal.attributes()[3]
    terminal.type("go\r")
    assert terminal.finish(process)[0] == 0
    assert isinstance(flags, int)
    assert not flags & (termios.ECHO | termios.ICANON | termios.ISIG)


def test_console_size(runtime: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """LNX-TTY-05: consoleSize is the terminal's size before the program starts."""
    bundle.process["consoleSize"] = {"height": 11, "width": 47}
    _, master = on_console(runtime, bundle, console, "stty size")
    assert read_until(master, "47").split() == ["11", "47"]
    assert window_size(master) == (11, 47)


def test_console_size_without_a_terminal(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-TTY-05: consoleSize is ignored if terminal is false."""
    bundle.process["consoleSize"] = {"height": 11, "width": 47}
    assert inside(runtime, bundle, "tty || true") == "not a tty\n"


def test_lines_are_not_doubled(runtime: Runtime, bundle: Bundle, terminal: Terminal) -> None:
    """LNX-TTY-06: in the foreground a line ends in one carriage return and line feed, not two."""
    code, out = foreground(runtime, bundle, terminal, "echo one; echo two")
    assert (code, out) == (0, "one\r\ntwo\r\n")


def test_console_link_of_an_image_is_harmless(runtime: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """LNX-TTY-07: /dev/console as a link to the host makes create fail, or the link is not followed there."""
    outside = host_folder(runtime)
    bundle.config["mounts"] = [entry for entry in bundle.mounts if entry["destination"] != "/dev"]
    os.symlink(os.path.join(outside, "made"), os.path.join(bundle.rootfs, "dev/console"))
    bundle.process["terminal"] = True
    bundle.write()
    runtime.run("create", "--bundle", bundle.path, "--console-socket", console.path, runtime.new_id())
    assert os.listdir(outside) == []


def test_replaced_devpts_makes_create_fail(runtime: Runtime, bundle: Bundle, console: ConsoleSocket) -> None:
    """LNX-TTY-07: a /dev/pts that is no devpts, with a file for a slave, makes create fail."""
    bundle.config["mounts"] = [entry for entry in bundle.mounts if not entry["destination"].startswith("/dev")]
    bundle.file("/dev/pts/ptmx", "")
    bundle.file("/dev/pts/0", "")
    bundle.process["terminal"] = True
    runtime.refuses_bundle("", bundle, "--console-socket", console.path)


def test_foreground_size_is_the_callers(runtime: Runtime, bundle: Bundle, terminal: Terminal) -> None:
    """LNX-TTY-05: in the foreground without consoleSize, the program finds the size of the caller's terminal."""
    terminal.resize(13, 57)
    assert foreground(runtime, bundle, terminal, "stty size") == (0, "13 57\r\n")
