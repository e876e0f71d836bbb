"""Modules of other projects: each is imported where it is used, and only there has to be installed."""

from __future__ import annotations

import posix
import sys

from ringfence.errors import RingfenceError

# Where Debian puts modules of its packages; the launcher's interpreter starts without the site module.
DISTRIBUTION = "/usr/lib/python3/dist-packages"


def need(module: str, purpose: str, hint: str) -> None:
    """Make a module importable where it is installed; ``purpose`` is the beginning of the error's text.

    Raises:
        RingfenceError: it is not installed.
    """
    places = [DISTRIBUTION, f"{sys.prefix}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"]
    sys.path.extend(p for p in places if p not in sys.path and posix.access(f"{p}/{module}", posix.F_OK))
    try:
        __import__(module)
    except ImportError:
        raise RingfenceError(f"{purpose}, is not installed", hint=hint) from None
