"""What the command line may hold: our own options and those of Clear Containers' runtimes (MVM-CCOR-12)."""

from __future__ import annotations

from ringfence.cli.options import GLOBAL_OPTIONS, SWITCH, TEXT, VERBS, Option

IDLE = ("shim-path", "proxy-socket-path")
"""Options for programs that are not needed any more."""
OPTIONS: tuple[Option, ...] = (
    *(("debug", "d", SWITCH) if option[0] == "debug" else option for option in GLOBAL_OPTIONS if option[0] != "id"),
    ("global-log", "", TEXT),
    *((name, "", TEXT) for name in IDLE),
)
STOP, HELP_WORDS, VERSION = "stop", ("help", "h"), "version"
WITH_BUNDLE = ("create", "run")
"""Commands whose bundle may stand behind the id, as a word (MVM-CCOR-15)."""
MAY_BE_UNKNOWN = (*WITH_BUNDLE, "restore", "explain", "delete", STOP)
"""Commands whose container need not be there."""
TAILS = {"kill": "Usage: kill <container-id> [<options>] [<signal>]", "exec": "Usage: exec <container-id> <cmd> [args]"}
"""How a command is called, where it is not by the container alone."""


def usage(name: str) -> str:
    """What a call with too few or too many words is told (MVM-CCOR-14)."""
    if name in VERBS and VERBS[name].most == 0:
        return f"Usage: {name}"
    return TAILS.get(name, f"Usage: {name} <container-id>")
