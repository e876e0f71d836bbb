"""Rules about a jail's mounts, and their options as words of mount(8) (JAIL-MNT-03, 04, 08, 09, 13)."""

from __future__ import annotations

from ringfence.paths import normpath
from ringfence.record import Record
from ringfence.spec.problems import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.problems import Problems
    from ringfence.spec.rules.jail.policy import Policy
    from ringfence.spec.types import Mount

NODE_LONGEST = 1023  # MNAMELEN of <sys/mount.h>, without the NUL
TYPES = ("nullfs", "tmpfs", "devfs", "fdescfs", "procfs", "linprocfs", "linsysfs")
BINDS = ("none", "bind", "rbind")
PASSED = ("ro", "rw", "nosuid", "suid", "noexec", "exec", "noatime", "atime", "sync", "async", "nosymfollow", "union")
DROPPED = ("bind", "rbind", "nodev", "dev", "relatime", "strictatime", "defaults", "norelatime", "nostrictatime")
PROPAGATION = ("private", "slave", "shared", "unbindable")
FDESCFS = ("nodup", "linrdlnk")
TMPFS = ("size", "mode", "uid", "gid", "nr_inodes", "inodes")
SIZES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
MODE = 0o1777


class Options(Record):
    """A mount's options: ``words`` for mount(8), devfs' ``ruleset`` (-1 for none) and ``rules``, tmpfs' copy."""

    words: tuple[str, ...] = ()
    ruleset: int = -1
    rules: tuple[str, ...] = ()
    copies: bool = False
    readonly: bool = False


def type_of(mount: Mount) -> str:
    """The file system: nullfs if nothing else is said, and for Linux' binds."""
    return "nullfs" if mount.type is None or mount.type in BINDS else mount.type


def check_mounts(mounts: tuple[Mount, ...], policy: Policy, problems: Problems) -> None:
    """Every mount by itself."""
    for index, mount in enumerate(mounts):
        where = f"/mounts/{index}"
        kind = type_of(mount)
        if not mount.destination.startswith("/"):
            problems.add(f"{where}/destination", f"{quoted(mount.destination)} is not an absolute path")
        elif normpath(mount.destination).strip("/") == "":
            problems.add(f"{where}/destination", "must not be the root itself")
        elif len(mount.destination.encode()) > NODE_LONGEST:
            problems.add(f"{where}/destination", f"must have at most {NODE_LONGEST} bytes")
        if kind not in (*TYPES, *policy.mount_types):
            problems.add(f"{where}/type", f"{quoted(kind)} is no file system that can be mounted for a jail")
        if kind == "nullfs" and not mount.source:
            problems.add(f"{where}/source", "must be given")
        elif (mount.source or "").startswith("-"):
            problems.add(f"{where}/source", "must not begin with -")
        if mount.uid_mappings or mount.gid_mappings:
            problems.add(f"{where}/uidMappings", "mounts in a jail have no id mappings")
        try:
            options_of(mount)
        except ValueError as error:
            problems.add(f"{where}/options", str(error))


def options_of(mount: Mount) -> Options:
    """A mount's options, each word known.

    Raises:
        ValueError: a word is not, with the reason.
    """
    kind = type_of(mount)
    words: list[str] = []
    rules: list[str] = []
    ruleset, copies = -1, False
    for word in mount.options:
        name, equals, value = word.partition("=")
        if not word.isprintable() or "," in word or word.startswith("-"):
            raise ValueError(f"{quoted(word)} is not one option")
        if word in PASSED:
            words.append(word)
        elif word in DROPPED or word.removeprefix("r") in PROPAGATION:
            continue
        elif kind == "tmpfs" and name in TMPFS and equals:
            words.append(tmpfs_word(name, value))
        elif kind == "tmpfs" and word == "tmpcopyup":
            copies = True
        elif kind == "fdescfs" and word in FDESCFS:
            words.append(word)
        elif kind == "devfs" and name == "ruleset" and equals:
            ruleset = ruleset_number(value)
        elif kind == "devfs" and name == "rule" and equals:
            rules.append(rule_of(value))
        else:
            raise ValueError(f"{quoted(word)} is not supported for {kind}")
    if kind == "tmpfs" and not any(word.startswith("mode=") for word in words):
        words.append(f"mode={MODE:o}")
    readonly = [word for word in words if word in ("ro", "rw")][-1:] == ["ro"]
    return Options(tuple(words), ruleset, tuple(rules), copies, readonly)


def tmpfs_word(name: str, value: str) -> str:
    """An option of tmpfs(5) (JAIL-MNT-09).

    Raises:
        ValueError: the value cannot be used.
    """
    if name == "size":
        return f"size={tmpfs_size(value)}"
    if name == "mode":
        if not value or value.strip("01234567") or int(value, 8) > 0o7777:
            raise ValueError(f"mode={value} is not an octal mode")
        return f"mode={int(value, 8):o}"
    if not value.isascii() or not value.isdigit() or int(value) > 2**32 - 2:
        raise ValueError(f"{name}={quoted(value)} is not a number")
    return f"{'inodes' if name == 'nr_inodes' else name}={int(value)}"


def tmpfs_size(value: str) -> int:
    """Bytes, written with or without k, m or g behind.

    Raises:
        ValueError: it is something else; FreeBSD knows no percentage of the memory.
    """
    scale = SIZES.get(value[-1:].lower(), 0)
    digits = value[:-1] if scale else value
    if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        raise ValueError(f"size={quoted(value)} is not a size in bytes, with k, m or g behind it")
    return int(digits) * (scale or 1)


def ruleset_number(value: str) -> int:
    """The number of a ruleset of devfs(8); 0 is the one that does nothing (JAIL-MNT-13).

    Raises:
        ValueError: it is none.
    """
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 65535:
        raise ValueError(f"ruleset={quoted(value)} is not a ruleset that hides anything: 1 to 65535")
    return int(value)


def rule_of(value: str) -> str:
    """A rule in ocijail's form, ``path NODE hide|unhide|mode M`` in words of ours.

    Raises:
        ValueError: it is something else.
    """
    words = value.split()
    glob = "*?"
    named = len(words) >= 3 and words[0] == "path" and not words[1].startswith(("-", "/", ".."))
    plain = named and all(letter.isalnum() or letter in "_./-" + glob for letter in words[1])
    if plain and words[2:] in (["hide"], ["unhide"]):
        return f"path {words[1]} {words[2]}"
    if plain and words[2] == "mode" and len(words) == 4 and not words[3].strip("01234567") and len(words[3]) <= 4:
        return f"path {words[1]} mode {words[3]}"
    raise ValueError(f"rule={quoted(value)} is not understood: path NODE hide, unhide or mode OCTAL")
