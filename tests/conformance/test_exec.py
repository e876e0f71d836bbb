"""exec: where the process settings come from, and how it ends."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest

from tests.support import Bundle, Container, Runtime, wait_until
from tests.support.config import PATH
from tests.support.mark import unlike_runc
from tests.support.poll import wait_for
from tests.support.process import alive, pids, read_text, status_field

FLAGS = [
    "--console-socket", "--cwd", "--env", "-e", "--tty", "-t", "--user", "-u", "--additional-gids", "-g", "--process",
    "-p", "--detach", "-d", "--pid-file", "--process-label", "--apparmor", "--no-new-privs", "--cap", "-c",
    "--preserve-fds", "--cgroup", "--ignore-paused",
]  # fmt: skip


@pytest.fixture
def box(runtime: Runtime, bundle: Bundle) -> Container:
    """A running container with a writable root."""
    bundle.config["root"]["readonly"] = False
    bundle.sleep()
    return runtime.started(bundle)


def process_file(container: Container, *args: str, **more: Any) -> str:
    """The path of a file for ``-p`` that runs ``args``."""
    path = container.runtime.new_path("process")
    process = {"user": {"uid": 0, "gid": 0}, "args": list(args), "env": [f"PATH={PATH}"], "cwd": "/", **more}
    with open(path, "w", encoding="utf-8") as file:
        json.dump(process, file)
    return path


def exec_file(container: Container, *args: str, options: tuple[str, ...] = (), **more: Any) -> str:
    """What a command from a file writes to standard output."""
    path = process_file(container, *args, **more)
    return container.runtime.run("exec", "-p", path, *options, container.id).ok().out


def test_a_command_with_arguments(box: Container) -> None:
    """LNX-EXEC-01: exec ID CMD ARG…"""
    assert box.exec("echo", "a", "b c", "").ok().out == "a b c \n"


@unlike_runc("does not drop it")
def test_two_dashes_are_dropped(box: Container) -> None:
    """LNX-EXEC-01: one literal ``--`` after the id is dropped."""
    assert box.exec("--", "echo", "word").ok().out == "word\n"
    assert box.exec("--", "echo", "--", "word").ok().out == "-- word\n"


def test_two_dashes_before_the_id(box: Container) -> None:
    """LNX-EXEC-01: ``--`` before the id ends the options."""
    assert box.runtime.run("exec", "--", box.id, "echo", "-e").ok().out == "\n"


def test_flags(runtime: Runtime) -> None:
    """LNX-EXEC-02: the flags of exec."""
    words = runtime.run("exec", "--help").ok().out.replace(",", " ").split()
    assert set(FLAGS) <= set(words)


@unlike_runc("has no --pidfd-socket")
def test_the_pidfd_socket_flag(runtime: Runtime) -> None:
    """LNX-EXEC-02, LNX-LIFE-01: ``--pidfd-socket`` is a flag of exec, create and run."""
    for verb in ("exec", "create", "run"):
        assert "--pidfd-socket" in runtime.run(verb, "--help").ok().out.split()


def test_the_bundle_is_read_again(box: Container, bundle: Bundle) -> None:
    """LNX-EXEC-03: the settings come from config.json as it is at exec time."""
    bundle.env.append("LATE=yes")
    bundle.process["user"] = {"uid": 5, "gid": 6}
    bundle.process["cwd"] = "/etc"
    bundle.write()
    assert box.sh("echo $LATE $(id -u) $(id -g) $(pwd)").ok().out == "yes 5 6 /etc\n"


def test_no_terminal_by_default(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EXEC-03: terminal is false unless ``-t``, whatever the bundle says."""
    bundle.sleep()
    container = runtime.started(bundle)
    bundle.process["terminal"] = True
    bundle.write()
    assert container.exec("tty").out == "not a tty\n"


