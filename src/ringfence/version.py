"""The versions that ``--version`` and ``features`` tell; the package's own is kept in ``ringfence.__version__``."""

from __future__ import annotations

from ringfence import __version__

VERSION = __version__
SPEC_VERSION = "1.3.0"
