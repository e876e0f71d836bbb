"""Called as runj, on any machine with jails."""

from __future__ import annotations

import json
import os

from tests.jail.consoles import Console
from tests.jail.harness import Container, Host, Result, poll, text_of


def runj(host: Host, *words: str, **how: object) -> Result:
    """One command of runj's."""
    return host.run(*words, program="runj", **how)


def test_a_life_under_runjs_name(host: Host) -> None:
    """JAIL-COMPAT-01, JAIL-COMPAT-02: create to delete in its words, with a bundle whose root is not named."""
    bundle = host.sh("echo begun; exec /bin/sleep 1000")
    os.rename(bundle.rootfs, f"{bundle.path}/root")
    del bundle.config["root"]
    bundle.config["ociVersion"] = "1.0.2"
    bundle.config["process"]["capabilities"] = {"bounding": ["CAP_CHOWN"]}
    bundle.write()
    container = Container(host, host.name(), host.path("out"))
    pid_file = host.path("pid")
    told = runj(host, "create", container.id, bundle.path, "--pid-file", pid_file, out=container.out).ok()
    assert told.err.count("/process/capabilities") == 1
    pid = int(text_of(pid_file))
    state = {"ociVersion": "1.0.2", "id": container.id, "status": "created", "pid": pid, "bundle": bundle.path}
    assert runj(host, "state", container.id).ok().out == json.dumps(state, indent=2) + "\n"
    runj(host, "start", container.id).ok()
    container.says("begun")
    runj(host, "start", container.id).refused("cannot start already running container")
    runj(host, "delete", container.id).refused(f'delete: jail "{container.id}" is not stopped')
    assert runj(host, "extension", "exec", container.id, "/bin/sh", "-c", "echo in; exit 7").code == 7
    assert runj(host, "ext", "exec", container.id, "/bin/nosuch").code == 1
    runj(host, "kill", "-p", str(pid), container.id, "USR1").ok()
    poll(lambda: container.status == "stopped", "the end")
    assert "pid" not in json.loads(runj(host, "state", container.id).ok().out)
    runj(host, "kill", container.id).refused("cannot signal non-running container")
    runj(host, "delete", container.id).ok()
    assert host.traces() == []


def test_what_runj_did_wrong(host: Host) -> None:
    """JAIL-COMPAT-03: a bundle named from elsewhere, a root without kill, the host's variables, cwd, a jail removed."""
    bundle = host.sh('echo "${SECRET-none} $(pwd)"; exec /bin/sleep 1000')
    bundle.process["cwd"] = "/tmp"
    del bundle.process["env"]
    true = next(path for path in ("/usr/bin/true", "/bin/true") if os.path.exists(path))
    bundle.config["hooks"] = {"createRuntime": [{"path": true, "args": []}]}
    os.unlink(f"{bundle.rootfs}/bin/kill")
    bundle.write()
    container = Container(host, host.name(), host.path("out"))
    where, name = os.path.split(bundle.path)
    runj(host, "create", container.id, name, cwd=where, env={"SECRET": "1"}, out=container.out).ok()
    runj(host, "start", container.id, cwd="/").ok()
    assert container.says("\n") == "none /tmp\n"
    runj(host, "kill", "--all", container.id, "KILL").ok()
    container.ends()
    host.tool("jail", "-r", container.jid).ok()
    runj(host, "delete", container.id).ok()
    assert host.traces() == []


def test_an_exec_with_a_console_waits_for_its_program(host: Host) -> None:
    """JAIL-COMPAT-01: its terminal goes to the socket, its status comes back."""
    console = Console(f"{host.folder}/c")
    try:
        container = host.start(host.bundle())
        process = {"args": ["/bin/sh", "-c", "test -t 0 && echo tty; exit 5"], "terminal": True, "cwd": "/"}
        with open(f"{host.folder}/p.json", "w") as file:
            json.dump({**process, "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}}, file)
        line = ["ext", "exec", "-p", f"{host.folder}/p.json", "--console-socket", console.path, container.id]
        running = host.spawn(*line, program="runj")
        console.receive()
        console.read_until("tty")
        assert running.wait().code == 5
        assert [
            name for name in os.listdir(f"{host.root}/{container.id}") if name.startswith("exec.") and name[5].isdigit()
        ] == []
    finally:
        console.close()
