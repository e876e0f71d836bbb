"""``spec``: write a config.json to start from (LNX-SPEC-01, 02, 05, 09)."""

from __future__ import annotations

import os

from ringfence.cli.bundle import bundle_path
from ringfence.cli.output import write
from ringfence.cli.personality import personality
from ringfence.errors import RingfenceError, from_os_error
from ringfence.host.facts import V2
from ringfence.host.probe import probe
from ringfence.jsontext import dumps
from ringfence.spec.template import rootless, template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime

NAME = "config.json"


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Write config.json into the bundle, or into the caller's folder."""
    config = template(probe().cgroup_mode == V2, personality(runtime.program).name)
    if arguments.switch("rootless"):
        config = rootless(config, os.geteuid(), os.getegid())
    path = os.path.join(bundle_path(runtime, arguments), NAME)
    if is_redirected(path):
        write(dumps(config, indent="\t"))
    else:
        write_new(path, dumps(config, indent="\t"))
    return 0


def is_redirected(path: str) -> bool:
    """Whether the file is there, empty, and what standard output goes to: ``spec > config.json`` (OLD-CLI-09)."""
    try:
        there, out = os.stat(path), os.fstat(1)
    except OSError:
        return False
    return (there.st_dev, there.st_ino, there.st_size) == (out.st_dev, out.st_ino, 0)


def write_new(path: str, text: str) -> None:
    """Write a file that must not be there yet, mode 0666 less the umask.

    Raises:
        RingfenceError: it is there, or cannot be written; then it is not left half written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        raise RingfenceError(f"File {NAME} exists. Remove it first") from None
    except OSError as error:
        raise from_os_error(f"open {path}", error) from None
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        os.unlink(path)
        raise from_os_error(f"write {path}", error) from None
