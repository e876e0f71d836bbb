"""Making the lab's disk, once for a recipe."""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from tests.guest import build as guest
from tests.guest.build import DISK, run
from tests.xen.lab import recipe

XEN, KERNEL, RAMDISK = "xen.elf", "vmlinux", "initrd.gz"
SPARE = 512 << 20
# Only files of the packages are wanted, not what their installation does: the hook makes the links that /bin is.
MERGED = "/usr/share/mmdebstrap/hooks/merged-usr"


def image() -> Path:
    """The folder with the lab's disk, hypervisor, kernel and ramdisk, made now if this recipe has never been.

    Raises:
        subprocess.CalledProcessError: a package cannot be had, or a tool failed.
    """
    folder = guest.cache() / recipe.digest()
    with guest.locked(guest.cache()):
        if not (folder / DISK).exists():
            make(folder)
    return folder


def make(folder: Path) -> None:
    """Make all files in a folder beside, which gets its name when they are whole."""
    with tempfile.TemporaryDirectory(dir=guest.workplace(), prefix="ringfence-xen-") as scratch:
        root, kernel = Path(scratch) / "root", Path(scratch) / "kernel"
        beside = folder.with_suffix(".new")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        extract(root)
        unpack_kernel(root, kernel)
        boot_files(root, kernel, beside)
        install_modules(root, kernel)
        furnish(root)
        make_disk(root, beside / DISK)
    os.rename(beside, folder)


def extract(root: Path) -> None:
    """The files of the recipe's packages and of what these need; nothing of theirs is run."""
    options = (
        "--mode=root", "--variant=extract", f"--include={','.join(recipe.PACKAGES)}", f"--hook-dir={MERGED}",
        '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"',
        f"--extract-hook={guest.DOWNLOAD.format(package=recipe.KERNEL)}",
    )  # fmt: skip
    run("mmdebstrap", *options, recipe.SUITE, str(root), *guest.mirrors(recipe.SUITE))


def unpack_kernel(root: Path, kernel: Path) -> None:
    """All files of the kernel's package, of which the disk gets a few."""
    run("dpkg-deb", "-x", str(next((root / "kernel").glob("linux-image-*.deb"))), str(kernel))
    shutil.rmtree(root / "kernel")
    run("depmod", "-b", str(kernel), version(kernel))


def version(kernel: Path) -> str:
    """The kernel's release."""
    return next((kernel / "lib/modules").iterdir()).name


def boot_files(root: Path, kernel: Path, folder: Path) -> None:
    """Hypervisor and kernel as ELF: QEMU does not unpack the one, and the other takes 5 s to unpack in emulation."""
    packed = root / f"boot/xen-{recipe.XEN}-amd64.gz"
    (folder / XEN).write_bytes(gzip.decompress(packed.read_bytes()))
    (folder / KERNEL).write_bytes(unpacked(next((kernel / "boot").glob("vmlinuz-*")).read_bytes()))
    (folder / RAMDISK).write_bytes(gzip.compress(first_ramdisk(root, kernel), mtime=0))


def unpacked(image: bytes) -> bytes:
    """The ELF file in a bzImage (x86/boot.rst: setup_sects, payload_offset, payload_length)."""
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (image[0x1F1] + 1) * 512 + offset
    return lzma.LZMADecompressor().decompress(image[start : start + length])


def needed(kernel: Path, modules: tuple[str, ...]) -> list[Path]:
    """The files of some modules, each behind all that it needs; what is built in needs none."""
    found: dict[Path, None] = {}
    for name in modules:
        told = run("modprobe", "-d", str(kernel), "-S", version(kernel), "--show-depends", name)
        lines = (line.split() for line in told.splitlines())
        # crc32c-intel refuses to load on a processor without SSE 4.2, and the generic one does.
        found.update((Path(words[1]), None) for words in lines if words[0] == "insmod" and "-intel" not in words[1])
    return list(found)


def first_ramdisk(root: Path, kernel: Path) -> bytes:
    """What finds the disk."""
    modules = needed(kernel, recipe.FIRST_MODULES)
    with tempfile.TemporaryDirectory() as name:
        ramdisk = Path(name)
        for folder in ("bin", "lib", "dev", "proc", "sys", "root"):
            (ramdisk / folder).mkdir()
        shutil.copy(root / "bin/busybox", ramdisk / "bin")
        shutil.copy(recipe.FILES / "first-init", ramdisk / "init")
        os.chmod(ramdisk / "init", 0o755)
        for path in modules:
            shutil.copy(path, ramdisk / "lib")
        (ramdisk / "modules").write_text("".join(f"{path.name}\n" for path in modules))
        words = [str(root / "bin/busybox"), "cpio", "-o", "-H", "newc"]
        names = "".join(f"{path.relative_to(ramdisk)}\n" for path in sorted(ramdisk.rglob("*"))).encode()
        return subprocess.run(words, cwd=ramdisk, input=names, capture_output=True, check=True).stdout


def install_modules(root: Path, kernel: Path) -> None:
    """The modules of the recipe."""
    for path in needed(kernel, recipe.MODULES):
        target = root / "usr" / path.relative_to(kernel)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    folder = root / "usr/lib/modules" / version(kernel)
    for path in (kernel / "lib/modules" / version(kernel)).glob("modules.[bo]*"):
        shutil.copy(path, folder)
    run("depmod", "-b", str(root), version(kernel))


def furnish(root: Path) -> None:
    """Links, users and folders that installing would have made; Python's modules are compiled here."""
    for name in recipe.LEFT_OUT:
        shutil.rmtree(root / name, ignore_errors=True)
    for path in [*(root / "boot").iterdir()]:
        path.unlink()
    for link, target in (("bin/sh", "dash"), ("bin/awk", "mawk"), ("var/run", "/run"), ("var/lock", "/run/lock")):
        replace(root / link, target)
    for name in ("proc", "sys", "dev", "run", "tmp", "share", "out", "root", "mnt", "var/lib/xen", "var/log/xen"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n")
    (root / "etc/group").write_text("root:x:0:\nnogroup:x:65534:\n")
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (root / "etc/hostname").write_text("dom0\n")
    shutil.copy(recipe.FILES / "lab-init", root / "lab-init")
    os.chmod(root / "lab-init", 0o755)
    run("ldconfig", "-r", str(root))
    # Standard library and packages as the emulation would compile them at each boot: 2 s.
    compiled = (
        "import compileall; [compileall.compile_dir(d, quiet=2) for d in ('/usr/lib/python3.11', '/usr/lib/python3')]"
    )
    run("chroot", str(root), "/usr/bin/python3", "-c", compiled)


def replace(link: Path, target: str) -> None:
    """A link in the place of whatever is there."""
    if link.is_dir() and not link.is_symlink():
        shutil.rmtree(link)
    link.unlink(missing_ok=True)
    link.symlink_to(target)


def make_disk(root: Path, disk: Path) -> None:
    """The root's file system, with room for what a boot writes."""
    used = int(run("du", "-s", "--block-size=1", str(root)).split()[0])
    options = ("-O", "^has_journal", "-E", "root_owner=0:0,lazy_itable_init=1")
    run("mke2fs", "-q", "-F", "-t", "ext4", *options, "-d", str(root), str(disk), f"{(used + SPARE) >> 20}M")