def test_a_process_file(box: Container) -> None:
    """LNX-EXEC-04: with ``-p`` everything comes from the file and other process flags are ignored."""
    path = process_file(
        box,
        "sh",
        "-c",
        "echo $A $B $(id -u) $(pwd)",
        user={"uid": 7, "gid": 8},
        env=[f"PATH={PATH}", "A=1"],
        cwd="/etc",
    )
    flags = ["-e", "B=2", "-u", "9:9", "--cwd", "/tmp", "-c", "CAP_SYS_ADMIN"]
    assert box.runtime.run("exec", *flags, "--process", path, box.id).ok().out == "1 7 /etc\n"


def test_a_process_file_that_is_a_pipe(box: Container) -> None:
    """LNX-EXEC-04: the file is read once, front to back, so that a pipe works."""
    read_end, write_end = os.pipe()
    with open(process_file(box, "echo", "piped"), "rb") as file:
        os.write(write_end, file.read())
    os.close(write_end)
    result = box.runtime.run("exec", "-p", f"/dev/fd/{read_end}", box.id, pass_fds=[read_end])
    os.close(read_end)
    assert result.ok().out == "piped\n"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"args": 3}', '{"args": [], "cwd": "/"}', '{"args": ["true"]}'])
def test_a_bad_process_file(box: Container, text: str) -> None:
    """LNX-EXEC-04, LNX-EXEC-07: a file that cannot be used is an error of exec."""
    path = box.runtime.new_path("process")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    box.runtime.refuses("", "exec", "-p", path, box.id, code=255)


def test_a_missing_process_file(box: Container) -> None:
    """LNX-EXEC-07: so is a file that is not there."""
    text = "no such file or directory"
    box.runtime.refuses(text, "exec", "-p", box.runtime.folder + "/none", box.id, code=255)


def test_the_environment_of_a_process_file(box: Container) -> None:
    """LNX-EXEC-05: env holds the file's entries plus HOME and nothing of config.json."""
    lines = exec_file(box, "env", env=[f"PATH={PATH}", "ONE=", "T=a=b"]).splitlines()
    assert sorted(lines) == ["HOME=/root", "ONE=", f"PATH={PATH}", "T=a=b"]


def test_a_process_file_without_environment(box: Container) -> None:
    """LNX-EXEC-05: a file without env leaves HOME only."""
    path = process_file(box, "/bin/env")
    with open(path, encoding="utf-8") as file:
        process = json.load(file)
    del process["env"]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(process, file)
    assert box.runtime.run("exec", "-p", path, box.id).ok().out == "HOME=/root\n"


@unlike_runc("says `process args cannot be empty`")
def test_no_command(box: Container) -> None:
    """LNX-EXEC-06: neither a command nor ``-p`` is an error of exec."""
    box.runtime.refuses("exec args cannot be empty", "exec", box.id, code=255)


@pytest.mark.parametrize("code", [0, 1, 42, 126, 255])
def test_the_exit_status(box: Container, code: int) -> None:
    """LNX-EXEC-07: the exit status is the command's own."""
    assert box.sh(f"exit {code}").code == code


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_the_exit_status_of_a_killed_command(box: Container, number: signal.Signals) -> None:
    """LNX-EXEC-07: 128+N on death by signal N."""
    assert box.sh(f"kill -{int(number)} $$").code == 128 + number


def test_an_unwritable_pid_file(box: Container) -> None:
    """LNX-EXEC-07: 255 when the pid file cannot be written, and the command does not stay."""
    text = "no such file or directory"
    box.runtime.refuses(text, "exec", "-d", "--pid-file", "/no/such/pid", box.id, "sleep", "500", code=255)


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("missing", 'exec: "missing": executable file not found in $PATH'),
        ("/missing", 'exec: "/missing": stat /missing: no such file or directory'),
        ("/etc/passwd", 'exec: "/etc/passwd": permission denied'),
    ],
)
@pytest.mark.parametrize("options", [[], ["-d"]])
def test_a_program_that_cannot_be_run(box: Container, program: str, text: str, options: list[str]) -> None:
    """LNX-EXEC-08: the failure's text, in the foreground and detached."""
    full = f"exec failed: unable to start container process: {text}"
    box.runtime.refuses(full, "exec", *options, box.id, program, code=255)


