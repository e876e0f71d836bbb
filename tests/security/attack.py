"""The static program attack.c."""

from __future__ import annotations

import os

from tests.support import Bundle
from tests.support.compiled import install

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "attack.c")


def install_attack(bundle: Bundle) -> None:
    """Put the program into the bundle's root file system as /bin/attack."""
    install(bundle, SOURCE)
