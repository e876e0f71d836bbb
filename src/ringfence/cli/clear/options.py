"""What the command line may hold: our own options and those of Clear Containers' runtimes (MVM-CCOR-12)."""

from __future__ import annotations

from ringfence.cli.options import CREATE_OPTIONS, GLOBAL_OPTIONS, HELP, RUN_OPTIONS, SWITCH, TEXT, VERBS, Option

IDLE = ("shim-path", "proxy-socket-path")
"""Options for programs that are not needed any more."""
OPTIONS: tuple[Option, ...] = (
    *(("debug", "d", SWITCH) if option[0] == "debug" else option for option in GLOBAL_OPTIONS if option[0] != "id"),
    ("global-log", "", TEXT),
    *((name, "", TEXT) for name in IDLE),
)
STOP, ATTACH, HELP_WORDS, VERSION = "stop", "attach", ("help", "h"), "version"
OWN_NAMES = {STOP: "delete", ATTACH: "resume"}
"""Commands of theirs alone, and ours whose options and words they take."""
NEW = ("create", "run")
CONSOLE: Option = ("console", "", TEXT)
WITH_BUNDLE: dict[str, tuple[Option, ...]] = {
    "create": (*CREATE_OPTIONS, CONSOLE, HELP),
    "run": (*RUN_OPTIONS, CONSOLE, HELP),
    "start": (*RUN_OPTIONS, CONSOLE, HELP),
}
"""Commands whose bundle may stand behind the id, as a word, and their options (MVM-CCOR-15, 16)."""
MAY_BE_UNKNOWN = (*NEW, "restore", "explain", "delete", STOP)
"""Commands whose container need not be there."""
TAILS = {"kill": "Usage: kill <container-id> [<options>] [<signal>]", "exec": "Usage: exec <container-id> <cmd> [args]"}
"""How a command is called, where it is not by the container alone."""


def usage(name: str) -> str:
    """What a call with too few or too many words is told (MVM-CCOR-14)."""
    if name in VERBS and VERBS[name].most == 0:
        return f"Usage: {name}"
    return TAILS.get(name, f"Usage: {name} <container-id>")


def with_console(words: list[str]) -> list[str]:
    """``--console`` takes its value or none: a word that is a path belongs to it (MVM-CCOR-15)."""
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        if word != "--console":
            found.append(word)
            continue
        following = next(rest, None)
        if following is not None and following.startswith("/"):
            found.append(f"--console={following}")
        else:
            found += ["--console=", *([following] if following is not None else [])]
    return found


def with_unit(words: list[str]) -> list[str]:
    """``--interval 5`` is five seconds (MVM-CCOR-20)."""
    found: list[str] = []
    for word in words:
        name, _, value = word.partition("=")
        if value.isdecimal() and name.lstrip("-") == "interval":
            found.append(f"{word}s")
        else:
            found.append(f"{word}s" if word.isdecimal() and found[-1:] in (["--interval"], ["-interval"]) else word)
    return found
