"""The runtime with a stand-in for Xen's toolstack (tests/xen/tools)."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

import pytest

from tests.support import Bundle, Runtime
from tests.support.process import become_subreaper
from tests.support.runtime import REPOSITORY
from tests.xen.outside.standin import Dom0


@pytest.fixture
def workdir(scratch: str) -> Iterator[str]:
    """A folder of this test alone; what the state folder is called stands in lists of the domain's file."""
    path = tempfile.mkdtemp(prefix="dom0-", dir=scratch)
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def dom0(workdir: str) -> Iterator[Dom0]:
    """A host with xl; leaving something behind fails the test."""
    if os.geteuid() != 0:
        pytest.skip("making domains needs root")
    become_subreaper()
    held = Dom0(workdir, f"{REPOSITORY}/src", sys.executable)
    yield held
    said = held.said()
    left = held.close()
    assert not said, said
    assert not left, "left behind after delete --force:\n" + "\n".join(left)


@pytest.fixture
def runtime(dom0: Dom0) -> Runtime:
    """The runtime on it."""
    return dom0


@pytest.fixture
def bundle(workdir: str) -> Bundle:
    """A bundle whose program is one of this host's: the stand-in's guest has no other files."""
    held = Bundle(os.path.join(workdir, "bundle"))
    held.config["root"]["readonly"] = True
    for name in ("panic", "poweroff", "reboot", "silent", "missing", "lie"):
        held.file(f"bin/{name}", mode=0o755)
    return held
