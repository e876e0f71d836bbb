"""What the name that ringfence was called by changes: one table for all names."""

from __future__ import annotations

from ringfence.container.runtime import JAIL, MICROVM, XEN
from ringfence.errors import RingfenceError

OLD, ANY = "old", "any"
CLEAR, RUNJ = "clear", "runj"
"""Command lines other than ours: those of Clear Containers' runtimes and of runj."""


class Personality:
    """What one name means.

    ``name`` stands in texts, default paths and host names; ``bare`` says which configurations a call without a verb
    runs: those of any form, or only of forms before 1.0 (OLD-CLI-14); ``line`` says whose command line it is, "" for
    our own; ``global_log`` names a log of all calls below the state folder; ``wall`` is that of
    new containers, "" if the name means none; ``root`` the state folder of root, /run/NAME if it is not given;
    ``folders`` are
    looked at for vm.json, the machine of configurations that have none, and for hypervisor.args; ``runx``: sizes and
    the command line are RunX's.
    """

    __slots__ = ("bare", "folders", "global_log", "line", "name", "root", "runx", "wall")

    def __init__(
        self,
        name: str,
        bare: str = ANY,
        wall: str = "",
        root: str = "",
        folders: tuple[str, ...] = (),
        line: str = "",
        global_log: str = "",
        runx: bool = False,
    ) -> None:
        self.name = name
        self.bare = bare
        self.wall = wall
        self.root = root or f"/run/{name}"
        self.folders = folders
        self.line = line
        self.global_log = global_log
        self.runx = runx


OWN = Personality("ringfence")
PERSONALITIES = {
    "runc": Personality("runc", OLD),
    "ringfence-microvm": Personality("ringfence", wall=MICROVM),
    "ringfence-jail": Personality("ringfence", wall=JAIL),
    "runj": Personality("runj", wall=JAIL, line=RUNJ, root="/var/lib/runj/jails"),
    "ringfence-xen": Personality("ringfence", wall=XEN),
    "runX": Personality("runX", wall=XEN, runx=True),
    "runx": Personality("runX", wall=XEN, runx=True),
    "cc-oci-runtime": Personality(
        "cc-oci-runtime",
        wall=MICROVM,
        line=CLEAR,
        folders=("/etc/cc-oci-runtime", "/usr/share/defaults/cc-oci-runtime"),
    ),
    "clr-oci-runtime": Personality(
        "clr-oci-runtime",
        wall=MICROVM,
        line=CLEAR,
        global_log="clr-oci-runtime.log",
        root="/run/opencontainer/containers",
        folders=("/etc/clr-oci-runtime", "/usr/share/defaults/clr-oci-runtime"),
    ),
}


def personality(program: str) -> Personality:
    """The personality of a program's name; any name but those of the table is our own's."""
    return PERSONALITIES.get(program, OWN)


def checked_name(program: str) -> str:
    """The argument of ``--personality``.

    Raises:
        RingfenceError: no personality has that name.
    """
    if program != OWN.name and program not in PERSONALITIES:
        known = ", ".join((OWN.name, *PERSONALITIES))
        raise RingfenceError(f"invalid personality: {program}", hint=f"there are {known}")
    return program
