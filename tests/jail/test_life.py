"""Containers from create to delete, on any machine with jails."""

from __future__ import annotations

import json
import os
import signal

from tests.jail.harness import Container, Host, Skip, gone, poll, text_of
from tests.jail.launchers import REPOSITORY

UNREADABLE = 77


def test_a_life_from_create_to_delete(host: Host) -> None:
    """JAIL-CREATE-04, JAIL-STATE-01, JAIL-START-01, JAIL-START-02, JAIL-KILL-01, JAIL-DEL-01, JAIL-PS-02."""
    pid_file = host.path("pid")
    container = host.create(host.sh("echo begun; exec /bin/sleep 1000"), "--pid-file", pid_file)
    state = container.state()
    pid = state["pid"]
    assert (state["id"], state["status"], text_of(pid_file)) == (container.id, "created", str(pid))
    assert container.output() == ""
    assert host.tool("ps", "-p", str(pid), "-o", "jid=").out.strip() == container.jid
    assert host.jail(container, "name", "persist") == [container.id, "true"]
    host.run("create", "--bundle", state["bundle"], container.id).refused("container with given ID already exists")
    container.run("start").ok()
    container.says("begun")
    assert (container.status, container.pid) == ("running", pid)
    container.run("start").refused("cannot start an already running container")
    container.run("resume").refused("container not paused")
    rows = container.run("ps").ok().out.splitlines()
    assert rows[0].split()[0] == "PID"
    assert [row.split()[0] for row in rows[1:]] == [str(pid)]
    assert json.loads(container.run("ps", options=["--format", "json"]).ok().out) == [pid]
    listed = host.run("list").ok().out
    assert container.id in listed
    assert "running" in listed
    container.delete().refused(f"cannot delete container {container.id} that is not stopped: running")
    container.kill().ok()
    container.ends()
    after_its_end(container)
    container.delete().ok()
    container.run("state").refused("container does not exist")
    container.delete().refused("container does not exist")
    container.delete("--force").ok()
    assert host.traces() == []


def after_its_end(container: Container) -> None:
    """What a stopped container is, and what it refuses."""
    state = container.state()
    assert (state["status"], state["pid"]) == ("stopped", 0)
    container.kill("TERM").refused("container not running")
    container.run("start").refused("cannot start a container that has stopped")
    container.run("pause").refused("container not running")
    container.exec("/bin/ls").refused("cannot exec in a stopped container", code=255)
    rows = container.run("ps").ok().out.splitlines()
    assert len(rows) == 1
    assert json.loads(container.run("ps", options=["--format", "json"]).ok().out) == []


def test_a_created_container_can_be_killed_and_deleted(host: Host) -> None:
    """JAIL-KILL-04, JAIL-DEL-02, JAIL-CREATE-06: the program never runs, and the waiting process ends."""
    container = host.create(host.sh("echo ran"))
    pid = container.pid
    container.delete().ok()
    assert container.output() == ""
    poll(lambda: gone(host, pid), "the end of the entry point")
    other = host.create(host.sh("echo ran"))
    other.kill().ok()
    other.ends()
    other.run("start").refused("cannot start a container that has stopped")
    other.delete().ok()


def test_killing_what_ignores_it(host: Host) -> None:
    """JAIL-DEL-02, JAIL-KILL-04: with -f all are gone before jail(8) would wait for them to heed its TERM."""
    script = "trap '' TERM; /bin/sleep 1000 & echo ready; while :; do /bin/sleep 1; done"
    container = host.start(host.sh(script))
    container.says("ready")
    container.kill("TERM").ok()
    assert container.status == "running"
    container.delete("--force").ok()
    assert host.traces() == []
    assert not host.jail_waited()


def test_what_outlives_the_program(host: Host) -> None:
    """JAIL-STATE-03, JAIL-KILL-05, JAIL-DEL-01: the container has stopped, and delete ends the rest."""
    container = host.start(host.sh("/bin/sleep 1000 & /bin/sleep 1000 & echo $!"))
    poll(lambda: container.status == "stopped", "the end of the program")
    assert len(host.processes(container)) == 2
    container.delete().ok()
    other = host.start(host.sh("/bin/sleep 1000 & exec /bin/sleep 1000"))
    poll(lambda: len(host.processes(other)) == 2, "both processes")
    other.run("kill", "KILL", options=["--all"]).ok()
    poll(lambda: not host.processes(other), "the end of both")
    other.ends()


