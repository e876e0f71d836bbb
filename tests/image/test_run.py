"""A bundle is one that create takes as it is, by root and by an ordinary user."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.errors import RingfenceError
from ringfence.image.policy import Policy
from tests.image.tools import Tools
from tests.image.trees import CAPABILITY, described
from tests.support import Runtime
from tests.support.runtime import BINARY
from tests.unit.image.archives import CHAR, archive, entry, folder, pax, record, unpacked

NOBODY = 65534


@pytest.fixture
def tmp(workdir: str) -> Iterator[str]:
    """A folder of this test, for root only."""
    if os.geteuid() != 0:
        pytest.skip("owners and devices need root")
    yield workdir


def build(tools: Tools, root: str, workdir: str, **config: object) -> str:
    """An image with a config."""
    target, path = os.path.join(workdir, "image.tar"), os.path.join(workdir, "image.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    tools.ringfence("image", "build", "--rootfs", root, "-o", target, "--config", path, "--compress", "none")
    return target


def test_a_bundle_runs(tools: Tools, runtime: Runtime, root: str, workdir: str) -> None:
    """IMG-CONF-08, IMG-CONF-02, IMG-CONF-04, IMG-CONF-05: unchanged, as the image's user, with its volume."""
    image = build(
        tools,
        root,
        workdir,
        Entrypoint=["sh", "-c"],
        Cmd=["id; pwd; echo $A; cat /srv/data/plain >/dev/null; echo new >/srv/data/deep/file; ls /srv/data/deep"],
        Env=["PATH=/bin", "A=b"],
        User="alice",
        WorkingDir="/srv",
        Volumes={"/srv/data": {}},
    )
    bundle = os.path.join(workdir, "bundle")
    tools.ringfence("bundle", image, bundle)
    os.chmod(f"{bundle}/volumes/0/deep", 0o777)
    done = runtime.run("run", "--bundle", bundle, runtime.new_id()).ok()
    assert done.out.split() == [
        "uid=1000(alice)",
        "gid=1000(alice)",
        "groups=1001(extra)",
        "/srv",
        "b",
        "file",
    ]
    assert os.listdir(f"{bundle}/volumes/0/deep") == ["file"]
    assert os.listdir(f"{bundle}/rootfs/srv/data/deep") == []


def test_owners_are_mapped(tools: Tools, runtime: Runtime, root: str, workdir: str) -> None:
    """IMG-BUNDLE-13: the files and the container, which then sees the owners of the image.

    IMG-BUNDLE-11: a file's capabilities are those of the mapped root, who alone of all others may enter the bundle.
    """
    image = build(tools, root, workdir, Cmd=["stat", "-c", "%u:%g", "/srv/data/plain", "/srv/data/su", "/bin"])
    bundle = os.path.join(workdir, "bundle")
    maps = ["--uid-map", "0:100000:80000", "--gid-map", "0:100000:80000"]
    tools.ringfence("bundle", *maps, "--devices", "skip", image, bundle)
    assert os.stat(f"{bundle}/rootfs/srv/data/plain").st_uid == 101000
    status = os.stat(bundle)
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (0, 100000, 0o710)
    held = os.getxattr(f"{bundle}/rootfs/srv/data/plain", "security.capability")
    assert held == CAPABILITY[:3] + b"\x03" + CAPABILITY[4:] + (100000).to_bytes(4, "little")
    done = runtime.run("run", "--bundle", bundle, runtime.new_id()).ok()
    assert done.out.split() == ["1000:2000", "1002:2002", "0:0"]
    refused = tools.sandbox.run(BINARY, "bundle", "--uid-map", "0:100000:10", image, os.path.join(workdir, "other"))
    assert refused.code == 1
    assert "is in no range of the map" in refused.err


def test_an_ordinary_user_makes_a_bundle(tools: Tools, root: str, workdir: str) -> None:
    """IMG-BUNDLE-10, IMG-BUNDLE-13: all files are the caller's, devices are left out, and it can be removed again."""
    image = build(tools, root, workdir, Cmd=["sh"])
    place = os.path.join(workdir, "home")
    os.mkdir(place)
    os.chown(place, NOBODY, NOBODY)
    words = [
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        BINARY,
        "bundle",
        image,
        f"{place}/b",
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd="/")
    assert done.stderr.count("all files are the caller's") == 1
    found = described(f"{place}/b/rootfs")
    assert {held[1] for held in found.values()} == {(NOBODY, NOBODY)}
    assert set(described(root)) - set(found) == {"srv/fifo", "srv/null"}
    with open(f"{place}/b/config.json", encoding="utf-8") as file:
        assert json.load(file)["linux"]["uidMappings"] == [{"containerID": 0, "hostID": NOBODY, "size": 1}]


def test_whoever_builds_it_makes_the_same_bytes(tmp: str) -> None:
    """IMG-BUILD-02: an ordinary user who can read the root, too."""
    os.chmod(tmp, 0o755)
    layer = archive(folder("d", uid=5, gid=6), entry("d/f", b"x", uid=7, gid=8, mode=0o4755), entry("g", uid=9))
    unpacked(Path(tmp) / "root", layer, policy=Policy())
    words = [BINARY, "image", "build", "--rootfs", f"{tmp}/root", "--tag", "demo", "-o", "-"]
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    made = [subprocess.run([*before, *words], capture_output=True, check=True, cwd="/").stdout for before in ([], user)]
    assert made[0] == made[1]
    assert made[0]


def test_devices_are_made_but_for_overlays_whiteout(tmp: str) -> None:
    """IMG-BUNDLE-11."""
    root = os.path.join(tmp, "root")
    layer = archive(
        entry("null", kind=CHAR, devmajor=1, devminor=3, mode=0o620, uid=5, gid=6),
        entry("white", kind=CHAR, devmajor=0, devminor=0),
        entry("disk", kind=b"4", devmajor=8, devminor=1),
    )
    warnings = unpacked(Path(root), layer, policy=Policy())
    assert warnings == ["layer 0: white: the device 0:0, overlay's whiteout, is left out"]
    found = described(root)
    assert (found["null"][0], found["null"][1], found["null"][4]) == ("crw--w----", (5, 6), os.makedev(1, 3))
    assert sorted(found) == ["disk", "null"]


def test_set_user_id_survives_a_change_of_owner(tmp: str) -> None:
    """IMG-BUNDLE-10, IMG-BUNDLE-11: capabilities too, unless they are stripped."""
    capability = pax(
        record("SCHILY.xattr.security.capability", bytes.fromhex("0100000202040000000000000000000000000000"))
    )
    layer = archive(capability, entry("su", b"x", mode=0o6755, uid=7, gid=8), folder("d", mode=0o2750, uid=7, gid=8))
    unpacked(Path(tmp) / "keep", layer, policy=Policy())
    found = described(os.path.join(tmp, "keep"))
    assert [(found[name][0], found[name][1]) for name in ("su", "d")] == [
        ("-rwsr-sr-x", (7, 8)),
        ("drwxr-s---", (7, 8)),
    ]
    assert list(found["su"][3]) == ["security.capability"]
    unpacked(Path(tmp) / "strip", layer, policy=Policy(setuid="strip"))
    found = described(os.path.join(tmp, "strip"))
    assert (found["su"][0], found["su"][3]) == ("-rwxr-xr-x", {})


def test_an_owner_beyond_what_there_is(tmp: str) -> None:
    """IMG-BUNDLE-03."""
    with pytest.raises(RingfenceError, match="out of range"):
        unpacked(Path(tmp) / "root", archive(entry("a", uid=2**32 - 1)), policy=Policy())
