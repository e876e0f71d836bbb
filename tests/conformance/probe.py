"""A static helper program, probe.c, for what busybox cannot show."""

from __future__ import annotations

import errno
import os

from tests.support import Bundle
from tests.support.compiled import install

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "probe.c")
PATH = "/bin/probe"


def install_probe(bundle: Bundle) -> None:
    """Put the program into the bundle's root file system as /bin/probe."""
    install(bundle, SOURCE)


def failed(number: int) -> str:
    """What the probe prints for a system call that failed with this errno."""
    assert number in errno.errorcode
    return f"errno {number}"