def test_signals_by_name_and_number(host: Host) -> None:
    """JAIL-KILL-02, JAIL-KILL-03: names with or without SIG and in any case; 0 only looks; what is none is refused."""
    script = "trap 'echo one' USR1; trap 'echo two' USR2; echo ready; while :; do /bin/sleep 0.1; done"
    container = host.start(host.sh(script))
    container.says("ready")
    container.kill("usr1").ok()
    container.says("one")
    container.kill("SIGUSR2").ok()
    container.says("two")
    container.kill("0").ok()
    for word, text in (("SIGPWR", 'unknown signal "SIGPWR"'), ("-1", ""), ("127", "")):
        container.kill(word).refused(text)
    assert container.status == "running"
    container.kill("9").ok()
    container.ends()


def test_pause_and_resume(host: Host) -> None:
    """JAIL-PAUSE-01, JAIL-KILL-04, JAIL-EXEC-04: all processes stand still; TERM waits for resume, KILL does not."""
    script = "/bin/sleep 1000 & trap 'echo heard; exit 3' TERM; echo ready; while :; do /bin/sleep 0.1; done"
    container = host.start(host.sh(script))
    container.says("ready")
    container.run("pause").ok()
    assert container.status == "paused"
    states = host.tool("ps", "-J", container.jid, "-o", "stat=").out.split()
    assert states
    assert all(state.startswith("T") for state in states)
    container.exec("/bin/ls").refused("cannot exec in a paused container", code=255)
    container.run("start").refused("cannot start a container in the paused state")
    container.delete().refused("that is not stopped: paused")
    container.kill("TERM").ok()
    assert "heard" not in container.output()
    container.run("resume").ok()
    container.says("heard")
    container.ends()
    other = host.start(host.bundle())
    other.run("pause").ok()
    other.kill("KILL").ok()
    other.ends()


def test_the_status_of_a_foreground_run(host: Host) -> None:
    """JAIL-RUN-01, JAIL-RUN-02: the program's own, 128+N, 127 and 126 for what cannot be run; nothing is left."""
    assert host.output(host.sh("echo out")) == "out\n"
    for script, code in (("exit 42", 42), ("kill -9 $$", 137), ("exit 126", 126), ("exit 127", 127)):
        bundle = host.sh(script)
        bundle.write()
        assert host.run("run", "--bundle", bundle.path, host.name()).code == code
    missing = host.refuses(host.bundle("/bin/nosuch"), "nosuch", "no such file or directory", verb="run", code=127)
    assert missing.out == ""
    host.refuses(host.bundle("nosuch"), "nosuch", "executable file not found", verb="run", code=127)
    plain = host.bundle("/etc/passwd")
    host.refuses(plain, "/etc/passwd", "permission denied", verb="run", code=126)
    assert host.traces() == []


def test_what_is_left_over_does_not_delay_a_run(host: Host) -> None:
    """JAIL-RUN-01."""
    bundle = host.sh("/bin/sleep 1000 & exit 5")
    bundle.write()
    assert host.run("run", "--bundle", bundle.path, host.name()).code == 5
    assert host.traces() == []


def test_a_foreground_run_passes_signals_and_input_on(host: Host) -> None:
    """JAIL-RUN-03: TERM reaches the program; its input ends when the caller's does; all of its output arrives."""
    bundle = host.sh("trap 'echo heard; exit 9' TERM; echo ready; while :; do /bin/sleep 0.1; done")
    bundle.write()
    running = host.spawn("run", "--bundle", bundle.path, host.name())
    poll(lambda: "ready" in running.output(), "the program")
    os.kill(running.pid, signal.SIGTERM)
    found = running.wait()
    assert (found.code, found.out) == (9, "ready\nheard\n")
    echoing = host.bundle("/bin/cat")
    echoing.write()
    text = "line\n" * 5000
    assert host.run("run", "--bundle", echoing.path, host.name(), stdin=text).ok().out == text


