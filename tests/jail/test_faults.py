"""What tools refuse, how they fail, and what is left when something is killed in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.jail.bundle import Bundle
from tests.jail.harness import Container, Running
from tests.jail.standin import StandIn

ALIAS = "127.219.4.8"


def rich(standin: StandIn) -> Bundle:
    """A bundle whose create uses every tool."""
    bundle = standin.bundle()
    bundle.jail.update({"interface": "lo0", "ip4Addr": [ALIAS]})
    bundle.config["freebsd"]["devices"] = [{"path": "pf", "mode": 0o600}]
    bundle.mount("/mnt", "tmpfs", "tmpfs")
    bundle.config["root"]["readonly"] = True
    bundle.resources.update({"memory": {"limit": 1 << 26}, "cpu": {"cpus": "1"}})
    bundle.write()
    return bundle


def everything(standin: StandIn) -> list[str]:
    """What a container may leave, addresses of the host included."""
    with standin.held() as state:
        listed = state.data["interfaces"]["lo0"]["inet"]
    return [*standin.traces(), *(address for address in listed if not address.startswith("127.0.0.1"))]


def calls_of(standin: StandIn, act: Callable[[], object]) -> int:
    """How many tools something calls."""
    standin.forget_calls()
    act()
    return len(standin.calls())


def test_each_step_of_create_fails_once(standin: StandIn) -> None:
    """JAIL-CREATE-12, JAIL-ERR-01, JAIL-ERR-03: all is undone, the message is the tool's with step and pointer."""
    bundle = rich(standin)
    standin.create(bundle).delete("--force").ok()
    first = standin.name()
    count = calls_of(standin, lambda: standin.run("create", "--bundle", bundle.path, first, out=standin.path()).ok())
    standin.run("delete", "--force", first).ok()
    assert everything(standin) == []
    for number in range(1, count + 1):
        standin.fault(kind="answer", at=number, err="tool: sentence of the tool\n", status=1)
        result = standin.run("create", "--bundle", bundle.path, standin.name(), out=standin.path())
        assert not standin.fault_left(), number
        assert everything(standin) == [], (number, result)
        if result.code == 0:
            pytest.fail(f"call {number} failed and create did not: {result}")
        assert result.code == 1
        assert "internal error" not in result.err


def test_an_error_while_undoing_comes_second(standin: StandIn) -> None:
    """JAIL-CREATE-12: the first error stays the message, the other is a warning before it."""
    bundle = standin.bundle("/bin/nosuch")
    bundle.write()
    with standin.held() as state:
        state.data["fault"] = {"kind": "answer", "tool": "umount", "again": True, "err": "umount: busy\n", "status": 1}
    result = standin.run("create", "--bundle", bundle.path, standin.name())
    assert result.code == 1
    levels = [line.split("level=")[1].split()[0] for line in result.err.splitlines() if "level=" in line]
    assert levels[-1] == "error"
    assert "warning" in levels[:-1]
    assert "/bin/nosuch" in result.err.splitlines()[-1] or "/bin/nosuch" in result.err
    standin.fault()
    for name in standin.ids():
        standin.run("delete", "--force", name).ok()
    assert everything(standin) == []


def test_create_is_killed_after_each_step(standin: StandIn) -> None:
    """JAIL-CRASH-01, JAIL-CRASH-02: delete by force afterwards leaves nothing, however far create had come."""
    bundle = rich(standin)
    number = 0
    while True:
        number += 1
        standin.fault(kind="kill", at=number, after=True)
        name = standin.name()
        result = standin.run("create", "--bundle", bundle.path, name, out=standin.path())
        if standin.fault_left():
            break
        assert result.code == 128 + signal.SIGKILL, result
        standin.run("delete", "--force", name).ok()
        assert everything(standin) == [], number
        assert standin.ids() == []
    assert number > 10
    standin.fault()
    standin.run("delete", "--force", name).ok()


def test_delete_is_killed_after_each_step(standin: StandIn) -> None:
    """JAIL-CRASH-01: a second delete finishes the work."""
    bundle = standin.bundle()
    bundle.jail.update({"interface": "lo0", "ip4Addr": [ALIAS]})
    bundle.config["root"]["readonly"] = True
    bundle.resources["pids"] = {"limit": 9}
    number = 0
    while True:
        number += 1
        container = standin.create(bundle)
        standin.fault(kind="kill", at=number, after=True)
        result = container.delete("--force")
        left = standin.fault_left()
        standin.fault()
        if left:
            break
        assert result.code == 128 + signal.SIGKILL, result
        standin.reap()
        standin.run("delete", "--force", container.id).ok()
        assert everything(standin) == [], number
    assert number > 5


