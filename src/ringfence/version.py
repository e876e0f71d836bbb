"""The one place that holds ringfence's version and the version of the runtime-spec it implements."""

from __future__ import annotations

VERSION = "0.1.0"
SPEC_VERSION = "1.3.0"
