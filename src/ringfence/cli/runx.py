"""The command line of RunX: options may stand anywhere before the id, as containerd put them (XEN-COMPAT-01, 02)."""

from __future__ import annotations

from ringfence.cli.options import GLOBAL_OPTIONS, SWITCH, VERBS
from ringfence.errors import RingfenceError

UNKNOWN_COMMAND = 3


def takes_value(name: str, command: str) -> bool:
    """Whether a value follows an option: one for all commands, of this one, or of create while none is known."""
    options = (*GLOBAL_OPTIONS, *VERBS[command if command in VERBS else "create"].options)
    return any(name == known and kind != SWITCH for known, _, kind in options)


def is_global(name: str, command: str) -> bool:
    """Whether an option is for all commands; help is the command's own behind it."""
    return any(name == known for known, _, _ in GLOBAL_OPTIONS) and not (command and name == "help")


def arranged(words: list[str]) -> list[str]:
    """The words as our own command line has them: options for all commands, the command, what is for it alone.

    Raises:
        RingfenceError: there is no such command; RunX did nothing then and called it success.
    """
    before: list[str] = []
    behind: list[str] = []
    rest = [*words]
    command = ""
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word in ("-", "--"):
            if command:
                behind += [word, *rest]
                break
            command = word
            continue
        name, equals, _ = word.lstrip("-").partition("=")
        taken = [word] + ([rest.pop(0)] if rest and not equals and takes_value(name, command) else [])
        (before if is_global(name, command) else behind).extend(taken)
    if command and command not in VERBS and command not in ("help", "h"):
        raise RingfenceError(f"No help topic for '{command}'", status=UNKNOWN_COMMAND)
    return [*before, *([command] if command else []), *behind]
