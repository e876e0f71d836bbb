"""Machines of stand-ins for pytest; tests.jail.freebsd gives the same tests the host itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator

import pytest

from tests.jail import standin as standins
from tests.jail.harness import Skip, used
from tests.jail.standin import StandIn


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A test that cannot be made here says so in its own way, since it knows nothing of pytest."""
    try:
        return (yield)
    except Skip as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def parts(scratch: str) -> tuple[str, str]:
    """A root file system and the library of the stand-ins."""
    if os.geteuid() != 0:
        pytest.skip("the stand-ins change roots and mount, which needs root here")
    if not shutil.which("cc"):
        pytest.skip("the stand-ins need a C compiler")
    template = f"{scratch}/jail-template"
    standins.make_template(template)
    try:
        return template, standins.compile_library(scratch)
    except subprocess.CalledProcessError as error:
        pytest.fail(error.stderr.decode())


@pytest.fixture
def make_standin(parts: tuple[str, str], workdir: str) -> Callable[[], StandIn]:
    """Makes a machine of stand-ins."""
    standins.adopt_orphans()
    return lambda: StandIn(workdir, *parts)


@pytest.fixture
def standin(make_standin: Callable[[], StandIn]) -> Iterator[StandIn]:
    """A machine of stand-ins."""
    with used(make_standin()) as held:
        assert isinstance(held, StandIn)
        yield held


@pytest.fixture
def host(standin: StandIn) -> StandIn:
    """The machine of a test that any machine will do for."""
    return standin
