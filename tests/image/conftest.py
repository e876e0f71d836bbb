"""The tools in a sandbox of their own, and an image that is built once."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.engines.conftest import need
from tests.engines.containerd import Containerd
from tests.engines.docker import CLIENTS, Docker
from tests.engines.engine import find_program
from tests.engines.podman import Podman
from tests.engines.sandbox import Sandbox
from tests.image.tools import Tools
from tests.image.trees import make_root


@pytest.fixture(scope="package")
def root(scratch: str) -> str:
    """The root of the image, and what unpacking has to give again."""
    if os.geteuid() != 0:
        pytest.skip("owners and devices need root")
    path = os.path.join(scratch, "root")
    make_root(path)
    return path


@pytest.fixture(scope="package")
def tools(scratch: str) -> Iterator[Tools]:
    """skopeo, umoci and buildah with folders of their own."""
    need("skopeo", "umoci", "buildah")
    folder = os.path.join(scratch, "image-tools")
    os.mkdir(folder)
    held = Tools(Sandbox(folder))
    yield held
    assert held.sandbox.close() == []


@pytest.fixture(scope="package")
def image(tools: Tools, root: str) -> str:
    """The archive of an image of the root."""
    return tools.build(root, "image.tar")


def engine_sandbox(scratch: str, name: str) -> Sandbox:
    """A sandbox for one engine."""
    folder = os.path.join(scratch, f"image-{name}")
    os.mkdir(folder)
    return Sandbox(folder)


@pytest.fixture(scope="package")
def docker(scratch: str) -> Iterator[Docker]:
    """A dockerd."""
    need("dockerd", find_program(*CLIENTS) or "docker")
    held = Docker(engine_sandbox(scratch, "docker"))
    yield held
    held.stop()
    assert held.sandbox.close() == []


@pytest.fixture(scope="package")
def podman(scratch: str) -> Iterator[Podman]:
    """A podman."""
    need("podman", "conmon")
    held = Podman(engine_sandbox(scratch, "podman"))
    yield held
    assert held.sandbox.close() == []


@pytest.fixture(scope="package")
def containerd(scratch: str) -> Iterator[Containerd]:
    """A containerd."""
    need("containerd", "ctr", "containerd-shim-runc-v2")
    held = Containerd(engine_sandbox(scratch, "containerd"))
    yield held
    held.stop()
    assert held.sandbox.close() == []
