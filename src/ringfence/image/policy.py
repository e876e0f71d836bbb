"""What unpacking may make, and whose it becomes."""

from __future__ import annotations

import itertools
import os

from ringfence.errors import RingfenceError
from ringfence.image.entry import ID_LIMIT
from ringfence.record import Record

KEEP, STRIP, SKIP, REFUSE = "keep", "strip", "skip", "refuse"
SETUID_WORDS = (KEEP, STRIP)
DEVICE_WORDS = (KEEP, SKIP, REFUSE)

Map = tuple[tuple[int, int, int], ...]
"""Ranges of ids: the first in the container, the first on the host, and how many."""


class Policy(Record):
    """How layers are unpacked.

    Attributes:
        setuid: ``keep`` or ``strip``: set-user-ID and set-group-ID bits, and capabilities of files.
        devices: ``keep``, ``skip`` or ``refuse``: devices and FIFOs.
        uid_map, gid_map: where the owners of files are mapped to; empty means that they stay.
        owners: whether files get owners at all; without it all are the caller's.
        flags: whether bsdtar's file flags are kept.
    """

    setuid: str = KEEP
    devices: str = KEEP
    uid_map: Map = ()
    gid_map: Map = ()
    owners: bool = True
    flags: bool = False


def usual_policy(privileged: bool) -> Policy:
    """What root gets unless told otherwise, and what another user."""
    return Policy(devices=KEEP if privileged else SKIP, owners=privileged)


def parse_map(words: tuple[str, ...], option: str) -> Map:
    """The ranges of an option that may be repeated, each ``CONTAINER:HOST:COUNT``.

    Raises:
        RingfenceError: one is not of that form, or two overlap.
    """
    found = []
    for word in words:
        parts = word.split(":")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 11 for part in parts):
            raise RingfenceError(f"--{option} {word}: not a map", hint="CONTAINER:HOST:COUNT, such as 0:100000:65536")
        inside, outside, count = map(int, parts)
        if not count or max(inside, outside) + count > ID_LIMIT:
            raise RingfenceError(f"--{option} {word}: the ids go beyond what there is")
        found.append((inside, outside, count))
    found.sort()
    for before, after in itertools.pairwise(found):
        if before[0] + before[2] > after[0]:
            raise RingfenceError(f"--{option}: two ranges overlap at {after[0]}")
    return tuple(found)


def mapped(ids: Map, number: int, what: str) -> int:
    """The id on the host.

    Raises:
        RingfenceError: no range holds it.
    """
    if not ids:
        return number
    for inside, outside, count in ids:
        if inside <= number < inside + count:
            return outside + number - inside
    raise RingfenceError(f"{what}: the id {number} is in no range of the map")


def is_privileged() -> bool:
    """Whether the caller is root, here or in a user namespace."""
    return os.geteuid() == 0
