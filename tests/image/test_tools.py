"""What other tools write unpacks to the tree that they give themselves, and the other way round."""

from __future__ import annotations

import json
import os

import pytest

from tests.engines.podman import Podman
from tests.image.tools import NAME, Tools
from tests.image.trees import described, set_times


def test_our_own_image_gives_the_root_again(tools: Tools, root: str, image: str) -> None:
    """IMG-BUILD-06, IMG-BUNDLE-10, IMG-BUNDLE-11: owners, modes, devices, links and attributes, folders' times too."""
    out = tools.bundle(image)
    assert described(out) == described(root)
    assert {os.lstat(os.path.join(place, name)).st_mtime for place, names, _ in os.walk(out) for name in names} == {
        os.lstat(root).st_mtime
    }


def test_umoci_gives_the_same_tree(tools: Tools, root: str, image: str) -> None:
    """IMG-INTEROP-01, IMG-INTEROP-02: of what skopeo has copied."""
    layout = tools.layout(f"oci-archive:{image}")
    assert described(tools.umoci(layout)) == described(root)
    assert described(tools.bundle(layout)) == described(root)


@pytest.mark.parametrize("form", ["oci", "oci-archive", "docker-archive"])
def test_what_skopeo_writes(tools: Tools, root: str, image: str, form: str) -> None:
    """IMG-INTEROP-01."""
    target = tools.path("copy")
    tools.skopeo(f"oci-archive:{image}", f"{form}:{target}:{NAME}")
    assert described(tools.bundle(target, "--ref", NAME)) == described(root)
    assert tools.diff_ids(target) == tools.diff_ids(image)


@pytest.mark.parametrize("form", ["oci-archive", "oci-dir", "docker-archive"])
def test_what_podman_saves(tools: Tools, podman: Podman, root: str, image: str, form: str) -> None:
    """IMG-INTEROP-01."""
    podman("load", "--input", image).ok()
    target = tools.path("saved")
    podman("save", "--format", form, "--output", target, NAME).ok()
    assert described(tools.bundle(target)) == described(root)


def test_a_round_trip_keeps_the_digest(tools: Tools, image: str) -> None:
    """IMG-INTEROP-03: built, copied by skopeo, unpacked by umoci, and built again."""
    again = tools.build(tools.umoci(tools.layout(f"oci-archive:{image}")), "again.tar")
    assert tools.diff_ids(again) == tools.diff_ids(image)


@pytest.mark.parametrize("how", ["gzip", "zstd", "none"])
def test_every_compression_is_read_by_skopeo(tools: Tools, root: str, image: str, how: str) -> None:
    """IMG-INTEROP-02."""
    made = tools.build(root, "image.tar", "--compress", how)
    layout = tools.layout(f"oci-archive:{made}")
    assert tools.diff_ids(layout) == tools.diff_ids(image)
    assert described(tools.bundle(layout)) == described(root)


@pytest.mark.parametrize("how", ["zstd", "zstd:chunked"])
def test_layers_that_skopeo_compresses_with_zstd(tools: Tools, root: str, image: str, how: str) -> None:
    """IMG-INTEROP-05."""
    target = tools.path("layout")
    tools.skopeo(f"oci-archive:{image}", f"oci:{target}:tag", "--dest-compress-format", how)
    assert tools.inspect(target)[0]["layers"][0]["mediaType"].endswith("+zstd")
    assert described(tools.bundle(target)) == described(root)


def test_a_layout_with_two_tags_and_one_without(tools: Tools, root: str, image: str) -> None:
    """IMG-INTEROP-05."""
    other = tools.build(root, "other.tar", "--compress", "none")
    both = tools.path("both")
    tools.skopeo(f"oci-archive:{image}", f"oci:{both}:one")
    tools.skopeo(f"oci-archive:{other}", f"oci:{both}:two")
    assert sorted(held["refs"][0] for held in tools.inspect(both)) == ["one", "two"]
    assert described(tools.bundle(both, "--ref", "two")) == described(root)
    bare = tools.path("bare")
    tools.skopeo(f"oci-archive:{image}", f"oci:{bare}")
    assert tools.inspect(bare)[0]["refs"] == []
    assert described(tools.bundle(bare)) == described(root)