def test_run_detached_and_kept(host: Host) -> None:
    """JAIL-RUN-04."""
    bundle = host.bundle("/bin/sleep", "1000")
    bundle.write()
    container = Container(host, host.name(), host.path("out"))
    host.run("run", "--detach", "--bundle", bundle.path, container.id).ok()
    assert container.status == "running"
    container.delete("--force").ok()
    short = host.sh("exit 4")
    short.write()
    kept = Container(host, host.name(), host.path("out"))
    assert host.run("run", "--keep", "--bundle", short.path, kept.id).code == 4
    assert kept.status == "stopped"
    kept.delete().ok()


def test_a_killed_foreground_run_leaves_what_delete_cleans(host: Host) -> None:
    """JAIL-RUN-04."""
    bundle = host.sh("echo ready; exec /bin/sleep 1000")
    bundle.write()
    container = Container(host, host.name(), host.path("out"))
    running = host.spawn("run", "--bundle", bundle.path, container.id)
    poll(lambda: "ready" in running.output(), "the program")
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    container.delete("--force").ok()
    assert host.traces() == []


def test_exec_in_a_running_container(host: Host) -> None:
    """JAIL-EXEC-01, JAIL-EXEC-02, JAIL-EXEC-03: its own words, its own status, in the jail and nowhere else."""
    bundle = host.bundle()
    bundle.file("hello", "from inside\n")
    bundle.process["env"].append("GREETING=hi")
    container = host.start(bundle)
    found = container.exec_sh("/bin/cat /hello; echo $GREETING $MORE; exit 7", "--env", "MORE=there")
    assert (found.code, found.out) == (7, "from inside\nhi there\n")
    assert container.exec_sh("kill -9 $$").code == 137
    assert container.exec_sh("pwd", "--cwd", "/etc").ok().out == "/etc\n"
    assert container.exec("/bin/cat", stdin="text\n").ok().out == "text\n"
    container.exec("/bin/nosuch").refused("no such file or directory", code=255)
    container.exec("nosuch").refused("executable file not found", code=255)
    container.exec("/etc/passwd").refused("permission denied", code=255)
    as_user(host, container)
    whole = host.path("process.json")
    process = {"args": ["/bin/sh", "-c", "echo $A; pwd"], "cwd": "/tmp", "env": ["A=b"], "user": {"uid": 0, "gid": 0}}
    with open(whole, "w") as file:
        json.dump(process, file)
    assert container.run("exec", options=["--process", whole]).ok().out == "b\n/tmp\n"
    process["capabilities"] = {"bounding": ["CAP_CHOWN"]}
    with open(whole, "w") as file:
        json.dump(process, file)
    container.run("exec", options=["--process", whole]).refused("capabilities", code=255)


def as_user(host: Host, container: Container) -> None:
    """A process of another user writes as that one."""
    made = f"{container.state()['rootfs']}/tmp/made"
    container.exec_sh("echo > /tmp/made", "--user", "1234:1235").ok()
    assert os.stat(made).st_uid == 1234


def test_a_detached_exec(host: Host) -> None:
    """JAIL-EXEC-03, JAIL-PS-01: the pid file holds the pid of what runs the command."""
    container = host.start(host.bundle())
    pid_file = host.path("pid")
    container.exec("/bin/sleep", "999", options=["--detach", "--pid-file", pid_file]).ok()
    pid = int(text_of(pid_file))
    rows = host.tool("ps", "-p", str(pid), "-o", "jid=", "-o", "command=").ok().out.split()
    assert rows == [container.jid, "/bin/sleep", "999"]
    assert pid in json.loads(container.run("ps", options=["-f", "json"]).ok().out)


def test_exec_in_a_created_container(host: Host) -> None:
    """JAIL-EXEC-04."""
    container = host.create(host.sh("echo ran"))
    assert container.exec("/bin/echo", "early").ok().out == "early\n"
    container.run("start").ok()
    container.says("ran")


