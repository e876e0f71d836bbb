"""Which tools are called, in what order, with what; and that ``explain`` tells the same."""

from __future__ import annotations

import json

from tests.jail.consoles import Console
from tests.jail.harness import Container
from tests.jail.standin import StandIn

PATH = "/sbin:/bin:/usr/sbin:/usr/bin"
CHANGING = ("create", "apply", "add", "-c", "-a", "-r", "-l", "vnet", "-vnet", "-m", "alias", "-alias")


def verbs(calls: list[list[str]]) -> list[str]:
    """The calls as a tool and what it is for."""
    return [" ".join(call[:2]) for call in calls]


def test_the_tools_of_a_plain_life(standin: StandIn) -> None:
    """JAIL-CREATE-11, JAIL-CREATE-01, JAIL-CREATE-02, JAIL-STATE-05: eight at most from create to delete."""
    # The rulesets of our own are made once after the system has started.
    standin.create(standin.bundle()).delete("--force").ok()
    standin.forget_calls()
    bundle = standin.sh("exit 0")
    container = standin.create(bundle)
    made = standin.calls()
    container.run("start").ok()
    assert standin.calls() == made, "start needs no tool"
    standin.reap()
    standin.run("delete", "--force", container.id).ok()
    calls = standin.calls()
    print(f"{len(calls)} tools for create, start and delete: {verbs(calls)}")
    assert len(calls) <= 8, calls
    (creation,) = [call for call in made if call[0] == "jail"]
    assert creation[1:3] == ["-i", "-c"]
    assert "persist" in creation
    assert f"path={bundle.rootfs}" in creation
    assert f"name={container.id}" in creation
    assert not [word for word in creation if word.startswith(("command=", "exec."))]
    assert made.index(creation) > next(number for number, call in enumerate(made) if call[0] == "mount")
    for entry in standin.log():
        assert entry["env"]["LC_ALL"] == "C"
        assert entry["env"]["PATH"] == PATH
        assert entry["stdin"] == "/dev/null" or entry["stdin"].startswith("pipe:"), entry
    for removed in ("jail -r", "umount"):
        assert [call for call in verbs(calls) if call.startswith(removed)]


def test_a_rich_create_is_in_order(standin: StandIn) -> None:
    """JAIL-CREATE-01, JAIL-DEL-01, JAIL-MNT-01: mounts, the jail, its interfaces, its limits; back in reverse."""
    standin.tool("ifconfig", "epair", "create").ok()
    standin.forget_calls()
    bundle = standin.bundle()
    bundle.jail.update({"vnet": "new", "vnetInterfaces": ["epair0a", "epair0b"]})
    bundle.mount("/mnt", "tmpfs", "tmpfs")
    bundle.mount("/var", "nullfs", standin.template)
    bundle.resources.update({"memory": {"limit": 1 << 26}, "cpu": {"cpus": "1"}})
    container = standin.create(bundle)
    made = standin.calls()
    shown = [
        call[0] for call in made if call[0] in ("mount", "jail", "ifconfig", "rctl", "cpuset") and "-p" not in call
    ]
    assert shown == ["mount", "mount", "mount", "jail", "ifconfig", "ifconfig", "rctl", "cpuset"], made
    assert [call[-1] for call in made if call[0] == "mount" and "-t" in call] == [
        f"{bundle.rootfs}/{name}" for name in ("dev", "mnt", "var")
    ]
    assert ["ifconfig", "epair0a", "vnet", container.jid] in made
    standin.forget_calls()
    container.delete("--force").ok()
    undone = standin.calls()
    gone = [call[-1] for call in undone if call[0] == "umount"]
    assert gone == [f"{bundle.rootfs}/{name}" for name in ("var", "mnt", "dev")]
    order = [call[0] for call in undone if call[0] in ("ifconfig", "jail", "umount", "rctl")]
    assert order.index("ifconfig") < order.index("jail") < order.index("umount")
    assert ["rctl", "-r", f"jail:{container.id}"] in undone
    assert standin.traces() == []


def test_explain_tells_what_create_does(standin: StandIn) -> None:
    """JAIL-CREATE-13: the same steps in the same order, each with its pointer, and no tool is started."""
    bundle = standin.bundle(hostname="web")
    bundle.jail.update({"interface": "lo0", "ip4Addr": ["127.219.4.9"]})
    bundle.mount("/mnt", "tmpfs", "tmpfs", "size=1m")
    bundle.resources["pids"] = {"limit": 9}
    bundle.write()
    standin.forget_calls()
    told = json.loads(standin.run("explain", "--json", "--bundle", bundle.path).ok().out)
    assert standin.calls() == []
    assert told["driver"] == "jail"
    steps = told["steps"]
    text = [f"{step['verb']} {step['text']}" for step in steps]
    asked = [step["pointer"] for step in steps if step["pointer"]]
    assert {"/mounts/0", "/mounts/1", "/freebsd/jail", "/process/args", "/linux/resources/pids/limit"} <= set(asked), (
        asked
    )
    container = standin.create(bundle)
    creation = next(call for call in standin.calls() if call[:3] == ["jail", "-i", "-c"])
    joined = "\n".join(text)
    for word in creation[3:]:
        name, _, value = word.partition("=")
        assert name in ("name", "path", "persist") or (name in joined and value in joined), (word, joined)
    for part in ("127.219.4.9", "/mnt", "size=", "maxproc"):
        assert part in joined, (part, joined)
    container.delete("--force").ok()


