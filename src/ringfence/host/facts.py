"""Facts about the machine that a plan depends on, as data.

``probe()`` reads them once; ``compile`` takes them as an argument, so that a plan can be made for another machine
(``explain --host FILE``) and tests need no privilege.
"""

from __future__ import annotations

from ringfence.record import Record

V1 = "v1"
V2 = "v2"
HYBRID = "hybrid"


class Hierarchy(Record):
    """One mounted cgroup hierarchy.

    ``controllers`` are the names in /proc/self/cgroup's second column (``("cpu", "cpuacct")``, ``("name=systemd",)``);
    for cgroup v2 ``("",)``. ``mount`` is where it is mounted, ``root`` the cgroup shown there (mountinfo's root),
    ``own`` the runtime's own cgroup in it.
    """

    controllers: tuple[str, ...]
    mount: str
    root: str
    own: str


class Host(Record):
    """What this machine is and can do. Sizes in bytes.

    ``delegated``: systemd has handed the runtime's own cgroup over, to make cgroups below it.
    """

    uid: int
    gid: int
    kernel: tuple[int, int]
    machine: str
    cgroup_mode: str
    hierarchies: tuple[Hierarchy, ...]
    user_namespace: bool = False
    apparmor: bool = False
    selinux: bool = False
    last_capability: int = 40
    huge_pages: tuple[str, ...] = ()
    bounding: int = 2**41 - 1
    kcore: bool = True
    set_groups: bool = True
    delegated: bool = False
