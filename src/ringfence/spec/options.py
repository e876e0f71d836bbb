"""The words of a mount's options, and what they ask for.

A word is either a flag of the mount, a propagation, an attribute of the whole tree below it, or a thing that the
runtime does itself. Every other word is data for the file system (config.md, Mounts; mount(2), mount_setattr(2)).
"""

from __future__ import annotations

from ringfence.record import Record

# <linux/mount.h>, flags of mount(2).
MS_RDONLY = 1 << 0
MS_NOSUID = 1 << 1
MS_NODEV = 1 << 2
MS_NOEXEC = 1 << 3
MS_SYNCHRONOUS = 1 << 4
MS_REMOUNT = 1 << 5
MS_MANDLOCK = 1 << 6
MS_DIRSYNC = 1 << 7
MS_NOSYMFOLLOW = 1 << 8  # Linux 5.10
MS_NOATIME = 1 << 10
MS_NODIRATIME = 1 << 11
MS_BIND = 1 << 12
MS_REC = 1 << 14
MS_SILENT = 1 << 15
MS_UNBINDABLE = 1 << 17
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MS_RELATIME = 1 << 21
MS_I_VERSION = 1 << 23
MS_STRICTATIME = 1 << 24
MS_LAZYTIME = 1 << 25

# <linux/mount.h>, attributes of mount_setattr(2), Linux 5.12. The access time modes are values of one field, not bits.
MOUNT_ATTR_RDONLY = 0x00000001
MOUNT_ATTR_NOSUID = 0x00000002
MOUNT_ATTR_NODEV = 0x00000004
MOUNT_ATTR_NOEXEC = 0x00000008
MOUNT_ATTR__ATIME = 0x00000070
MOUNT_ATTR_RELATIME = 0x00000000
MOUNT_ATTR_NOATIME = 0x00000010
MOUNT_ATTR_STRICTATIME = 0x00000020
MOUNT_ATTR_NODIRATIME = 0x00000080
MOUNT_ATTR_NOSYMFOLLOW = 0x00200000

CLEAR = True
SET = False

# word -> (clear or set, MS_* flags)
FLAGS: dict[str, tuple[bool, int]] = {
    "async": (CLEAR, MS_SYNCHRONOUS),
    "atime": (CLEAR, MS_NOATIME),
    "bind": (SET, MS_BIND),
    "defaults": (SET, 0),
    "dev": (CLEAR, MS_NODEV),
    "diratime": (CLEAR, MS_NODIRATIME),
    "dirsync": (SET, MS_DIRSYNC),
    "exec": (CLEAR, MS_NOEXEC),
    "iversion": (SET, MS_I_VERSION),
    "lazytime": (SET, MS_LAZYTIME),
    "loud": (CLEAR, MS_SILENT),
    "mand": (SET, MS_MANDLOCK),
    "noatime": (SET, MS_NOATIME),
    "nodev": (SET, MS_NODEV),
    "nodiratime": (SET, MS_NODIRATIME),
    "noexec": (SET, MS_NOEXEC),
    "noiversion": (CLEAR, MS_I_VERSION),
    "nolazytime": (CLEAR, MS_LAZYTIME),
    "nomand": (CLEAR, MS_MANDLOCK),
    "norelatime": (CLEAR, MS_RELATIME),
    "nostrictatime": (CLEAR, MS_STRICTATIME),
    "nosuid": (SET, MS_NOSUID),
    "nosymfollow": (SET, MS_NOSYMFOLLOW),
    "rbind": (SET, MS_BIND | MS_REC),
    "relatime": (SET, MS_RELATIME),
    "remount": (SET, MS_REMOUNT),
    "ro": (SET, MS_RDONLY),
    "rw": (CLEAR, MS_RDONLY),
    "silent": (SET, MS_SILENT),
    "strictatime": (SET, MS_STRICTATIME),
    "suid": (CLEAR, MS_NOSUID),
    "symfollow": (CLEAR, MS_NOSYMFOLLOW),
    "sync": (SET, MS_SYNCHRONOUS),
}

PROPAGATIONS: dict[str, int] = {
    "private": MS_PRIVATE,
    "rprivate": MS_PRIVATE | MS_REC,
    "rshared": MS_SHARED | MS_REC,
    "rslave": MS_SLAVE | MS_REC,
    "runbindable": MS_UNBINDABLE | MS_REC,
    "shared": MS_SHARED,
    "slave": MS_SLAVE,
    "unbindable": MS_UNBINDABLE,
}