@pytest.mark.parametrize(
    ("option", "shown"), [("1000", "1000 77"), ("1000:1001", "1000 1001"), ("0:5", "0 5"), ("0", "0 77")]
)
def test_the_user(runtime: Runtime, bundle: Bundle, option: str, shown: str) -> None:
    """LNX-EXEC-09: ``-u UID`` keeps the configured gid, ``-u UID:GID`` sets both."""
    bundle.process["user"] = {"uid": 50, "gid": 77}
    bundle.sleep()
    container = runtime.started(bundle)
    assert container.sh("echo $(id -u) $(id -g)", "--user", option).ok().out == shown + "\n"


@pytest.mark.parametrize(
    ("word", "text"), [("root", "parsing root as int for uid failed"), ("1000:root", "root"), ("x:1", "x")]
)
def test_a_user_that_is_no_number(box: Container, word: str, text: str) -> None:
    """LNX-EXEC-09: names are refused."""
    box.runtime.refuses(text, "exec", "-u", word, box.id, "true", code=255)


def test_additional_groups(box: Container) -> None:
    """LNX-EXEC-10: ``-g`` values become supplementary groups, in order."""
    options = ["-u", "1000:1000", "-g", "100", "-g", "65534"]
    assert box.exec("id", "-G", options=options).ok().out == "1000 100 65534\n"


