"""Which release of FreeBSD, and where it lies on a mirror."""

from __future__ import annotations

import re
import subprocess

from ringfence.errors import RingfenceError
from ringfence.image.platform import Platform
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

MIRROR = "https://download.freebsd.org/ftp/releases"
ARCHIVE = "base.txz"
PART = re.compile(r"[A-Za-z0-9._-]+")
ARCHES = {
    "amd64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "armv7": ("arm", "v7"),
    "riscv64": ("riscv64", ""),
    "powerpc64le": ("ppc64le", ""),
}
"""FreeBSD's names of architectures, and what images call them."""
OF_IMAGES = {"arm64": "aarch64", "arm": "armv7", "arm/v7": "armv7", "ppc64le": "powerpc64le"}
UNAME, VERSION = "/usr/bin/uname", "/bin/freebsd-version"


class Release(Record):
    """A release, in FreeBSD's words."""

    machine: str
    arch: str
    version: str

    def path(self) -> str:
        """Its folder below a mirror's."""
        return f"{self.machine}/{self.arch}/{self.version}"

    def platform(self) -> Platform:
        """What an image of it is for."""
        return Platform("freebsd", *ARCHES[self.arch])


def answer_of(words: list[str]) -> str:
    """What a program of the system prints.

    Raises:
        RingfenceError: it cannot be run.
    """
    try:
        return subprocess.run(words, check=True, capture_output=True, text=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        raise RingfenceError(f"{words[0]}: {error}") from None


def wanted_release(
    given: dict[str, str], is_freebsd: bool, say: Callable[[str], None], ask: Callable[[list[str]], str] = answer_of
) -> Release:
    """The release that the options name; on FreeBSD what they leave open is the host's own.

    Args:
        given: the values of ``machine``, ``arch`` and ``version``, "" for what was not given.
        is_freebsd: whether the host is asked.
        say: told what the host has answered.
        ask: runs a program and returns what it prints.

    Raises:
        RingfenceError: something is missing, or cannot be part of a release's path.
    """
    missing = [f"--{name}" for name, value in given.items() if not value]
    if missing and not is_freebsd:
        raise RingfenceError(
            f"{', '.join(missing)} must be given on a system that is not FreeBSD",
            hint="such as --machine amd64 --arch amd64 --version 14.1-RELEASE",
        )
    machine = given["machine"] or ask([UNAME, "-m"])
    arch = given["arch"] or ask([UNAME, "-p"])
    version = given["version"] or release_of(ask([VERSION]))
    if not given["arch"]:
        say(f"Found arch: {arch}")
    if not given["version"]:
        say(f"Found version: {version}")
    found = Release(machine, OF_IMAGES.get(arch, arch), version)
    check(found)
    return found


def release_of(version: str) -> str:
    """13.1-RELEASE for 13.1-RELEASE-p3: a patch level has no folder of its own."""
    return "-".join(version.split("-")[:2])


def check(release: Release) -> None:
    """See that every part can be one of a path.

    Raises:
        RingfenceError: one cannot.
    """
    for name, value in release.items():
        if not PART.fullmatch(value) or value in (".", ".."):
            raise RingfenceError(f"--{name} {value!r}: letters, digits, dots, dashes and underscores only")
    if release.arch not in ARCHES:
        raise RingfenceError(f"--arch {release.arch}: not known", hint=f"known are {', '.join(ARCHES)}")


def digest_in(manifest: str, where: str) -> str:
    """The SHA-256 of base.txz, from a release's MANIFEST: columns parted by tabs, the name and the digest first.

    Raises:
        RingfenceError: there is no such line.
    """
    for row in manifest.splitlines():
        name, _, rest = row.partition("\t")
        digest = rest.partition("\t")[0].strip().lower()
        if name.strip() == ARCHIVE and re.fullmatch("[0-9a-f]{64}", digest):
            return digest
    raise RingfenceError(f"{where}: no line for {ARCHIVE}")