# word -> (attributes to set, attributes to clear); an access time mode is chosen by clearing the field and setting it.
RECURSIVE: dict[str, tuple[int, int]] = {
    "ratime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME),
    "rdev": (0, MOUNT_ATTR_NODEV),
    "rdiratime": (0, MOUNT_ATTR_NODIRATIME),
    "rexec": (0, MOUNT_ATTR_NOEXEC),
    "rnoatime": (MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME),
    "rnodev": (MOUNT_ATTR_NODEV, 0),
    "rnodiratime": (MOUNT_ATTR_NODIRATIME, 0),
    "rnoexec": (MOUNT_ATTR_NOEXEC, 0),
    "rnorelatime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME),
    "rnostrictatime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME),
    "rnosuid": (MOUNT_ATTR_NOSUID, 0),
    "rnosymfollow": (MOUNT_ATTR_NOSYMFOLLOW, 0),
    "rrelatime": (MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME),
    "rro": (MOUNT_ATTR_RDONLY, 0),
    "rrw": (0, MOUNT_ATTR_RDONLY),
    "rstrictatime": (MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME),
    "rsuid": (0, MOUNT_ATTR_NOSUID),
    "rsymfollow": (0, MOUNT_ATTR_NOSYMFOLLOW),
}

HANDLED = ("idmap", "ridmap", "tmpcopyup")

OPTION_WORDS: tuple[str, ...] = tuple(sorted([*FLAGS, *PROPAGATIONS, *RECURSIVE, *HANDLED]))

# Words of FLAGS that say what kind of mount it is, or nothing, rather than how the mount shall behave.
NOT_GIVEN = ("bind", "defaults", "rbind", "remount")


class MountOptions(Record):
    """What the options of one mount ask for.

    ``flags`` and ``cleared`` are MS_* flags, never both for one flag: the last word counts. ``given`` are the flag
    words themselves, in order, without ``bind``, ``rbind``, ``remount`` and ``defaults``. ``propagation`` holds MS_*
    flags, one call each. ``set_recursive`` and ``clear_recursive`` are the MOUNT_ATTR_* for AT_RECURSIVE.
    ``data`` is for the file system. Of ``idmap`` and ``ridmap`` the last one counts.
    """

    flags: int = 0
    cleared: int = 0
    given: tuple[str, ...] = ()
    propagation: tuple[int, ...] = ()
    set_recursive: int = 0
    clear_recursive: int = 0
    data: str = ""
    tmpcopyup: bool = False
    idmap: bool = False
    ridmap: bool = False


def parse_options(options: tuple[str, ...]) -> MountOptions:
    """Sort the words of a mount's options by what they are."""
    parsed = MountOptions()
    data: list[str] = []
    for word in options:
        if word in FLAGS:
            _add_flag(parsed, word)
        elif word in PROPAGATIONS:
            parsed.propagation += (PROPAGATIONS[word],)
        elif word in RECURSIVE:
            _add_recursive(parsed, *RECURSIVE[word])
        elif word in HANDLED:
            _add_handled(parsed, word)
        else:
            data.append(word)
    parsed.data = ",".join(data)
    return parsed


def _add_flag(parsed: MountOptions, word: str) -> None:
    clear, flags = FLAGS[word]
    if clear:
        parsed.flags, parsed.cleared = parsed.flags & ~flags, parsed.cleared | flags
    else:
        parsed.flags, parsed.cleared = parsed.flags | flags, parsed.cleared & ~flags
    if word not in NOT_GIVEN:
        parsed.given += (word,)


def _add_recursive(parsed: MountOptions, set_: int, clear: int) -> None:
    parsed.set_recursive = parsed.set_recursive & ~clear | set_
    # The kernel wants the whole access time field cleared together with its new value, other bits never in both.
    parsed.clear_recursive = parsed.clear_recursive & ~(set_ & ~MOUNT_ATTR__ATIME) | clear


def _add_handled(parsed: MountOptions, word: str) -> None:
    if word == "tmpcopyup":
        parsed.tmpcopyup = True
    else:
        parsed.idmap, parsed.ridmap = word == "idmap", word == "ridmap"
