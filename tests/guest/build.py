"""Making the guest's disk, once for a recipe."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.guest import recipe

DISK = "root.ext4"
KERNEL = "vmlinuz"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MEMORY = Path("/dev/shm")
NEEDED_MEMORY = 3 << 30
# Only the files of the kernel's package are wanted, not what its installation does.
DOWNLOAD = """mkdir "$1/kernel" && cd "$1/kernel" && export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG &&
apt-get download -qq $(apt-cache depends {package} | sed -n 's/.*Depends: \\(linux-image-[^ ]*\\)/\\1/p')"""


def cache() -> Path:
    """The folder of disks made by earlier runs; it outlives the tree."""
    if os.geteuid() == 0:
        return Path("/var/cache/ringfence-tests")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ringfence-tests"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One builder at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def image() -> Path:
    """The folder with the guest's disk and kernel, made now if this recipe has never been.

    Raises:
        subprocess.CalledProcessError: a package cannot be had, or a tool failed.
    """
    folder = cache() / recipe.digest()
    with locked(cache()):
        if not (folder / DISK).exists():
            make(folder)
    return folder


def make(folder: Path) -> None:
    """Make disk and kernel in a folder beside, which gets its name when both are whole."""
    with tempfile.TemporaryDirectory(dir=workplace(), prefix="ringfence-guest-") as scratch:
        root = Path(scratch) / "root"
        bootstrap(root)
        beside = folder.with_suffix(".new")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        kernel(root, beside)
        furnish(root)
        run("mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-d", str(root), str(beside / DISK), "4G")
    os.rename(beside, folder)


def workplace() -> str | None:
    """A file system in memory when there is one with room: the packages are unpacked in a third of the time."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > NEEDED_MEMORY:
        return str(MEMORY)
    return None


def run(*words: str, cwd: Path | None = None) -> str:
    """Standard output of a command; its words on standard error are shown only when it fails."""
    ended = subprocess.run(words, check=False, cwd=cwd, capture_output=True, text=True)
    if ended.returncode != 0:
        sys.stderr.write(ended.stdout[-4000:] + ended.stderr[-8000:])
        raise subprocess.CalledProcessError(ended.returncode, words, ended.stdout, ended.stderr)
    return ended.stdout


def mirrors(suite: str = recipe.SUITE) -> list[str]:
    """Sources of a suite and its security updates, from where apt has the host's own Debian packages.

    Raises:
        LookupError: apt has no source of Debian's.
    """
    # Without release information apt also tells of sources whose lists it has not fetched, or has cleaned away.
    told = run("apt-get", "indextargets", "--no-release-info", "--format", "$(REPO_URI)")
    main = next((uri for line in told.split() if (uri := line.rstrip("/")).endswith("/debian")), "")
    if not main:
        raise LookupError("apt has no source of Debian packages: the guest is made of them")
    signed = f"deb [signed-by={KEYRING}]"
    security = main.removesuffix("/debian") + "/debian-security"
    return [f"{signed} {main} {suite} main", f"{signed} {security} {suite}-security main"]


def bootstrap(root: Path) -> None:
    """Debian with the recipe's packages, without what only people read."""
    options = (
        "--mode=root", "--variant=minbase", f"--include={','.join(recipe.PACKAGES)}",
        '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"',
        "--dpkgopt=force-unsafe-io", "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/libexec/podman/podman-testing",
        f"--customize-hook={DOWNLOAD.format(package=recipe.KERNEL)}",
    )  # fmt: skip
    run("mmdebstrap", *options, recipe.SUITE, str(root), *mirrors())


def kernel(root: Path, folder: Path) -> None:
    """The kernel of the package that was downloaded, and its modules; what a boot needs is built in: no initramfs."""
    package = next((root / "kernel").glob("linux-image-*.deb"))
    unpacked = root / "kernel" / "unpacked"
    run("dpkg-deb", "-x", str(package), str(unpacked))
    shutil.copy(next((unpacked / "boot").glob("vmlinuz-*")), folder / KERNEL)
    modules = next(path for path in (unpacked / "usr/lib/modules", unpacked / "lib/modules") if path.is_dir())
    shutil.copytree(modules, root / "usr/lib/modules", symlinks=True, dirs_exist_ok=True)
    run("depmod", "-b", str(root), next((root / "usr/lib/modules").iterdir()).name)
    shutil.rmtree(root / "kernel")


def furnish(root: Path) -> None:
    """Units, names, programs and the user."""
    system = root / "etc/systemd/system"
    generators = [path.name for path in (root / "usr/lib/systemd/system-generators").iterdir()]
    (root / "etc/systemd/system-generators").mkdir(exist_ok=True)
    for name in generators:
        os.symlink("/dev/null", root / "etc/systemd/system-generators" / name)
    for name in recipe.MASKED_UNITS:
        (system / name).unlink(missing_ok=True)
        os.symlink("/dev/null", system / name)
    for name, text in recipe.UNITS.items():
        (system / name).parent.mkdir(exist_ok=True)
        (system / name).write_text(text)
    (root / "etc/systemd/journald.conf").write_text(recipe.JOURNAL)
    for name in ("system.conf", "user.conf"):
        (root / "etc/systemd" / name).write_text(recipe.MANAGER)
    (root / "etc/machine-id").write_text(f"{0xFACE:032x}\n")
    (root / "etc/hostname").write_text("guest\n")
    for name, where in (("guest-main", "usr/local/sbin"), ("as-user", "usr/local/bin")):
        shutil.copy(recipe.FILES / name, root / where / name)
        os.chmod(root / where / name, 0o755)
    run("chroot", str(root), "useradd", "--create-home", "--shell", "/bin/sh", "--uid", "1000", recipe.USER)
