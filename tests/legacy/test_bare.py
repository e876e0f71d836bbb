"""The command line of runc in 2015."""

from __future__ import annotations

import json
import os

import pytest

from tests.legacy.conftest import OldBundle
from tests.support import Bundle, Runtime, cgroup
from tests.support.poll import wait_for, wait_until
from tests.support.process import kill_quietly, read_text
from tests.support.terminal import Terminal


def plain(runtime: Runtime) -> list[str]:
    """Global options without an id."""
    return ["--root", runtime.root, "--log", runtime.log, "--log-format", "json"]


def test_the_folders_configuration(runtime: Runtime, old: OldBundle) -> None:
    """OLD-CLI-01, OLD-CLI-12, OLD-UPGRADE-09: no verb and no argument runs it; nothing is left."""
    out = old.out("hostname; echo $$; touch /x; exit 0", name=runtime.new_id())
    assert out.split() == ["shell", "1"]
    old.sh("exit 7")
    old.write()
    assert old.run().code == 7
    assert runtime.ids() == []


def test_container_json(runtime: Runtime, old: OldBundle) -> None:
    """OLD-CLI-01: else container.json is taken."""
    old.sh("echo june")
    old.write("container.json")
    assert old.run().ok().out == "june\n"


def test_a_folder_without_a_configuration(runtime: Runtime) -> None:
    """OLD-CLI-01: neither file gives the general help."""
    result = runtime.run(options=[])
    assert result.code == 0
    assert result.out.startswith("NAME:")


def test_a_file_of_another_name(runtime: Runtime, old: OldBundle) -> None:
    """OLD-CLI-02: the file's path; what is relative in it counts from the current folder."""
    folder = runtime.new_path("elsewhere")
    os.mkdir(folder)
    old.sh("echo by path")
    path = old.write(os.path.relpath(os.path.join(folder, "my.conf"), old.path))
    assert old.run(path).ok().out == "by path\n"


def test_a_json_text(runtime: Runtime, old: OldBundle) -> None:
    """OLD-CLI-02: the configuration itself as the argument; bad JSON names the place, and no file is looked up."""
    old.sh("echo by text")
    assert old.run(" " + json.dumps(old.config)).ok().out == "by text\n"
    result = old.run('{"version": }')
    assert result.code == 1
    assert "config.json" in runtime.last_error()


def test_words_that_are_nothing(runtime: Runtime, old: OldBundle) -> None:
    """OLD-CLI-03: a word like a path is a missing file, another an unknown command; a verb goes before a file."""
    for word in ("none/at/all", "none.json"):
        assert old.run(word).code == 1
        assert runtime.last_error() == f"JSON specification file for {word} not found"
    assert old.run("nonsense").code == 3
    assert "No help topic for 'nonsense'" in runtime.last_error()
    old.sh("echo file")
    old.write("list")
    os.mkdir(runtime.root)
    assert "file" not in old.run("list").ok().out


def test_ids(runtime: Runtime, old: OldBundle) -> None:
    """OLD-CLI-04: --id names it, else the folder; a taken one says so."""
    old.sh("sleep 1000")
    old.write()
    name = runtime.new_id()
    running = runtime.spawn(options=[*plain(runtime), "--id", name], cwd=old.path)
    container = runtime.container(name)
    wait_until(lambda: runtime.run("state", name).code == 0 and container.status() == "running", "the container")
    assert old.run(name=name).code == 1
    assert f"Container with id exists: {name}" in runtime.last_error()
    assert runtime.run("kill", options=[*plain(runtime), "--id", name]).code == 0
    assert container.status() == "running"  # sh as pid 1 has no handler for TERM
    assert runtime.run("kill", "KILL", options=[*plain(runtime), "--id", name]).code == 0
    assert running.wait().code == 137
    assert runtime.run(options=plain(runtime), cwd="/").code in (0, 1)
    assert runtime.run(json.dumps(old.config), options=plain(runtime), cwd="/").code == 1
    assert "--id" in runtime.log_records()[-1].get("hint", "") or "name" in runtime.last_error()


