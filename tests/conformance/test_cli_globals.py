"""Global options, exit statuses and how a fatal error is told."""

from __future__ import annotations

import json
import os
import stat

import pytest

from tests.support import Bundle, Process, Runtime
from tests.support.mark import unlike_runc
from tests.support.process import read_text

UNSHARE = ["/usr/bin/unshare", "--user", "--map-root-user"]


def state_folder_of(runtime: Runtime, command: list[str], root: str, owner: int, **env: str) -> bool:
    """Whether the runtime, called by ``command`` with ``env``, looks for its containers in the folder ``root``."""
    leftover = os.path.join(root, "leftover")
    os.makedirs(leftover)
    for folder in (os.path.dirname(root), root, leftover):
        os.chown(folder, owner, owner)
    out = runtime.new_path("out")
    words = [*command, runtime.binary, "delete", "--force", "leftover"]
    Process(words, out, out + ".err", env={**runtime.env, **env}, cwd="/").wait().ok()
    return not os.path.exists(leftover)


def test_the_log_file_is_appended_to(runtime: Runtime) -> None:
    """LNX-CLI-12: ``--log`` names a file opened to create and append."""
    for name in ("first", "second"):
        assert runtime.run("state", name).code == 1
    assert len(runtime.log_records()) == 2


def test_the_log_goes_to_standard_error(runtime: Runtime) -> None:
    """LNX-CLI-12: without ``--log`` records go to standard error, and nowhere else."""
    result = runtime.run("state", "nobody", options=["--root", runtime.root])
    assert result.code == 1
    assert result.out == ""
    assert result.err.count("container does not exist") == 1
    assert "level=error" in result.err


def test_a_log_that_cannot_be_opened(runtime: Runtime) -> None:
    """LNX-CLI-12: not openable is an error."""
    result = runtime.run("list", options=["--root", runtime.root, "--log", runtime.folder + "/no/log"])
    assert result.code == 1
    assert "no such file or directory" in result.err


def test_an_unknown_log_format(runtime: Runtime) -> None:
    """LNX-CLI-13: only text and json are log formats."""
    result = runtime.run("list", options=["--root", runtime.root, "--log-format", "xml"])
    assert result.code == 1
    assert "invalid log-format: xml" in result.err


def test_json_records_on_standard_error(runtime: Runtime) -> None:
    """LNX-CLI-13, LNX-LOG-02: with ``--log-format json`` standard error holds one JSON object."""
    result = runtime.run("state", "nobody", options=["--root", runtime.root, "--log-format", "json"])
    assert json.loads(result.err)["level"] == "error"


def test_the_default_root_of_the_superuser(runtime: Runtime) -> None:
    """LNX-CLI-14: the default root is /run/ringfence, named after the program, whatever XDG_RUNTIME_DIR says."""
    name = os.path.basename(runtime.binary)
    script = (
        f"mount -t tmpfs tmpfs /run && mkdir -p /run/{name}/leftover && "
        f"XDG_RUNTIME_DIR=/tmp {runtime.binary} delete --force leftover && ls /run/{name}"
    )
    out = runtime.new_path("out")
    words = ["/usr/bin/unshare", "--mount", "sh", "-c", script]
    assert Process(words, out, out + ".err", env=runtime.env).wait().ok().out == ""


