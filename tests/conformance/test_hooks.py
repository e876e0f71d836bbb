"""The order, surroundings and failures of hooks."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.conformance.inside import inside, refused
from tests.support import Bundle, Container, Runtime, cgroup
from tests.support.process import read_text

CREATE = ("prestart", "createRuntime", "createContainer")
KINDS = (*CREATE, "startContainer", "poststart", "poststop")
RUNTIME = ("prestart", "createRuntime", "poststart", "poststop")
INNER = ("createContainer", "startContainer")
PID = r"pid=$(sed 's/.*\"pid\": *\([0-9]*\).*/\1/')"


class Notes:
    """A folder of the host that hooks of every kind can write to: it is bound to itself' place /notes inside."""

    def __init__(self, runtime: Runtime, bundle: Bundle) -> None:
        self.folder = runtime.new_path("notes")
        os.mkdir(self.folder)
        os.chmod(self.folder, 0o777)
        self.bundle = bundle
        bundle.bind(self.folder, "/notes")

    def hook(self, kind: str, script: str, **more: Any) -> None:
        """Add a hook that runs a shell script; ``$notes`` is the folder, where the hook sees it."""
        place = "/notes" if kind == "startContainer" else self.folder
        self.bundle.hook(kind, "/bin/sh", "-c", f"notes={place}; {script}", **more)

    def read(self, name: str) -> str:
        """What hooks wrote into a file of the folder, "" without such a file."""
        return read_text(os.path.join(self.folder, name))


@pytest.fixture
def notes(runtime: Runtime, bundle: Bundle) -> Notes:
    """Where hooks write to."""
    return Notes(runtime, bundle)


def run_all(runtime: Runtime, bundle: Bundle) -> Container:
    """A container that has been started, whose program runs."""
    bundle.sh("echo ready; exec sleep 1000")
    container = runtime.started(bundle)
    container.wait_output("ready\n")
    return container


def finish(container: Container) -> None:
    """Kill and delete."""
    container.end()
    container.delete().ok()


def test_order(runtime: Runtime, bundle: Bundle, notes: Notes) -> None:
    """LNX-HOOK-01: the six lists run in their order and moment, each in the order given.

    runc 1.1 runs poststart at the end of create.
    """
    for kind in reversed(KINDS):
        for number in (1, 2):
            notes.hook(kind, f"echo {kind}{number} >>$notes/order")
    bundle.sh("echo program >>/notes/order; exec sleep 1000")
    container = runtime.create(bundle)
    created = [f"{kind}{number}" for kind in CREATE for number in (1, 2)]
    assert notes.read("order").split() == created
    container.start()
    started = notes.read("order").split()[len(created) :]
    assert started[:2] == ["startContainer1", "startContainer2"]
    assert [word for word in started if word.startswith("post")] == ["poststart1", "poststart2"]
    finish(container)
    assert notes.read("order").split()[-2:] == ["poststop1", "poststop2"]


def test_each_hook_is_waited_for(runtime: Runtime, bundle: Bundle, notes: Notes) -> None:
    """LNX-HOOK-01: a hook ends before the next begins, in all lists but those of different commands."""
    for kind in (*CREATE, "startContainer"):
        notes.hook(kind, "sleep 0.1; echo end >>$notes/order")
        notes.hook(kind, "echo next >>$notes/order")
    inside(runtime, bundle, "echo program >>/notes/order")
    assert notes.read("order").split() == ["end", "next"] * 4 + ["program"]


@pytest.mark.parametrize("kind", ["prestart", "createRuntime"])
def test_runtime_hooks_before_the_root_switch(runtime: Runtime, bundle: Bundle, notes: Notes, kind: str) -> None:
    """LNX-HOOK-02: they run in the runtime's namespaces when the container's exist and its mounts are made.

    A mount they make in the container's mount namespace is seen there.
    """
    rootfs = bundle.rootfs
    shown = "readlink /proc/self/ns/mnt; readlink /proc/self/ns/pid; readlink /proc/$pid/ns/net"
    bind = f"nsenter -t $pid -m mount --bind {notes.folder} {rootfs}/mnt; echo seen >$notes/mark"
    there = f"nsenter -t $pid -m grep -c ' {rootfs}/dev/pts ' /proc/self/mountinfo"
    notes.hook(kind, f"{PID}; ({shown}; {there}) >$notes/out; {bind}")
    assert inside(runtime, bundle, "cat /mnt/mark") == "seen\n"
    mnt, pid, net, count = notes.read("out").split()
    assert (mnt, pid) == (os.readlink("/proc/self/ns/mnt"), os.readlink("/proc/self/ns/pid"))
    assert net != os.readlink("/proc/self/ns/net")
    assert int(count) >= 1


