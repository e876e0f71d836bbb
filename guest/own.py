"""The guests' own kernel, built from the source package of the distribution, which is not installed."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
from pathlib import Path

from guest.place import GuestError, call, fetch, keep, say, version

HERE = Path(__file__).resolve().parent
FRAGMENTS = HERE / "kernel"
SERIES = "6.1"
PACKAGE = f"linux-source-{SERIES}"
LINK = "current"


class Target:
    """A processor that kernels are built for.

    ``source`` is its name in the kernel's tree, ``cross`` what the names of a foreign compiler's programs begin with,
    ``made`` are what is built: where it is in the tree, and its name with us.
    """

    def __init__(self, source: str, cross: str, made: dict[str, str]) -> None:
        self.source, self.cross, self.made = source, cross, made


TARGETS = {
    "x86_64": Target("x86", "x86_64-linux-gnu-", {"vmlinux": "vmlinux", "arch/x86/boot/bzImage": "bzImage"}),
    "aarch64": Target("arm64", "aarch64-linux-gnu-", {"arch/arm64/boot/Image": "Image"}),
}
"""ELF with its PVH note is what QEMU and Xen boot without unpacking it; arm64 has the form Image for that."""


def own_name(machine: str) -> str:
    """The link to the kernel in use, of this host's processor or of another."""
    return LINK if machine == platform.machine() else f"{LINK}-{machine}"


def make_words(machine: str) -> tuple[str, ...]:
    """The words of every make in the kernel's tree."""
    target = TARGETS[machine]
    cross = () if machine == platform.machine() else (f"CROSS_COMPILE={target.cross}",)
    return ("make", f"ARCH={target.source}", *cross)


def compiler(machine: str) -> str:
    """What the compiler says of itself."""
    cross = "" if machine == platform.machine() else TARGETS[machine].cross
    return call(f"{cross}gcc", "--version").splitlines()[0]


def wanted(machine: str) -> dict[str, str]:
    """Every option of the fragments, those of every processor and those of one, and its value.

    Raises:
        GuestError: an option stands in two of them.
    """
    found: dict[str, str] = {}
    for path in (*sorted(FRAGMENTS.glob("*.config")), *sorted((FRAGMENTS / machine).glob("*.config"))):
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


def digest(source: str, built_by: str, machine: str) -> str:
    """What names the kernel of these inputs."""
    told = hashlib.sha256(repr((source, built_by, machine, sorted(wanted(machine).items()))).encode())
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


def configure(tree: Path, machine: str) -> None:
    """Everything off but what the fragments ask for.

    Raises:
        GuestError: an option did not come out as it was asked for (MVM-KERNEL-02).
    """
    options = wanted(machine)
    fragment = tree / "ringfence.fragment"
    fragment.write_text("".join(f"CONFIG_{name}={value}\n" for name, value in options.items()))
    call(*make_words(machine), f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig", cwd=tree)
    changed = lost(options, (tree / ".config").read_text())
    if changed:
        raise GuestError("the kernel's configuration lost options:\n" + "\n".join(changed))


def compile_kernel(tree: Path, target: Path, machine: str) -> None:
    """The kernel, in each of its forms, and its configuration."""
    jobs = str(os.cpu_count() or 1)
    say(f"compiling with {jobs} jobs, some minutes")
    prefix = f"-ffile-prefix-map={tree}=."
    made = TARGETS[machine].made
    goals = [Path(name).name for name in made]
    call(*make_words(machine), "-s", f"-j{jobs}", f"KCFLAGS={prefix}", f"KAFLAGS={prefix}", *goals, cwd=tree)
    for place, name in made.items():
        shutil.copy(tree / place, target / name)
        os.chmod(target / name, 0o644)
    if "vmlinux" in made:
        call("strip", "-s", str(target / "vmlinux"))
    shutil.copy(tree / ".config", target / "config")


def make(target: Path, scratch: Path, machine: str) -> None:
    """Put the kernel into the folder ``target``.

    Raises:
        GuestError: it could not be built.
    """
    tree = unpack(scratch)
    configure(tree, machine)
    compile_kernel(tree, target, machine)


def build(machine: str = platform.machine()) -> Path:
    """The folder with the kernel for a processor, made now if its inputs are new.

    Raises:
        GuestError: it could not be built.
    """
    if machine not in TARGETS:
        raise GuestError(f"there is no configuration for {machine}, only for {' and '.join(TARGETS)}")
    named = digest(version(PACKAGE), compiler(machine), machine)
    return keep(named, own_name(machine), lambda target, scratch: make(target, scratch, machine))
