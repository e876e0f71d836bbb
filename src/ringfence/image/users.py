"""The user of an image's config, and the accounts of its root (image-spec 1.1, config.md, "User").

The specification lets a part be a name or a number, and does not say what a name of digits is: here digits are always
an id, and an id never becomes a name (CVE-2016-3697).
"""

from __future__ import annotations

import os

from ringfence.errors import RingfenceError
from ringfence.image.entry import ID_LIMIT
from ringfence.image.inside import open_file
from ringfence.image.limits import M
from ringfence.record import Record

LONGEST = 16 * M


class User(Record):
    """Numbers for process.user."""

    uid: int
    gid: int
    additional_gids: tuple[int, ...] = ()


def resolve_user(text: str, root: int) -> User:
    """The user that ``NAME[:GROUP]`` or ``UID[:GID]`` means in a root.

    Args:
        text: as it stands in the config; "" is root.
        root: the open root, whose /etc/passwd and /etc/group are asked only for what the text leaves open.

    Raises:
        RingfenceError: the text is not of that form, or the root knows no such name.
    """
    name, colon, group = text.partition(":")
    if ":" in group or (colon and not group) or (text and not name):
        raise RingfenceError(f"User {text!r} of the image: not USER or USER:GROUP")
    accounts = passwd(root) if name and not (is_number(name) and colon) else []
    if is_number(name) or not name:
        uid = account_number(name or "0", text)
        home = next((gid for _, number, gid in accounts if number == uid), 0)
        found = User(uid, home)
    else:
        found = _named(name, bool(colon), accounts, root, text)
    if colon:
        found.gid = group_number(group, root, text)
    return found


def _named(name: str, has_group: bool, accounts: list[tuple[str, int, int]], root: int, text: str) -> User:
    entry = next((entry for entry in accounts if entry[0] == name), None)
    if entry is None:
        raise RingfenceError(f"User {text!r} of the image: its /etc/passwd has no {name!r}")
    extra = () if has_group else tuple(dict.fromkeys(gid for _, gid, members in groups(root) if name in members))
    return User(entry[1], entry[2], extra)


def is_number(word: str) -> bool:
    """Whether a part is an id; a sign makes it one too, that is out of range."""
    return word.lstrip("+-").isdigit() and word.isascii()


def account_number(word: str, text: str) -> int:
    """An id.

    Raises:
        RingfenceError: it is out of range.
    """
    if not word.isdigit() or len(word) > 20 or int(word) >= ID_LIMIT:
        raise RingfenceError(f"User {text!r} of the image: {word} is not an id from 0 to {ID_LIMIT - 1}")
    return int(word)


def group_number(word: str, root: int, text: str) -> int:
    """The id of a group.

    Raises:
        RingfenceError: the root knows no such name, or the id is out of range.
    """
    if is_number(word):
        return account_number(word, text)
    found = next((gid for name, gid, _ in groups(root) if name == word), None)
    if found is None:
        raise RingfenceError(f"User {text!r} of the image: its /etc/group has no {word!r}")
    return found


def passwd(root: int) -> list[tuple[str, int, int]]:
    """Name, uid and gid of each account, damaged lines left out."""
    rows = [line.split(":") for line in read_lines(root, "etc/passwd")]
    return [
        (row[0], int(row[2]), int(row[3]))
        for row in rows
        if len(row) >= 4 and row[0] and _is_id(row[2]) and _is_id(row[3])
    ]


def groups(root: int) -> list[tuple[str, int, list[str]]]:
    """Name, gid and members of each group, damaged lines left out."""
    rows = [line.split(":") for line in read_lines(root, "etc/group")]
    return [(row[0], int(row[2]), row[3].split(",")) for row in rows if len(row) >= 4 and row[0] and _is_id(row[2])]


def _is_id(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 11 and int(word) < ID_LIMIT


def read_lines(root: int, path: str) -> list[str]:
    """The lines of a file inside the root, none if it is missing.

    Raises:
        RingfenceError: it is no regular file, or too long.
    """
    try:
        held = open_file(root, path)
    except FileNotFoundError:
        return []
    with open(held, "rb") as file:
        if os.fstat(held).st_size > LONGEST:
            raise RingfenceError(f"/{path} of the image: longer than {LONGEST} bytes")
        return file.read(LONGEST).decode("utf-8", "surrogateescape").split("\n")
