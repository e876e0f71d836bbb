"""The completion files under completions/."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from ringfence.cli.options import VERBS

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    specification = importlib.util.spec_from_file_location("completions", ROOT / "tools" / "completions.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["ringfence.bash", "_ringfence", "ringfence.fish"])
def test_the_files_are_what_the_tool_writes(tool: ModuleType, name: str) -> None:
    assert (ROOT / "completions" / name).read_text() == tool.FILES[name](), "run python3 tools/completions.py"


@pytest.mark.parametrize(
    ("shell", "name"), [("bash", "ringfence.bash"), ("zsh", "_ringfence"), ("fish", "ringfence.fish")]
)
def test_the_shell_can_read_its_file(shell: str, name: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    subprocess.run([shell, "-n", ROOT / "completions" / name], check=True)


def complete(folder: Path, *words: str) -> list[str]:
    """What bash offers for the last of the words, with a ringfence that knows the container c1 below /r."""
    program = folder / "ringfence"
    program.write_text('#!/bin/sh\n[ "$*" = "--root /r list --quiet" ] && echo c1\n')
    program.chmod(0o755)
    script = f"source {ROOT}/completions/ringfence.bash; COMP_WORDS=({shlex.join([str(program), *words])}); "
    script += f'COMP_CWORD={len(words)}; _ringfence; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, cwd=folder)
    return done.stdout.split()


def test_bash_completes_commands(tmp_path: Path) -> None:
    assert complete(tmp_path, "st") == ["start", "state"]
    assert sorted(complete(tmp_path, "--root", "/r", "")) == sorted([*VERBS, "help"])


def test_bash_completes_options_of_the_command(tmp_path: Path) -> None:
    assert complete(tmp_path, "run", "--no-n") == ["--no-new-keyring"]
    assert complete(tmp_path, "--no-n") == []


def test_bash_completes_values(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    assert complete(tmp_path, "--log-format", "") == ["text", "json"]
    assert complete(tmp_path, "create", "--bundle", "bu") == ["bundle"]


def test_bash_completes_containers_of_the_state_folder(tmp_path: Path) -> None:
    assert complete(tmp_path, "--root", "/r", "delete", "--force", "") == ["c1"]
    assert complete(tmp_path, "--root", "/r", "create", "") == []


def test_bash_completes_commands_of_two_words(tmp_path: Path) -> None:
    (tmp_path / "root.tar").touch()
    assert complete(tmp_path, "image", "") == ["build", "inspect"]
    assert complete(tmp_path, "image", "build", "--os") == ["--os"]
    assert complete(tmp_path, "image", "build", "--compress", "") == ["gzip", "zstd", "none"]
    assert complete(tmp_path, "image", "inspect", "ro") == ["root.tar"]
    assert complete(tmp_path, "bundle", "ro") == ["root.tar"]