def test_the_default_id(runtime: Runtime, old: OldBundle) -> None:
    """OLD-CLI-04: the default is the base name of the current folder, also for its cgroup."""
    old.sh("grep pids /proc/self/cgroup || cat /proc/self/cgroup")
    old.write()
    result = runtime.run(options=plain(runtime), cwd=old.path).ok()
    assert result.out.strip().endswith(f"/{os.path.basename(old.path)}")


def test_one_world(runtime: Runtime, old: OldBundle) -> None:
    """OLD-CLI-05: the ordinary state folder, so that list, state and kill see it; --version prints our own."""
    old.sh("echo ready; sleep 1000")
    old.write()
    name = runtime.new_id()
    running = runtime.spawn(options=[*plain(runtime), "--id", name, "--criu", "/bin/false"], cwd=old.path)
    wait_until(lambda: name in runtime.run("list", "-q").out, "the container in the list")
    wait_until(lambda: runtime.container(name).status() == "running", "its start")
    runtime.run("kill", name, "KILL").ok()
    running.wait()
    assert runtime.run("--version", options=[]).ok().out.startswith("ringfence version ")


def test_failures(runtime: Runtime, old: OldBundle) -> None:
    """OLD-CLI-06: after the configuration was read they have a prefix, before it they have none."""
    old.config["root"]["path"] = "none"
    old.write()
    assert old.run().code == 1
    assert f'Rootfs ("{old.path}/none") does not exist' in runtime.last_error()
    old.config["root"]["path"] = "rootfs"
    old.config["process"]["args"] = ["/no/such/program"]
    old.write()
    assert old.run().code == 1
    assert runtime.last_error().startswith("Container start failed: ")
    old.config["version"] = "0.9"
    old.write()
    assert old.run().code == 1
    assert runtime.last_error().startswith("spec version is not compatible")
    assert runtime.ids() == []


def test_an_ordinary_user(runtime: Runtime, old: OldBundle) -> None:
    """OLD-CLI-06: where a caller without root's rights cannot go on, the message says who should run it."""
    old.write()
    os.chmod(runtime.folder, 0o777)
    runtime.prefix = ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups"]
    result = runtime.run(options=["--root", f"{runtime.folder}/users", "--id", runtime.new_id()], cwd=old.path)
    assert result.code == 1
    assert "runc should be run as root" in result.err


def test_start_of_an_old_configuration(runtime: Runtime, old: OldBundle) -> None:
    """OLD-CLI-07: `start` runs it, by folder, bundle, file or text; a container of that name goes before."""
    assert old.out("echo started", "start") == "started\n"
    assert old.run("start", "-b", old.path, cwd="/").ok().out == "started\n"
    assert old.run("start", "config.json").ok().out == "started\n"
    assert old.run("start", json.dumps(old.config)).ok().out == "started\n"
    runtime.refuses("requires exactly 1 argument(s)", "start")


def test_commands_with_an_id(runtime: Runtime, old: OldBundle, bundle: Bundle) -> None:
    """OLD-CLI-08: kill, pause, resume and exec take the container from --id."""
    bundle.sleep()
    container = runtime.started(bundle)
    assert old.run("pause", name=container.id).code == 0
    assert container.status() == "paused"
    assert old.run("resume", name=container.id).code == 0
    process = {"args": ["sh", "-c", "id -u; echo $A"], "env": ["PATH=/bin", "A=b"], "user": {"uid": 5, "gid": 6}}
    path = old.write("process.json", process)
    assert old.run("exec", path, name=container.id).ok().out == "5\nb\n"
    assert old.run("exec", "none", name=container.id).code == 255
    assert "exec failed: JSON configuration file for none not found" in runtime.last_error()