def test_the_default_root_of_a_user(runtime: Runtime) -> None:
    """LNX-CLI-14: for a caller who is not root it is in $XDG_RUNTIME_DIR."""
    root = os.path.join(runtime.folder, "xdg", os.path.basename(runtime.binary))
    user = ["/usr/bin/setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
    assert state_folder_of(runtime, user, root, 1000, XDG_RUNTIME_DIR=os.path.dirname(root))


def test_the_default_root_of_root_in_a_user_namespace(runtime: Runtime) -> None:
    """LNX-CLI-14: so it is for root inside a user namespace, unless USER is ``root``."""
    root = os.path.join(runtime.folder, "xdg", os.path.basename(runtime.binary))
    assert state_folder_of(runtime, UNSHARE, root, 0, XDG_RUNTIME_DIR=os.path.dirname(root), USER="alice")
    assert not state_folder_of(runtime, UNSHARE, root, 0, XDG_RUNTIME_DIR=os.path.dirname(root), USER="root")


def test_the_root_is_made_absolute_and_clean(runtime: Runtime) -> None:
    """LNX-CLI-15: ``--root`` may be relative and unclean."""
    os.makedirs(os.path.join(runtime.root, "leftover"))
    runtime.run("delete", "-f", "leftover", options=["--root", "./nothing/..//state/."], cwd=runtime.folder).ok()
    assert runtime.ids() == []


@unlike_runc("takes / as a root")
@pytest.mark.parametrize("root", ["/", "/tmp/..", "//"])
def test_the_root_must_not_be_the_root_of_all(runtime: Runtime, root: str) -> None:
    """LNX-CLI-15: a root that comes out as / is refused."""
    result = runtime.run("list", options=["--root", root])
    assert result.code == 1
    assert "Option --root argument should not be set to /" in result.err


def test_the_mode_of_the_root(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-16: the root folder is made with mode 0700 when a container is created."""
    runtime.create(bundle)
    assert stat.S_IMODE(os.stat(runtime.root).st_mode) == 0o700


def test_the_mode_of_the_root_with_a_filter(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-16: also where a compiled filter is the first thing to be kept in it."""
    bundle.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW"}
    runtime.create(bundle)
    assert stat.S_IMODE(os.stat(runtime.root).st_mode) == 0o700


@unlike_runc("makes the root folder whenever it looks for a container")
def test_reading_commands_do_not_make_the_root(runtime: Runtime) -> None:
    """LNX-CLI-16: read-only commands never make the root folder."""
    for words in (["state", "nobody"], ["list"], ["ps", "nobody"], ["events", "nobody"], ["features"]):
        runtime.run(*words)
    assert not os.path.exists(runtime.root)


def test_two_roots_are_two_worlds(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-17: the same id may live under two roots, and neither sees the other's containers."""
    bundle.linux["cgroupsPath"] = f"/{runtime.token}-first"
    container = runtime.create(bundle)
    bundle.linux["cgroupsPath"] = f"/{runtime.token}-second"
    bundle.write()
    other = ["--root", os.path.join(runtime.folder, "other")]
    runtime.run("create", "--bundle", bundle.path, container.id, options=other).ok()
    runtime.run("start", container.id, options=other).ok()
    assert container.status() == "created"
    runtime.run("delete", "--force", container.id, options=other).ok()
    assert runtime.run("list", "-q", options=other).ok().out == ""
    assert runtime.run("list", "-q").ok().out == f"{container.id}\n"


@pytest.mark.skipif(os.path.isdir("/run/systemd/system"), reason="needs a machine without systemd")
def test_systemd_cgroups_without_systemd(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-18: ``--systemd-cgroup`` without systemd is an error."""
    runtime.refuses_bundle("systemd", bundle, options=[*runtime.globals(), "--systemd-cgroup"])


@pytest.mark.parametrize("word", ["true", "false", "auto", "1", "0", "t", "F", "TRUE", "Auto"])
def test_words_of_rootless(runtime: Runtime, bundle: Bundle, word: str) -> None:
    """LNX-CLI-19: ``--rootless`` takes truth values and auto, in any case."""
    if word.lower() not in ("true", "1", "t"):
        bundle.sh("true")
        runtime.run_bundle(bundle, options=[*runtime.globals(), "--rootless", word]).ok()
    os.makedirs(runtime.root, exist_ok=True)
    runtime.run("list", options=[*runtime.globals(), f"--rootless={word}"]).ok()


def test_another_word_of_rootless(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-19: other words are an error."""
    runtime.refuses_bundle("maybe", bundle, options=[*runtime.globals(), "--rootless", "maybe"])


def test_criu_is_accepted(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-20: ``--criu`` is accepted by every command."""
    bundle.sh("true")
    runtime.run_bundle(bundle, options=[*runtime.globals(), "--criu", "/usr/sbin/criu"]).ok()


@pytest.mark.parametrize("flag", ["--version", "-v"])
def test_the_version(runtime: Runtime, flag: str) -> None:
    """LNX-CLI-21: ``--version`` and ``-v`` print the version."""
    assert " version " in runtime.run(flag, options=[]).ok().out.splitlines()[0]


def test_exit_statuses(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-22: 0, 1, 3, 255 for exec itself, and the program's own for run and exec."""
    bundle.sh("exit 7")
    assert runtime.run_bundle(bundle).code == 7
    bundle.sleep()
    container = runtime.started(bundle)
    assert container.exec("sh", "-c", "exit 9").code == 9
    assert container.exec("no-such-program").code == 255
    assert runtime.run("state", "nobody").code == 1
    assert runtime.run("nonsense").code == 3


def test_one_fatal_error_is_one_record(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-23: one error record in the log, and the bare message on standard error too."""
    bundle.args("no-such-program")
    result = runtime.refuses_bundle("no-such-program", bundle)
    assert len(runtime.log_records()) == 1
    assert result.err == runtime.last_error() + "\n"


def test_the_prefixes_of_operations(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-24: create, run and exec name themselves; failures in the new process say so."""
    missing = 'unable to start container process: exec: "nothing": executable file not found in $PATH'
    bundle.args("nothing")
    runtime.refuses_bundle(f"create failed: {missing}", bundle)
    assert runtime.last_error().startswith("runc create failed: ")
    runtime.refuses_bundle(f"run failed: {missing}", bundle, verb="run")
    assert runtime.last_error().startswith("runc run failed: ")
    bundle.sleep()
    container = runtime.started(bundle)
    runtime.refuses(f"exec failed: {missing}", "exec", container.id, "nothing", code=255)
    assert runtime.last_error().startswith("exec failed: ")


def test_the_prefix_of_the_set_up(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-CLI-24: what fails before the program is looked for is an error during container init."""
    bundle.mount("/mnt", "nosuchfs", "none")
    runtime.refuses_bundle(
        "runc create failed: unable to start container process: error during container init: ", bundle
    )


def test_no_error_no_record(runtime: Runtime) -> None:
    """LNX-CLI-23: a command without an error leaves the log file empty."""
    os.makedirs(runtime.root)
    runtime.run("list").ok()
    assert read_text(runtime.log) == ""
