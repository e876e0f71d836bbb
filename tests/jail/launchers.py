"""The programs that start ringfence in the tests: as bin/ringfence, with what a test has to say before."""

from __future__ import annotations

import os
import sys

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INTERPRETER = os.path.realpath(sys.executable)
LAUNCHER = """import sys
sys.path[:0] = ["{repository}/src", "{repository}"]
{first}
from ringfence import settings
told = settings.Settings(jail=settings.JailSettings(**{jail}))
settings.read_settings = lambda *_: told
from ringfence.host import freebsd
freebsd.uname = lambda: ("FreeBSD", "14.0-STABLE")
sys.argv.pop(0)
from ringfence.cli.main import main
main()
"""
"""As bin/ringfence, but on a system that says it is FreeBSD, with settings of no file: to parse one costs 20 ms."""
PLAIN_LAUNCHER = """import sys
sys.path.insert(0, "{repository}/src")
sys.argv.pop(0)
from ringfence.cli.main import main
main()
"""
SETTLED_LAUNCHER = """import sys
sys.path.insert(0, "{repository}/src")
{first}
from ringfence import settings
told = settings.Settings(jail=settings.JailSettings(**{jail}))
settings.read_settings = lambda *_: told
sys.argv.pop(0)
from ringfence.cli.main import main
main()
"""


def write(path: str, text: str, mode: int = 0o644) -> None:
    """Write a file."""
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)
