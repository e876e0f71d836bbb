"""What is built here is taken by the engines, and what they write is read here."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.engines.containerd import Containerd
from tests.engines.docker import Docker
from tests.engines.engine import Engine
from tests.engines.podman import Podman
from tests.image.tools import NAME, Tools
from tests.image.trees import described

PROGRAM = {"Cmd": ["sh"], "Env": ["PATH=/bin", "A=1"], "Labels": {"made": "here"}}


def told(engine: Engine) -> dict[str, Any]:
    """What the engine says of the image; podman and docker spell its id differently."""
    found: dict[str, Any] = json.loads(engine("image", "inspect", NAME).ok().out)[0]
    return {**found, "Id": found["Id"].removeprefix("sha256:")}


@pytest.mark.parametrize("name", ["docker", "podman"])
def test_docker_and_podman_load_it(tools: Tools, image: str, name: str, request: pytest.FixtureRequest) -> None:
    """IMG-INTEROP-02: the id is the digest of our config, the layers have our digests, and the program runs."""
    engine: Engine = request.getfixturevalue(name)
    engine("load", "--input", image).ok()
    held = told(engine)
    assert held["Id"] == tools.config_digest(image)
    assert held["RootFS"]["Layers"] == tools.diff_ids(image)
    assert (held["Config"]["Env"], held["Config"]["Labels"]) == (PROGRAM["Env"], PROGRAM["Labels"])
    done = engine(
        "run", "--rm", "--network", "none", NAME, "sh", "-c", "ls -ln /srv/data/su; cat /srv/data/secret; echo $A"
    )
    assert done.ok().out.split()[:4] == ["-rwsr-xr-x", "1", "1002", "2002"]
    assert done.out.endswith("1\n")
    engine("rmi", NAME).ok()


@pytest.mark.parametrize("how", ["gzip", "zstd", "none"])
def test_containerd_imports_it(tools: Tools, root: str, containerd: Containerd, how: str) -> None:
    """IMG-INTEROP-02: under the name that was given, and with our config."""
    image = tools.build(root, "image.tar", "--compress", how)
    containerd("images", "import", image).ok()
    assert NAME in containerd("images", "ls", "-q").ok().out
    config = json.loads(containerd("content", "get", f"sha256:{tools.config_digest(image)}").ok().out)
    assert (config["config"], config["rootfs"]["diff_ids"]) == (PROGRAM, tools.diff_ids(image))
    place = containerd.sandbox.new_path("mounted")
    os.mkdir(place)
    containerd("images", "mount", NAME, place).ok()
    assert described(containerd.sandbox.outside(place)) == described(root)
    containerd("images", "unmount", "--rm", place).ok()
    containerd("images", "rm", "--sync", NAME).ok()


def test_an_image_for_freebsd(tools: Tools, root: str, containerd: Containerd, podman: Podman) -> None:
    """IMG-INTEROP-02: containerd and skopeo want to be told the system; podman takes it as it is."""
    image = tools.build(root, "freebsd.tar", "--os", "freebsd", "--arch", "amd64")
    containerd("images", "import", "--no-unpack", "--all-platforms", image).ok()
    assert "freebsd/amd64" in containerd("images", "ls").ok().out
    containerd("images", "rm", "--sync", NAME).ok()
    podman("load", "--input", image).ok()
    assert told(podman)["Os"] == "freebsd"
    podman("rmi", NAME).ok()
    target = tools.path("layout")
    tools.run(
        "skopeo", "--insecure-policy", "--override-os", "freebsd", "copy", f"oci-archive:{image}", f"oci:{target}:t"
    )
    assert tools.diff_ids(target) == tools.diff_ids(image)
    assert described(tools.bundle(target, "--platform", "freebsd/amd64")) == described(root)


DOCKERFILE = f"""
FROM {NAME}
ENV B=2
RUN rm -r /srv/gone /srv/data/secret && rm -r /srv/opaque && mkdir /srv/opaque && echo new >/srv/opaque/new
RUN rm /srv/opaque/new && rm -r /srv/data/deep && echo file >/srv/data/deep && chmod 4711 /srv/data/deep
WORKDIR /srv
USER 1000:100
VOLUME /srv/data
EXPOSE 80
STOPSIGNAL SIGINT
ENTRYPOINT ["sh", "-c"]
CMD ["echo hello"]
"""


def test_what_docker_builds_and_saves(tools: Tools, docker: Docker, image: str) -> None:
    """IMG-INTEROP-01, IMG-INTEROP-04, IMG-INTEROP-05: whiteouts, empty layers, and the old form of archives."""
    docker("load", "--input", image).ok()
    context = docker.sandbox.new_path("context")
    os.mkdir(context)
    with open(os.path.join(context, "Dockerfile"), "w", encoding="utf-8") as file:
        file.write(DOCKERFILE)
    docker("build", "--network", "none", "--tag", "built:1", context, env={"DOCKER_BUILDKIT": "0"}).ok()
    target = os.path.join(tools.sandbox.folder, "built.tar")
    saved = docker.sandbox.new_path("built.tar")
    docker("save", "--output", saved, "built:1").ok()
    os.rename(saved, target)
    out = tools.bundle(target)
    layout = tools.layout(f"docker-archive:{target}")
    assert described(out) == described(tools.umoci(layout)) == described(tools.bundle(layout))
    assert not os.path.exists(f"{out}/srv/gone")
    assert os.listdir(f"{out}/srv/opaque") == []
    with open(f"{out}/../config.json", encoding="utf-8") as file:
        config = json.load(file)
    assert config["process"]["args"] == ["sh", "-c", "echo hello"]
    assert (config["process"]["user"], config["process"]["cwd"]) == ({"uid": 1000, "gid": 100}, "/srv")
    assert config["annotations"]["org.opencontainers.image.stopSignal"] == "SIGINT"
    assert config["annotations"]["org.opencontainers.image.exposedPorts"] == "80/tcp"
    assert [held["destination"] for held in config["mounts"]][-1] == "/srv/data"
