"""The object ``vm`` of config.json."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.container import kernel
from ringfence.container.kernel import Kernel, kernel_for, ramdisk_for
from ringfence.drivers.guest.kernel import parameters_of
from ringfence.drivers.microvm.machine import Machine, kernel_line
from ringfence.drivers.microvm.sizes import check_machine, memory_of, vcpus_of
from ringfence.errors import RingfenceError
from ringfence.spec.load import load_document
from ringfence.spec.types import Config, VirtualMachine

MIB = 1 << 20


def config(vm: dict[str, object] | None = None, **resources: object) -> Config:
    """A configuration with these parts."""
    document: dict[str, object] = {"ociVersion": "1.0.2", "root": {"path": "rootfs"}, "linux": {"resources": resources}}
    document["process"] = {"cwd": "/", "args": ["true"], "user": {"uid": 0, "gid": 0}}
    return load_document(document | ({} if vm is None else {"vm": vm}))


def machine(**parts: object) -> VirtualMachine:
    """The object ``vm`` with these parts."""
    found = config(dict(parts)).vm
    assert found is not None
    return found


def elf(note: bytes) -> bytes:
    """The head of an ELF file with one segment, which holds a note."""
    head = b"\x7fELF\x02\x01".ljust(32, b"\0") + (64).to_bytes(8, "little")
    head = head.ljust(54, b"\0") + (56).to_bytes(2, "little") + (1).to_bytes(2, "little")
    segment = (4).to_bytes(4, "little").ljust(8, b"\0") + (120).to_bytes(8, "little")
    segment = segment.ljust(32, b"\0") + len(note).to_bytes(8, "little")
    return head.ljust(64, b"\0") + segment.ljust(56, b"\0") + note


PVH = elf(b"\x04\0\0\0\x04\0\0\0\x12\0\0\0Xen\0\0\0\x10\0")
PACKED = b"MZ".ljust(0x202, b"\0") + b"HdrS" + bytes(100)


def kernel_file(folder: Path, content: bytes, mode: int = 0o644) -> Path:
    """A file that may be a kernel."""
    file = folder / "kernel"
    file.write_bytes(content)
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    ("demanded", "resources", "count"),
    [
        ({"vcpus": 3}, {"cpu": {"quota": 50_000, "period": 100_000}}, 3),
        ({"vcpus": 100}, {}, 8),
        ({}, {"cpu": {"quota": 150_000, "period": 100_000}}, 2),
        ({}, {"cpu": {"quota": 50_000, "period": 100_000}}, 1),
        ({}, {"cpu": {"quota": -1, "period": 100_000}}, 1),
        ({}, {"cpu": {"quota": 9_000_000, "period": 100_000}}, 8),
        ({}, {}, 1),
    ],
)
def test_processors(demanded: dict[str, int], resources: dict[str, object], count: int) -> None:
    """MVM-QEMU-14."""
    assert vcpus_of(config({"hwConfig": demanded}, **resources), 8) == count


@pytest.mark.parametrize(
    ("demanded", "resources", "memory"),
    [
        ({"memory": 256 * MIB}, {"memory": {"limit": 48 * MIB}}, 256),
        ({"memory": 40 * MIB}, {}, 40),
        ({}, {"memory": {"limit": 48 * MIB}}, 112),
        ({}, {"memory": {"limit": -1}}, 512),
        ({}, {}, 512),
    ],
)
def test_memory(demanded: dict[str, int], resources: dict[str, object], memory: int) -> None:
    """MVM-QEMU-15."""
    assert memory_of(config({"hwConfig": demanded}, **resources)) == memory


def test_too_little_memory_is_told_with_field_and_figure() -> None:
    """MVM-QEMU-15."""
    with pytest.raises(RingfenceError, match="the least is 40 MiB") as caught:
        memory_of(config({"hwConfig": {"memory": 40 * MIB - 1}}))
    assert caught.value.field == "/vm/hwConfig/memory"


def test_the_configurations_kernel_goes_before_the_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MVM-KERNEL-06."""
    own = kernel_file(tmp_path, PVH)
    monkeypatch.setattr(kernel, "OWN", str(own))
    assert kernel_for(None) == Kernel(str(own))
    with pytest.raises(RingfenceError, match="no such file or directory") as caught:
        kernel_for(machine(kernel={"path": "/nowhere/vmlinux"}))
    assert caught.value.field == "/vm/kernel/path"


