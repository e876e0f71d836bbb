"""Which rows of the Linux conformance checklist are tested here, and why the others are not.

A row is named LNX-AREA-NN. ``TABLE`` says ``tested`` of every row that test_ids.py has to find in a test's docstring,
else what is missing on a machine with cgroup v1, without systemd, CRIU and SELinux.
"""

from __future__ import annotations

from tests.conformance.table_config import NOT_RUN_HERE, RUN_IN_PART

TESTED = "tested"
V2 = "needs a host with cgroup v2"
SYSTEMD = "needs systemd as pid 1"
ROOTLESS = "needs an unprivileged caller"
CRIU = "needs CRIU"

AREAS = {
    "CLI": 26, "SPEC": 9, "LIFE": 28, "STATE": 14, "KILL": 10, "DEL": 10, "EXEC": 32, "PPR": 8, "UPD": 19, "EVT": 14,
    "FEAT": 13, "CR": 13, "CFG": 8, "ROOT": 6, "USER": 6, "CWD": 5, "ENV": 4, "ARGS": 8, "RLIM": 6, "PRIV": 2,
    "SCHED": 9, "LSM": 4, "CAP": 6, "UTS": 1, "MNT": 15, "OPT": 14, "BIND": 11, "TMPFS": 3, "IDMAP": 6, "PROC": 5,
    "CGM": 6, "DEV": 5, "TTY": 7, "MASK": 7, "RPROP": 3, "NS": 10, "UNS": 7, "TIME": 3, "DEVC": 11, "CG": 10,
    "CG1": 13, "CG2": 10, "SYSD": 13, "SEC": 17, "SCTL": 4, "RDT": 5, "NET": 3, "MPOL": 3, "PERS": 1, "HOOK": 14,
    "ANN": 2, "FILE": 8, "LOG": 5, "RLESS": 8, "SAFE": 10,
}  # fmt: skip
"""The areas of the checklist and the number of rows in each."""

NOT_HERE = {
    "LNX-LIFE-28": ROOTLESS,
    "LNX-DEL-10": SYSTEMD,
    "LNX-EXEC-27": V2,
    "LNX-EXEC-31": SYSTEMD,
    "LNX-UPD-13": V2,
    "LNX-UPD-16": V2,
    "LNX-EVT-13": f"{V2} and a kernel with PSI",
    **{f"LNX-CR-{number:02}": CRIU for number in range(1, 14)},
    **NOT_RUN_HERE,
}
"""Rows that cannot run here, some of which have a test all the same for the part that can."""

PARTLY = {
    "LNX-CLI-05": f"checkpoint and restore are expected to be missing: {CRIU}",
    "LNX-CLI-16": f"the sticky bit below $XDG_RUNTIME_DIR: {ROOTLESS}",
    "LNX-CLI-18": f"success: {SYSTEMD}",
    "LNX-LIFE-22": "the keyring's label: needs a kernel with SELinux on",
    "LNX-DEL-08": f"threaded cgroups: {V2}",
    "LNX-DEL-09": "a resctrl group: needs a processor with RDT",
    "LNX-EXEC-14": "labels in effect: needs a kernel with AppArmor or SELinux",
    "LNX-EXEC-28": f"the fallback and `device or resource busy`: {V2}",
    "LNX-PPR-08": f"cgroup.freeze: {V2}",
    "LNX-UPD-08": f"the difference written on v2: {V2}",
    "LNX-UPD-17": "rewritten schemata: needs a processor with RDT",
    "LNX-EVT-08": f"lists on v2: {V2}",
    "LNX-EVT-12": "values: needs a kernel with the hugetlb controller",
    **RUN_IN_PART,
}
"""Rows that are tested but for a part, and that part."""


def rows() -> dict[str, str]:
    """Every row of ``AREAS`` and ``tested``, or the reason why it is not."""
    names = (f"LNX-{area}-{number:02}" for area, last in AREAS.items() for number in range(1, last + 1))
    return {name: NOT_HERE.get(name, TESTED) for name in names}


TABLE = rows()