def test_a_signal_to_create_undoes_it(standin: StandIn) -> None:
    """JAIL-CRASH-04: as a failure does, and then it ends by that signal."""
    bundle = rich(standin)
    for number in (signal.SIGTERM, signal.SIGINT):
        standin.fault(kind="signal", signal=int(number), tool="jail")
        result = standin.run("create", "--bundle", bundle.path, standin.name(), out=standin.path())
        assert result.code == 128 + number, result
        assert everything(standin) == []


def test_tools_that_misbehave(standin: StandIn) -> None:
    """JAIL-ERR-03, JAIL-ERR-04, JAIL-CREATE-02: killed, absent, talking nonsense or too much; each is named."""
    bundle = standin.bundle()
    bundle.write()

    def fails(*texts: str) -> None:
        result = standin.run("create", "--bundle", bundle.path, standin.name(), out=standin.path())
        result.refused(*texts)
        assert everything(standin) == [], result

    standin.fault(kind="die", tool="jail")
    fails("jail", "signal")
    standin.fault(kind="answer", tool="jail", out="five\n", on=True)
    fails("five")
    standin.fault(kind="answer", tool="jail", out="\x1b[31mred\n", on=True)
    result = standin.run("create", "--bundle", bundle.path, standin.name(), out=standin.path()).refused()
    assert "\x1b" not in result.err
    standin.fault(kind="answer", tool="mount", err="a note\n", on=True)
    container = standin.create(bundle)
    assert "a note" not in result.err
    standin.fault(kind="answer", tool="jls", out="{}", status=0)
    container.delete("--force").refused("jls")
    container.delete("--force").ok()
    os.unlink(f"{standin.bin}/jail")
    fails("jail", f"{standin.bin}/jail")
    os.link(f"{standin.bin}/tool", f"{standin.bin}/jail")


SENTENCES = [
    ("jail", 'jail: "x" already exists', ("already exists",)),
    ("jail", "jail: jail_set: Operation not permitted", ("not permitted",)),
    ("jail", "jail: unknown parameter: allow.mount.tmpfs", ("allow.mount.tmpfs",)),
    ("jail", "jail: IPv4 addresses clash", ("IPv4 addresses clash",)),
    ("jail", "jail: prison limit exceeded", ("children.max",)),
    ("jail", "jail: jail_set: File name too long", ("name",)),
    ("jail", "jail: jail 7 is dying", ("dying",)),
    ("mount", "mount: tmpfs: Operation not supported by device", ("/mounts/0",)),
    ("mount", "mount: /x: No such file or directory", ("/mounts/0",)),
]


def test_sentences_of_the_tools(standin: StandIn) -> None:
    """JAIL-ERR-01, JAIL-ERR-02: without the tool's prefix, in our words where they are known; no raw command."""
    bundle = standin.bundle()
    bundle.write()
    for tool, sentence, texts in SENTENCES:
        standin.fault(kind="answer", tool=tool, err=f"{sentence}\n", status=1, again="dying" in sentence)
        result = standin.run("create", "--bundle", bundle.path, standin.name(), out=standin.path()).refused(*texts)
        standin.fault()
        assert f"{standin.bin}/{tool}" not in result.err, result
        assert "jail: jail: " not in result.err, result
        assert everything(standin) == []


def test_rctl_that_is_switched_off(standin: StandIn) -> None:
    """JAIL-UPD-05, JAIL-STAT-02: told how to switch it on; without limits nobody asks rctl."""
    with standin.held() as state:
        state.data["sysctl"]["kern.racct.enable"] = "0"
    container = standin.start(standin.bundle())
    assert not [call for call in standin.calls() if call[0] == "rctl"]
    container.run("events", options=["--stats"]).refused("kern.racct.enable=1", "loader.conf")
    limited = standin.bundle()
    limited.resources["pids"] = {"limit": 5}
    limited.write()
    line = ["create", "--bundle", limited.path]
    standin.run(*line, standin.name()).refused("kern.racct.enable=1", "loader.conf")
    with standin.held() as state:
        del state.data["sysctl"]["kern.racct.enable"]
    standin.run(*line, standin.name()).refused("kernel")
    container.delete("--force").ok()
    assert standin.traces() == []


