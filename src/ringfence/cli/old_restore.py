"""``--id ID restore [FILE]``: a container comes back in the foreground, and its images go with it (OLD-CLI-11)."""

from __future__ import annotations

import os
import shutil

from ringfence.cli.bare import is_created, named_source
from ringfence.cli.criu import criu_options
from ringfence.container.record import load_record
from ringfence.container.restore import restore
from ringfence.container.runtime import RunOptions
from ringfence.container.status import STOPPED, status
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime

INVENTORY = "inventory.img"


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Restore the container and wait for it; the exit status is its program's."""
    container_id, *words = arguments.words
    source = named_source(words, runtime.cwd)
    if source is None:
        raise RingfenceError("JSON specification file for config.json not found")
    if is_created(runtime, container_id) and status(load_record(runtime, container_id)) != STOPPED:
        raise RingfenceError(f"Container with id {container_id} already running")
    images = criu_options(runtime, arguments)
    images.tcp_established = True
    before = written(images.image_path)
    options = RunOptions(bundle=source.bundle, config=source, supervised=True)
    ended = restore(runtime, container_id, options, images)
    if written(images.image_path) == before:
        shutil.rmtree(images.image_path)
    return ended


def written(folder: str) -> tuple[int, int] | None:
    """Which checkpoint a folder holds: another one in the meantime has files of its own."""
    try:
        held = os.stat(f"{folder}/{INVENTORY}")
    except OSError:
        return None
    return held.st_ino, held.st_mtime_ns
