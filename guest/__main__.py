"""Build the guests' kernel: ``make guest``, or ``python3 -m guest``; the last line printed is its folder.

The source is the distribution's own package, taken without installing it. What comes of the same inputs lies in one
folder below /var/cache/ringfence/guest (without privileges $XDG_CACHE_HOME/ringfence/guest), named by their digest; the
link ``current`` beside it is the one in use.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
FRAGMENTS = HERE / "kernel"
SERIES = "6.1"
PACKAGE = f"linux-source-{SERIES}"
KERNEL = "vmlinux"
LINK = "current"
# What would be different each time (Documentation/kbuild/reproducible-builds.rst).
STILL = {
    "KBUILD_BUILD_TIMESTAMP": "Thu Jan  1 00:00:00 UTC 1970", "KBUILD_BUILD_USER": "ringfence",
    "KBUILD_BUILD_HOST": "guest", "KBUILD_BUILD_VERSION": "1", "SOURCE_DATE_EPOCH": "0", "LC_ALL": "C",
}  # fmt: skip


class GuestError(Exception):
    """The kernel could not be built; the text says why."""


def cache() -> Path:
    """Where kernels are kept."""
    if os.geteuid() == 0:
        return Path("/var/cache/ringfence/guest")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ringfence" / "guest"


def call(*words: str, cwd: Path | None = None) -> str:
    """Standard output of a program.

    Raises:
        GuestError: it failed, with the end of what it said.
    """
    told = subprocess.run(words, cwd=cwd, env={**os.environ, **STILL}, capture_output=True, text=True, check=False)
    if told.returncode:
        raise GuestError(f"{' '.join(words)} failed:\n{told.stdout[-2000:]}{told.stderr[-4000:]}")
    return told.stdout


def version() -> str:
    """The version of the source package that apt would fetch.

    Raises:
        GuestError: it knows none.
    """
    for line in call("apt-cache", "policy", PACKAGE).splitlines():
        if line.strip().startswith("Candidate:") and not line.endswith("(none)"):
            return line.split()[-1]
    raise GuestError(f"apt knows no package {PACKAGE}; is this Debian 12, or its source listed?")


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


def say(words: str) -> None:
    """Progress, for whoever waits."""
    print(f"guest: {words}", file=sys.stderr, flush=True)


def unpack(scratch: Path) -> Path:
    """The tree of the kernel's source."""
    say(f"fetching {PACKAGE}")
    call("apt-get", "download", PACKAGE, cwd=scratch)
    package = next(scratch.glob(f"{PACKAGE}_*.deb"))
    call("dpkg-deb", "-x", str(package), str(scratch / "package"))
    tree = scratch / "linux"
    tree.mkdir()
    say("unpacking")
    call("tar", "-C", str(tree), "--strip-components=1", "-xf", str(next(scratch.glob("package/usr/src/*.tar.xz"))))
    shutil.rmtree(scratch / "package")
    package.unlink()
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


def build() -> Path:
    """The folder with the kernel, made now if its inputs are new.

    Raises:
        GuestError: it could not be built.
    """
    compiler = call("gcc", "--version").splitlines()[0]
    folder = cache() / digest(version(), compiler)
    if not (folder / KERNEL).exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="ringfence-guest-", dir=folder.parent) as name:
            beside = Path(name) / "made"
            beside.mkdir()
            tree = unpack(Path(name))
            configure(tree)
            compile_kernel(tree, beside)
            os.chmod(beside, 0o755)
            beside.rename(folder)
    link = folder.parent / f"{LINK}.new"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.rename(folder.parent / LINK)
    return folder


def main() -> int:
    """Build it, and say where it is."""
    try:
        print(build())
    except GuestError as error:
        print(f"guest: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
