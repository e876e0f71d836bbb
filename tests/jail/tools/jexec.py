"""jexec(8): attach, and execute in place."""

from __future__ import annotations

import posix

from tests.jail.tools.state import FIRST_SCORE, Ended, fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.jail.tools.state import State

USAGE = "usage: jexec [-l] [-u username | -U username] jail [command ...]"


def main(state: State, words: list[str], _: str) -> int:
    """Perform the call; it does not come back but in a failure."""
    if not words or words[0].startswith("-"):
        fail(USAGE)
    jail = state.find(words[0])
    if jail is None:
        word = words[0]
        fail(f"jexec: jail {word} not found" if word.isdigit() else f'jexec: jail "{word}" not found')
    command = words[1:] or ["/bin/sh"]
    state.save()
    descriptor = posix.open("/proc/self/oom_score_adj", posix.O_WRONLY)
    posix.write(descriptor, str(jail["jid"] + FIRST_SCORE).encode())
    posix.close(descriptor)
    posix.chroot(jail["path"])
    posix.chdir("/")
    path = posix.environ.get(b"PATH", b"/bin:/usr/bin").decode().split(":")
    places = [command[0]] if "/" in command[0] else [f"{folder}/{command[0]}" for folder in path]
    reason = "No such file or directory"
    for place in places:
        try:
            posix.execv(place, command)
        except OSError as error:
            reason = reason if error.errno == 2 else error.strerror or ""
    posix.write(2, f"jexec: execvp: {command[0]}: {reason}\n".encode())
    posix._exit(1)
    raise Ended(1)