def test_an_image_for_several_platforms(tools: Tools, root: str, image: str) -> None:
    """IMG-INTEROP-05: as buildah writes it, an index inside the layout's."""
    other = tools.build(root, "arm.tar", "--os", "linux", "--arch", "arm64")
    tools.buildah("manifest", "create", "several")
    for archive in (image, other):
        tools.buildah("manifest", "add", "several", f"oci-archive:{archive}")
    target = tools.path("several")
    tools.buildah("manifest", "push", "--all", "several", f"oci:{target}:tag")
    assert {held["platform"] for held in tools.inspect(target)} >= {"linux/arm64"}
    for options in ([], ["--platform", "linux/arm64"]):
        assert described(tools.bundle(target, *options)) == described(root)


def test_layers_with_whiteouts_of_buildah(tools: Tools, image: str) -> None:
    """IMG-INTEROP-01, IMG-INTEROP-05: files and folders removed, a folder made anew, a file in place of a folder."""
    container = tools.buildah("from", f"oci-archive:{image}")
    place = tools.buildah("mount", container)
    tools.run("rm", "-r", f"{place}/srv/gone", f"{place}/srv/opaque", f"{place}/srv/data/secret", f"{place}/srv/fifo")
    tools.run("mkdir", f"{place}/srv/opaque")
    tools.run("cp", f"{place}/srv/file", f"{place}/srv/opaque/new")
    tools.run("rm", "-r", f"{place}/srv/data/deep")
    tools.run("cp", f"{place}/srv/file", f"{place}/srv/data/deep")
    tools.buildah("config", "--env", "B=2", container)
    expected = described(place, times=False)
    target = tools.path("layout")
    tools.buildah("commit", "--disable-compression=false", container, f"oci:{target}:tag")
    assert len(tools.diff_ids(target)) == 2
    files = tools.ringfence("image", "inspect", "--files", target).out
    assert "removes gone" in files
    assert described(tools.bundle(target), times=False) == expected
    assert described(tools.bundle(target)) == described(tools.umoci(target))


def test_layers_of_umoci(tools: Tools, image: str) -> None:
    """IMG-INTEROP-01: unpacked, changed and packed again."""
    layout = tools.layout(f"oci-archive:{image}")
    bundle = tools.path("umoci")
    tools.run("umoci", "unpack", "--image", f"{layout}:tag", bundle)
    tools.run("rm", "-r", f"{bundle}/rootfs/srv/gone", f"{bundle}/rootfs/srv/file-again")
    tools.run("cp", f"{bundle}/rootfs/srv/file", f"{bundle}/rootfs/srv/new")
    set_times(f"{bundle}/rootfs")
    tools.run("umoci", "repack", "--image", f"{layout}:next", bundle)
    tools.run("umoci", "config", "--image", f"{layout}:next", "--config.env", "B=2")
    assert described(tools.bundle(layout, "--ref", "next")) == described(tools.umoci(layout, "next"))


def test_the_config_is_the_images(tools: Tools, image: str) -> None:
    """IMG-INTEROP-02, IMG-CONF-06: what skopeo shows, and what the bundle has."""
    told = json.loads(tools.run("skopeo", "inspect", "--config", f"oci-archive:{image}").out)
    assert told["config"] == {"Cmd": ["sh"], "Env": ["PATH=/bin", "A=1"], "Labels": {"made": "here"}}
    assert told["rootfs"]["diff_ids"] == tools.diff_ids(image)
    out = tools.bundle(image)
    with open(os.path.join(os.path.dirname(out), "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    assert (config["process"]["args"], config["process"]["env"]) == (["sh"], ["PATH=/bin", "A=1"])
    assert config["annotations"]["made"] == "here"
