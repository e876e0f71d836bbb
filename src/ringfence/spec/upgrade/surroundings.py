"""What a conversion depends on besides the file, as data and functions that are passed in."""

from __future__ import annotations

from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

GO_NAMES = {
    "x86_64": "amd64", "aarch64": "arm64", "i686": "386", "i386": "386", "armv7l": "arm", "armv6l": "arm",
    "ppc64le": "ppc64le", "ppc64": "ppc64", "s390x": "s390x", "riscv64": "riscv64", "loongarch64": "loong64",
    "mips64": "mips64le",
}  # fmt: skip
RUN_BY = {"amd64": ("386",), "arm64": ("arm",)}
"""Architectures whose programs a machine of another one executes."""


class Node(Record):
    """A device node of the host: ``kind`` is c or b, ``mode`` its permission bits."""

    kind: str
    major: int
    minor: int
    mode: int
    uid: int
    gid: int


class Surroundings(Record):
    """The machine and the rootfs of a conversion.

    ``machine`` is ``uname -m``; ``device`` gives the host's node of a path below /dev and raises a RingfenceError;
    ``container_file`` the text of a file of the rootfs, "" without it; ``unified``: the host is on cgroup v2;
    ``strict``: a platform other than the host's is an error and not a warning.
    """

    machine: str
    device: Callable[[str], Node]
    container_file: Callable[[str], str]
    unified: bool = False
    strict: bool = True


class Upgraded(Record):
    """The 1.x document, what was doubtful about it (path of the old field, and a text), and the form it had."""

    document: dict[str, Any]
    warnings: tuple[tuple[str, str], ...]
    form: str
