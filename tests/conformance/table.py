"""Which rows of the checklists are tested, where, and why the others are not.

A row is named LNX-AREA-NN, or OLD-AREA-NN for the formats before 1.0. ``TABLE`` says ``tested`` of every row that
test_ids.py has to find in a test's docstring, ``guest`` of those that only the guest can run (tests/guest), where
tests/guest/test_rows.py sees that a test of each passed, else what is missing in both.
"""

from __future__ import annotations

from tests.conformance.table_config import NOT_RUN_HERE, RUN_IN_PART

TESTED = "tested"
GUEST = "guest"

AREAS = {
    "CLI": 26, "SPEC": 9, "LIFE": 28, "STATE": 14, "KILL": 10, "DEL": 10, "EXEC": 32, "PPR": 8, "UPD": 19, "EVT": 14,
    "FEAT": 13, "CR": 13, "CFG": 8, "ROOT": 6, "USER": 6, "CWD": 5, "ENV": 4, "ARGS": 8, "RLIM": 6, "PRIV": 2,
    "SCHED": 9, "LSM": 4, "CAP": 6, "UTS": 1, "MNT": 15, "OPT": 14, "BIND": 11, "TMPFS": 3, "IDMAP": 6, "PROC": 5,
    "CGM": 6, "DEV": 5, "TTY": 7, "MASK": 7, "RPROP": 3, "NS": 10, "UNS": 7, "TIME": 3, "DEVC": 11, "CG": 10,
    "CG1": 13, "CG2": 10, "SYSD": 13, "SEC": 17, "SCTL": 4, "RDT": 5, "NET": 3, "MPOL": 3, "PERS": 1, "HOOK": 14,
    "ANN": 2, "FILE": 8, "LOG": 5, "RLESS": 8, "SAFE": 10,
}  # fmt: skip
"""The areas of the checklist and the number of rows in each."""

OLD_AREAS = {
    "CLI": 14, "DETECT": 9, "PROC": 6, "ROOT": 4, "MOUNT": 6, "NS": 3, "CAP": 3, "DEV": 4, "RES": 9, "UID": 2,
    "SYSCTL": 1, "HOOKS": 2, "RUNTIMEJSON": 3, "RC": 8, "SYSTEMD": 7, "UPGRADE": 9,
}  # fmt: skip
"""The areas of the checklist of old formats."""

IN_GUEST = (
    "LNX-DEL-10", "LNX-EXEC-27", "LNX-UPD-13", "LNX-UPD-16", "LNX-EVT-13", "LNX-CGM-01", "LNX-CGM-02", "LNX-DEVC-09",
    "LNX-DEVC-11", "LNX-CG-08", "LNX-RLESS-06", "LNX-LSM-04", "LNX-EXEC-31",
    *(f"LNX-CR-{number:02}" for number in (1, 4, 5, 6, 7, 8, 9, 10, 11, 12)),
    *(f"LNX-CG2-{number:02}" for number in (1, 2, 3, 5, 6, 7, 8, 10)),
    *(f"LNX-SYSD-{number:02}" for number in (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13)),
    *(f"OLD-SYSTEMD-{number:02}" for number in range(1, 8)),
)  # fmt: skip
"""Rows that need cgroup v2, systemd or CRIU."""

NOT_HERE = {
    **NOT_RUN_HERE,
}
"""Rows that are not tested, or not for what they say in the end."""

PARTLY = {
    "LNX-LIFE-22": "the keyring's label: needs a loaded SELinux policy",
    "LNX-EXEC-14": "SELinux's labels in effect: needs a loaded SELinux policy",
    **RUN_IN_PART,
}
"""Rows that are tested but for a part, and that part."""


def rows() -> dict[str, str]:
    """Every row and ``tested``, ``guest``, or the reason why it is not."""
    areas = [*((f"LNX-{area}", last) for area, last in AREAS.items())]
    areas += ((f"OLD-{area}", last) for area, last in OLD_AREAS.items())
    names = [f"{area}-{number:02}" for area, last in areas for number in range(1, last + 1)]
    return {name: NOT_HERE.get(name, GUEST if name in IN_GUEST else TESTED) for name in names}


TABLE = rows()