def test_create_container_hooks(runtime: Runtime, bundle: Bundle, notes: Notes) -> None:
    """LNX-HOOK-03: a program of the host runs in the container's namespaces, in the rootfs, before the root switch."""
    os.mkdir(os.path.join(bundle.rootfs, "lib/plugin"))
    shown = "pwd -P; readlink /proc/self/ns/mnt; readlink /proc/self/ns/uts; echo $PPID"
    notes.hook("createContainer", f"({shown}) >$notes/out; mount --bind $notes ./lib/plugin; echo seen >$notes/mark")
    assert inside(runtime, bundle, "cat /lib/plugin/mark") == "seen\n"
    cwd, mnt, uts, _ = notes.read("out").split()
    assert cwd == os.path.realpath(bundle.rootfs)
    assert mnt != os.readlink("/proc/self/ns/mnt")
    assert uts != os.readlink("/proc/self/ns/uts")


def test_start_container_hooks(runtime: Runtime, bundle: Bundle, notes: Notes) -> None:
    """LNX-HOOK-04: in the container after start, as the program's user with its limits, before the program."""
    bundle.file("/opt/hook", "#!/bin/sh\n(id -u; ulimit -n; readlink /proc/self/ns/mnt) >/notes/out\n", 0o755)
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.process["rlimits"] = [{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 77}]
    bundle.hook("startContainer", "/opt/hook")
    bundle.sh("cat /notes/out; readlink /proc/self/ns/mnt; exec sleep 1000")
    container = runtime.create(bundle)
    assert notes.read("out") == ""
    container.start()
    container.wait_output("mnt:")
    uid, limit, hooks_mnt, own_mnt = container.wait_output("]\nmnt:[").split()
    assert (uid, limit) == ("1000", "77")
    assert hooks_mnt == own_mnt


def test_poststart_hooks(runtime: Runtime, bundle: Bundle, notes: Notes) -> None:
    """LNX-HOOK-05: in the runtime's namespaces, after the program has been started, before start returns.

    runc 1.1 runs them at the end of create.
    """
    program = f"{PID}; tr '\\0' ' ' </proc/$pid/cmdline >$notes/program; readlink /proc/self/ns/mnt >$notes/mnt"
    notes.hook("poststart", program)
    bundle.args("sleep", "4321")
    runtime.started(bundle)
    assert notes.read("mnt").strip() == os.readlink("/proc/self/ns/mnt")
    assert notes.read("program") == "sleep 4321 "


def test_poststop_hooks(runtime: Runtime, bundle: Bundle, notes: Notes) -> None:
    """LNX-HOOK-06: after everything is removed, before delete returns."""
    bundle.sleep()
    notes.hook("poststop", "sleep 0.1; find /sys/fs/cgroup -name $name >$notes/left; echo done >$notes/done")
    name = runtime.new_id()
    words = bundle.config["hooks"]["poststop"][0]["args"]
    words[2] = f"name={name}; {words[2]}"
    container = runtime.create(bundle, name=name)
    container.start()
    assert cgroup.folders_named(name)
    finish(container)
    assert (notes.read("left"), notes.read("done")) == ("", "done\n")


STATUS = dict.fromkeys(CREATE, "creating") | {
    "startContainer": "created",
    "poststart": "running",
    "poststop": "stopped",
}


def test_state_on_standard_input(runtime: Runtime, bundle: Bundle, notes: Notes) -> None:
    """LNX-HOOK-07, LNX-HOOK-08: the state is one line of JSON, then end of file, with the status of the moment.

    pid is the host's in hooks that run there, 1 inside, and absent in poststop. runc 1.1 is early with poststart.
    """
    bundle.config["annotations"] = {"key": "value"}
    for kind in KINDS:
        notes.hook(kind, f"cat >$notes/{kind}")
    container = run_all(runtime, bundle)
    pid = container.pid
    finish(container)
    for kind in KINDS:
        text = notes.read(kind)
        assert len(text.strip().splitlines()) == 1
        state = json.loads(text)
        assert (state["id"], state["bundle"]) == (container.id, bundle.path)
        assert state["annotations"] == {"key": "value"}
        assert state["status"] == STATUS[kind], kind
        assert state["ociVersion"].startswith("1.")
        expected = None if kind == "poststop" else 1 if kind in INNER else pid
        assert state.get("pid", 0) in ((expected,) if expected else (0, None)), kind


