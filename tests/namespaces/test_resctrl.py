"""A container in a made-up resctrl file system: no processor with RDT is needed to see who enters which group."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging import REPOSITORY
from tests.support import Bundle, Runtime

# The kernel fills a new group with its files, which a plain folder has to be helped with.
PROGRAM = """
import pathlib, posix, sys
sys.path.insert(0, {package!r})
from ringfence.resctrl import files
files.MOUNTS = {mounts!r}
mkdir = posix.mkdir
def made(path, mode=0o777):
    mkdir(path, mode)
    if str(path).startswith({mount!r}):
        for name in ("tasks", "schemata"):
            pathlib.Path(path, name).touch()
posix.mkdir = made
rmdir = posix.rmdir
def removed(path):
    for name in ("tasks", "schemata") if str(path).startswith({mount!r}) else ():
        pathlib.Path(path, name).unlink(missing_ok=True)
    rmdir(path)
posix.rmdir = removed
from ringfence.cli.main import command
raise SystemExit(command("ringfence", sys.argv[1:]))
"""


class Resctrl:
    """A folder taken for resctrl's mount point, and ringfence made to believe it."""

    def __init__(self, folder: Path, root: str):
        self.mount = folder / "resctrl"
        self.root = root
        self.output = folder / "output"
        self.mount.mkdir()
        mounts = folder / "mountinfo"
        mounts.write_text(f"30 22 0:40 / {self.mount} rw - resctrl resctrl rw\n")
        package = str(REPOSITORY / "src")
        self.program = PROGRAM.format(package=package, mounts=str(mounts), mount=str(self.mount))

    def run(self, *words: str) -> int:
        """A whole command line of ringfence; the exit status."""
        command = [sys.executable, "-c", self.program, "--root", self.root, *words]
        # Not pipes: a container that is only created holds what create was given.
        with open(self.output, "w") as output:
            how = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
        return how.returncode

    def group(self, name: str) -> Path:
        """A group that was there before."""
        (self.mount / name / "mon_groups").mkdir(parents=True)
        (self.mount / name / "tasks").touch()
        (self.mount / name / "schemata").write_text("    L3:0=00f\n")
        return self.mount / name


@pytest.fixture
def resctrl(runtime: Runtime, tmp_path: Path) -> Resctrl:
    return Resctrl(tmp_path, runtime.root)


def test_init_enters_the_group_that_was_made(resctrl: Resctrl, runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RDT-02, LNX-RDT-04, LNX-DEL-01: the group has its lines before, and is gone with the container."""
    bundle.linux["intelRdt"] = {"l3CacheSchema": "L3:0=f"}
    bundle.write()
    name = runtime.new_id()
    assert resctrl.run("create", "--bundle", bundle.path, name) == 0, resctrl.output.read_text()
    assert (resctrl.mount / name / "tasks").read_text() == "0"
    assert (resctrl.mount / name / "schemata").read_text() == "L3:0=f\n"
    assert resctrl.run("delete", "--force", name) == 0
    assert not (resctrl.mount / name).exists()


def test_monitoring_below_a_class_that_stays(resctrl: Resctrl, runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RDT-03, LNX-RDT-05, LNX-DEL-09."""
    gold, name = resctrl.group("gold"), runtime.new_id()
    bundle.linux["intelRdt"] = {"closID": "gold", "enableMonitoring": True}
    bundle.write()
    assert resctrl.run("create", "--bundle", bundle.path, name) == 0, resctrl.output.read_text()
    assert (gold / "tasks").read_text() == "0"
    assert (gold / "mon_groups" / name / "tasks").read_text() == "0"
    assert resctrl.run("delete", "--force", name) == 0
    assert not (gold / "mon_groups" / name).exists()
    assert (gold / "schemata").read_text() == "    L3:0=00f\n"


def test_exec_enters_the_group_too(resctrl: Resctrl, runtime: Runtime, bundle: Bundle) -> None:
    """LNX-RDT-04: every process of the container is in it."""
    gold, name = resctrl.group("gold"), runtime.new_id()
    bundle.linux["intelRdt"] = {"closID": "gold"}
    bundle.sh("sleep 100")
    bundle.write()
    assert resctrl.run("run", "--detach", "--bundle", bundle.path, name) == 0
    (gold / "tasks").write_text("")
    assert resctrl.run("exec", name, "true") == 0
    assert (gold / "tasks").read_text() == "0"
    resctrl.run("delete", "--force", name)


def test_a_failed_create_leaves_no_group(resctrl: Resctrl, runtime: Runtime, bundle: Bundle) -> None:
    """LNX-DEL-09: nor does it touch one that was there."""
    gold, name = resctrl.group("gold"), runtime.new_id()
    bundle.config["process"]["args"] = ["/no/such/program"]
    for section in ({}, {"closID": "gold", "enableMonitoring": True}):
        bundle.linux["intelRdt"] = section
        bundle.write()
        assert resctrl.run("create", "--bundle", bundle.path, name) == 1
        assert sorted(path.name for path in resctrl.mount.iterdir()) == ["gold"]
        assert list((gold / "mon_groups").iterdir()) == []
