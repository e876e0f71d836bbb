"""``run``: what a program gets, prints and returns; the same with docker and podman."""

from __future__ import annotations

import pytest

from tests.engines.engine import Engine, find_program
from tests.support.image import NAME


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_run_returns_the_exit_status_of_the_program(engine: Engine, code: int) -> None:
    assert engine.sh(f"exit {code}").code == code


@pytest.mark.parametrize(("signal", "code"), [("KILL", 137), ("TERM", 143), ("SEGV", 139)])
def test_run_returns_128_and_the_number_of_the_signal_that_ended_the_program(
    engine: Engine, signal: str, code: int
) -> None:
    assert engine.sh(f"kill -{signal} $$", "--pid", "host").code == code


@pytest.mark.parametrize("program", ["/nope", "nope"])
def test_run_returns_127_for_a_program_that_is_not_there(engine: Engine, program: str) -> None:
    result = engine("run", "--rm", NAME, program)
    assert result.code == 127
    assert "no such file or directory" in result.err.lower() or "not found" in result.err
    assert result.out == ""


def test_run_returns_126_for_a_file_that_is_not_executable(engine: Engine) -> None:
    result = engine("run", "--rm", NAME, "/etc/passwd")
    assert result.code == 126
    assert "permission denied" in result.err.lower()


def test_a_failed_run_without_rm_leaves_a_container_that_can_be_removed(engine: Engine) -> None:
    assert engine("run", "--name", "failed", NAME, "/nope").code == 127
    assert engine("inspect", "--format", "{{.State.Status}}", "failed").ok().out.strip() == "created"
    engine("rm", "failed").ok()
    assert engine.ids() == []


def test_run_keeps_standard_output_and_standard_error_apart(engine: Engine) -> None:
    result = engine.sh("echo to out; echo to err >&2").ok()
    assert (result.out, result.err) == ("to out\n", "to err\n")


def test_run_passes_every_argument_unchanged(engine: Engine) -> None:
    given = ["a b", "", "quote'\"", "new\nline", "ünïcode", "$HOME", "\\", "x" * 100_000]
    result = engine("run", "--rm", NAME, "sh", "-c", 'for a; do printf "[%s]" "$a"; done', "-", *given).ok()
    assert result.out == "".join(f"[{word}]" for word in given)


def test_eight_megabytes_come_out_of_a_container_complete_and_in_order(engine: Engine) -> None:
    result = engine.sh("seq 1 1200000").ok()
    assert result.out == "".join(f"{number}\n" for number in range(1, 1_200_001))


def test_standard_input_reaches_the_program_and_so_does_its_end(engine: Engine) -> None:
    text = "".join(f"line {number}\n" for number in range(50_000))
    assert engine.sh("cat; echo end", "--interactive", stdin=text).ok().out == text + "end\n"


def test_without_interactive_standard_input_is_empty(engine: Engine) -> None:
    assert engine.sh("wc -c", stdin="not for the container").ok().out.strip() == "0"


def test_environment_hostname_and_working_directory_are_the_given_ones(engine: Engine) -> None:
    options = ["--env", "COLOUR=dark red", "--hostname", "lighthouse", "--workdir", "/var"]
    result = engine.sh('echo "$COLOUR"; hostname; pwd; echo "$PATH"', *options).ok()
    assert result.out.splitlines()[:3] == ["dark red", "lighthouse", "/var"]
    assert result.out.splitlines()[3].endswith("/usr/bin:/sbin:/bin")


def test_a_working_directory_that_is_missing_is_made(engine: Engine) -> None:
    result = engine.sh("pwd", "--workdir", "/var/new/place")
    assert (result.code, result.out) in [(0, "/var/new/place\n"), (126, ""), (127, "")], result


def test_hosts_file_has_the_added_host(engine: Engine) -> None:
    out = engine.sh("cat /etc/hosts", "--add-host", "lamp:192.0.2.7").ok().out
    assert ["192.0.2.7", "lamp"] in [line.split()[:2] for line in out.splitlines()]


def test_user_given_by_numbers(engine: Engine) -> None:
    result = engine.sh("id -u; id -g; id -G", "--user", "1234:567", "--group-add", "89").ok()
    uid, gid, groups = result.out.splitlines()
    assert (uid, gid) == ("1234", "567")
    assert set(groups.split()) == {"567", "89"}


def test_user_given_by_name_gets_the_groups_of_the_image(engine: Engine) -> None:
    result = engine.sh("id -un; id -gn; id -G; echo $HOME", "--user", "alice").ok()
    user, group, groups, home = result.out.splitlines()
    assert (user, group, home) == ("alice", "alice", "/home/alice")
    assert set(groups.split()) == {"1000", "1001"}


def test_a_user_may_write_to_its_own_standard_output_by_path(engine: Engine) -> None:
    result = engine.sh("echo out > /dev/stdout; echo err > /dev/stderr", "--user", "1234").ok()
    assert (result.out, result.err) == ("out\n", "err\n")


def test_limits_are_the_given_ones(engine: Engine) -> None:
    options = ["--ulimit", "nofile=321:654", "--ulimit", "nproc=500:900"]
    rows = engine.sh("grep -E 'processes|open files' /proc/self/limits", *options).ok().out.splitlines()
    assert [row.split()[-3:] for row in rows] == [["500", "900", "processes"], ["321", "654", "files"]]


def test_oom_score_adj_is_the_given_one(engine: Engine) -> None:
    assert engine.sh("cat /proc/self/oom_score_adj", "--oom-score-adj", "700").ok().out.strip() == "700"


def test_sysctl_of_a_namespace_is_set(engine: Engine) -> None:
    option = "net.ipv4.ip_unprivileged_port_start=77"
    assert engine.sh("cat /proc/sys/net/ipv4/ip_unprivileged_port_start", "--sysctl", option).ok().out == "77\n"


def test_labels_and_name_are_kept(engine: Engine) -> None:
    container = engine.running("--name", "named", "--label", "stage=test")
    assert container.inspect('{{.Name}} {{index .Config.Labels "stage"}}').lstrip("/") == "named test"
    assert engine("ps", "--quiet", "--no-trunc", "--filter", "label=stage=test").ok().out.split() == [container.id]


def test_entrypoint_replaces_the_program(engine: Engine) -> None:
    assert engine("run", "--rm", "--entrypoint", "echo", NAME, "hello").ok().out == "hello\n"


@pytest.mark.parametrize("signal", ["KILL", "TERM"])
def test_an_init_reaps_orphans_and_passes_the_exit_status_on(engine: Engine, signal: str) -> None:
    program = {"docker": "docker-init", "podman": "catatonit"}[engine.name]
    if not find_program(program, f"/usr/libexec/podman/{program}"):
        pytest.skip(f"{program} is not installed")
    result = engine.sh(f"cat /proc/1/comm; kill -{signal} $$", "--init")
    assert result.code == {"KILL": 137, "TERM": 143}[signal]
    assert result.out.strip() in {"docker-init", "tini", "catatonit", "podman-init"}


def test_the_program_starts_with_no_signal_blocked_or_ignored(engine: Engine) -> None:
    result = engine("run", "--rm", NAME, "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status").ok()
    assert result.out.split() == ["SigBlk:", "0" * 16, "SigIgn:", "0" * 16]


def test_the_program_starts_with_three_descriptors(engine: Engine) -> None:
    own = "3"  # ls itself reads the folder through it
    assert engine("run", "--rm", NAME, "ls", "/proc/self/fd").ok().out.split() == ["0", "1", "2", own]