def test_pid_without_a_pid_namespace(runtime: Runtime, bundle: Bundle, notes: Notes) -> None:
    """LNX-HOOK-08: without an own pid namespace the pid seen inside is the host's."""
    bundle.drop_namespace("pid")
    for kind in INNER:
        notes.hook(kind, f"cat >$notes/{kind}")
    container = run_all(runtime, bundle)
    assert [json.loads(notes.read(kind))["pid"] for kind in INNER] == [container.pid] * 2
    container.end()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", ["", "bin/true", "./true"])
def test_bad_path_is_refused(runtime: Runtime, bundle: Bundle, kind: str, path: str) -> None:
    """LNX-HOOK-09: a path that is empty or not absolute is an error at create. runc 1.1 finds out later."""
    bundle.config["hooks"] = {kind: [{"path": path}]}
    refused(runtime, bundle)


@pytest.mark.parametrize("args", [["other", "a b", ""], None], ids=["given", "absent"])
def test_arguments(runtime: Runtime, bundle: Bundle, notes: Notes, args: list[str] | None) -> None:
    """LNX-HOOK-09: `args` is argv with argv[0]; absent, argv[0] is the path."""
    path = runtime.new_path("hook")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\ntr '\\0' '\\n' </proc/$$/cmdline >{notes.folder}/argv\n")
    os.chmod(path, 0o755)
    bundle.config["hooks"] = {"createRuntime": [{"path": path} if args is None else {"path": path, "args": args}]}
    inside(runtime, bundle, "true")
    words = notes.read("argv").split("\n")[:-1]
    # The kernel puts the interpreter and the script's path in the place of argv[0].
    assert words == ["/bin/sh", path, *(args or ["-"])[1:]]


def environment(kind: str) -> str:
    """A script that notes the environment it was started with; /proc of the host shows no pid of the container."""
    process = "$$" if kind == "startContainer" else "self"
    return f"tr '\\0' '\\n' </proc/{process}/environ >$notes/{kind}; true"


def test_given_environment(runtime: Runtime, bundle: Bundle, notes: Notes) -> None:
    """LNX-HOOK-10: `env` is exactly the environment of the hook."""
    for kind in KINDS:
        notes.hook(kind, environment(kind), env=["PATH=/bin:/usr/bin", "ONE=1"])
    finish(run_all(runtime, bundle))
    for kind in KINDS:
        assert sorted(notes.read(kind).split()) == ["ONE=1", "PATH=/bin:/usr/bin"], kind


def test_absent_environment(runtime: Runtime, bundle: Bundle, notes: Notes) -> None:
    """LNX-HOOK-10: absent, runtime hooks inherit the runtime's environment, inner ones have that of init.

    runc 1.1 gives inner hooks the program's environment, too.
    """
    runtime.env["OF_THE_RUNTIME"] = "yes"
    bundle.env.append("OF_THE_PROGRAM=yes")
    for kind in KINDS:
        notes.hook(kind, environment(kind))
    finish(run_all(runtime, bundle))
    for kind in KINDS:
        found = notes.read(kind).split()
        assert ("OF_THE_RUNTIME=yes" in found) == (kind in RUNTIME), kind
        assert ("OF_THE_PROGRAM=yes" in found) == (kind in INNER), kind
    assert "HOME=/root" in notes.read("startContainer").split()


@pytest.mark.parametrize("kind", RUNTIME)
def test_folder_of_runtime_hooks(runtime: Runtime, bundle: Bundle, notes: Notes, kind: str) -> None:
    """LNX-HOOK-11: the working directory is the bundle; output is collected and not shown."""
    notes.hook(kind, "pwd -P >$notes/cwd; echo noise; echo noise >&2")
    bundle.args("true")
    result = runtime.run_bundle(bundle)
    assert (result.code, result.out, result.err) == (0, "", "")
    assert notes.read("cwd").strip() == os.path.realpath(bundle.path)


@pytest.mark.parametrize("kind", CREATE)
def test_timeout(runtime: Runtime, bundle: Bundle, notes: Notes, kind: str) -> None:
    """LNX-HOOK-12: a hook that takes longer is killed, which is a failure in the words callers know."""
    notes.hook(kind, "exec sleep 1000", timeout=1)
    refused(runtime, bundle, "hook ran past specified timeout of 1.0s")