def test_spec_into_a_redirection(runtime: Runtime) -> None:
    """OLD-CLI-09: `spec > config.json` works, though the shell has made the file."""
    folder = runtime.new_path("spec")
    os.mkdir(folder)
    path = os.path.join(folder, "config.json")
    runtime.run("spec", cwd=folder, output=path).ok()
    assert json.loads(read_text(path))["ociVersion"] == "1.3.0"
    runtime.refuses("File config.json exists", "spec", "--bundle", folder)


def test_events_of_2015(runtime: Runtime, old: OldBundle, bundle: Bundle) -> None:
    """OLD-CLI-10: with --id the lines have the shape of 2015, with a positional id that of today."""
    bundle.sleep()
    container = runtime.started(bundle)
    held = json.loads(old.run("events", "--stats", name=container.id).ok().out)
    assert list(held) == ["type", "id", "data"]
    assert set(held["data"]) == {"Interfaces", "CgroupStats"}
    groups = held["data"]["CgroupStats"]
    assert set(groups) == {"cpu_stats", "memory_stats", "blkio_stats", "hugetlb_stats"}
    assert groups["cpu_stats"]["cpu_usage"]["total_usage"] > 0
    assert groups["memory_stats"]["usage"]["usage"] > 0
    assert "cpu" in json.loads(runtime.run("events", "--stats", container.id).ok().out)["data"]


def test_statuses(runtime: Runtime, old: OldBundle) -> None:
    """OLD-CLI-12: the program's own status, 128+N for a signal; the container is removed."""
    old.sh("kill -9 $$; exec sh -c 'kill -9 1'")
    old.config["process"]["args"] = ["sh", "-c", "exit 42"]
    old.write()
    assert old.run().code == 42
    assert runtime.ids() == []


def test_pipes(runtime: Runtime, old: OldBundle) -> None:
    """OLD-CLI-13: without a terminal the program gets pipes, copied both ways."""
    old.sh("test -t 0 || echo no terminal; cat")
    old.write()
    assert old.run(stdin="sent\n").ok().out == "no terminal\nsent\n"


def test_terminals(runtime: Runtime, old: OldBundle, terminal: Terminal) -> None:
    """OLD-CLI-13: with one it gets a new pty, of the size of the caller's."""
    old.config["process"]["terminal"] = True
    terminal.resize(33, 77)
    old.sh("stty size; tty")
    old.write()
    words = [runtime.binary, *plain(runtime), "--id", runtime.new_id()]
    status, output = terminal.finish(terminal.spawn(words, runtime.env, old.path))
    assert status == 0
    assert "33 77" in output
    assert "/dev/pts/0" in output


def test_no_terminal_to_take(runtime: Runtime, old: OldBundle) -> None:
    """OLD-SYSTEMD-02: without a terminal of the caller's the program still has one; its output is copied."""
    old.config["process"]["terminal"] = True
    out = old.out("test -t 1 && echo has one")
    assert "has one" in out
    warned = [record["msg"] for record in runtime.log_records() if record["level"] == "warning"]
    assert len([text for text in warned if "terminal" in text]) == 1


def test_names(runtime: Runtime, old: OldBundle, bundle: Bundle) -> None:
    """OLD-CLI-14: called runc, a folder of today gives help; called by our own name, it is run."""
    link = runtime.new_path("bin")
    os.mkdir(link)
    os.symlink(runtime.binary, f"{link}/runc")
    bundle.sh("echo today")
    bundle.write()
    assert old.run().ok().out == "today\n"
    own, runtime.binary = runtime.binary, f"{link}/runc"
    assert runtime.run(options=[], cwd=bundle.path).ok().out.startswith("NAME:\n   runc - ")
    assert old.out("echo old") == "old\n"
    runtime.binary = own


