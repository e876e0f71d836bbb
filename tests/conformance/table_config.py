"""Rows of sections 12 to 37, 40 and 41 that neither the host nor the guest of the tests can run."""

from __future__ import annotations

SELINUX = "needs a loaded SELinux policy; the plan for such a host is tested"
RDT = "resctrl of a real kernel: needs a processor with RDT; tested with a made-up one"

NOT_RUN_HERE: dict[str, str] = {
    "LNX-CG1-12": "needs a kernel with the rdma controller and a device for it",
}
"""Rows without a test."""

RUN_IN_PART: dict[str, str] = {
    **{f"LNX-RDT-{number:02}": RDT for number in range(2, 6)},
    "LNX-LSM-02": f"a label in effect: {SELINUX}",
    "LNX-LSM-03": f"labels of mounts: {SELINUX}",
    "LNX-CG1-07": "leafWeight: needs a kernel with CFQ (before 5.0)",
    "LNX-SEC-12": "`seccomp notify unsupported`: needs a kernel before 5.6",
}
"""Rows with a test for all but a part, and that part."""