def test_the_jail_was_removed_by_hand(host: Host) -> None:
    """JAIL-START-03, JAIL-DEL-03, JAIL-NET-04: the container has stopped; delete undoes what remains."""
    container = host.create(host.bundle())
    host.tool("jail", "-r", container.jid).ok()
    poll(lambda: container.status == "stopped", "the end")
    container.run("start").refused("cannot start a container that has stopped")
    container.delete().ok()
    assert host.traces() == []


def test_the_bundle_is_no_longer_needed(host: Host) -> None:
    """JAIL-CREATE-10: what was read at create counts; without the bundle all commands work."""
    bundle = host.sh("echo first; exec /bin/sleep 1000")
    container = host.create(bundle)
    bundle.process["args"] = ["/bin/sh", "-c", "echo second"]
    bundle.write()
    container.run("start").ok()
    container.says("first")
    held = os.stat(f"{host.root}/{container.id}/config.json")
    assert held.st_mode & 0o777 == 0o600
    os.unlink(f"{bundle.path}/config.json")
    assert container.status == "running"
    assert container.exec("/bin/echo", "still").ok().out == "still\n"
    container.kill("KILL").ok()
    container.ends()
    container.delete().ok()


def test_two_at_once(host: Host) -> None:
    """JAIL-START-02, JAIL-CRASH-04: of two creates, and of two starts, exactly one succeeds."""
    bundle = host.bundle()
    bundle.write()
    name = host.name()
    racing = [host.spawn("create", "--bundle", bundle.path, name) for _ in range(2)]
    found = [one.wait() for one in racing]
    assert sorted(one.code for one in found) == [0, 1], found
    (loser,) = [one for one in found if one.code]
    assert "already exists" in loser.err
    starting = [host.spawn("start", name) for _ in range(2)]
    results = [one.wait() for one in starting]
    assert sorted(one.code for one in results) == [0, 1], results
    assert "cannot start an already running container" in next(one.err for one in results if one.code)
    assert Container(host, name, "").status == "running"


def test_killed_in_the_middle(host: Host) -> None:
    """JAIL-CRASH-01: create is killed behind five of its tools; delete by force leaves nothing."""
    bundle = host.bundle()
    bundle.jail.update({"interface": "lo0", "ip4Addr": ["127.219.4.7"]})
    bundle.resources["cpu"] = {"cpus": "0"}
    bundle.write()
    for tool in ("ifconfig", "devfs", "mount", "jail", "cpuset"):
        name = host.name()
        host.let_kill(tool)
        killed = host.run("create", "--bundle", bundle.path, name, out=host.path())
        host.let_kill("")
        assert killed.code == 128 + signal.SIGKILL, (tool, killed)
        host.run("delete", "--force", name).ok()
        assert host.traces() == [], tool
        assert "127.219.4.7" not in host.tool("ifconfig", "lo0").out


def test_root_is_needed(host: Host) -> None:
    """JAIL-CREATE-13: anyone else is refused before anything is made."""
    bundle = host.bundle()
    bundle.write()
    os.chmod(host.folder, 0o777)
    line = [
        *host.launcher,
        "ringfence",
        "--root",
        f"{host.folder}/other",
        "create",
        "--bundle",
        bundle.path,
        host.name(),
    ]
    process = os.fork()
    if process == 0:
        as_nobody(line, f"{host.folder}/refused")
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == UNREADABLE:
        raise Skip("others cannot read this tree")
    told = text_of(f"{host.folder}/refused").lower()
    assert code == 1, told
    assert "operation not permitted" in told or "permission denied" in told
    assert host.traces() == []


def as_nobody(line: list[str], errors: str) -> None:
    """Execute a command as nobody in particular; it does not come back."""
    try:
        os.setgroups([])
        os.setgid(12345)
        os.setuid(12345)
        if not os.access(f"{REPOSITORY}/src/ringfence/cli/main.py", os.R_OK):
            os._exit(UNREADABLE)
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)
        os.execve(line[0], line, {"PATH": "/bin"})
    finally:
        os._exit(UNREADABLE + 1)
