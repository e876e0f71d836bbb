"""The command line of RunX: options may stand anywhere before the id, as containerd put them (XEN-COMPAT-01, 02)."""

from __future__ import annotations

from ringfence.cli.options import VERBS
from ringfence.errors import RingfenceError

WITH_VALUE = ("root", "bundle", "pid-file", "console-socket", "log", "log-format")
GLOBAL = ("root", "log", "log-format", "debug", "systemd-cgroup", "version", "help", "personality")
UNKNOWN_COMMAND = 3


def arranged(words: list[str]) -> list[str]:
    """The words as our own command line has them: options for all commands, the command, what is for it alone.

    Raises:
        RingfenceError: there is no such command; RunX did nothing then and called it success.
    """
    before, behind, rest = [], [], [*words]
    command = ""
    while rest:
        word = rest.pop(0)
        name, equals, _ = word.lstrip("-").partition("=")
        if not word.startswith("-") or word in ("-", "--"):
            if command:
                behind += [word, *rest]
                break
            command = word
            continue
        taken = [word] + ([rest.pop(0)] if name in WITH_VALUE and not equals and rest else [])
        target = before if name in GLOBAL and not (command and name == "help") else behind
        target += taken
    if command and command not in VERBS and command not in ("help", "h"):
        raise RingfenceError(f"No help topic for '{command}'", status=UNKNOWN_COMMAND)
    return [*before, *([command] if command else []), *behind]
