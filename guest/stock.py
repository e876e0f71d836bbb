"""The distribution's kernel for virtual machines, from its package, with the modules that a container's guest needs."""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
from pathlib import Path

from guest.place import GuestError, call, fetch, keep, version
from ringfence.drivers.guest.ramdisk import folders_and_files

META = "linux-image-cloud-amd64"
LINK = "stock"
KERNEL, MODULES = "vmlinuz", "modules.cpio"
WANTED = (
    "virtio_pci", "virtio_console", "virtiofs", "virtio_net", "virtio_blk", "virtio_balloon", "overlay", "erofs",
)  # fmt: skip
"""What a guest uses, where it is not part of the kernel itself."""


def package() -> str:
    """The package that the distribution's newest kernel is in.

    Raises:
        GuestError: there is none.
    """
    for line in call("apt-cache", "depends", META).splitlines():
        word, _, name = line.strip().partition(": ")
        if word == "Depends" and name.startswith("linux-image-"):
            return name
    raise GuestError(f"{META} names no kernel")


def modules_of(folder: Path) -> dict[str, Path]:
    """Every module by its name, in which ``-`` and ``_`` are the same."""
    return {path.name.partition(".ko")[0].replace("-", "_"): path for path in folder.rglob("*.ko*")}


def content(path: Path) -> bytes:
    """A module as the kernel loads it."""
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def needs(data: bytes) -> list[str]:
    """The modules that have to be loaded before this one, as its .modinfo section names them."""
    _, found, behind = data.partition(b"\0depends=")
    names = behind.partition(b"\0")[0].decode() if found else ""
    return [name.replace("-", "_") for name in names.split(",") if name]


def ordered(wanted: tuple[str, ...], modules: dict[str, Path]) -> dict[str, bytes]:
    """The wanted modules and what they need, each behind all that it needs; what is built in needs no file."""
    found: dict[str, bytes] = {}

    def add(name: str) -> None:
        if name in found or name not in modules:
            return
        data = content(modules[name])
        for other in needs(data):
            add(other)
        found[name] = data

    for name in wanted:
        add(name)
    return found


def make(target: Path, scratch: Path) -> None:
    """Put the kernel and a ramdisk of its modules into the folder ``target``."""
    folder = fetch(package(), scratch)
    shutil.copy(next(folder.glob("boot/vmlinuz-*")), target / KERNEL)
    found = ordered(WANTED, modules_of(folder))
    names = "".join(f"{name}.ko\n" for name in found)
    files = [("modules/list", 0o600, names.encode())]
    files += [(f"modules/{name}.ko", 0o600, data) for name, data in found.items()]
    (target / MODULES).write_bytes(folders_and_files(["modules"], files))
    os.chmod(target / KERNEL, 0o644)


def build() -> Path:
    """The folder with the kernel, made now if the distribution has a newer one.

    Raises:
        GuestError: it could not be had.
    """
    told = hashlib.sha256(repr((package(), version(package()))).encode())
    told.update(Path(__file__).read_bytes())
    return keep(f"stock-{told.hexdigest()[:16]}", LINK, make)
