"""Where a container's resctrl groups are: what its record keeps."""

from __future__ import annotations

from ringfence.record import Record


class Group(Record):
    """The resctrl groups of one container: absolute paths.

    ``monitoring`` is "" without a group for that, which is always the container's own; ``made`` says whether the group
    itself is, so that it ends with the container.
    """

    mount: str
    path: str
    monitoring: str = ""
    made: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """The groups that the container's processes enter, in this order: a task must be in the one above first."""
        return (self.path, self.monitoring) if self.monitoring else (self.path,)
