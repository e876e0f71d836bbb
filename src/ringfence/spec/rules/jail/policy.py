"""What the administrator lets a configuration ask of a jail."""

from __future__ import annotations

from ringfence.record import Record


class Policy(Record):
    """``mount_types`` are file systems beyond the usual ones (MNT-04); ``nullfs``: a jail may mount nullfs itself.

    ``annotations``: those of ``org.freebsd.*`` are obeyed (JAIL-CFG-16).
    """

    mount_types: tuple[str, ...] = ()
    nullfs: bool = False
    annotations: bool = True
