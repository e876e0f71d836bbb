"""The command lines of bundle and image build, and the progress bar."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.cli import progress
from ringfence.cli.main import command
from ringfence.image.platform import host_platform
from tests.support.console import read_all
from tests.unit.image.archives import Layout, archive, entry, names
from tests.unit.image.test_build import files

SOURCE = str(Path(__file__).parents[3] / "src")
DATA = archive(entry("hello", b"x" * 5000))


def run(*words: str) -> int:
    return command("ringfence", list(words))


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of an image for this machine, relative to the working directory."""
    monkeypatch.chdir(tmp_path)
    layout = Layout(tmp_path / "layout")
    layout.add(DATA, platform=str(host_platform()), config={"Entrypoint": ["/bin/e"], "Cmd": ["c"]})
    return "layout"


def config(folder: str) -> dict[str, object]:
    held: dict[str, object] = json.loads((Path(folder) / "config.json").read_text())
    return held


def test_a_bundle_from_the_command_line(image: str, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-BUNDLE-01, IMG-BUNDLE-16, IMG-CONF-01: paths are the caller's; without a terminal no progress is shown."""
    assert run("bundle", "--terminal", image, "b", "--", "-x", "y") == 0
    process = config("b")["process"]
    assert isinstance(process, dict)
    assert (process["args"], process["terminal"]) == (["/bin/e", "-x", "y"], True)
    assert capfd.readouterr() == ("", "")


def test_an_interrupted_bundle_leaves_nothing(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMG-BUNDLE-01: Ctrl-C is status 130."""

    def interrupt(self: object, count: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ringfence.cli.progress.Bar.add", interrupt)
    before = names(Path())
    assert run("bundle", image, "b") == 130
    assert names(Path()) == before


@pytest.mark.parametrize("words", [["bundle", "layout", "b"], ["image", "build", "--rootfs", "root", "-o", "i.tar"]])
def test_a_disk_without_room_is_told_and_nothing_stays(image: str, words: list[str]) -> None:
    """IMG-BUNDLE-01, IMG-BUILD-08: here a limit on files' sizes plays the disk."""
    os.mkdir("root")
    Path("root/f").write_bytes(os.urandom(2**20))
    before = names(Path())
    program = f"import sys, resource; sys.path.insert(0, {SOURCE!r}); from ringfence.cli.main import command; "
    program += f"resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); sys.exit(command('r', {words!r}))"
    # -B: modules that were cached now would be cut off as well.
    done = subprocess.run([sys.executable, "-IB", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "file too large" in done.stderr
    assert "internal error" not in done.stderr
    assert names(Path()) == before


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--setuid", "never"], "--setuid never: not one of keep, strip"),
        (["--devices", "x"], "--devices x: not one of keep, skip, refuse"),
        (["--volumes", "x"], "--volumes x: not one of mount, ignore"),
        (["--platform", "x"], "not a platform"),
        (["--limit", "x=1"], "not a limit"),
        (["--limit", "entries=0"], "beyond the limit entries=0"),
        (["--uid-map", "0:1"], "not a map"),
        (["--uid-map", "0:1:0"], "beyond what there is"),
        (["--uid-map", "0:4294967290:9"], "beyond what there is"),
        (["--gid-map", "0:0:10", "--gid-map", "5:50:1"], "two ranges overlap at 5"),
        (["--keep-flags"], "no file flags"),
        (["--ref", "x"], "no image 'x'"),
    ],
)
def test_options_that_cannot_be(image: str, words: list[str], text: str, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-BUNDLE-04, IMG-BUNDLE-11, IMG-BUNDLE-13, IMG-BUNDLE-14."""
    if words == ["--keep-flags"] and hasattr(os, "chflags"):
        pytest.skip("this system has file flags")
    assert run("bundle", *words, image, "b") == 1
    assert text in capfd.readouterr().err
    assert not os.path.exists("b")


def test_maps_are_those_of_the_container_too(image: str) -> None:
    """IMG-BUNDLE-13."""
    here = f"{os.getuid()}:{os.geteuid()}:1"
    assert run("bundle", "--uid-map", here, "--gid-map", f"{os.getgid()}:{os.getegid()}:1", image, "b") == 0
    linux = config("b")["linux"]
    assert isinstance(linux, dict)
    assert linux["uidMappings"] == [{"containerID": os.getuid(), "hostID": os.geteuid(), "size": 1}]


def test_an_image_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMG-BUILD-02, IMG-BUILD-07: platform, author, config and time come from the caller."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    (tmp_path / "root").mkdir()
    (tmp_path / "config").write_text('{"Cmd": ["x"]}')
    words = ["--rootfs", "root", "-o", "i.tar", "--os", "freebsd", "--arch", "arm", "--variant", "v7", "--author", "me"]
    assert run("image", "build", *words, "--config", "config", "--compress", "none") == 0
    held = b"".join(files(tmp_path / "i.tar").values())
    for text in (b'"os":"freebsd"', b'"architecture":"arm"', b'"variant":"v7"', b'"author":"me"', b'"Cmd":["x"]'):
        assert text in held
    assert b'"created":"2001-09-09T01:46:40Z"' in held


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"Env": "A=1"}', "Env must be a list"),
        ('{"Cmd": [1]}', "Cmd must hold texts only"),
        ('{"User": 0}', "User must be a text"),
        ('{"Volumes": ["/v"]}', "Volumes must be an object"),
        ('{"Labels": {"a": 1}}', "Labels must hold texts only"),
        ("[]", "must be an object"),
        ("{", "config: "),
    ],
)
def test_a_config_that_no_engine_would_take(
    tmp_path: Path, text: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """IMG-BUILD-04: is refused before anything is written."""
    (tmp_path / "config").write_text(text)
    given = ["--rootfs", str(tmp_path), "-o", str(tmp_path / "i.tar"), "--config", str(tmp_path / "config")]
    assert run("image", "build", *given) == 1
    assert words in capfd.readouterr().err
    assert names(tmp_path) == ["config"]


def test_an_image_through_a_pipe(tmp_path: Path) -> None:
    """IMG-BUILD-08."""
    (tmp_path / "root").mkdir()
    program = f"import sys; sys.path.insert(0, {SOURCE!r}); from ringfence.cli.main import command; "
    program += f"sys.exit(command('r', ['image', 'build', '--rootfs', {str(tmp_path / 'root')!r}, '-o', '-']))"
    made = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, check=True, cwd=tmp_path)
    (tmp_path / "piped.tar").write_bytes(made.stdout)
    assert run("image", "build", "--rootfs", str(tmp_path / "root"), "-o", str(tmp_path / "file.tar")) == 0
    assert (tmp_path / "file.tar").read_bytes() == made.stdout
    assert names(tmp_path) == ["file.tar", "piped.tar", "root"]


@pytest.mark.parametrize(
    ("words", "environment", "text"),
    [
        (["-o", "x"], {}, "--rootfs is needed"),
        (["--rootfs", "."], {}, "--output is needed"),
        (["--rootfs", ".", "-o", "x", "--compress", "xz"], {}, "not one of gzip, zstd, none"),
        (["--rootfs", ".", "-o", "x", "--tag", "X"], {}, "not the name of an image"),
        (["--rootfs", ".", "-o", "x", "--config", "missing"], {}, "no such file or directory"),
        (["--rootfs", ".", "-o", "no/such/folder"], {}, "no such file or directory"),
        (["--rootfs", ".", "-o", "x"], {"SOURCE_DATE_EPOCH": "now"}, "not a number of seconds"),
    ],
)
def test_images_that_cannot_be(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    words: list[str],
    environment: dict[str, str],
    text: str,
) -> None:
    """IMG-BUILD-03, IMG-BUILD-07, IMG-BUILD-08."""
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert run("image", "build", *words) == 1
    assert text in capfd.readouterr().err
    assert names(tmp_path) == []


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """IMG-BUNDLE-16, IMG-DEMO-05: on standard error, and there only if that is a terminal."""
    master, slave = pty.openpty()
    monkeypatch.setattr(progress, "STDERR", slave)
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    with progress.Bar("working") as bar:
        bar.begin(4 * 2**20, done=2**20)
        bar.add(2**20)
    os.close(slave)
    shown = read_all(master)
    os.close(master)
    assert "working [###############---------------] 2.0 MiB of 4.0 MiB" in shown
    assert "/s" in shown
    assert shown.endswith("left\r\n")


def test_the_line_of_progress() -> None:
    """IMG-DEMO-05: size, rate and what remains."""
    assert progress.line("x", 2**20, 4 * 2**20, 2**20) == (
        "x [#######-----------------------] 1.0 MiB of 4.0 MiB  1.0 MiB/s  0:03 left"
    )
    assert progress.line("x", 500, -1, 100.0) == "x 500 B  100 B/s"
    assert progress.line("x", 10, 5, 0.0).startswith("x [##############################]")
    assert progress.clock(3725) == "62:05"
    assert progress.size(3 * 2**40) == "3.0 TiB"
