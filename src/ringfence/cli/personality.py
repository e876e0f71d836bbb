"""What the name that ringfence was called by changes: one table for all names."""

from __future__ import annotations

from ringfence.container.runtime import MICROVM

OLD, ANY = "old", "any"


class Personality:
    """What one name means.

    ``name`` stands in texts, default paths and host names; ``bare`` says which configurations a call without a verb
    runs: those of any form, or only of forms before 1.0 (OLD-CLI-14); ``wall`` is that of new containers, "" if the
    name means none; ``root`` the state folder of root, /run/NAME if it is not given; ``vm_files`` are looked at for the
    machine of a configuration that has none.
    """

    __slots__ = ("bare", "name", "root", "vm_files", "wall")

    def __init__(self, name: str, bare: str, wall: str = "", root: str = "", vm_files: tuple[str, ...] = ()) -> None:
        self.name = name
        self.bare = bare
        self.wall = wall
        self.root = root or f"/run/{name}"
        self.vm_files = vm_files


OWN = Personality("ringfence", ANY)
PERSONALITIES = {
    "runc": Personality("runc", OLD),
    "ringfence-microvm": Personality("ringfence", ANY, MICROVM),
    "cc-oci-runtime": Personality(
        "cc-oci-runtime",
        ANY,
        MICROVM,
        vm_files=("/etc/cc-oci-runtime/vm.json", "/usr/share/defaults/cc-oci-runtime/vm.json"),
    ),
    "clr-oci-runtime": Personality(
        "clr-oci-runtime",
        ANY,
        MICROVM,
        root="/run/opencontainer/containers",
        vm_files=("/etc/clr-oci-runtime/vm.json", "/usr/share/defaults/clr-oci-runtime/vm.json"),
    ),
}


def personality(program: str) -> Personality:
    """The personality of a program's name; any name but those of the table is our own's."""
    return PERSONALITIES.get(program, OWN)