def test_an_update_that_fails_leaves_the_old_rule(standin: StandIn) -> None:
    """JAIL-UPD-04."""
    bundle = standin.bundle()
    bundle.resources["pids"] = {"limit": 5}
    container = standin.start(bundle)
    calls = calls_of(standin, lambda: container.run("update", options=["--pids-limit", "6"]).ok())
    before = standin.rules()
    for number in range(1, calls + 1):
        standin.fault(kind="answer", at=number, tool="rctl", err="rctl: failed to add rule\n", status=1)
        container.run("update", options=["--pids-limit", "7"])
        standin.fault()
        assert standin.rules() in (before, [before[0].replace("=6", "=7")])
        container.run("update", options=["--pids-limit", "6"]).ok()


# other jails, other processes


def test_a_jid_and_a_pid_that_belong_to_somebody_else(standin: StandIn) -> None:
    """JAIL-NAME-06, JAIL-STATE-02, JAIL-CRASH-03, JAIL-KILL-01: nothing foreign is touched after a restart."""
    container = standin.start(standin.bundle())
    pid, jid = container.pid, int(container.jid)
    with standin.held() as state:
        state.jails[jid]["name"] = "foreign"
    container.kill("KILL").refused("container not running")
    container.exec("/bin/echo", "in").refused("cannot exec in a stopped container", code=255)
    container.delete("--force").ok()
    assert [jail["name"] for jail in standin.jails()] == ["foreign"]
    os.kill(pid, 0)
    os.kill(pid, signal.SIGKILL)
    standin.tool("jail", "-r", "foreign").ok()


def test_the_attach_fails(standin: StandIn) -> None:
    """JAIL-EXEC-01, JAIL-EXEC-04: nothing runs on the host, and the caller sees why."""
    mark = f"{standin.folder}/ran"
    container = standin.start(standin.bundle())
    os.rename(f"{standin.state_folder}/jail.{container.jid}", f"{standin.folder}/kept")
    result = container.exec_sh(f"echo ran > {mark}")
    assert result.code == 255
    assert "jail_attach" in result.err
    assert not os.path.exists(mark)
    bundle = standin.bundle("/bin/sh", "-c", f"echo ran > {mark}")
    os.rename(f"{standin.folder}/kept", f"{standin.state_folder}/jail.{container.jid}")
    os.rename(f"{standin.bin}/libc.so", f"{standin.folder}/libc")
    bundle.write()
    standin.run("create", "--bundle", bundle.path, standin.name()).refused("libc.so")
    os.rename(f"{standin.folder}/libc", f"{standin.bin}/libc.so")
    assert not os.path.exists(mark)


def test_a_record_without_an_end(standin: StandIn) -> None:
    """JAIL-CRASH-02: an empty folder and half a record never block an id."""
    for content in (None, "", '{"id": "half"'):
        name = standin.name()
        os.makedirs(f"{standin.root}/{name}")
        if content is not None:
            with open(f"{standin.root}/{name}/state.json", "w") as file:
                file.write(content)
        standin.run("delete", "--force", name).ok()
        assert name not in standin.ids()
        standin.create(standin.bundle(), name=name).delete("--force").ok()


def test_a_mount_that_is_busy(standin: StandIn) -> None:
    """JAIL-DEL-03, JAIL-DEL-05: tried again, then by force; a mount of somebody else's below the root is an error."""
    bundle = standin.bundle()
    bundle.mount("/mnt", "tmpfs", "tmpfs")
    container = standin.start(bundle)
    with open(f"{bundle.rootfs}/mnt/held", "w"):
        container.delete("--force").ok()
    assert standin.mounts() == []
    other = standin.start(standin.bundle())
    rootfs = other.state()["rootfs"]
    standin.tool("mount", "-t", "tmpfs", "tmpfs", f"{rootfs}/dev/fd").ok()
    other.delete("--force").refused(f"{rootfs}/dev/fd")
    standin.tool("umount", f"{rootfs}/dev/fd").ok()
    other.delete("--force").ok()


def test_a_waiting_program_whose_record_is_removed(standin: StandIn) -> None:
    """JAIL-CREATE-06: it ends by itself, and start of a killed one fails at once."""
    container = standin.create(standin.bundle())
    pid = container.pid
    os.kill(pid, signal.SIGKILL)
    container.run("start").refused("cannot start a container that has stopped")
    container.delete().ok()


def test_poisoned_start(standin: StandIn) -> None:
    """JAIL-START-02: two starts at once, and the loser never hangs."""
    container = standin.create(standin.bundle())
    racing: list[Running] = [standin.spawn("start", container.id) for _ in range(3)]
    assert sorted(one.wait().code for one in racing) == [0, 1, 1]
    assert Container(standin, container.id, "").status == "running"