def test_hook_within_its_timeout(runtime: Runtime, bundle: Bundle, notes: Notes) -> None:
    """LNX-HOOK-12: a hook that ends in time is as one without a timeout."""
    for kind in KINDS:
        notes.hook(kind, "true", timeout=20)
    inside(runtime, bundle, "true")


@pytest.mark.parametrize("timeout", [0, -1])
def test_bad_timeout_is_refused(runtime: Runtime, bundle: Bundle, timeout: int) -> None:
    """LNX-HOOK-12: a timeout that is not above 0 is an error. runc 1.1 waits no time."""
    bundle.hook("createRuntime", "/bin/true", timeout=timeout)
    refused(runtime, bundle)


@pytest.mark.parametrize("kind", CREATE)
def test_failing_create_hook(runtime: Runtime, bundle: Bundle, notes: Notes, kind: str) -> None:
    """LNX-HOOK-13: the container is removed, later hooks of the list do not run, poststop hooks do.

    The text names list, place and exit status, and carries the output. runc 1.1 leaves out the list's name.
    """
    notes.hook(kind, "true")
    notes.hook(kind, "echo some reason >&2; exit 42")
    notes.hook(kind, "echo later >>$notes/later")
    notes.hook("poststop", "echo stopped >>$notes/stopped")
    message = refused(runtime, bundle, f"error running {kind} hook #1: ", "exit status 42")
    assert "some reason" in message
    assert (notes.read("later"), notes.read("stopped")) == ("", "stopped\n")


def test_hook_that_does_not_exist(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-HOOK-13: a hook that cannot be run is a failing one. runc 1.1 leaves out the list's name."""
    bundle.hook("createRuntime", "/no/such/hook")
    refused(runtime, bundle, "error running createRuntime hook #0: ", "no such file or directory")


def test_hook_that_a_signal_ends(runtime: Runtime, bundle: Bundle, notes: Notes) -> None:
    """LNX-HOOK-13: the text carries the signal. runc 1.1 leaves out the list's name."""
    notes.hook("createRuntime", "kill -SYS $$")
    refused(runtime, bundle, "error running createRuntime hook #0: ", "bad system call")


@pytest.mark.parametrize("kind", ["startContainer", "poststart"])
def test_failing_start_hook(runtime: Runtime, bundle: Bundle, notes: Notes, kind: str) -> None:
    """LNX-HOOK-13: the same for hooks of start, as seen by run. runc 1.1 leaves out the list's name."""
    notes.hook(kind, "echo some reason >&2; exit 42")
    notes.hook(kind, "echo later >>$notes/later")
    notes.hook("poststop", "echo stopped >>$notes/stopped")
    bundle.args("sleep", "1000")
    result = runtime.run_bundle(bundle)
    assert result.code == 1
    said = runtime.last_error() + result.err
    assert f"error running {kind} hook #0: " in said
    assert "exit status 42" in said
    assert (notes.read("later"), notes.read("stopped")) == ("", "stopped\n")
    assert runtime.ids() == []


@pytest.mark.parametrize("kind", ["startContainer", "poststart"])
def test_failing_hook_of_the_start_command(runtime: Runtime, bundle: Bundle, notes: Notes, kind: str) -> None:
    """LNX-HOOK-13: a container whose start failed does not run on.

    runc 1.1 runs poststart at the end of create.
    """
    notes.hook(kind, "exit 42")
    bundle.args("sleep", "1000")
    container = runtime.create(bundle)
    pid = container.pid
    result = runtime.run("start", container.id)
    if kind == "poststart":
        assert result.code == 1
        assert "error running poststart hook #0: " in runtime.last_error()
    assert container.reap() != 0
    assert not os.path.exists(f"/proc/{pid}")


def test_failing_poststop_hook(runtime: Runtime, bundle: Bundle, notes: Notes) -> None:
    """LNX-HOOK-14: a failing poststop hook is warned of, the others run, and delete counts as done.

    runc stops at the first.
    """
    notes.hook("poststop", "exit 42")
    notes.hook("poststop", "echo second >>$notes/second")
    bundle.sleep()
    container = runtime.started(bundle)
    container.end()
    assert container.delete().code == 0
    assert not container.exists()
    assert notes.read("second") == "second\n"
    warned = [record["msg"] for record in runtime.log_records() if record["level"] == "warning"]
    assert any("poststop hook #0" in text and "exit status 42" in text for text in warned)
