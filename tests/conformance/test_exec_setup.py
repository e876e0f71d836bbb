"""What an exec'd process is given: namespaces, rights, limits, terminal, descriptors, cgroup."""

from __future__ import annotations

import json
import os
import re

import pytest

from tests.conformance.test_exec import exec_file, find, process_file
from tests.support import Bundle, ConsoleSocket, Container, Runtime, cgroup
from tests.support.config import CAPABILITIES
from tests.support.console import read_all, read_until
from tests.support.mark import unlike_runc
from tests.support.process import read_text, status_field
from tests.support.terminal import Terminal, window_size

BITS = {
    "CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_KILL": 5, "CAP_NET_BIND_SERVICE": 10, "CAP_NET_ADMIN": 12,
    "CAP_SYS_ADMIN": 21, "CAP_AUDIT_WRITE": 29,
}  # fmt: skip
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


@pytest.fixture
def box(runtime: Runtime, bundle: Bundle) -> Container:
    """A running container."""
    bundle.sleep()
    return runtime.started(bundle)


def mask(*names: str) -> str:
    """Capabilities as /proc/PID/status shows them."""
    return f"{sum(1 << BITS[name] for name in names):016x}"


def capability_sets(container: Container, *options: str) -> dict[str, str]:
    """The five sets of an exec'd process by the names of /proc/PID/status."""
    lines = container.exec("cat", "/proc/self/status", options=options).ok().out.splitlines()
    return {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(SETS)}


def test_an_added_capability(box: Container) -> None:
    """LNX-EXEC-13: ``--cap`` adds to bounding, effective and permitted, never to inheritable or ambient."""
    held = capability_sets(box, "--cap", "CAP_SYS_ADMIN", "--cap", "CAP_CHOWN")
    three = mask(*CAPABILITIES, "CAP_SYS_ADMIN", "CAP_CHOWN")
    none = mask()
    assert held == {"CapInh": none, "CapPrm": three, "CapEff": three, "CapBnd": three, "CapAmb": none}