def test_a_stale_run(runtime: Runtime, old: OldBundle) -> None:
    """OLD-SYSTEMD-05: what a killed runtime has left is recognised and replaced by the next start of the id."""
    old.sh("echo first; sleep 1000")
    old.write()
    name = runtime.new_id()
    running = runtime.spawn(options=[*plain(runtime), "--id", name], cwd=old.path)
    pid = wait_for(lambda: [runtime.container(name).pid] if runtime.run("state", name).code == 0 else [], "it")[0]
    wait_until(lambda: runtime.container(name).status() == "running", "its start")
    kill_quietly(running.pid)
    running.wait()
    kill_quietly(pid)
    wait_until(lambda: runtime.container(name).status() == "stopped", "its end")
    old.sh("echo second")
    old.write()
    assert old.run(name=name).ok().out == "second\n"
    assert runtime.ids() == []


def test_an_upgrade_runs_the_same(runtime: Runtime, old: OldBundle) -> None:
    """OLD-UPGRADE-02: the file and its upgrade give the same arguments, ids, mounts, capabilities and limits."""
    old.config["linux"]["rlimits"] = [{"type": 7, "hard": 99, "soft": 88}]
    if not cgroup.is_v2():  # where limits below the caller's own cgroup need that to be delegated, and otherwise empty
        old.config["linux"]["resources"]["memory"]["limit"] = 1 << 26
    old.config["process"]["user"] = {"uid": 3, "gid": 4, "additionalGids": [5]}
    script = (
        "id; env; pwd; ulimit -n; grep Cap /proc/self/status; cut -d' ' -f4- /proc/self/mountinfo; cat /proc/1/cmdline"
    )
    name = runtime.new_id()
    first = old.out(script, name=name)
    upgraded = runtime.run("spec", "upgrade", old.path).ok().out
    with open(os.path.join(old.path, "config.json"), "w", encoding="utf-8") as file:
        file.write(upgraded)
    second = old.run(name=name).ok().out
    assert normal(second) == normal(first)


def normal(text: str) -> list[str]:
    """The lines without the numbers of peer groups, which are never the same."""
    return [
        " ".join(word for word in line.split() if not word.startswith(("master:", "shared:")))
        for line in text.splitlines()
    ]


def test_upgrade_from_everywhere(runtime: Runtime, old: OldBundle) -> None:
    """OLD-UPGRADE-01: a file, a folder and standard input; the file is left alone; the output is of today's form."""
    path = old.write()
    before = read_text(path)
    told = [
        runtime.run("spec", "upgrade", path).ok().out,
        runtime.run("spec", "upgrade", old.path).ok().out,
        runtime.run("spec", "upgrade", "-", stdin=before).ok().out,
    ]
    assert len(set(told)) == 1
    assert told[0].startswith('{\n\t"ociVersion": "1.3.0"')
    assert told[0].endswith("\n}\n")
    assert read_text(path) == before


def test_doubts_of_an_upgrade(runtime: Runtime, old: OldBundle) -> None:
    """OLD-UPGRADE-03, OLD-UPGRADE-04: one line for each on standard error; what cannot be understood prints nothing."""
    old.config["linux"]["resources"]["memory"]["kernel"] = 5
    old.config["platform"]["arch"] = "arm64"
    result = runtime.run("spec", "upgrade", old.write()).ok()
    lines = result.err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("warning: ") for line in lines)
    assert any("linux.resources.memory.kernel" in line for line in lines)
    old.config["process"]["args"] = []
    bad = runtime.run("spec", "upgrade", old.write())
    assert (bad.code, bad.out) == (1, "")


@pytest.mark.parametrize("verb", ["run", "create"])
def test_every_verb_takes_every_form(runtime: Runtime, old: OldBundle, verb: str) -> None:
    """OLD-DETECT-01: verbs that read a bundle take old forms too; the file is never changed."""
    old.sh("echo here")
    path = old.write()
    before = read_text(path)
    name = runtime.new_id()
    runtime.run(verb, "--bundle", old.path, name).ok()
    if verb == "create":
        runtime.run("delete", "--force", name).ok()
    assert read_text(path) == before


def test_an_explained_plan(runtime: Runtime, old: OldBundle) -> None:
    """OLD-DETECT-01: explain shows the plan of an old form."""
    old.write()
    assert "/proc/kcore" in runtime.run("explain", "--bundle", old.path, options=[]).ok().out
