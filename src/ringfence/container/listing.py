"""list: all containers of a root."""

from __future__ import annotations

import posix

from ringfence.container.record import CACHE, load_record
from ringfence.container.runtime import JAIL
from ringfence.container.state import describe, described
from ringfence.errors import RingfenceError, from_os_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.drivers.jail.output import Process
    from ringfence.drivers.xen.listing import Domain


def user_name(uid: int, known: dict[int, str]) -> str:
    """The name of a user, ``#1000`` if it has none."""
    if uid not in known:
        import pwd

        try:
            known[uid] = pwd.getpwuid(uid).pw_name
        except KeyError:
            known[uid] = f"#{uid}"
    return known[uid]


def parts(record: ContainerRecord) -> dict[str, object]:
    """What ``list --all`` adds: hypervisor, kernel and image, ``-`` for what there is none of (MVM-LIST-01)."""
    hypervisor, kernel, _, _, image, *_ = record.machine or ("-", "-", "", "", "", "")
    return {"hypervisor": hypervisor, "kernel": kernel, "image": image or "-"}


def processes_of_host() -> dict[int, Process]:
    """All processes by one call of ps, however many jails are listed (JAIL-STATE-05)."""
    from ringfence.container.jail.wall import tools_of
    from ringfence.drivers.jail.query import every_process

    return every_process(tools_of())


def described_jail(record: ContainerRecord, owner: str, processes: dict[int, Process]) -> dict[str, object]:
    """The state object of a jail, with the host's processes known."""
    from ringfence.container.jail.wall import status_of

    return described(record, owner, status_of(record, processes))


def listing(runtime: Runtime, *, whole: bool = False) -> tuple[list[dict[str, object]], list[str]]:
    """The states of all containers by id, each with its owner, and what is wrong with broken entries (LNX-STATE-14).

    ``whole``: with what their machines consist of.

    Raises:
        RingfenceError: the root cannot be read; a root that does not exist is the caller's to judge.
    """
    try:
        names = sorted(entry.name for entry in posix.scandir(runtime.root) if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return [], []
    except OSError as error:
        raise from_os_error(f"cannot list {runtime.root}", error) from None
    found, broken = [], []
    snapshot: dict[int, Process] | None = None
    known: dict[int, str] = {}
    records = {name: loaded(runtime, name) for name in names if name != CACHE}
    domains = domains_for([record for record in records.values() if not isinstance(record, RingfenceError)])
    for name, record in records.items():
        try:
            if isinstance(record, RingfenceError):
                raise record
            owner = user_name(posix.stat(record.directory).st_uid, known)
        except (RingfenceError, OSError) as error:
            broken.append(f"load container {name}: {error}")
            continue
        if record.driver == JAIL:
            snapshot = snapshot or processes_of_host()
            told = described_jail(record, owner, snapshot)
        else:
            told = describe(record, owner, domains)
        found.append({**told, **(parts(record) if whole else {})})
    return found, broken


def loaded(runtime: Runtime, name: str) -> ContainerRecord | RingfenceError:
    """A record, or what is wrong with it."""
    try:
        return load_record(runtime, name)
    except RingfenceError as error:
        return error


def domains_for(records: list[ContainerRecord]) -> list[Domain] | None:
    """The host's Xen domains, asked for once (XEN-STATE-06); None where no container has one.

    Raises:
        RingfenceError: xl cannot tell.
    """
    if not any(record.domain for record in records):
        return None
    from ringfence.container.domain_state import known_domains

    return known_domains(records)