def test_an_added_capability_with_inheritable_ones(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EXEC-13: it is added to ambient if the configured inheritable set is not empty."""
    bundle.process["capabilities"]["inheritable"] = ["CAP_KILL"]
    bundle.process["user"] = {"uid": 1000, "gid": 1000}
    bundle.sleep()
    container = runtime.started(bundle)
    held = capability_sets(container, "-c", "CAP_KILL")
    assert held["CapInh"] == mask("CAP_KILL")
    assert held["CapAmb"] == mask("CAP_KILL")


@pytest.mark.parametrize(
    "configured", [{}, pytest.param(None, marks=unlike_runc("crashes without a capabilities object"))]
)
def test_an_added_capability_without_any(
    runtime: Runtime, bundle: Bundle, configured: dict[str, object] | None
) -> None:
    """LNX-EXEC-13: ``--cap`` may be used with an empty or missing capabilities object."""
    bundle.process["capabilities"] = configured
    if configured is None:
        del bundle.process["capabilities"]
    bundle.sleep()
    container = runtime.started(bundle)
    held = capability_sets(container, "-c", "CAP_NET_ADMIN")
    one = mask("CAP_NET_ADMIN")
    assert (held["CapPrm"], held["CapEff"], held["CapBnd"]) == (one, one, one)


@pytest.mark.parametrize(
    ("configured", "options", "value"), [(False, ["--no-new-privs"], "1"), (False, [], "0"), (True, [], "1")]
)
def test_no_new_privs(runtime: Runtime, bundle: Bundle, configured: bool, options: list[str], value: str) -> None:
    """LNX-EXEC-14: ``--no-new-privs`` overrides; when absent the configured value holds."""
    bundle.process["noNewPrivileges"] = configured
    bundle.sleep()
    container = runtime.started(bundle)
    out = container.exec("grep", "NoNewPrivs", "/proc/self/status", options=options).ok().out
    assert out.split() == ["NoNewPrivs:", value]


@pytest.mark.skipif(os.path.isdir("/sys/kernel/security/apparmor"), reason="needs a kernel without AppArmor")
def test_a_profile_without_apparmor(box: Container) -> None:
    """LNX-EXEC-14: ``--apparmor`` overrides, so without AppArmor in the kernel exec fails."""
    box.runtime.refuses("apparmor", "exec", "--apparmor", "some", box.id, "true", code=255)


@pytest.mark.skipif(os.path.isdir("/sys/fs/selinux"), reason="needs a kernel without SELinux")
def test_a_label_without_selinux(box: Container) -> None:
    """LNX-EXEC-14: so does ``--process-label`` without SELinux."""
    box.runtime.refuses("selinux", "exec", "--process-label", "a:b:c:d", box.id, "true", code=255)


def limited(bundle: Bundle) -> None:
    """Give the process everything of a process that can be told apart from the defaults."""
    bundle.process["rlimits"] = [
        {"type": "RLIMIT_NOFILE", "soft": 60, "hard": 70},
        {"type": "RLIMIT_CORE", "soft": 0, "hard": 9},
    ]
    bundle.process["user"] = {"uid": 0, "gid": 0, "umask": 0o027, "additionalGids": [7, 8]}
    bundle.process["oomScoreAdj"] = 321
    bundle.linux["seccomp"] = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 95}],
    }
    bundle.config["root"]["readonly"] = False


SHOW = (
    "ulimit -Sn; ulimit -Hn; umask; cat /proc/self/oom_score_adj; grep -E '^(Groups|Seccomp):' /proc/self/status;"
    "mkdir /tmp/new 2>&1"
)
SHOWN = [
    "60",
    "70",
    "0027",
    "321",
    "Groups:\t7 8 ",
    "Seccomp:\t2",
    "mkdir: can't create directory '/tmp/new': Not supported",
]


def lines_of(text: str) -> list[str]:
    """Lines, with one word for the errno text musl and glibc differ in."""
    return text.replace("Operation not supported", "Not supported").splitlines()


@unlike_runc("does not set the umask of exec'd processes")
def test_configured_limits_apply(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EXEC-15: rlimits, umask, oomScoreAdj, groups and seccomp of the configuration apply to exec'd processes."""
    limited(bundle)
    bundle.sleep()
    container = runtime.started(bundle)
    assert lines_of(container.sh(SHOW).out) == SHOWN


@unlike_runc("does not set the umask of exec'd processes")
def test_limits_of_a_process_file(box: Container) -> None:
    """LNX-EXEC-15: with ``-p`` those the process object can hold come from the file."""
    out = exec_file(
        box, "sh", "-c", "ulimit -Sn; umask; cat /proc/self/oom_score_adj; grep Groups: /proc/self/status; "
        "grep NoNewPrivs /proc/self/status; grep CapEff /proc/self/status",
        rlimits=[{"type": "RLIMIT_NOFILE", "soft": 33, "hard": 44}],
        user={"uid": 0, "gid": 0, "umask": 0o077, "additionalGids": [9]},
        oomScoreAdj=222,
        noNewPrivileges=False,
        capabilities={kind: ["CAP_KILL"] for kind in ("bounding", "effective", "permitted")},
    )  # fmt: skip
    words = out.split()
    assert words == ["33", "0077", "222", "Groups:", "9", "NoNewPrivs:", "0", "CapEff:", mask("CAP_KILL")]


@unlike_runc("knows neither scheduler nor ioPriority")
def test_scheduler_and_io_priority(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EXEC-15: scheduler and ioPriority of the configuration, or of the file, apply to exec'd processes."""
    bundle.process["scheduler"] = {"policy": "SCHED_BATCH", "nice": 5}
    bundle.process["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 6}
    bundle.sleep()
    container = runtime.started(bundle)
    show = "cut -d ' ' -f 19,41 /proc/self/stat; ionice -p $$"
    assert container.sh(show).ok().out == "5 3\nbest-effort: prio 6\n"
    out = exec_file(
        container, "sh", "-c", show, scheduler={"policy": "SCHED_IDLE"}, ioPriority={"class": "IOPRIO_CLASS_IDLE"}
    )
    assert out == f"{os.nice(0)} 5\nidle\n", "SCHED_IDLE leaves the caller's nice value"


@unlike_runc("does not know personality")
def test_personality(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EXEC-15: the personality of the configuration applies to exec'd processes."""
    bundle.linux["personality"] = {"domain": "LINUX32"}
    bundle.sleep()
    container = runtime.started(bundle)
    assert container.exec("uname", "-m").ok().out == "i686\n"


@pytest.mark.parametrize("user", [False, True])
def test_every_namespace_is_joined(runtime: Runtime, bundle: Bundle, user: bool) -> None:
    """LNX-EXEC-16: the process joins every namespace of the container, the user namespace too."""
    bundle.namespace("cgroup")
    if user:
        bundle.user_namespace()
    bundle.sleep()
    container = runtime.started(bundle)
    kinds = ["pid", "net", "ipc", "uts", "mnt", "cgroup", *(["user"] if user else [])]
    out = container.sh("for n in " + " ".join(kinds) + "; do readlink /proc/self/ns/$n; done").ok().out
    assert out.split() == [os.readlink(f"/proc/{container.pid}/ns/{kind}") for kind in kinds]


@unlike_runc("does not know time namespaces")
def test_the_time_namespace_is_joined(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EXEC-16: the time namespace is joined and its offsets are left."""
    bundle.namespace("time")
    bundle.linux["timeOffsets"] = {"monotonic": {"secs": 7881, "nanosecs": 2718281}}
    bundle.sleep()
    container = runtime.started(bundle)
    out = container.sh("readlink /proc/self/ns/time; cat /proc/self/timens_offsets").ok().out
    assert out.splitlines()[0] == os.readlink(f"/proc/{container.pid}/ns/time")
    assert re.search(r"monotonic\s+7881\s+2718281", out)


def test_the_root_of_a_user_namespace(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EXEC-16: in a user namespace the ids are those inside."""
    bundle.user_namespace()
    bundle.sleep()
    container = runtime.started(bundle)
    assert container.sh("echo $(id -u) $(stat -c %u /etc)").ok().out == "0 0\n"
    container.exec("sleep", "9873", options=["-d", "-u", "1000"]).ok()
    assert status_field(find("9873"), "Uid").split()[0] == "101000"


def test_a_terminal_in_the_foreground(box: Container, terminal: Terminal) -> None:
    """LNX-EXEC-22: ``-t`` makes a pty of the container's devpts standard input, output and error."""
    script = "for n in 0 1 2; do readlink /proc/self/fd/$n; done; stat -c '%u %g' $(tty); read x; echo got $x"
    words = [box.runtime.binary, *box.runtime.globals(), "exec", "-t", "-u", "1000", box.id, "sh", "-c", script]
    process = terminal.spawn(words, box.runtime.env, box.runtime.folder)
    shown = terminal.read_until("1000 5")
    terminal.type("word\n")
    code, rest = terminal.finish(process)
    names = re.findall(r"/dev/pts/\d+", shown)
    assert len(names) == 3
    assert len(set(names)) == 1
    assert code == 0
    assert "got word" in rest


def test_a_terminal_without_the_callers_input(box: Container, terminal: Terminal) -> None:
    """LNX-EXEC-22: ``-t`` works with standard input from /dev/null."""
    script = f"exec {box.runtime.binary} --root {box.runtime.root} exec -t {box.id} tty </dev/null"
    process = terminal.spawn(["sh", "-c", script], box.runtime.env, box.runtime.folder)
    code, shown = terminal.finish(process)
    assert code == 0
    assert re.search(r"/dev/pts/\d+", shown)


def test_the_terminal_is_given_back(box: Container, terminal: Terminal) -> None:
    """LNX-EXEC-22, LNX-EXEC-07: the exit status arrives and the caller's terminal is as before."""
    before = terminal.attributes()
    words = [box.runtime.binary, *box.runtime.globals(), "exec", "-t", box.id, "sh", "-c", "echo hi; exit 12"]
    process = terminal.spawn(words, box.runtime.env, box.runtime.folder)
    terminal.read_until("hi")
    assert process.wait() == 12
    assert terminal.attributes() == before


def test_a_detached_terminal(box: Container, console: ConsoleSocket) -> None:
    """LNX-EXEC-22, LNX-EXEC-20: detached, the master goes to the console socket."""
    process = box.runtime.spawn(
        "exec", "-d", "-t", "--console-socket", console.path, box.id, "sh", "-c", "tty; read x; echo got $x"
    )
    message = console.receive()
    assert process.wait().code == 0
    assert len(message.fds) == 1
    assert "/dev/pts/" in read_until(message.fds[0], "\n")
    os.write(message.fds[0], b"it\n")
    assert "got it" in read_all(message.fds[0])


def test_the_console_size(box: Container, console: ConsoleSocket) -> None:
    """LNX-EXEC-23: consoleSize of ``-p`` sets rows and columns also when detached."""
    path = process_file(
        box, "sh", "-c", "stty size; read x", terminal=True, consoleSize={"height": 12, "width": 34}
    )  # fmt: skip
    process = box.runtime.spawn("exec", "-d", "-p", path, "--console-socket", console.path, box.id)
    message = console.receive()
    assert process.wait().code == 0
    assert "12 34" in read_until(message.fds[0], "\n")
    assert window_size(message.fds[0]) == (12, 34)


@pytest.mark.parametrize(("count", "passed"), [(0, 0), (1, 1), (2, 2)])
def test_preserved_descriptors(box: Container, count: int, passed: int) -> None:
    """LNX-EXEC-26: ``--preserve-fds N`` passes descriptors 3 to 2+N, and only them."""
    path = box.runtime.new_path("kept")
    process = _with_descriptors(
        box.runtime, path, 3, "exec", "--preserve-fds", str(count), box.id, "ls", "/proc/self/fd"
    )
    shown = {int(word) for word in process.split()}
    assert shown - {3 + passed} == set(range(3 + passed))


def _with_descriptors(runtime: Runtime, path: str, count: int, *words: str) -> str:
    """Run the runtime with ``count`` open descriptors from 3 on and return its standard output."""
    opened = "".join(f" {3 + number}<>{path}{number}" for number in range(count))
    script = f'exec "$0" "$@"{opened}'
    runtime.prefix = ["/bin/sh", "-c", script]
    try:
        return runtime.run(*words).ok().out
    finally:
        runtime.prefix = []


@unlike_runc("passes over it")
def test_a_missing_preserved_descriptor(box: Container) -> None:
    """LNX-EXEC-26: a missing one is an error."""
    text = "unable to stat preserved-fd"
    box.runtime.refuses(text, "exec", "--preserve-fds", "4", box.id, "true", code=255)


v1 = pytest.mark.skipif(cgroup.is_v2(), reason="needs cgroup v1")


def sub_cgroups(container: Container, name: str, *controllers: str) -> list[str]:
    """Make a cgroup ``name`` below the container's, of these controllers or all."""
    own = cgroup.of_process(container.pid)
    folders = [os.path.join(own[key], name) for key in (controllers or own)]
    for folder in folders:
        os.makedirs(folder)
    for key in ("cpus", "mems"):
        if "cpuset" in own and os.path.isdir(os.path.join(own["cpuset"], name)):
            value = cgroup.read(own["cpuset"], f"cpuset.{key}")
            cgroup.write(os.path.join(own["cpuset"], name), f"cpuset.{key}", value)
    return folders


def paths_of(container: Container, *options: str) -> dict[str, str]:
    """Below the container's own, the cgroup of an exec'd process by controller, of hierarchies mounted here."""
    lines = container.exec("cat", "/proc/self/cgroup", options=options).ok().out.splitlines()
    found = {line.split(":")[1]: line.split(":", 2)[2] for line in lines}
    if not cgroup.is_v2():  # where a namespace of its own shows the container's cgroup as /
        assert all(container.id in value for key, value in found.items() if key.split(",")[0] in cgroup.hierarchies())
    return {
        key: value.rpartition(container.id)[2] or "/"
        for key, value in found.items()
        if key.split(",")[0] in cgroup.hierarchies()
    }


@v1
def test_the_cgroup_of_the_container(box: Container) -> None:
    """LNX-EXEC-28, LNX-EXEC-30: exec joins the container's cgroup in every hierarchy, the v2 one beside v1 too."""
    assert set(paths_of(box).values()) == {"/"}
    assert "" in paths_of(box)


@v1
def test_a_sub_cgroup(box: Container) -> None:
    """LNX-EXEC-29: a path without a controller holds for all."""
    sub_cgroups(box, "sub")
    held = paths_of(box, "--cgroup", "sub")
    assert {held[key] for key in held if key} == {"/sub"}


@v1
def test_a_sub_cgroup_of_some_controllers(box: Container) -> None:
    """LNX-EXEC-29: ``ctl[,ctl]:PATH`` may repeat, one path per controller."""
    sub_cgroups(box, "one", "memory", "pids")
    sub_cgroups(box, "two", "cpu")
    held = paths_of(box, "--cgroup", "memory,pids:one", "--cgroup", "cpu:two")
    assert (held["memory"], held["pids"], held["cpu"], held["freezer"]) == ("/one", "/one", "/two", "/")


@unlike_runc("says `is not a sub cgroup path`")
@pytest.mark.parametrize("path", ["../x", "a/../../x"])
def test_a_sub_cgroup_outside(box: Container, path: str) -> None:
    """LNX-EXEC-28: a path that escapes is refused."""
    box.runtime.refuses("bad sub cgroup path", "exec", "--cgroup", path, box.id, "true", code=255)


def test_a_missing_sub_cgroup(box: Container) -> None:
    """LNX-EXEC-28, LNX-EXEC-29: a path that does not exist is an error."""
    text = "no such file or directory"
    box.runtime.refuses(text, "exec", "--cgroup", "none", box.id, "true", code=255)
    if not cgroup.is_v2():
        assert " adding pid " in box.runtime.last_error()


def test_the_top_cgroup(box: Container) -> None:
    """LNX-EXEC-28: ``--cgroup /`` is the container's top cgroup."""
    assert set(paths_of(box, "--cgroup", "/").values()) == {"/"}


@v1
def test_an_unknown_controller(box: Container) -> None:
    """LNX-EXEC-29: an unknown controller is refused."""
    box.runtime.refuses("unknown controller", "exec", "--cgroup", "nonsense:/", box.id, "true", code=255)


def test_descriptors_do_not_leak(box: Container) -> None:
    """LNX-EXEC-26: without options nothing above 2 is open in the command."""
    shown = box.exec("ls", "/proc/self/fd").ok().out.split()
    assert shown == ["0", "1", "2", "3"], "3 is the folder that is being listed"


def test_the_process_file_is_not_kept(box: Container) -> None:
    """LNX-EXEC-04: the process file may be removed at once."""
    path = process_file(box, "sleep", "9874")
    box.runtime.run("exec", "-d", "-p", path, box.id).ok()
    os.unlink(path)
    assert json.loads(json.dumps(read_text(f"/proc/{find('9874')}/comm"))) == "sleep\n"
