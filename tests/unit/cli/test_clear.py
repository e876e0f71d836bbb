"""The command line of Clear Containers' runtimes, without any container."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ringfence.cli import personality as names
from ringfence.cli.clear.options import IDLE, with_console, with_unit
from ringfence.cli.log import Log
from ringfence.cli.main import command
from ringfence.cli.options import GLOBAL_OPTIONS, VERBS, parse
from ringfence.cli.world import make_runtime
from ringfence.version import SPEC_VERSION, VERSION

CLEAR = ("cc-oci-runtime", "clr-oci-runtime")
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def own_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test looks at the state folders of this machine."""
    for name in CLEAR:
        monkeypatch.setattr(names.PERSONALITIES[name], "root", str(tmp_path / "root"))


def run(capfd: Capture, *words: str, program: str = "cc-oci-runtime") -> tuple[int, str, str]:
    status = command(program, list(words))
    return status, *capfd.readouterr()


@pytest.mark.parametrize("program", CLEAR)
@pytest.mark.parametrize("words", [["--version"], ["-v"], ["version"]])
def test_the_version_is_three_lines(capfd: Capture, program: str, words: list[str]) -> None:
    """MVM-CCOR-14."""
    lines = [f"{program} version: {VERSION}", f"spec version: {SPEC_VERSION}", f"commit: {VERSION}"]
    assert run(capfd, *words, program=program) == (0, "\n".join(lines) + "\n", "")


