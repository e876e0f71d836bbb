"""Rows of sections 12 to 37, 40 and 41 that a host with cgroup v1 and without systemd, SELinux and RDT cannot run.

A row that has a test here and needs more than such a host for a part of it is listed with that part.
"""

from __future__ import annotations

V2 = "needs a host with cgroup v2"
SYSTEMD = "needs systemd as pid 1"
SELINUX = "needs a kernel with SELinux on"
RDT = "needs a processor with RDT and resctrl mounted"

NOT_RUN_HERE: dict[str, str] = {
    "LNX-RLIM-04": "root above the caller's hard limit needs CAP_SYS_RESOURCE; the rootless half is tested",
    "LNX-PRIV-02": "a value below the caller's needs CAP_SYS_RESOURCE; other values are tested",
    "LNX-LSM-01": "a profile in effect needs a kernel with AppArmor; the refusal without it is tested",
    "LNX-LSM-02": f"a label in effect {SELINUX}; the refusal without it is tested",
    "LNX-LSM-03": f"{SELINUX}; that a mount label is not dropped silently without it is tested",
    "LNX-LSM-04": "label writes need a kernel with AppArmor or SELinux",
    "LNX-CGM-01": V2,
    "LNX-CGM-02": V2,
    "LNX-DEVC-09": V2,
    "LNX-DEVC-11": SYSTEMD,
    "LNX-CG-08": V2,
    "LNX-CG1-07": "leafWeight and leafWeightDevice need a kernel with CFQ (before 5.0); the weights are tested",
    "LNX-CG1-12": "needs a kernel with the rdma controller and a device for it; the refusal without it is tested",
    **{f"LNX-CG2-{number:02}": V2 for number in range(1, 11)},
    **{f"LNX-SYSD-{number:02}": SYSTEMD for number in range(1, 14)},
    "LNX-SEC-12": "a kernel without seccomp notification (before 5.6) is not at hand; the other refusals are tested",
    **{f"LNX-RDT-{number:02}": RDT for number in range(1, 6)},
    "LNX-RLESS-06": "needs cgroup v2 with delegated cgroups",
}
