"""mount(8) and umount(8): mounts of Linux stand in for those of FreeBSD, and a table like FreeBSD's tells of them."""

from __future__ import annotations

import posix

from tests.jail.tools.jls import quoted
from tests.jail.tools.state import Ended, fail, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from tests.jail.tools.state import State

MS_RDONLY, MS_NOSUID, MS_NOEXEC, MS_REMOUNT, MS_BIND = 1, 2, 8, 32, 4096
MNT_FORCE, MNT_DETACH, UMOUNT_NOFOLLOW = 1, 2, 8
EX_NOINPUT, EX_USAGE = 64, 64
LONGEST = 1023
FLAGS = {"ro": MS_RDONLY, "nosuid": MS_NOSUID, "noexec": MS_NOEXEC}
WORDS = "ro rw nosuid suid noexec exec noatime atime sync async nosymfollow symfollow union late"
PLAIN = frozenset(WORDS.split())
OWN = {
    "nullfs": frozenset(("nocache",)),
    "tmpfs": frozenset(("size", "mode", "uid", "gid", "inodes", "maxfilesize")),
    "devfs": frozenset(("ruleset",)),
    "fdescfs": frozenset(("linrdlnk", "nodup", "rdlnk")),
    "procfs": frozenset(),
    "linprocfs": frozenset(),
    "linsysfs": frozenset(),
}
SHOWN = {"ro": "read-only", "nosuid": "nosuid", "noexec": "noexec", "noatime": "noatime", "union": "union"}
USAGE = "usage: mount [-adflpruvw] [-F fstab] [-o options] [-t ufs | external_type]"


def main(state: State, words: list[str], name: str) -> int:
    """Perform the call."""
    if name == "umount":
        return unmount(state, words)
    if words == ["-p"]:
        for one in state.data["mounts"]:
            options = ",".join(
                ["ro" if "ro" in one["options"] else "rw", *(o for o in one["options"] if o in ("nosuid", "noexec"))]
            )
            say(f"{blank(one['special'])}\t{blank(one['node'])}\t{one['type']}\t{options}\t0 0")
        return 0
    if words[:2] == ["--libxo", "json"] or words[:1] == ["--libxo=json"]:
        say(document(state))
        return 0
    if not words:
        for one in state.data["mounts"]:
            say(f"{one['special']} on {one['node']} ({', '.join([one['type'], *opts(one)])})")
        return 0
    return mount(state, words)


def blank(text: str) -> str:
    """A name as fstab(5) has it."""
    return text.replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011").replace("\n", "\\012")


def opts(one: dict[str, Any]) -> list[str]:
    """The options as they are shown."""
    return ["local", *(SHOWN[word] for word in one["options"] if word in SHOWN)]


def document(state: State) -> str:
    """libxo's JSON."""
    rows = []
    for one in state.data["mounts"]:
        listed = ",".join(quoted(word) for word in opts(one))
        cells = ",".join(
            f"{quoted(key)}:{quoted(value)}"
            for key, value in (("special", one["special"]), ("node", one["node"]), ("fstype", one["type"]))
        )
        rows.append(f'{{{cells},"opts":[{listed}]}}')
    return '{"mount": {"mounted": [' + ", ".join(rows) + "]}}"


def mount(state: State, words: list[str]) -> int:
    """``-t TYPE [-o OPTIONS] SPECIAL NODE``."""
    kind, rest = "", list(words)
    options: list[str] = []
    while rest and rest[0].startswith("-"):
        letter = rest.pop(0)
        if letter not in ("-t", "-o") or not rest:
            fail(USAGE)
        value = rest.pop(0)
        kind, options = (value, options) if letter == "-t" else (kind, options + value.split(","))
    if len(rest) != 2 or not kind:
        fail(USAGE)
    special, given = rest
    if kind not in OWN:
        fail(f"mount: {special}: Operation not supported by device")
    checked(state, kind, options)
    node = target(given)
    if kind == "nullfs":
        check_source(special, node)
    perform(state, kind, special, node, options)
    return 0


