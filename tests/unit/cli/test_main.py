"""From words to exit status, without any container."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest

from ringfence.cli.main import command
from ringfence.cli.options import VERBS, Arguments
from ringfence.container.runtime import Runtime
from ringfence.errors import RingfenceError

SOURCE = str(Path(__file__).parents[3] / "src")


class Cli:
    """Runs command lines in this process and shows what they wrote."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self.capfd = capfd

    def __call__(self, *words: str) -> tuple[int, str, str]:
        status = command("prog", list(words))
        return status, *self.capfd.readouterr()

    def fails(self, *words: str) -> str:
        """The message of a command that fails with status 1 and prints nothing."""
        status, out, err = self("--log-format", "json", *words)
        assert (status, out) == (1, "")
        return str(json.loads(err)["msg"])


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str]) -> Cli:
    return Cli(capfd)


def replace(monkeypatch: pytest.MonkeyPatch, verb: str, error: Exception | None = None, text: str = "") -> None:
    """Put a module in place of a verb's that warns with ``text`` and raises ``error``, or succeeds."""

    def perform(runtime: Runtime, _: Arguments) -> int:
        if text:
            runtime.log.warning(text)
        if error is not None:
            raise error
        return 42

    module = ModuleType(f"ringfence.cli.{verb}")
    module.perform = perform  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.parametrize("words", [[], ["help"], ["h"], ["-h"], ["--help"], ["-h", "state"], ["help", "help"]])
def test_general_help(cli: Cli, words: list[str]) -> None:
    """LNX-CLI-10."""
    status, out, err = cli(*words)
    assert (status, err) == (0, "")
    assert out.startswith("NAME:\n   prog - Open Container Initiative runtime\n")


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_help_of_a_command_wins_over_a_wrong_count(cli: Cli, verb: str) -> None:
    """LNX-CLI-11."""
    texts = {cli(*words) for words in ([verb, "-h"], [verb, "--help", "a", "b", "c"], ["help", verb], ["h", verb])}
    ((status, out, err),) = texts
    assert (status, err) == (0, "")
    assert out.startswith("NAME:\n")
    assert f"prog {verb}" in out.splitlines()[1]


@pytest.mark.parametrize("words", [["foo"], ["foo", "-h"], ["help", "foo"]])
def test_unknown_command(cli: Cli, words: list[str]) -> None:
    """LNX-CLI-09."""
    status, out, err = cli(*words)
    assert (status, out) == (3, "")
    assert f"No help topic for '{words[-1] if words[0] == 'help' else words[0]}'" in err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["state"], '"state" requires exactly 1 argument(s)'),
        (["state", "a", "b"], '"state" requires exactly 1 argument(s)'),
        (["list", "a"], '"list" requires exactly 0 argument(s)'),
        (["kill"], '"kill" requires a minimum of 1 argument(s)'),
        (["kill", "a", "b", "c"], '"kill" requires a maximum of 2 argument(s)'),
        (["exec"], '"exec" requires a minimum of 1 argument(s)'),
        (["ps"], '"ps" requires a minimum of 1 argument(s)'),
    ],
)
def test_wrong_count(cli: Cli, words: list[str], text: str) -> None:
    """LNX-CLI-06, LNX-CLI-07."""
    status, out, err = cli("--log-format", "json", *words)
    assert status == 1
    assert out.startswith(f"Incorrect Usage.\n\nNAME:\n   prog {words[0]} - ")
    assert json.loads(err)["msg"] == f"prog: {text}"


def test_unknown_option(cli: Cli) -> None:
    """LNX-CLI-08."""
    status, out, err = cli("state", "-bogus", "x")
    assert status == 1
    assert out.startswith("Incorrect Usage: flag provided but not defined: -bogus\n\nNAME:\n   prog state - ")
    assert 'msg="flag provided but not defined: -bogus"' in err


def test_unknown_global_option(cli: Cli) -> None:
    """LNX-CLI-08."""
    status, out, err = cli("-bogus", "state", "x")
    assert status == 1
    assert out.startswith("Incorrect Usage. flag provided but not defined: -bogus\n\nNAME:\n   prog - ")
    assert 'msg="flag provided but not defined: -bogus"' in err


@pytest.mark.parametrize("flag", ["--version", "-v", "-version"])
def test_version(capfd: pytest.CaptureFixture[str], flag: str) -> None:
    """LNX-CLI-21, LNX-FEAT-01."""
    for program, word in (("runc", "runc"), ("ringfence", "ringfence"), ("other", "ringfence")):
        assert command(program, [flag]) == 0
        first, second, third, *_ = capfd.readouterr().out.splitlines()
        assert first.startswith(f"{word} version ")
        assert second.startswith("commit: ")
        assert third == "spec: 1.3.0"


def test_global_options_that_cannot_be(cli: Cli, tmp_path: Path) -> None:
    """LNX-CLI-12, 13, 15, 19."""
    assert cli.fails("--root", "/", "list") == "Option --root argument should not be set to /"
    assert cli.fails("--rootless", "maybe", "list").startswith('invalid value "maybe" for --rootless')
    assert cli.fails("--log", "/none/x", "list") == "open /none/x: no such file or directory"
    status, _, err = cli("--log-format", "xml", "list")
    assert status == 1
    assert "invalid log-format: xml" in err


IDS_NEEDED = sorted(name for name, verb in VERBS.items() if verb.least == 1)


