"""The whole package on a Python that looks like FreeBSD's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "src"
DISGUISE = Path(__file__).with_name("disguise.py")


@pytest.mark.parametrize("platform", ["freebsd14", "freebsd"])
def test_every_module_imports_and_every_command_has_its_help(platform: str) -> None:
    """JAIL-PORT-01, JAIL-PORT-02, JAIL-PORT-03: the standard library suffices, and nothing looks at /proc or /sys."""
    line = [sys.executable, "-I", "-S", str(DISGUISE), str(SOURCE), platform]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ringfence" in done.stdout
