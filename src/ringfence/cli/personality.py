"""What the name that ringfence was called by changes: one table for all names."""

from __future__ import annotations

from ringfence.container.runtime import MICROVM

OLD, ANY = "old", "any"


class Personality:
    """What one name means.

    ``name`` stands in texts, default paths and host names; ``bare`` says which configurations a call without a verb
    runs: those of any form, or only of forms before 1.0 (OLD-CLI-14); ``wall`` is that of new containers, "" if the
    name means none; ``root`` the state folder of root, /run/NAME if it is not given.
    """

    __slots__ = ("bare", "name", "root", "wall")

    def __init__(self, name: str, bare: str, wall: str = "", root: str = "") -> None:
        self.name = name
        self.bare = bare
        self.wall = wall
        self.root = root or f"/run/{name}"


OWN = Personality("ringfence", ANY)
PERSONALITIES = {
    "runc": Personality("runc", OLD),
    "ringfence-microvm": Personality("ringfence", ANY, MICROVM),
    "cc-oci-runtime": Personality("cc-oci-runtime", ANY, MICROVM),
    "clr-oci-runtime": Personality("clr-oci-runtime", ANY, MICROVM, root="/run/opencontainer/containers"),
}


def personality(program: str) -> Personality:
    """The personality of a program's name; any name but those of the table is our own's."""
    return PERSONALITIES.get(program, OWN)
