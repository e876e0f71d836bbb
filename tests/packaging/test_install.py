"""make install and make uninstall."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.cli.options import VERBS
from tests.packaging import REPOSITORY

NEED_NO_CONTAINER = ("bundle", "create", "demo", "explain", "features", "image", "list", "restore", "run", "spec")
MORE_WORDS = {"exec": ["/bin/true"], "update": ["--pids-limit", "1"]}


def make(*words: str, umask: int = 0o022) -> None:
    environment = {"PATH": os.environ["PATH"]}
    command = ["make", "--no-print-directory", "-C", str(REPOSITORY), *words]
    done = subprocess.run(command, env=environment, umask=umask, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An installation of its own."""
    folder = tmp_path_factory.mktemp("installed")
    make("install", f"PREFIX={folder}", umask=0o077)
    yield folder
    make("uninstall", f"PREFIX={folder}")
    assert files(folder) == []


def test_the_installed_launcher_runs_the_installed_package(prefix: Path) -> None:
    launcher = prefix / "bin" / "ringfence"
    assert str(REPOSITORY) not in launcher.read_text()
    told = subprocess.run([launcher, "--version"], env={}, cwd="/", capture_output=True, text=True, check=True)
    assert told.stdout.startswith("ringfence version ")


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in NEED_NO_CONTAINER])
def test_each_verb_runs_from_the_pack(prefix: Path, tmp_path: Path, verb: str) -> None:
    program, state = str(prefix / "bin" / "ringfence"), str(tmp_path / "state")
    words = [program, "--root", state, verb, "nobody", *MORE_WORDS.get(verb, ())]
    told = subprocess.run(words, env={}, capture_output=True, text=True, check=False)
    assert "container does not exist" in told.stderr


def test_the_pack_and_the_tree_make_the_same_plan(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "rootfs").mkdir()
    tree, installed = REPOSITORY / "bin" / "ringfence", prefix / "bin" / "ringfence"
    subprocess.run([installed, "spec", "--bundle", tmp_path], env={}, check=True)
    told = [
        subprocess.run([program, "explain", "--bundle", tmp_path], env={}, capture_output=True, check=True).stdout
        for program in (tree, installed)
    ]
    assert told[0] == told[1] != b""


def test_installing_replaces_the_pack(prefix: Path) -> None:
    make("install", f"PREFIX={prefix}")
    assert len(list((prefix / "lib" / "ringfence").glob("*.pack"))) == 1


def test_the_installed_package_is_what_the_tree_holds(prefix: Path) -> None:
    installed = [name for name in files(prefix / "lib" / "ringfence") if name.endswith(".py")]
    sources = [name for name in files(REPOSITORY / "src") if name.endswith(".py")]
    assert installed == sources


def test_every_installed_module_is_compiled_without_a_check_of_its_source(prefix: Path) -> None:
    library = prefix / "lib" / "ringfence"
    compiled = [library / name for name in files(library) if name.endswith(".pyc")]
    assert len(compiled) == len([name for name in files(library) if name.endswith(".py")])
    # PEP 552: flags 1 is a pyc found by hash, without the bit that asks for a check.
    assert {path.read_bytes()[4:8] for path in compiled} == {b"\x01\0\0\0"}


def test_everyone_may_read_the_installation_whatever_the_umask_was(prefix: Path) -> None:
    installed = list((prefix / "lib").rglob("*")) + list((prefix / "bin").rglob("*"))
    assert [path for path in installed if not path.stat().st_mode & 0o004] == []
    assert (prefix / "bin" / "ringfence").stat().st_mode & 0o777 == 0o755


def test_the_installed_init_is_executable(prefix: Path) -> None:
    init = prefix / "lib" / "ringfence" / "ringfence" / "libexec" / "ringfence-init"
    assert init.stat().st_mode & 0o777 == 0o755


def test_installing_again_leaves_nothing_of_the_old_version(prefix: Path) -> None:
    stale = prefix / "lib" / "ringfence" / "ringfence" / "stale.py"
    stale.write_text("")
    make("install", f"PREFIX={prefix}")
    assert not stale.exists()
    assert [name for name in files(prefix) if ".new" in name or ".old" in name] == []


def test_destdir_is_where_files_go_and_not_what_they_name(tmp_path: Path) -> None:
    make("install", f"DESTDIR={tmp_path}", "PREFIX=/opt/ringfence")
    launcher = tmp_path / "opt" / "ringfence" / "bin" / "ringfence"
    (pack,) = (tmp_path / "opt" / "ringfence" / "lib" / "ringfence").glob("*.pack")
    assert f'"/opt/ringfence/lib/ringfence/{pack.name}"' in launcher.read_text()
    assert str(tmp_path) not in launcher.read_text()
    assert bytes(tmp_path) not in pack.read_bytes()
    make("uninstall", f"DESTDIR={tmp_path}", "PREFIX=/opt/ringfence")
    assert files(tmp_path) == []


def test_the_wheel_ships_the_init(tmp_path: Path) -> None:
    import sys
    import zipfile

    pytest.importorskip("mesonpy", reason="meson-python is not installed")
    environment = {"PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-index"]
    done = subprocess.run(
        [*command, "--wheel-dir", tmp_path, REPOSITORY], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        init = archive.getinfo("ringfence/libexec/ringfence-init")
        assert (init.external_attr >> 16) & 0o111 == 0o111
        assert "ringfence/cli/main.py" in archive.namelist()


@pytest.mark.parametrize(
    "name",
    ["ringfence-microvm", "ringfence-xen", "ringfence-jail", "runX", "cc-oci-runtime", "clr-oci-runtime", "runj"],
)
def test_each_name_that_means_a_wall_is_a_link(prefix: Path, name: str) -> None:
    """MVM-DRIVER-01, JAIL-COMPAT-01, XEN-COMPAT-01."""
    assert os.readlink(prefix / "bin" / name) == "ringfence"
    told = subprocess.run([prefix / "bin" / name, "--version"], env={}, capture_output=True, check=True)
    assert told.stderr == b""


def test_another_program_of_such_a_name_is_not_removed(tmp_path: Path) -> None:
    make("install", f"PREFIX={tmp_path}")
    (tmp_path / "bin" / "cc-oci-runtime").unlink()
    (tmp_path / "bin" / "cc-oci-runtime").write_text("")
    make("uninstall", f"PREFIX={tmp_path}")
    assert files(tmp_path) == ["bin/cc-oci-runtime"]
