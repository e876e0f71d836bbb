"""Rules about lists of id mappings (user_namespaces(7)), of the user namespace and of mounts."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.problems import Problems
    from ringfence.spec.types import IDMapping

LINES = 340  # since Linux 4.15
IDS = 2**32 - 1  # the last id means "no id"


def check_mappings(mappings: tuple[IDMapping, ...], where: str, problems: Problems) -> None:
    """The conditions under which the kernel refuses the lines of a uid_map or gid_map."""
    if len(mappings) > LINES:
        problems.add(where, f"must have at most {LINES} entries, not {len(mappings)}")
        return
    for index, mapping in enumerate(mappings):
        if not mapping.size:
            problems.add(f"{where}/{index}/size", "must not be 0")
        elif max(mapping.container_id, mapping.host_id) + mapping.size > IDS:
            problems.add(f"{where}/{index}/size", "reaches beyond the last id, 4294967294")
    for side, name in (("container_id", "containerID"), ("host_id", "hostID")):
        _check_overlaps(mappings, side, name, where, problems)


def _check_overlaps(mappings: tuple[IDMapping, ...], side: str, name: str, where: str, problems: Problems) -> None:
    end = 0
    for start, size, index in sorted((getattr(entry, side), entry.size, at) for at, entry in enumerate(mappings)):
        if start < end:
            problems.add(f"{where}/{index}/{name}", "overlaps another entry", where)
        end = max(end, start + size)