def test_additional_groups_are_added(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EXEC-10: they are added to the configured ones."""
    bundle.process["user"] = {"uid": 0, "gid": 0, "additionalGids": [33]}
    bundle.sleep()
    container = runtime.started(bundle)
    assert container.exec("grep", "Groups", "/proc/self/status", options=["-g", "44"]).ok().out.split()[1:] == [
        "33",
        "44",
    ]


def test_environment_entries(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EXEC-11: ``-e`` entries are appended, the last one of a name wins."""
    bundle.env.extend(["A=configured", "B=configured"])
    bundle.sleep()
    container = runtime.started(bundle)
    lines = container.exec("env", options=["-e", "A=given", "-e", "C=1", "-e", "C=2"]).ok().out.splitlines()
    assert {"A=given", "B=configured", "C=2", "HOME=/root"} <= set(lines)
    assert "C=1" not in lines
    assert "A=configured" not in lines


@pytest.mark.parametrize(
    ("options", "home"),
    [(["-u", "1000"], "/home/alice"), (["-u", "4711"], "/"), (["-e", "HOME=/x"], "/x"), (["-e", "HOME="], "/root")],
)
def test_home(box: Container, options: list[str], home: str) -> None:
    """LNX-EXEC-11: HOME comes from the container's /etc/passwd unless it is given."""
    assert box.sh("echo $HOME", *options).ok().out == home + "\n"


def test_the_working_directory(box: Container) -> None:
    """LNX-EXEC-12: ``--cwd`` overrides the configured one."""
    assert box.exec("pwd", options=["--cwd", "/etc"]).ok().out == "/etc\n"


def test_a_relative_working_directory(box: Container) -> None:
    """LNX-EXEC-12: it has to be absolute."""
    box.runtime.refuses("Cwd must be an absolute path", "exec", "--cwd", "etc", box.id, "pwd", code=255)


def test_a_missing_working_directory(box: Container, bundle: Bundle) -> None:
    """LNX-EXEC-12: a missing folder is not made by exec."""
    text = 'chdir to cwd ("/x") set in config.json failed: no such file or directory'
    box.runtime.refuses(text, "exec", "--cwd", "/x", box.id, "pwd", code=255)
    assert not os.path.exists(os.path.join(bundle.rootfs, "x"))


def test_into_a_created_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EXEC-17: exec into a created container works and leaves it created."""
    container = runtime.create(bundle)
    assert container.exec("echo", "here").ok().out == "here\n"
    assert container.status() == "created"


def test_into_a_stopped_container(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-EXEC-18: exec into a stopped container is refused."""
    container = runtime.create(bundle)
    container.end()
    runtime.refuses("cannot exec in a stopped container", "exec", container.id, "true", code=255)


def test_into_a_paused_container(box: Container) -> None:
    """LNX-EXEC-19: exec into a paused container is refused at once."""
    box.runtime.run("pause", box.id).ok()
    text = "cannot exec in a paused container (use --ignore-paused to override)"
    box.runtime.refuses(text, "exec", box.id, "true", code=255)
    assert box.status() == "paused"


def test_ignoring_the_pause(box: Container) -> None:
    """LNX-EXEC-19: with ``--ignore-paused`` exec waits and completes after resume."""
    box.runtime.run("pause", box.id).ok()
    process = box.runtime.spawn("exec", "--ignore-paused", box.id, "echo", "late")
    wait_until(lambda: len(box.runtime.leaks.processes()) > 2, "the process to be made")
    assert process.running()
    assert read_text(process.out) == ""
    box.runtime.run("resume", box.id).ok()
    assert process.wait().ok().out == "late\n"


def find(marker: str) -> int:
    """The pid of ``sleep marker``."""
    words = f"sleep\0{marker}\0"
    return wait_for(lambda: next((pid for pid in pids() if read_text(f"/proc/{pid}/cmdline") == words), 0), marker)


def test_detached(box: Container) -> None:
    """LNX-EXEC-20: ``-d`` returns once the command has been executed, without waiting."""
    assert box.exec("sleep", "9871", options=["--detach"]).code == 0
    pid = find("9871")
    assert alive(pid)
    assert status_field(pid, "PPid") == str(os.getpid())


def test_the_pid_file(box: Container) -> None:
    """LNX-EXEC-21: the host pid of the new process, in a file relative to the caller's folder."""
    box.exec("sleep", "9872", options=["-d", "--pid-file", "pid"], cwd=box.runtime.folder).ok()
    assert read_text(os.path.join(box.runtime.folder, "pid")) == str(find("9872"))
    assert find("9872") != box.pid


@pytest.mark.parametrize("configured", [0, 1000])
def test_a_private_working_directory(runtime: Runtime, bundle: Bundle, configured: int) -> None:
    """LNX-EXEC-24: exec as another user works although the cwd is only accessible to the configured one."""
    home = os.path.join(bundle.rootfs, "home/alice")
    os.mkdir(home, 0o700)
    os.chown(home, configured, configured)
    bundle.process["cwd"] = "/home/alice"
    bundle.process["user"] = {"uid": configured, "gid": configured}
    bundle.process["capabilities"]["bounding"].append("CAP_DAC_OVERRIDE")
    bundle.sleep()
    container = runtime.started(bundle)
    other = "1000" if configured == 0 else "0"
    assert container.exec("id", "-u", options=["--user", other]).ok().out == other + "\n"


def test_the_hosts_null_device_is_left_alone(box: Container) -> None:
    """LNX-EXEC-25: /dev/null handed over as stdin keeps its owner."""
    before = os.stat("/dev/null")
    with open("/dev/null", "rb") as null:
        box.runtime.run("exec", "-u", "1000:1000", box.id, "true", stdin=null).ok()
    after = os.stat("/dev/null")
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)


def test_one_line_when_the_last_step_fails(box: Container, bundle: Bundle) -> None:
    """LNX-EXEC-32: a script without its interpreter gives exactly one line."""
    bundle.file("run.sh", "#!/no/such/interpreter\n", 0o755)
    result = box.exec("/run.sh")
    assert result.code != 0
    assert result.err == "exec /run.sh: no such file or directory\n" or result.err.endswith(
        "exec /run.sh: no such file or directory\n"
    )
    assert result.err.count("\n") == 1
    assert result.out == ""


def test_a_text_without_interpreter_line(box: Container, bundle: Bundle) -> None:
    """LNX-EXEC-32: nor is a shell tried for a text without ``#!``."""
    bundle.file("text", "echo no\n", 0o755)
    result = box.exec("/text")
    assert result.code != 0
    assert "exec /text: exec format error" in result.err
    assert result.err.count("\n") == 1