def test_a_life_without_what_linux_alone_has(standin: StandIn) -> None:
    """JAIL-PORT-01, JAIL-PORT-03: no name of Linux', no look at /proc, pipes of nobody, a signal nobody handles."""
    standin.settings("from tests.unit.freebsd.disguise import strip; strip('freebsd14')")
    bundle = standin.sh("echo out; exec /bin/sleep 1000")
    bundle.resources["pids"] = {"limit": 50}
    container = standin.start(bundle)
    container.says("out")
    assert container.status == "running"
    assert container.exec_sh("echo in; exit 4").code == 4
    for verb, options in (("ps", []), ("pause", []), ("resume", []), ("update", ["--pids-limit", "60"])):
        container.run(verb, options=options).ok()
    container.run("events", options=["--stats"]).ok()
    standin.run("list").ok()
    container.kill("KILL").ok()
    container.ends()
    container.delete().ok()
    quick = standin.sh("cat; exit 6")
    quick.write()
    found = standin.run("run", "--bundle", quick.path, standin.name(), stdin="through")
    assert (found.code, found.out) == (6, "through")
    told = standin.run("features").ok().out
    assert "jail" in told
    console = Console(f"{standin.folder}/c")
    try:
        quick.process["terminal"] = True
        quick.write()
        standin.run("create", "--bundle", quick.path, "--console-socket", console.path, standin.name()).ok()
        console.receive()
    finally:
        console.close()


def test_one_tool_for_any_number_of_containers(standin: StandIn) -> None:
    """JAIL-STATE-05: list shows our records alone, from one call; state makes one too; a broken record is skipped."""
    containers = [standin.create(standin.bundle()) for _ in range(3)]
    standin.tool("jail", "-c", "name=foreign", f"path={standin.template}", "persist").ok()
    with open(f"{standin.root}/{containers[0].id}/state.json", "w") as file:
        file.write('{"half":')
    standin.forget_calls()
    told = standin.run("list")
    assert len(standin.calls()) == 1, standin.calls()
    assert containers[1].id in told.out
    assert "foreign" not in told.out
    assert containers[0].id not in told.out
    assert containers[0].id in told.err
    standin.forget_calls()
    standin.run("state", containers[2].id).ok()
    assert len(standin.calls()) == 1
    standin.tool("jail", "-r", "foreign").ok()
    standin.run("delete", "--force", containers[0].id).ok()


def test_podmans_command_lines(standin: StandIn) -> None:
    """JAIL-COMPAT-05: its global options, the pod's jail by annotation, and exec by a file."""
    pod = standin.path("pod")
    standin.tool("jail", "-c", f"name={standin.token}-pod", f"path={standin.template}", "persist", "vnet=new").ok()
    log = f"{standin.folder}/podman.log"
    options = ["--root", standin.root, "--log", log, "--log-format", "json", "--log-level", "warning"]
    options += ["--cgroup-manager", "disabled"]
    bundle = standin.bundle(annotations={"org.freebsd.parentJail": f"{standin.token}-pod"})
    bundle.write()
    name = standin.name()
    line = ["create", "--bundle", bundle.path, "--pid-file", pod, name]
    standin.run(*line, options=options, out=standin.path()).ok()
    container = Container(standin, name, "")
    assert standin.jail(container, "name") == [f"{standin.token}-pod.{name}"]
    standin.run("start", name, options=options).ok()
    process = standin.path("process")
    with open(process, "w") as file:
        json.dump({"args": ["/bin/echo", "hi"], "cwd": "/", "user": {"uid": 0, "gid": 0}}, file)
    pid_file = standin.path("pid")
    exec_line = ["exec", "--process", process, "--pid-file", pid_file, "--detach", name]
    standin.run(*exec_line, options=options, out=standin.path()).ok()
    standin.run("kill", name, "KILL", options=options).ok()
    container.ends()
    standin.run("kill", name, "KILL", options=options).refused("container not running")
    standin.run("delete", "--force", name, options=options).ok()
    standin.run("state", name, options=options).refused("container does not exist")
    standin.run("delete", "--force", name, options=options).ok()
    standin.tool("jail", "-r", f"{standin.token}-pod").ok()
