"""The command line of runj, without any container."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ringfence.cli import personality as names
from ringfence.cli.log import Log
from ringfence.cli.main import command
from ringfence.cli.options import GLOBAL_OPTIONS, UsageError, parse
from ringfence.cli.runj import verbs
from ringfence.cli.runj.options import COMMANDS
from ringfence.cli.world import make_runtime
from ringfence.container.record import ContainerRecord
from ringfence.container.runtime import CreateOptions, Runtime
from ringfence.errors import RingfenceError
from ringfence.version import VERSION

Capture = pytest.CaptureFixture[str]
Monkey = pytest.MonkeyPatch
BOX = "box"


@pytest.fixture(autouse=True)
def own_root(tmp_path: Path, monkeypatch: Monkey) -> None:
    """No test looks at the state folder of this machine."""
    monkeypatch.setattr(names.PERSONALITIES["runj"], "root", str(tmp_path / "root"))
    monkeypatch.chdir(tmp_path)


def run(capfd: Capture, *words: str) -> tuple[int, str, str]:
    """Status, output and errors, whose quotes are as they were before the log escaped them."""
    status = command("runj", list(words))
    out, err = capfd.readouterr()
    return status, out, err.replace('\\"', '"')


def test_the_name_means_jails_and_a_state_folder() -> None:
    """JAIL-COMPAT-01."""
    assert names.Personality("runj", root="/var/lib/runj/jails").root == "/var/lib/runj/jails"
    made = make_runtime("runj", "state", parse([], GLOBAL_OPTIONS, anywhere=False), Log())
    assert (made.named, made.program) == ("jail", "runj")
    assert make_runtime("ringfence-jail", "state", parse([], GLOBAL_OPTIONS, anywhere=False), Log()).named == "jail"


def test_the_version_and_the_help(capfd: Capture) -> None:
    """JAIL-COMPAT-01: the version with its revision, every command in the help."""
    assert run(capfd, "--version") == (0, f"runj version {VERSION} (revision {VERSION})\n", "")
    for words in ([], ["help"], ["-h"], ["--help"]):
        status, out, err = run(capfd, *words)
        assert (status, err) == (0, "")
        assert all(f"\n   {name} " in out for name in ("create", "state", "extension exec", "demo"))
    assert run(capfd, "--personality", "ringfence")[0] == 0


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_help_of_a_command(capfd: Capture, name: str) -> None:
    """JAIL-COMPAT-01."""
    status, out, err = run(capfd, *name.split(), "--help")
    assert (status, err) == (0, "")
    assert f"runj {name} " in out


def test_the_other_spelling_of_extension(capfd: Capture) -> None:
    """JAIL-COMPAT-01."""
    assert run(capfd, "ext", "exec", "--help") == run(capfd, "extension", "exec", "--help")
    assert run(capfd, "ext")[:2] == run(capfd, "extension")[:2]
    assert "extension exec" in run(capfd, "ext")[1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["create"], "create requires a minimum of 1 argument(s)"),
        (["create", BOX], "a bundle is needed"),
        (["create", BOX, "/b", "--bundle", "/b"], "the bundle is given twice"),
        (["create", BOX, "/b", "/c"], "create requires a maximum of 2 argument(s)"),
        (["kill", BOX, "TERM", "--all", "-p", "7"], "--all and --pid exclude each other"),
        (["state"], "state requires exactly 1 argument(s)"),
        (["delete", "--force", BOX], "flag provided but not defined: -force"),
        (["extension", "exec"], "extension exec requires a minimum of 1 argument(s)"),
    ],
)
def test_wrong_arguments_show_how_a_command_is_called(capfd: Capture, words: list[str], told: str) -> None:
    """JAIL-COMPAT-01."""
    status, out, err = run(capfd, *words)
    assert (status, out[:6]) == (1, "Usage:")
    assert told in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["brrr"], 'unknown command "brrr" for "runj"'),
        (["ext", "brrr"], 'unknown command "brrr" for "runj extension"'),
        (["state", BOX], "container does not exist"),
        (["kill", BOX], "container does not exist"),
        (["delete", BOX], "container does not exist"),
        (["start", BOX], "container does not exist"),
        (["ext", "exec", BOX, "ls"], "container does not exist"),
        (["kill", BOX, "PWR9"], 'unknown signal "PWR9"'),
        (["state", "../x"], "invalid container ID format"),
        (["create", BOX, "nowhere"], "no such file or directory"),
    ],
)
def test_other_failures_show_no_usage(capfd: Capture, words: list[str], told: str) -> None:
    """JAIL-COMPAT-01, JAIL-COMPAT-03: an id is checked before anything is looked at."""
    status, out, err = run(capfd, *words)
    assert (status, out) == (1, "")
    assert told in err


# what a container is like


class Known:
    """A container on record, and what is asked for it."""

    def __init__(self, folder: Path, monkeypatch: Monkey) -> None:
        self.done: list[object] = []
        self.status = "running"
        self.pid = 4711
        monkeypatch.setattr(verbs, "load_record", lambda *_: self.record())
        monkeypatch.setattr(verbs, "status", lambda _: self.status)
        for module, name in (("create", "create"), ("start", "start"), ("kill", "kill"), ("delete", "delete")):
            monkeypatch.setattr(f"ringfence.container.{module}.{name}", self.noted(name))
        monkeypatch.setattr("ringfence.container.execute.execute", self.noted("execute"))
        monkeypatch.setattr("ringfence.container.processes.processes", lambda *_: [4711, 4712])
        monkeypatch.setattr("posix.kill", lambda *words: self.done.append(("kill", *words)))
        process = {"args": ["sh"], "cwd": "/", "user": {"uid": 0, "gid": 0}}
        config = {"ociVersion": "1.0.2", "root": {"path": "r"}, "process": process}
        (folder / "config.json").write_text(json.dumps(config))
        self.folder = str(folder)

    def record(self) -> ContainerRecord:
        return ContainerRecord(self.folder, BOX, "/bundle", "/bundle/r", "", pid=self.pid, annotations={"a": "b"})

    def noted(self, name: str) -> object:
        def act(_: Runtime, container_id: str, *rest: object, **more: object) -> int:
            self.done.append((name, container_id, *rest, *more.values()))
            return 3

        return act


@pytest.fixture
def known(tmp_path: Path, monkeypatch: Monkey) -> Known:
    """A container that is said to be there."""
    return Known(tmp_path, monkeypatch)


def test_the_state(capfd: Capture, known: Known) -> None:
    """JAIL-COMPAT-02: two spaces, the bundle's version, no pid of 0, no annotations."""
    status, out, _ = run(capfd, "state", BOX)
    assert (status, list(json.loads(out))) == (0, ["ociVersion", "id", "status", "pid", "bundle"])
    assert out.startswith('{\n  "ociVersion": "1.0.2",\n  "id": "box",')
    assert out.endswith("}\n")
    known.status = "stopped"
    assert "pid" not in json.loads(run(capfd, "state", BOX)[1])


