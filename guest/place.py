"""Where kernels are kept, and the packages that they come from.

What comes of the same inputs lies in one folder below /var/cache/ringfence/guest (without privileges
$XDG_CACHE_HOME/ringfence/guest), named by their digest; links beside it tell which are in use.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# What would be different each time (Documentation/kbuild/reproducible-builds.rst).
STILL = {
    "KBUILD_BUILD_TIMESTAMP": "Thu Jan  1 00:00:00 UTC 1970", "KBUILD_BUILD_USER": "ringfence",
    "KBUILD_BUILD_HOST": "guest", "KBUILD_BUILD_VERSION": "1", "SOURCE_DATE_EPOCH": "0", "LC_ALL": "C",
}  # fmt: skip


class GuestError(Exception):
    """The kernel could not be made; the text says why."""


def cache() -> Path:
    """Where kernels are kept."""
    if os.geteuid() == 0:
        return Path("/var/cache/ringfence/guest")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ringfence" / "guest"


def call(*words: str, cwd: Path | None = None) -> str:
    """Standard output of a program.

    Raises:
        GuestError: it is missing or failed, with the end of what it said.
    """
    try:
        told = subprocess.run(words, cwd=cwd, env={**os.environ, **STILL}, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise GuestError(f"there is no program {words[0]}: install the package that has it") from None
    if told.returncode:
        raise GuestError(f"{' '.join(words)} failed:\n{told.stdout[-2000:]}{told.stderr[-4000:]}")
    return told.stdout


def say(words: str) -> None:
    """Progress, for whoever waits."""
    print(f"guest: {words}", file=sys.stderr, flush=True)


def version(package: str) -> str:
    """The version of a package that apt would fetch.

    Raises:
        GuestError: it knows none.
    """
    for line in call("apt-cache", "policy", package).splitlines():
        if line.strip().startswith("Candidate:") and not line.endswith("(none)"):
            return line.split()[-1]
    raise GuestError(f"apt knows no package {package}: is this Debian, and has `apt-get update` been run?")


def fetch(package: str, scratch: Path) -> Path:
    """The folder with a package's files, which is not installed."""
    say(f"fetching {package}")
    call("apt-get", "download", package, cwd=scratch)
    folder, file = scratch / "package", next(scratch.glob(f"{package}_*.deb"))
    call("dpkg-deb", "-x", str(file), str(folder))
    file.unlink()
    return folder


def keep(digest: str, link: str, make: Callable[[Path, Path], None]) -> Path:
    """The folder of this digest, which ``link`` then names; what is not there yet is made, whole or not at all.

    ``make`` is given the folder to fill and one for what it needs meanwhile (MVM-KERNEL-03).
    """
    folder = cache() / digest
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.parent):
        return kept(folder, link, make)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Two who want the same at once wait for each other, instead of making it twice."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def kept(folder: Path, link: str, make: Callable[[Path, Path], None]) -> Path:
    """The same for whoever has the lock."""
    if not folder.exists():
        with tempfile.TemporaryDirectory(prefix="ringfence-guest-", dir=folder.parent) as name:
            made, scratch = Path(name) / "made", Path(name) / "scratch"
            made.mkdir()
            scratch.mkdir()
            make(made, scratch)
            os.chmod(made, 0o755)
            made.rename(folder)
    beside = folder.parent / f"{link}.{os.getpid()}"
    beside.symlink_to(folder.name)
    beside.rename(folder.parent / link)
    return folder
