"""What the command line may hold: runj's options and our own global ones."""

from __future__ import annotations

from ringfence.cli.options import BUNDLE, CONSOLE_SOCKET, GLOBAL_OPTIONS, PID_FILE, SUBVERBS, SWITCH, TEXT, Verb

OPTIONS = tuple(option for option in GLOBAL_OPTIONS if option[0] not in ("id", "criu", "systemd-cgroup", "rootless"))
EXEC = "extension exec"
COMMANDS: dict[str, Verb] = {
    "create": Verb((BUNDLE, CONSOLE_SOCKET, PID_FILE), most=2),
    "delete": Verb(),
    "kill": Verb((("all", "a", SWITCH), ("pid", "p", TEXT)), most=2),
    "start": Verb(),
    "state": Verb(),
    EXEC: Verb((("process", "p", TEXT), CONSOLE_SOCKET), most=-1, anywhere=False),
    **{name: verb for name, verb in SUBVERBS.items() if name.startswith("demo ")},
}
ALIASES = {"ext exec": EXEC, "ext": "extension"}
GROUPS = {"demo": "make a bundle or an image of a release of FreeBSD", "extension": "commands beyond the specification"}
USAGES = {
    "create": "<id> [bundle] [-b bundle] [--console-socket path] [--pid-file path]",
    "delete": "<id>",
    "kill": "<id> [signal] [-a | -p pid]",
    "start": "<id>",
    "state": "<id>",
    EXEC: "[-p process.json] [--console-socket path] <id> [command...]",
}
LINES = {
    "create": "make a jail; its program waits for start",
    "delete": "remove what is left of a jail",
    "kill": "send a signal to a jail's program, to all of its processes or to one",
    "start": "let the program of a created jail go",
    "state": "print the state of a jail",
    EXEC: "run another process in a jail",
}
VERSION = "version"
HELP_WORDS = ("help", "h")


def command_of(words: list[str]) -> tuple[str, list[str]]:
    """The name of the command that the first words mean, and the words behind it."""
    pair = " ".join(words[:2])
    pair = ALIASES.get(pair, pair)
    if pair in COMMANDS and " " in pair:
        return pair, words[2:]
    return ALIASES.get(words[0], words[0]), words[1:]


def usage(program: str, name: str) -> str:
    """How a command is called."""
    if name not in USAGES:
        return f"Usage:\n  {program} {name} [options]\n"
    return f"Usage:\n  {program} {name} {USAGES[name]}\n"