def checked(state: State, kind: str, options: list[str]) -> None:
    """Whether the type takes the options, and is there."""
    for word in options:
        name, equals, _ = word.partition("=")
        if name not in PLAIN | OWN[kind] or (equals and name in PLAIN):
            fail(f"mount: option <{name}> not recognized" if name else USAGE)
    if kind != "devfs" and kind not in state.data["modules"]:
        fail(f"mount: {kind}: Operation not supported by device")


def target(given: str) -> str:
    """The node, whose links are followed as mount(8) does."""
    from posixpath import realpath

    node = realpath(given)
    try:
        posix.stat(node)
    except OSError:
        fail(f"mount: {given}: No such file or directory")
    if len(node.encode()) > LONGEST:
        fail(f"mount: {given}: File name too long")
    return node


def check_source(special: str, node: str) -> None:
    """A folder goes on a folder, a file on a file."""
    try:
        source = posix.stat(special).st_mode & 0o170000
    except OSError:
        fail(f"mount_nullfs: {special}: No such file or directory", EX_NOINPUT)
    here = posix.stat(node).st_mode & 0o170000
    if (source == 0o040000) != (here == 0o040000):
        fail(f"mount_nullfs: {node}: Not a directory", 1)


def perform(state: State, kind: str, special: str, node: str, options: list[str]) -> None:
    """Make the mount and enter it into the table."""
    flags = sum(FLAGS.get(word, 0) for word in options)
    if kind == "nullfs":
        call("mount", special, node, "", MS_BIND, "")
        if flags:
            call("mount", "none", node, "", MS_BIND | MS_REMOUNT | flags, "")
    elif kind in ("procfs", "linprocfs"):
        call("mount", "proc", node, "proc", flags, "")
    else:
        data = ",".join(
            f"{renamed(word)}" for word in options if word.partition("=")[0] in ("size", "mode", "uid", "gid", "inodes")
        )
        call("mount", kind, node, "tmpfs", flags if kind == "tmpfs" else 0, data)
    entry = {"special": special if kind == "nullfs" else kind, "node": node, "type": kind, "options": options}
    state.data["mounts"].append(entry)
    if kind == "devfs":
        from tests.jail.tools import devfs

        numbers = [word.partition("=")[2] for word in options if word.startswith("ruleset=")]
        devfs.fresh(state, node, int(numbers[0]) if numbers else 0)


def renamed(word: str) -> str:
    """An option of tmpfs in the words of Linux."""
    return word.replace("inodes=", "nr_inodes=")


def call(name: str, *arguments: str | int) -> None:
    """mount(2) or umount2(2) of Linux.

    Raises:
        OSError: it fails.
    """
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    given = [
        one.encode("utf-8", "surrogateescape") if isinstance(one, str) else ctypes.c_ulong(one) for one in arguments
    ]
    if getattr(libc, "umount2" if name == "umount" else name)(*given) != 0:
        raise OSError(ctypes.get_errno(), name)


def unmount(state: State, words: list[str]) -> int:
    """``umount [-f] NODE ...``."""
    nodes = [word for word in words if not word.startswith("-")]
    if not nodes or any(word not in ("-f", "-v") for word in words if word.startswith("-")):
        fail("usage: umount [-fNnv] special ... | node ... | fsid ...")
    for node in nodes:
        held = [one for one in state.data["mounts"] if one["node"] == node]
        if not held:
            fail(f"umount: {node}: unknown file system")
        try:
            call("umount", node, MNT_DETACH | UMOUNT_NOFOLLOW if "-f" in words else UMOUNT_NOFOLLOW)
        except OSError as error:
            if error.errno != 22:
                say(f"umount: unmount of {node} failed: Device busy", 2)
                raise Ended(1) from None
        state.data["mounts"].remove(held[-1])
        state.data["devfs"].pop(node, None)
    return 0
