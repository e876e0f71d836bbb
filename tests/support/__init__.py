"""What tests that start real containers share: import it as ``from tests.support import Runtime, Bundle``.

Fixtures (tests/conftest.py)
    ``workdir``   a folder of this test alone, mode 0755 all the way up, so that mapped users reach it.
    ``runtime``   a ``Runtime``: the binary of $RINGFENCE_BINARY (default bin/ringfence) with its own ``--root`` in
                  ``workdir``. At the end it deletes what the test left and fails the test if the runtime then still has
                  a state folder, cgroup, mount or process of this test.
    ``bundle``    a ``Bundle``: a folder with a busybox rootfs and an editable ``config`` (what ``spec`` writes, without
                  a terminal). ``make_bundle()`` makes further ones.

A test in short::

    def test_exit_status(runtime: Runtime, bundle: Bundle) -> None:
        \"\"\"LNX-LIFE-12: the exit status of a foreground run is the program's.\"\"\"
        bundle.sh("exit 42")
        assert runtime.run_bundle(bundle).code == 42

    container = runtime.create(bundle)          # asserts that create works; returns a Container
    container.start()
    container.state()["status"], container.pid, container.output(), container.exec("id", "-u").out
    result = runtime.run("state", "nobody")     # any command line: Result(code, out, err)
    runtime.last_error()                        # message of the last error record of the JSON log
    runtime.refuses("a text", "create", "-b", bundle.path, name)   # exit 1, one record holding it, nothing left

Standard output and standard error of every command are files, never pipes, so a container that keeps them open does
not keep a command from being waited for. The test process is a child subreaper: orphans of a runtime become its
children, and ``Container.reap()`` waits for them.
"""

from __future__ import annotations

from tests.support.bundle import Bundle
from tests.support.console import ConsoleSocket
from tests.support.poll import eventually, wait_until
from tests.support.process import Process, Result
from tests.support.runtime import Container, Runtime

__all__ = ["Bundle", "ConsoleSocket", "Container", "Process", "Result", "Runtime", "eventually", "wait_until"]
