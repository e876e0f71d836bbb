"""The engines as fixtures: each is started once, and every test has to leave it without a trace of its containers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TypeVar
from zlib import crc32

import pytest

from tests.engines.containerd import Containerd
from tests.engines.docker import CLIENTS, Docker
from tests.engines.engine import Engine, check_clean, find_program, missing
from tests.engines.podman import Podman
from tests.engines.sandbox import Sandbox
from tests.support.image import write_image


def need(*programs: str) -> None:
    """Skip without root or one of the programs."""
    if os.geteuid() != 0:
        pytest.skip("engines need root")
    absent = missing(*programs)
    if absent:
        pytest.skip(f"not installed: {' '.join(absent)}")


def engines_devices() -> list[str]:
    """The host's network devices that have the name of a bridge of an engine."""
    return [name for name in os.listdir("/sys/class/net") if name.startswith(("docker", "br-", "podman", "cni"))]


@pytest.fixture(scope="package")
def image(scratch: str) -> str:
    """The archive with the image of all tests."""
    path = os.path.join(scratch, "image.tar")
    write_image(path)
    return path


@pytest.fixture(scope="package")
def make_sandbox(scratch: str) -> Iterator[Callable[[str], Sandbox]]:
    """Makes sandboxes; at the end of the package they have to vanish from the host without a trace."""
    made: list[Sandbox] = []

    def make(name: str) -> Sandbox:
        folder = os.path.join(scratch, name)
        os.mkdir(folder)
        made.append(Sandbox(folder))
        return made[-1]

    before = engines_devices()
    yield make
    left = [line for sandbox in reversed(made) for line in sandbox.close()]
    left += [f"network device {name}" for name in engines_devices() if name not in before]
    assert not left, "left on the host:\n" + "\n".join(left)


@pytest.fixture(scope="package")
def docker_engine(make_sandbox: Callable[[str], Sandbox], image: str) -> Iterator[Docker]:
    """A dockerd with the image."""
    need("dockerd", find_program(*CLIENTS) or "docker", "ps")
    held = Docker(make_sandbox("docker"))
    held("load", "--input", image).ok()
    held.sh("true", "--network", "host").ok()
    yield held
    held.stop()


@pytest.fixture(scope="package")
def remapped_engine(make_sandbox: Callable[[str], Sandbox], image: str) -> Iterator[Docker]:
    """A dockerd that gives all containers a user namespace."""
    need("dockerd", find_program(*CLIENTS) or "docker")
    if not os.path.exists("/etc/subuid"):
        pytest.skip("there is no /etc/subuid over which the sandbox could put its own")
    held = Docker(make_sandbox("remapped"), **{"userns-remap": "nobody:nogroup"})
    held("load", "--input", image).ok()
    held.sh("true", "--userns", "host", "--network", "host").ok()
    yield held
    held.stop()


@pytest.fixture(scope="package")
def podman_engine(make_sandbox: Callable[[str], Sandbox], image: str) -> Podman:
    """A podman with the image."""
    need("podman", "conmon")
    held = Podman(make_sandbox("podman"))
    held("load", "--input", image).ok()
    held.sh("true").ok()
    return held


@pytest.fixture(scope="package")
def containerd_engine(make_sandbox: Callable[[str], Sandbox], image: str) -> Iterator[Containerd]:
    """A containerd with the image."""
    need("containerd", "ctr", "containerd-shim-runc-v2")
    held = Containerd(make_sandbox("containerd"))
    held("images", "import", image).ok()
    yield held
    held.stop()


@pytest.fixture(scope="package", params=["docker", "podman"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """Each engine with docker's command line in turn; the tests of one run together."""
    return str(request.param)


MACHINES = "tests/engines/test_machines"
BOTH = (
    "test_each_has_a_kernel_of_its_own", "test_five_at_once", "test_run_returns_the_exit_status_of_the_program",
    "test_a_program_that_takes_more_memory_than_it_may_is_killed", "test_pause_freezes_and_unpause_thaws",
    "test_stop_lets_the_program_end_by_itself", "test_a_bind_mount_is_read_and_written",
    "test_the_end_of_an_execs_client_leaves_the_container", "test_a_machine_has_its_network_for_itself",
    "test_a_resize_outside_resizes_inside",
)  # fmt: skip
"""Tests of containers in machines that are made with each engine; all others have one of them, in turn: what differs
between engines is seen without a machine too."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the other engine's half of the turns out."""
    gone = [item for item in items if item.nodeid.startswith(MACHINES) and not has_turn(item)]
    items[:] = [item for item in items if item not in set(gone)]
    config.hook.pytest_deselected(items=gone)


def has_turn(item: pytest.Item) -> bool:
    """Whether it is the engine's turn to make this test."""
    assert isinstance(item, pytest.Function)
    name = item.callspec.params.get("engine_name") if hasattr(item, "callspec") else None
    if name is None or item.originalname in BOTH:
        return True
    return name == ("docker", "podman")[crc32(item.originalname.encode()) % 2]


@pytest.fixture
def engine(engine_name: str, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """docker, then podman: what has to be the same with both."""
    yield from cleaned(request.getfixturevalue(f"{engine_name}_engine"))


@pytest.fixture
def docker(docker_engine: Docker) -> Iterator[Docker]:
    """dockerd for what only it has."""
    yield from cleaned(docker_engine)


@pytest.fixture
def remapped(remapped_engine: Docker) -> Iterator[Docker]:
    """A dockerd that gives all containers a user namespace."""
    yield from cleaned(remapped_engine)


@pytest.fixture
def podman(podman_engine: Podman) -> Iterator[Podman]:
    """podman for what only it has."""
    yield from cleaned(podman_engine)


@pytest.fixture
def containerd(containerd_engine: Containerd) -> Iterator[Containerd]:
    """containerd through ctr."""
    yield from cleaned(containerd_engine)


Held = TypeVar("Held", Engine, Docker, Podman, Containerd)


def cleaned(engine: Held) -> Iterator[Held]:
    """The engine for one test: after it, its containers are removed, and nothing of them may remain."""
    before = engine.leftovers()
    yield engine
    engine.remove_all()
    check_clean(engine.leftovers, before)
