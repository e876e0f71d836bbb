"""Volumes, bind mounts and tmpfs; the same with docker and podman."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.engines.engine import Engine
from tests.support.process import read_text


@pytest.fixture
def folder(engine: Engine) -> str:
    """A folder of the host with one file."""
    path = engine.sandbox.new_path("folder")
    os.mkdir(path)
    write(os.path.join(path, "file"), "from the host\n")
    return path


def write(path: str, text: str) -> None:
    """Write the file."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def test_a_bind_mount_is_read_and_written(engine: Engine, folder: str) -> None:
    assert (
        engine.sh("cat /data/file; echo new > /data/other", "--volume", f"{folder}:/data").ok().out == "from the host\n"
    )
    assert read_text(f"{folder}/other") == "new\n"


def test_a_read_only_bind_mount_is_only_read(engine: Engine, folder: str) -> None:
    result = engine.sh("cat /data/file; echo new > /data/other", "--volume", f"{folder}:/data:ro")
    assert (result.code, result.out) == (1, "from the host\n")
    assert "Read-only file system" in result.err
    assert os.listdir(folder) == ["file"]


def test_a_file_is_mounted_over_a_file(engine: Engine, folder: str) -> None:
    option = f"{folder}/file:/etc/passwd:ro"
    assert engine.sh("cat /etc/passwd", "--volume", option).ok().out == "from the host\n"


def test_a_mount_inside_a_mount(engine: Engine, folder: str) -> None:
    os.mkdir(f"{folder}/inner")
    inner = engine.sandbox.new_path("inner")
    os.mkdir(inner)
    options = ["--volume", f"{inner}:/data/inner", "--volume", f"{folder}:/data:ro"]
    engine.sh("test -e /data/file && echo deep > /data/inner/note", *options).ok()
    assert read_text(f"{inner}/note") == "deep\n"


def test_a_mount_point_that_is_missing_in_the_image_is_made(engine: Engine, folder: str) -> None:
    assert engine.sh("cat /a/b/c/file", "--volume", f"{folder}:/a/b/c").ok().out == "from the host\n"
    assert engine.sh("cat /d/e/f", "--volume", f"{folder}/file:/d/e/f").ok().out == "from the host\n"


def test_a_mount_point_behind_a_link_of_the_image_stays_in_the_container(engine: Engine, folder: str) -> None:
    container = engine.running()
    container.sh("ln -s / /up && ln -s ../../../../../../etc /escape").ok()
    image = "ringfence-links"
    engine("commit", container.id, image).ok()
    try:
        result = engine("run", "--rm", "--volume", f"{folder}:/escape/deep", image, "cat", "/etc/deep/file").ok()
        assert result.out == "from the host\n"
        assert not os.path.exists("/etc/deep")
    finally:
        engine.remove_all()
        engine("rmi", image).ok()


def test_a_named_volume_outlives_its_containers(engine: Engine) -> None:
    engine("volume", "create", "kept").ok()
    try:
        engine.sh("echo snow > /data/weather", "--volume", "kept:/data").ok()
        assert engine.sh("cat /data/weather", "--volume", "kept:/data:ro").ok().out == "snow\n"
    finally:
        engine("volume", "rm", "kept").ok()


def test_volumes_of_another_container(engine: Engine) -> None:
    other = engine.running("--volume", "/data")
    other.sh("echo shared > /data/file").ok()
    assert engine.sh("cat /data/file", "--volumes-from", other.id).ok().out == "shared\n"


def test_a_tmpfs_has_the_wanted_size_and_mode(engine: Engine) -> None:
    option = "/scratch:size=1m,mode=0710,noexec"
    result = engine.sh("stat -c %a /scratch; grep ' /scratch ' /proc/mounts", "--tmpfs", option).ok()
    mode, row = result.out.splitlines()
    assert mode == "710"
    fields = row.split()
    assert fields[2] == "tmpfs"
    assert {"rw", "nosuid", "nodev", "noexec", "size=1024k"} <= set(fields[3].split(","))


def test_a_full_tmpfs_is_full(engine: Engine) -> None:
    result = engine.sh("dd if=/dev/zero of=/scratch/big bs=1M count=2", "--tmpfs", "/scratch:size=1m")
    assert result.code != 0
    assert "No space left on device" in result.err


def test_shared_memory_has_the_wanted_size(engine: Engine) -> None:
    out = engine.sh("grep ' /dev/shm ' /proc/mounts", "--shm-size", "32m").ok().out
    assert "size=32768k" in out


# propagation


@pytest.fixture
def open_mounts(engine: Engine, folder: str) -> Iterator[str]:
    """The folder, from which mounts that a test made are taken away."""
    os.mkdir(f"{folder}/sub")
    yield folder
    while f"{folder}/sub" in engine.sandbox.mounts():
        engine.sandbox.run("umount", f"{folder}/sub").ok()


MAY_MOUNT = ["--cap-add", "SYS_ADMIN", "--security-opt", "apparmor=unconfined"]
MOUNT = "mount -t tmpfs inside /data/sub && grep -c ' /data/sub ' /proc/mounts"


def test_a_mount_in_a_container_stays_there(engine: Engine, open_mounts: str) -> None:
    assert engine.sh(MOUNT, *MAY_MOUNT, "--volume", f"{open_mounts}:/data").ok().out.strip() == "1"
    assert f"{open_mounts}/sub" not in engine.sandbox.mounts()


def test_a_mount_in_a_shared_volume_gets_out(engine: Engine, open_mounts: str) -> None:
    engine.sh(MOUNT, *MAY_MOUNT, "--volume", f"{open_mounts}:/data:rshared").ok()
    assert f"{open_mounts}/sub" in engine.sandbox.mounts()


@pytest.mark.parametrize(("propagation", "seen"), [("rslave", True), ("rprivate", False)])
def test_a_later_mount_of_the_host_gets_into_a_slave_volume_only(
    engine: Engine, open_mounts: str, propagation: str, seen: bool
) -> None:
    container = engine.running("--volume", f"{open_mounts}:/data:{propagation}")
    engine.sandbox.run("mount", "-t", "tmpfs", "outside", f"{open_mounts}/sub").ok()
    assert (container.sh("grep ' /data/sub ' /proc/mounts").code == 0) is seen