@pytest.mark.parametrize(("content", "packed"), [(PVH, False), (PACKED, True)])
def test_formats_of_kernels(tmp_path: Path, content: bytes, packed: bool) -> None:
    """MVM-KERNEL-07."""
    path = str(kernel_file(tmp_path, content))
    assert kernel_for(machine(kernel={"path": path})) == Kernel(path, packed=packed)


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        (PVH, 0o640, "cannot be read by QEMU's user"),
        (b"", 0o644, "neither an ELF kernel"),
        (b"#!/bin/sh\n", 0o644, "neither an ELF kernel"),
        (elf(b"\x04\0\0\0\x04\0\0\0\x01\0\0\0GNU\0\0\0\0\0"), 0o644, "neither an ELF kernel with a PVH note"),
        (PVH[:70], 0o644, "neither an ELF kernel"),
    ],
)
def test_what_is_no_kernel(tmp_path: Path, content: bytes, mode: int, words: str) -> None:
    """MVM-KERNEL-07."""
    with pytest.raises(RingfenceError, match=words):
        kernel_for(machine(kernel={"path": str(kernel_file(tmp_path, content, mode))}))


def test_a_folder_is_no_kernel(tmp_path: Path) -> None:
    """MVM-KERNEL-07."""
    with pytest.raises(RingfenceError, match="not a regular file"):
        kernel_for(machine(kernel={"path": str(tmp_path)}))


def test_the_kernels_words_follow_ours_each_as_one() -> None:
    """MVM-KERNEL-07."""
    words = parameters_of(machine(kernel={"path": "/k", "parameters": ["debug", "x.y=a b"]}))
    assert kernel_line(Machine("/k", parameters=words)).endswith(' guest debug "x.y=a b"')


@pytest.mark.parametrize("word", ['a"b', "a\nb", "", "\x1b", "init=/bin/sh", "rdinit=/x", "--"])
def test_words_that_are_refused(word: str) -> None:
    """MVM-KERNEL-07."""
    with pytest.raises(RingfenceError) as caught:
        parameters_of(machine(kernel={"path": "/k", "parameters": ["quiet", word]}))
    assert caught.value.field == "/vm/kernel/parameters/1"


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"kernel": {"path": "/k", "initrd": "i"}}, "/vm/kernel/initrd"),
        ({"kernel": {"path": "k"}}, "/vm/kernel/path"),
        ({"hwConfig": {"deviceTree": "/d"}}, "/vm/hwConfig/deviceTree"),
    ],
)
def test_nothing_is_dropped_in_silence(parts: dict[str, object], field: str) -> None:
    """MVM-CREATE-06."""
    with pytest.raises(RingfenceError) as caught:
        check_machine(machine(**parts))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot open the ramdisk"),
        (b"", "is no ramdisk"),
        (b"\xfd7zXZ\0", "is no ramdisk"),
        (b"070701" + bytes(1 << 20), "more than half"),
    ],
    ids=["missing", "empty", "xz", "large"],
)
def test_what_is_no_ramdisk(tmp_path: Path, content: bytes | None, words: str) -> None:
    """MVM-KERNEL-08."""
    path = tmp_path / "initrd"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RingfenceError, match=words) as caught:
        ramdisk_for(machine(kernel={"path": "/k", "initrd": str(path)}), 1)
    assert caught.value.field == "/vm/kernel/initrd"


def test_the_first_process_is_ours_whatever_a_ramdisk_has() -> None:
    """MVM-KERNEL-08."""
    assert " rdinit=/init guest" in kernel_line(Machine("/k", initrd="/i"))
    assert "rdinit" not in kernel_line(Machine("/k"))
