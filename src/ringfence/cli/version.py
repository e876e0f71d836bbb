"""``--version`` (LNX-FEAT-01)."""

from __future__ import annotations

import sys

from ringfence.cli.personality import personality
from ringfence.version import SPEC_VERSION, VERSION


def version_text(program: str) -> str:
    """The lines of ``--version``; client libraries look for the word runc in the first when they call it so."""
    name = personality(program).name
    python = ".".join(map(str, sys.version_info[:3]))
    return f"{name} version {VERSION}\ncommit: {VERSION}\nspec: {SPEC_VERSION}\npython: {python}\n"
