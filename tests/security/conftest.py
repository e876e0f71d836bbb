"""What the attacks aim at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.security.outside import Outside, unchanged_settings
from tests.support import Bundle
from tests.support.runtime import is_runc


@pytest.fixture
def outside(workdir: str) -> Iterator[Outside]:
    """A folder of the host; the test fails if anything in it is not as it was."""
    held = Outside(os.path.join(workdir, "outside"))
    yield held
    if not is_runc():  # its tests of later attacks are expected to fail, not to be in error
        held.assert_untouched()


@pytest.fixture(autouse=True)
def settings() -> Iterator[None]:
    """No test changes a setting of the host."""
    with unchanged_settings():
        yield


@pytest.fixture
def image_dev(make_bundle: Callable[..., Bundle]) -> Bundle:
    """A bundle whose /dev is the image's own, as some engines leave it, and writable."""
    bundle = make_bundle("image")
    bundle.config["mounts"] = [entry for entry in bundle.mounts if not entry["destination"].startswith("/dev")]
    bundle.config["root"]["readonly"] = False
    return bundle
