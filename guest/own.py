"""The guests' own kernel, built from the source package of the distribution, which is not installed."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from guest.place import GuestError, call, fetch, keep, say, version

HERE = Path(__file__).resolve().parent
FRAGMENTS = HERE / "kernel"
SERIES = "6.1"
PACKAGE = f"linux-source-{SERIES}"
KERNEL = "vmlinux"
LINK = "current"


def wanted() -> dict[str, str]:
    """Every option of the fragments and its value.

    Raises:
        GuestError: an option stands in two of them.
    """
    found: dict[str, str] = {}
    for path in sorted(FRAGMENTS.glob("*.config")):
        for line in path.read_text().splitlines():
            if line.startswith("#"):
                continue
            name, _, value = line.partition("=")
            if name in found:
                raise GuestError(f"{path.name}: {name} is set elsewhere too")
            found[name] = value
    return found


def lost(options: dict[str, str], configured: str) -> list[str]:
    """The options that have another value in a finished .config, as lines of it."""
    set_there = dict(line.split("=", 1) for line in configured.splitlines() if line.startswith("CONFIG_"))
    return [
        f"{name}={value}, not {set_there.get(f'CONFIG_{name}', 'n')}"
        for name, value in options.items()
        if set_there.get(f"CONFIG_{name}", "n") != value
    ]


def digest(source: str, compiler: str) -> str:
    """What names the kernel of these inputs."""
    told = hashlib.sha256(repr((source, compiler, sorted(wanted().items()))).encode())
    told.update(Path(__file__).read_bytes())
    return told.hexdigest()[:16]


def unpack(scratch: Path) -> Path:
    """The tree of the kernel's source."""
    package = fetch(PACKAGE, scratch)
    tree = scratch / "linux"
    tree.mkdir()
    say("unpacking")
    call("tar", "-C", str(tree), "--strip-components=1", "-xf", str(next(package.glob("usr/src/*.tar.xz"))))
    shutil.rmtree(package)
    return tree


def configure(tree: Path) -> None:
    """Everything off but what the fragments ask for.

    Raises:
        GuestError: an option did not come out as it was asked for (MVM-KERNEL-02).
    """
    options = wanted()
    fragment = tree / "ringfence.fragment"
    fragment.write_text("".join(f"CONFIG_{name}={value}\n" for name, value in options.items()))
    call("make", f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig", cwd=tree)
    changed = lost(options, (tree / ".config").read_text())
    if changed:
        raise GuestError("the kernel's configuration lost options:\n" + "\n".join(changed))


def compile_kernel(tree: Path, target: Path) -> None:
    """The kernel as ELF with its PVH note, which QEMU and Xen boot without unpacking it, and as bzImage."""
    jobs = str(os.cpu_count() or 1)
    say(f"compiling with {jobs} jobs, some minutes")
    prefix = f"-ffile-prefix-map={tree}=."
    call("make", "-s", f"-j{jobs}", f"KCFLAGS={prefix}", f"KAFLAGS={prefix}", "bzImage", "vmlinux", cwd=tree)
    call("strip", "-s", "-o", str(target / KERNEL), str(tree / "vmlinux"))
    shutil.copy(tree / "arch/x86/boot/bzImage", target / "bzImage")
    shutil.copy(tree / ".config", target / "config")
    os.chmod(target / KERNEL, 0o644)


def make(target: Path, scratch: Path) -> None:
    """Put the kernel into the folder ``target``.

    Raises:
        GuestError: it could not be built.
    """
    tree = unpack(scratch)
    configure(tree)
    compile_kernel(tree, target)


def build() -> Path:
    """The folder with the kernel, made now if its inputs are new.

    Raises:
        GuestError: it could not be built.
    """
    compiler = call("gcc", "--version").splitlines()[0]
    return keep(digest(version(PACKAGE), compiler), LINK, make)
