"""Bundles of the first runc."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.support import Bundle, Runtime
from tests.unit.spec.upgrade.documents import sample


class OldBundle:
    """A bundle whose config.json is the sample of 2015, changed by a test as a plain dict."""

    def __init__(self, runtime: Runtime, bundle: Bundle) -> None:
        self.runtime = runtime
        self.path = bundle.path
        self.rootfs = bundle.rootfs
        self.config: dict[str, Any] = sample()
        self.config["process"]["terminal"] = False
        self.config["process"]["env"] = ["PATH=/bin", "TERM=xterm"]

    def sh(self, script: str) -> None:
        """Let it run a script."""
        self.config["process"]["args"] = ["sh", "-c", script]

    def write(self, name: str = "config.json", document: Any = None) -> str:
        """Write the configuration; its path."""
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.config if document is None else document, file)
        return path

    def run(self, *words: str, name: str | None = None, **how: Any) -> Any:
        """Call the runtime in the bundle's folder as 2015 did, with an id of the test's own."""
        options = ["--root", self.runtime.root, "--log", self.runtime.log, "--log-format", "json"]
        options += ["--id", name or self.runtime.new_id()]
        return self.runtime.run(*words, options=options, **{"cwd": self.path, **how})

    def out(self, script: str, *words: str, **how: Any) -> str:
        """Standard output of a script run as 2015 did."""
        self.sh(script)
        self.write()
        result = self.run(*words, **how)
        assert result.code == 0, (result, self.runtime.errors())
        return str(result.out)


@pytest.fixture
def old(runtime: Runtime, bundle: Bundle) -> OldBundle:
    return OldBundle(runtime, bundle)