@pytest.mark.parametrize("verb", IDS_NEEDED)
@pytest.mark.parametrize(
    ("container_id", "text"),
    [
        ("", "container id cannot be empty"),
        (".", "invalid container ID format"),
        ("..", "invalid container ID format"),
        ("a/b", "invalid container ID format"),
        ("a b", "invalid container ID format"),
        ("caf\u00e9", "invalid container ID format"),
    ],
)
def test_container_ids_are_checked_before_the_disk_is_touched(
    cli: Cli, tmp_path: Path, verb: str, container_id: str, text: str
) -> None:
    """LNX-CLI-25."""
    root = tmp_path / "root"
    status, out, err = cli("--root", str(root), "--log-format", "json", verb, container_id)
    assert (status, out) == (255 if verb == "exec" else 1, "")
    assert str(json.loads(err)["msg"]).endswith(text)
    assert not root.exists()


@pytest.mark.parametrize(
    ("verb", "status", "prefix"),
    [
        ("create", 1, "runc create failed: "),
        ("run", 1, "runc run failed: "),
        ("exec", 255, "exec failed: "),
        ("state", 1, ""),
    ],
)
def test_the_error_of_an_operation(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, verb: str, status: int, prefix: str
) -> None:
    """LNX-CLI-22, LNX-CLI-24."""
    replace(monkeypatch, verb, RingfenceError("it broke", field="/root", hint="mend it"))
    found, out, err = cli("--log-format", "json", verb, "x")
    assert (found, out) == (status, "")
    record = json.loads(err)
    assert (record["msg"], record["field"], record["hint"]) == (f"{prefix}it broke", "/root", "mend it")


def test_the_status_of_an_operation_is_that_of_the_command(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """LNX-CLI-22."""
    replace(monkeypatch, "run")
    assert cli("run", "x") == (42, "", "")


@pytest.mark.parametrize(("verb", "status"), [("state", 1), ("exec", 255)])
def test_what_nobody_foresaw_is_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch, verb: str, status: int) -> None:
    replace(monkeypatch, verb, TypeError("not that kind"))
    found, out, err = cli("--log-format", "json", verb, "x")
    assert (found, out) == (status, "")
    record = json.loads(err)
    assert "internal error: TypeError: not that kind (cli/test_main.py:" in record["msg"]


def test_a_forgotten_system_call_shows_the_kernels_words(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    replace(monkeypatch, "state", PermissionError(13, "Permission denied", "/x"))
    assert "internal error: PermissionError: /x: permission denied (" in cli.fails("state", "x")


def test_the_traceback_is_a_debug_record(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    replace(monkeypatch, "state", TypeError("not that kind"))
    for option in ("--debug", "--log-level=debug"):
        _, _, err = cli(option, "--log-format", "json", "state", "x")
        levels = [json.loads(line)["level"] for line in err.splitlines()]
        assert levels == ["debug", "error"]
        assert "Traceback" in err


def test_podmans_global_options_are_taken(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """JAIL-COMPAT-05."""
    replace(monkeypatch, "state", RingfenceError("words"))
    status, _, err = cli("--log-level", "warning", "--cgroup-manager", "disabled", "state", "x")
    assert (status, err.count("level=")) == (1, 1)


@pytest.mark.parametrize("words", [["create", "x"], ["exec", "-d", "x", "true"]])
def test_a_warning_and_an_error_are_one_record(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str]
) -> None:
    """LNX-CLI-23: podman reads a log of exactly one line."""
    replace(monkeypatch, words[0], RingfenceError("it broke"), "beware")
    path = tmp_path / "log"
    _, _, err = cli("--log", str(path), "--log-format", "json", *words)
    record = json.loads(path.read_text())
    assert record["level"] == "error"
    assert record["warnings"] == ["beware"]
    assert err.splitlines() == [record["msg"]]


def test_an_interrupted_command_says_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def perform(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    module = ModuleType("ringfence.cli.state")
    module.perform = perform  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert cli("state", "x") == (130, "", "")


PROGRAM = f"import sys; sys.path.insert(0, {SOURCE!r}); from ringfence.cli.main import main; main()"
PYTHON = [sys.executable, "-I", "-S", "-c", PROGRAM]


def launch(words: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A shell command line in which ``"$@"`` is ringfence."""
    return subprocess.run(["sh", "-c", words, "sh", *PYTHON, *arguments], capture_output=True, text=True, check=False)


def test_a_closed_pipe_shows_no_traceback() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*PYTHON, "help"], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_full_disk_is_an_error() -> None:
    done = launch('"$@" >/dev/full', "help")
    assert done.returncode == 1
    assert "write /dev/stdout: no space left on device" in done.stderr


def test_closed_standard_descriptors_become_dev_null(tmp_path: Path) -> None:
    path = tmp_path / "log"
    done = launch('"$@" <&- >&- 2>&-', "--log", str(path), "help", "foo")
    assert done.returncode == 3
    assert "No help topic" in path.read_text()


@pytest.mark.parametrize("words", [["image"], ["image", "nothing"], ["demo"]])
def test_a_group_needs_its_second_word(cli: Cli, words: list[str]) -> None:
    status, out, err = cli("--log-format", "json", *words)
    assert status == 1
    assert out.startswith(f"Incorrect Usage.\n\nNAME:\n   prog {words[0]} - ")
    assert json.loads(err)["msg"] == f'prog: "{words[0]}" needs a command after it'


def test_the_help_of_a_second_word(cli: Cli) -> None:
    texts = {cli(*words) for words in (["image", "build", "-h"], ["help", "image", "build"])}
    ((status, out, _),) = texts
    assert status == 0
    assert "prog image build --rootfs ROOT" in out
    assert "--compress" in out
