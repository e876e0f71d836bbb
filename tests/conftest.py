"""Fixtures for every test that starts containers; tests/support/__init__.py tells how they are used."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.guest import apart
from tests.support import Bundle, ConsoleSocket, Runtime
from tests.support.process import become_subreaper
from tests.support.terminal import Terminal

# Beside machines, or in one, an example may take longer than Hypothesis likes; what is checked stays the same.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What waits for the guest comes last: its tests run beside those of the host until then.

    So do those that are run apart, which are left out here.
    """
    if any("apart_report" in getattr(item, "fixturenames", ()) for item in items) and os.geteuid() == 0:
        gone = [item for item in items if item.nodeid.startswith(apart.PATHS)]
        items[:] = [item for item in items if item not in set(gone)]
        config.hook.pytest_deselected(items=gone)
    items.sort(key=lambda item: "guest_report" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def scratch() -> Iterator[str]:
    """A folder of this run with mode 0755, so that mapped users reach what is in it; pytest's own ones are 0700."""
    path = tempfile.mkdtemp(prefix="ringfence-test-")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def workdir(scratch: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A folder of this test alone."""
    path = tempfile.mkdtemp(prefix=f"{request.node.name[:24].replace('/', '-')}-", dir=scratch)
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def runtime(workdir: str) -> Iterator[Runtime]:
    """The runtime under test; leaving something behind fails the test."""
    if os.geteuid() != 0:
        pytest.skip("starting containers here needs root")
    become_subreaper()
    held = Runtime(workdir)
    if not os.access(held.binary, os.X_OK):
        pytest.fail(f"{held.binary} is not there: build it with make, or set RINGFENCE_BINARY")
    yield held
    left = held.close()
    assert not left, "left behind after delete --force:\n" + "\n".join(left)


@pytest.fixture
def make_bundle(workdir: str) -> Callable[..., Bundle]:
    """Makes bundles: ``make_bundle("name", rootfs=True)``."""
    return lambda name="other", **how: Bundle(os.path.join(workdir, name), **how)


@pytest.fixture
def bundle(make_bundle: Callable[..., Bundle]) -> Bundle:
    """A bundle that runs ``sh``."""
    return make_bundle("bundle")


@pytest.fixture
def console(workdir: str) -> Iterator[ConsoleSocket]:
    """A socket for --console-socket or --pidfd-socket."""
    held = ConsoleSocket(os.path.join(workdir, "console.sock"))
    yield held
    held.close()


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A pty for a runtime in the foreground."""
    held = Terminal()
    yield held
    held.close()
