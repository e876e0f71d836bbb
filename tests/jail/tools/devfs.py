"""devfs(8), and what a devfs shows: rules hide and show nodes of one mount, rulesets are kept for mounts to come.

The nodes are real files below the mount's node. Those that a jail must never see are empty files here.
"""

from __future__ import annotations

import posix
import sys

from tests.jail.tools.state import fail, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tests.jail.tools.state import State

USAGE = "usage: devfs [-m mount-point] [-s ruleset] rule ...\n       devfs [-m mount-point] ruleset ruleset-num"
DEVICES = {
    "null": (1, 3),
    "zero": (1, 5),
    "full": (1, 7),
    "random": (1, 8),
    "urandom": (1, 9),
}
HARMLESS = ("crypto", "ptmx", "fd/0", "fd/1", "fd/2", "pts/0", "stdin", "stdout", "stderr", "fuse", "zfs")
FORBIDDEN = ("mem", "kmem", "io", "pci", "ada0", "ada0p1", "bpf", "pf", "bpf0", "usb/0.1.0", "md0")
FOLDERS = ("fd", "pts", "usb")
NODES = (*DEVICES, *HARMLESS, *FORBIDDEN, *FOLDERS)
S_IFCHR = 0o020000
STANDARD = (
    "hide",
    *(f"path {name} unhide" for name in ("null", "zero", "crypto", "random", "urandom")),
    *(
        f"path {name} unhide"
        for name in ("ptmx", "pts", "pts/*", "fd", "fd/*", "stdin", "stdout", "stderr", "fuse", "zfs")
    ),
)
"""Ruleset 4 of /etc/defaults/devfs.rules, once ``service devfs`` has loaded it."""


def fresh(state: State, node: str, ruleset: int) -> None:
    """A new mount: everything shows, and then the rules of its ruleset are applied, if there are any."""
    state.data["devfs"][node] = {"ruleset": ruleset, "shown": dict.fromkeys(NODES, -1)}
    for rule in state.data["rulesets"].get(ruleset, []):
        apply(state, node, rule)
    populate(state, node)


def apply(state: State, node: str, rule: str) -> None:
    """Let a rule act on what is there."""
    shown = state.data["devfs"][node]["shown"]
    pattern, actions = read_rule(rule)
    for name in [name for name in NODES if fits(name, pattern)]:
        for action, value in actions:
            if action == "hide":
                shown.pop(name, None)
            elif action == "unhide":
                shown.setdefault(name, -1)
            elif name in shown:
                shown[name] = value


def read_rule(rule: str) -> tuple[str, list[tuple[str, int]]]:
    """The pattern of a rule, "*" without one, and what it does."""
    words, pattern, actions = rule.split(), "*", []
    while words:
        word = words.pop(0)
        if word == "path" and words:
            pattern = words.pop(0)
        elif word == "mode" and words:
            actions.append(("mode", int(words.pop(0), 8)))
        elif word in ("hide", "unhide"):
            actions.append((word, 0))
        elif word in ("user", "group", "type", "include") and words:
            words.pop(0)
        else:
            fail(f"devfs rule: unknown keyword: {word}" if word else USAGE)
    if not actions:
        fail("devfs rule: no conditions and no actions" if not rule else "devfs rule: rule has no actions")
    return pattern, sorted(actions, key=lambda one: one[0] == "mode")


def fits(name: str, pattern: str) -> bool:
    """Whether a pattern with ``*`` and ``?`` means a node; a star does not go over a slash."""
    if pattern == "*" or pattern == name:
        return True
    head, star, tail = pattern.partition("*")
    middle = name[len(head) :] if star and name.startswith(head) else "/"
    return "/" not in middle and middle.endswith(tail)


def populate(state: State, node: str) -> None:
    """Make the files below the node fit what is shown; a node in a hidden folder cannot be seen."""
    shown = state.data["devfs"][node]["shown"]
    for name in (*FOLDERS, *(one for one in NODES if one not in FOLDERS)):
        folder = name.rpartition("/")[0]
        visible = name in shown and (not folder or folder in shown)
        put(f"{node}/{name}", name, shown.get(name, -1)) if visible else take(f"{node}/{name}", name)


def put(path: str, name: str, mode: int) -> None:
    """Make a node that is to show."""
    try:
        if name in FOLDERS:
            posix.mkdir(path, 0o755)
        elif name in DEVICES:
            posix.mknod(path, S_IFCHR | 0o666, posix.makedev(*DEVICES[name]))
        else:
            posix.close(posix.open(path, posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL, 0o600))
    except FileExistsError:
        pass
    if name in DEVICES or mode >= 0:
        posix.chmod(path, mode if mode >= 0 else 0o666)


def take(path: str, name: str) -> None:
    """Take away a node that is not to show."""
    try:
        if name in FOLDERS:
            for inside in posix.listdir(path):
                posix.unlink(f"{path}/{inside}")
            posix.rmdir(path)
        else:
            posix.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        pass


def main(state: State, words: list[str], _: str) -> int:
    """Perform the call."""
    mount, ruleset, rest = "/dev", 0, list(words)
    while rest and rest[0] in ("-m", "-s") and len(rest) > 1:
        letter, value, *rest = rest
        if letter == "-m":
            mount = value
        else:
            ruleset = number(value)
    if rest[:1] == ["ruleset"] and len(rest) == 2:
        place(state, mount)["ruleset"] = number(rest[1])
        return 0
    if rest[:1] != ["rule"] or len(rest) < 2:
        fail(USAGE)
    while rest[1:2] == ["-s"]:
        ruleset, rest = number(rest[2]), ["rule", *rest[3:]]
    return rule(state, mount, ruleset, rest[1:])


def number(word: str) -> int:
    """The number of a ruleset."""
    if not word.isdigit() or int(word) > 65535:
        fail(f"devfs: invalid ruleset number: {word}")
    return int(word)


def place(state: State, mount: str) -> dict[str, Any]:
    """The devfs at a mount point."""
    found: dict[str, Any] | None = state.data["devfs"].get(mount)
    if found is None:
        fail(f"devfs: {mount}: Inappropriate ioctl for device")
    return found


def rule(state: State, mount: str, ruleset: int, words: list[str]) -> int:
    """``rule show|showsets|add|apply|applyset|delset``."""
    verb, rest = words[0], words[1:]
    rulesets = state.data["rulesets"]
    if verb == "show":
        for position, text in enumerate(rulesets.get(ruleset or default(state, mount), []), 1):
            say(f"{position * 100} {text}")
    elif verb == "showsets":
        for one in sorted(rulesets):
            say(str(one))
    elif verb == "add" and rest:
        for text in texts(rest):
            read_rule(text)
            rulesets.setdefault(ruleset, []).append(text)
    elif verb == "delset":
        rulesets.pop(ruleset, None)
    elif verb in ("apply", "applyset"):
        place(state, mount)
        for text in texts(rest) if verb == "apply" else rulesets.get(ruleset, []):
            apply(state, mount, text)
        populate(state, mount)
    else:
        fail(USAGE)
    return 0


def default(state: State, mount: str) -> int:
    """The ruleset of a mount."""
    held = state.data["devfs"].get(mount)
    return int(held["ruleset"]) if held else 0


def texts(words: list[str]) -> list[str]:
    """The rule on the command line, or those on standard input for ``-``."""
    if words == ["-"]:
        return [line.strip() for line in sys.stdin.read().splitlines() if line.strip()]
    if words[:1] and words[0].isdigit():
        words = words[1:]
    return [" ".join(words)]
