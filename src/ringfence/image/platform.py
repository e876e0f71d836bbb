"""Platforms in the words of images: Go's names of systems and architectures (image-spec 1.1, image-index.md)."""

from __future__ import annotations

import os
import sys

from ringfence.errors import RingfenceError
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MACHINES = {
    "x86_64": ("amd64", ""),
    "amd64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "arm64": ("arm64", ""),
    "armv7l": ("arm", "v7"),
    "armv7": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "i686": ("386", ""),
    "i386": ("386", ""),
    "riscv64": ("riscv64", ""),
    "ppc64le": ("ppc64le", ""),
    "powerpc64le": ("ppc64le", ""),
    "s390x": ("s390x", ""),
}
"""Architecture and variant by uname's names for machines."""
USUAL_VARIANTS = {"amd64": "v1", "arm64": "v8", "arm": "v7"}
"""The variants that an architecture without one means."""


class Platform(Record):
    """System, architecture and variant, "" for an unknown or usual one."""

    os: str
    architecture: str
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part) or "unknown"

    def fits(self, wanted: Platform) -> bool:
        """Whether an image for this platform is one for the wanted one."""
        if (self.os, self.architecture) != (wanted.os, wanted.architecture):
            return False
        usual = USUAL_VARIANTS.get(self.architecture, "")
        return (self.variant or usual) == (wanted.variant or usual)


def host_platform() -> Platform:
    """That of this machine."""
    return machine_platform(system_name(), os.uname().machine)


def system_name() -> str:
    """The name of this system, such as ``linux`` or ``freebsd``."""
    return sys.platform.rstrip("0123456789")


def machine_platform(system: str, machine: str) -> Platform:
    """The platform of a machine that uname calls so."""
    return Platform(system, *MACHINES.get(machine, (machine, "")))


def parse_platform(text: str) -> Platform:
    """A platform as ``OS/ARCHITECTURE[/VARIANT]``.

    Raises:
        RingfenceError: it is not of that form.
    """
    parts = text.split("/")
    if len(parts) not in (2, 3) or not all(part.isascii() and part.replace("_", "").isalnum() for part in parts):
        raise RingfenceError(f"not a platform: {text!r}", hint="OS/ARCHITECTURE[/VARIANT], such as freebsd/amd64")
    return Platform(*parts)


def platform_of(value: dict[str, Any]) -> Platform:
    """The platform of a descriptor or of an image config."""
    words = (value.get(key) for key in ("os", "architecture", "variant"))
    return Platform(*(word if isinstance(word, str) else "" for word in words))
