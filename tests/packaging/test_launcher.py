"""bin/ringfence: four lines that an engine starts with nothing but a path."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.packaging import REPOSITORY

LAUNCHER = REPOSITORY / "bin" / "ringfence"
FIND_PYTHON = REPOSITORY / "tools" / "find-python"


def output(*words: str, environment: dict[str, str] | None = None) -> str:
    return subprocess.run(words, env=environment or {}, capture_output=True, text=True, check=True).stdout


def interpreter(launcher: Path) -> tuple[str, str]:
    """The program its first line names, and the options behind it."""
    name, _, options = launcher.read_text().splitlines()[0].removeprefix("#!").partition(" ")
    return name, options


def test_the_launcher_names_the_interpreter_itself_and_no_shim_or_link() -> None:
    name, _ = interpreter(LAUNCHER)
    assert os.path.isabs(name)
    assert os.path.realpath(name) == name
    with open(name, "rb") as file:
        assert file.read(4) == b"\x7fELF"


def test_the_interpreter_starts_isolated_and_without_site() -> None:
    assert set(interpreter(LAUNCHER)[1]) == set("-IS")


def test_the_launcher_works_with_an_empty_environment_in_any_folder(tmp_path: Path) -> None:
    told = subprocess.run([LAUNCHER, "--version"], env={}, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout.startswith("ringfence version ")


def test_nothing_in_the_callers_folder_or_environment_is_imported(tmp_path: Path) -> None:
    for name in ("os.py", "posixpath.py", "sitecustomize.py"):
        (tmp_path / name).write_text("raise SystemExit('a module of the caller was imported')\n")
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONHOME": "/nonexistent", "PYTHONSTARTUP": "/nonexistent"}
    told = subprocess.run([LAUNCHER, "--version"], env=environment, cwd=tmp_path, capture_output=True, check=False)
    assert told.returncode == 0, told.stderr


def test_the_first_argument_may_be_anything() -> None:
    told = subprocess.run(["anything", "--version"], executable=LAUNCHER, env={}, capture_output=True, check=True)
    assert b"version" in told.stdout


def test_a_link_gives_the_program_its_name(tmp_path: Path) -> None:
    link = tmp_path / "runc"
    link.symlink_to(LAUNCHER)
    assert output(str(link), "--version").startswith("runc version ")


def test_find_python_looks_through_a_shim(tmp_path: Path) -> None:
    real = interpreter(LAUNCHER)[0]
    shim = tmp_path / "python3"
    shim.write_text(f'#!/bin/sh\nexec {real} "$@"\n')
    shim.chmod(0o755)
    assert output(str(FIND_PYTHON), str(shim), environment={"PATH": "/usr/bin:/bin"}) == f"{real}\n"


def test_find_python_refuses_what_is_no_python_of_3_11_or_newer(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    told = subprocess.run(
        [FIND_PYTHON, old], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert f"{old} is not a Python 3.11 or newer" in told.stderr
    assert told.stdout == ""