@pytest.mark.parametrize("words", [[], ["help"], ["-h"], ["--help"]])
def test_help(capfd: Capture, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MVM-CCOR-14: also in a folder with a configuration, which other names would run."""
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capfd, *words)
    assert (status, err) == (0, "")
    assert out.startswith("Usage: cc-oci-runtime ")
    assert all(f"\n   {verb} " in out for verb in (*VERBS, "stop", "version"))


@pytest.mark.parametrize("words", [["brrr"], ["brrr", "-h"], ["brrr", "--help"]])
def test_an_unknown_command(capfd: Capture, words: list[str]) -> None:
    """MVM-CCOR-14."""
    status, out, err = run(capfd, *words)
    assert (status, out) == (1, "")
    assert "no such command: brrr" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["state"], "Usage: state <container-id>"),
        (["pause", "a", "b"], "Usage: pause <container-id>"),
        (["stop"], "Usage: stop <container-id>"),
        (["kill"], "Usage: kill <container-id> [<options>] [<signal>]"),
        (["exec"], "Usage: exec <container-id> <cmd> [args]"),
        (["list", "a"], "Usage: list"),
    ],
)
def test_a_wrong_number_of_words(capfd: Capture, words: list[str], told: str) -> None:
    """MVM-CCOR-14."""
    status, out, err = run(capfd, *words)
    assert (status, out) == (1, "")
    assert err.rstrip("\n").endswith(told)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_the_help_of_a_command(capfd: Capture, verb: str) -> None:
    """MVM-CCOR-14."""
    status, out, err = run(capfd, verb, "--help")
    assert (status, err) == (0, "")
    assert f"cc-oci-runtime {verb}" in out


def test_all_options_are_taken(capfd: Capture, tmp_path: Path) -> None:
    """MVM-CCOR-12: those for programs of old do nothing and say so in a debug record."""
    log = tmp_path / "log"
    words = ["-d", "--log", str(log), "--log-format", "text", "--hypervisor-log-dir", str(tmp_path), "--criu", "/x"]
    words += ["--global-log", str(tmp_path / "all"), "--shim-path", "/shim", "--proxy-socket-path", "/proxy"]
    status, out, _ = run(capfd, *words, "--root", str(tmp_path / "root"), "list")
    assert (status, out) == (0, "ID PID STATUS BUNDLE CREATED\n")
    assert all(f":debug:--{name} has no effect" in log.read_text() for name in IDLE)


def test_text_records(capfd: Capture, tmp_path: Path) -> None:
    """MVM-CCOR-13: a format that is not JSON means text; the file is made 0640; the error is told on standard error."""
    log = tmp_path / "log"
    log.write_text("before\n")
    for form in ("text", "xml"):
        assert run(capfd, "--log", str(log), "--log-format", form, "state", "c1")[0] == 1
    first, *lines = log.read_text().splitlines()
    assert first == "before"
    assert len(lines) == 2
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ:\d+:cc-oci-runtime:error:failed to parse json file: .*"
    assert all(re.fullmatch(pattern, line) for line in lines)
    made = tmp_path / "made"
    _, _, err = run(capfd, "--log", str(made), "state", "c1")
    assert made.stat().st_mode & 0o777 == 0o640
    assert err.startswith("failed to parse json file: ")


def test_json_records(capfd: Capture, tmp_path: Path) -> None:
    """MVM-CCOR-13: the message under both names."""
    log = tmp_path / "log"
    run(capfd, "--log", str(log), "--log-format", "json", "state", "c1")
    (record,) = [json.loads(line) for line in log.read_text().splitlines()]
    assert record["level"] == "error"
    assert record["msg"] == record["mesg"]
    assert set(record) == {"level", "msg", "mesg", "time"}


def test_the_global_log_is_text_with_debug(capfd: Capture, tmp_path: Path) -> None:
    """MVM-CCOR-13: whatever the other log is; that one gets no debug records by it."""
    log, everything = tmp_path / "log", tmp_path / "all"
    words = ["--log", str(log), "--log-format", "json", "--global-log", str(everything), "--shim-path", "/shim"]
    run(capfd, *words, "state", "c1")
    levels = [line.split(":")[5] for line in everything.read_text().splitlines()]
    assert levels == ["debug", "error"]
    assert [json.loads(line)["level"] for line in log.read_text().splitlines()] == ["error"]


def test_the_older_runtime_has_a_global_log_in_its_state_folder(capfd: Capture, tmp_path: Path) -> None:
    """MVM-CCOR-13."""
    (tmp_path / "other").mkdir()
    run(capfd, "--root", str(tmp_path / "other"), "state", "c1", program="clr-oci-runtime")
    assert ":clr-oci-runtime:error:" in (tmp_path / "other/clr-oci-runtime.log").read_text()


def test_an_unknown_container(capfd: Capture) -> None:
    """MVM-CCOR-17: two texts for who has to be there; to remove what is not there is a warning."""
    for words in (["state", "c1"], ["kill", "c1"], ["pause", "c1"], ["exec", "c1", "true"], ["start", "c1"]):
        status, out, err = run(capfd, *words)
        assert (status != 0, out) == (True, ""), words
        assert "failed to parse json file: " in err
        assert "container does not exist" in err
    for words in (["delete", "c1"], ["delete", "--force", "c1"], ["stop", "c1"]):
        status, out, err = run(capfd, *words)
        assert (status, out) == (0, ""), words
        assert ":warning:container c1 does not exist" in err


def test_an_empty_list(capfd: Capture) -> None:
    """MVM-CCOR-19."""
    assert run(capfd, "list") == (0, "ID PID STATUS BUNDLE CREATED\n", "")
    assert run(capfd, "list", "--all") == (0, "ID PID STATUS BUNDLE CREATED HYPERVISOR KERNEL IMAGE\n", "")
    assert run(capfd, "list", "-f", "json") == (0, "null", "")
    assert run(capfd, "list", "-f", "yaml")[0] == 1


@pytest.mark.parametrize("name", CLEAR)
def test_a_personality_by_name(capfd: Capture, name: str) -> None:
    """MVM-CCOR-01: by an option too, with the wall and the state folder that the name means."""
    assert run(capfd, "--personality", name, "version", program="ringfence")[1].startswith(f"{name} version: ")
    runtime = make_runtime(name, "list", parse([], GLOBAL_OPTIONS, anywhere=False), Log())
    assert runtime.named == "microvm"


def test_an_unknown_personality(capfd: Capture) -> None:
    """MVM-CCOR-01."""
    status, out, err = run(capfd, "--personality", "brrr", "list", program="ringfence")
    assert (status, out) == (1, "")
    assert "invalid personality: brrr" in err


def test_the_state_folders() -> None:
    """MVM-CCOR-01."""
    fresh = {name: names.Personality(name, root=root) for name, root in (("cc-oci-runtime", ""), ("x", "/r"))}
    assert [means.root for means in fresh.values()] == ["/run/cc-oci-runtime", "/r"]


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (["--console", "/dev/pts/3", "c1"], ["--console=/dev/pts/3", "c1"]),
        (["--console=/dev/pts/3", "c1"], ["--console=/dev/pts/3", "c1"]),
        (["--console", "c1", "/b"], ["--console=", "c1", "/b"]),
        (["c1", "/b", "--console"], ["c1", "/b", "--console="]),
        (["--console", "-d", "c1"], ["--console=", "-d", "c1"]),
    ],
)
def test_the_console_may_have_a_value(given: list[str], taken: list[str]) -> None:
    """MVM-CCOR-15."""
    assert with_console(given) == taken


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (["--interval", "5", "c1"], ["--interval", "5s", "c1"]),
        (["--interval=5", "7"], ["--interval=5s", "7"]),
        (["7", "--interval", "1m30s"], ["7", "--interval", "1m30s"]),
        (["7"], ["7"]),
    ],
)
def test_an_interval_without_a_unit_is_in_seconds(given: list[str], taken: list[str]) -> None:
    """MVM-CCOR-20."""
    assert with_unit(given) == taken
