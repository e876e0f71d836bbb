"""Running tests on the host itself where it shows nothing but cgroup v2.

A kernel with v1 has the hierarchy of v2 too, with the controllers that v1 does not use. In a mount namespace with that
one alone on /sys/fs/cgroup a runtime takes the machine for one of v2: names, freezer, kill, devices by BPF and
namespaces are v2's, at the processor's own speed. Tests of limits skip themselves; the guest has their controllers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.guest.share import REPOSITORY
from tests.support import cgroup

PATHS = ("tests/conformance",)
# In a cgroup of its own no controller can be had, so none is taken away from v1, whose tests are run at the same time.
VIEW = """\
echo $$ >"$1"/cgroup.procs
shift
exec unshare --cgroup sh -e -c '
umount --lazy --recursive /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec "$@"' sh "$@"
"""
UNSHARE = ("unshare", "--mount", "--net", "--propagation", "private", "sh", "-e", "-c", VIEW, "sh")
"""With a network of its own: some tests make devices, the host's run of them at the same time as this one."""
FAILED_TESTS = 1


class UnifiedError(Exception):
    """The tests could not be run."""


def perform(report: Path, output: int) -> None:
    """Run pytest; its JUnit report goes to a file.

    Raises:
        UnifiedError: pytest did not come to the end.
    """
    folder = cgroup.make("", f"/ringfence-unified-{os.getpid()}")
    pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junit-xml={report}", *PATHS]
    words = [*UNSHARE, folder, *pytest]
    environment = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}
    try:
        ended = subprocess.run(
            words, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
    finally:
        cgroup.remove(folder)
    if ended.returncode not in (0, FAILED_TESTS):
        raise UnifiedError(f"pytest on cgroup v2 ended with status {ended.returncode}")