def test_words_for_what_is_refused(capfd: Capture, known: Known) -> None:
    """JAIL-COMPAT-02."""
    assert "cannot start already running container" in run(capfd, "start", BOX)[2]
    assert 'delete: jail "box" is not stopped' in run(capfd, "delete", BOX)[2]
    known.status = "stopped"
    assert "cannot signal non-running container" in run(capfd, "kill", BOX)[2]
    assert known.done == []


def test_signals(capfd: Capture, known: Known) -> None:
    """JAIL-COMPAT-01: TERM without a name, all processes, or one that has to be the container's."""
    run(capfd, "kill", BOX)
    run(capfd, "kill", "--all", BOX, "sigkill")
    run(capfd, "kill", BOX, "9", "-p", "4712")
    assert known.done == [("kill", BOX, 15, False), ("kill", BOX, 9, True), ("kill", 4712, 9)]
    status, _, err = run(capfd, "kill", BOX, "-p", "1")
    assert status == 1
    assert "container box has no process 1" in err


def test_a_program_of_an_exec_gives_its_status(capfd: Capture, known: Known) -> None:
    """JAIL-COMPAT-01: words behind the id are the program's, options too."""
    status, out, err = run(capfd, "ext", "exec", "--process", "p.json", BOX, "ls", "-l")
    assert (status, out, err) == (3, "", "")
    (done,) = known.done
    assert isinstance(done, tuple)
    options = done[2]
    assert (options.args, options.process_file) == (("ls", "-l"), "p.json")


def test_a_created_jail_can_be_deleted(capfd: Capture, known: Known) -> None:
    """JAIL-COMPAT-02."""
    for known.status in ("created", "stopped"):
        assert run(capfd, "delete", BOX)[0] == 0
    assert known.done == [("delete", BOX, False)] * 2


# what create makes of a bundle


def made(known: Known, capfd: Capture, *words: str) -> CreateOptions:
    """The options of ``create`` with these words."""
    folder = Path(known.folder, "b")
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text("{}")
    status, _, err = run(capfd, "create", BOX, *words)
    assert (status, err) == (0, "")
    done = known.done[-1]
    assert isinstance(done, tuple)
    options = done[2]
    assert isinstance(options, CreateOptions)
    return options


def test_the_bundle_is_made_absolute_wherever_it_is_given(capfd: Capture, known: Known, tmp_path: Path) -> None:
    """JAIL-COMPAT-01, JAIL-COMPAT-03."""
    for words in (["b"], ["-b", "b"], ["--bundle=b/../b/."]):
        assert made(known, capfd, *words).bundle == str(tmp_path / "b")
    options = made(known, capfd, "b", "--pid-file", "p", "--console-socket", "s")
    assert (options.pid_file, options.console_socket) == ("p", "s")


def test_a_config_that_is_no_regular_file_is_refused(capfd: Capture, tmp_path: Path) -> None:
    """JAIL-COMPAT-01."""
    (tmp_path / "b").mkdir()
    (tmp_path / "real.json").write_text("{}")
    (tmp_path / "b/config.json").symlink_to("../real.json")
    status, _, err = run(capfd, "create", BOX, "b")
    assert status == 1
    assert "is not a regular file" in err


def test_usage_errors_are_ours() -> None:
    """JAIL-COMPAT-01: they are errors as any other, so that a log has them."""
    assert issubclass(UsageError, RingfenceError)
