"""The options that create, run and explain have in common (LNX-LIFE-01)."""

from __future__ import annotations

from ringfence.cli.world import absolute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def bundle_path(runtime: Runtime, arguments: Arguments) -> str:
    """``--bundle`` made absolute; the caller's folder when it is not given."""
    return absolute(arguments.text("bundle"), runtime.cwd)


def create_fields(runtime: Runtime, arguments: Arguments) -> dict[str, Any]:
    """The fields of CreateOptions."""
    return {
        "bundle": bundle_path(runtime, arguments),
        "console_socket": arguments.text("console-socket"),
        "pidfd_socket": arguments.text("pidfd-socket"),
        "pid_file": arguments.text("pid-file"),
        "no_pivot": arguments.switch("no-pivot"),
        "no_new_keyring": arguments.switch("no-new-keyring"),
        "preserve_fds": arguments.number("preserve-fds"),
    }
