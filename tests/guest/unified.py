"""Running tests on the host itself where it shows nothing but cgroup v2.

A kernel with v1 has the hierarchy of v2 too, with the controllers that v1 does not use. In a mount namespace with that
one alone on /sys/fs/cgroup a runtime takes the machine for one of v2: names, freezer, kill, devices by BPF and
namespaces are v2's, at the processor's own speed. Tests of limits skip themselves; the guest has their controllers.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.guest import apart
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


def perform(report: Path, output: int) -> None:
    """Run pytest; its JUnit report goes to a file.

    Raises:
        ApartError: pytest did not come to the end.
    """
    folder = cgroup.make("", f"/ringfence-unified-{os.getpid()}")
    try:
        apart.perform(report, output, PATHS, (*UNSHARE, folder))
    finally:
        cgroup.remove(folder)
