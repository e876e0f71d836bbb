"""state: what is known of one container, as the runtime specification words it."""

from __future__ import annotations

import posix

from ringfence import paths
from ringfence.container.record import load_record, oom_kills
from ringfence.container.runtime import JAIL, XEN
from ringfence.container.status import STOPPED, status
from ringfence.host.probe import read_or
from ringfence.version import SPEC_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.drivers.xen.listing import Domain


def state(runtime: Runtime, container_id: str) -> dict[str, object]:
    """The state object of one container, keys in their order (LNX-STATE-01).

    Raises:
        RingfenceError: ``container does not exist``.
    """
    record = load_record(runtime, container_id)
    return describe(record, owner_of(record) if runtime.runx else "")


def owner_of(record: ContainerRecord) -> str:
    """The name of whoever has made a container."""
    import pwd

    uid = posix.stat(record.directory).st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


def describe(record: ContainerRecord, owner: str, domains: list[Domain] | None = None) -> dict[str, object]:
    """The state object of a record; ``domains`` are those of the host, if they are known.

    Raises:
        RingfenceError: a Xen domain's toolstack cannot tell.
    """
    if record.driver == XEN:
        from ringfence.container.domain_told import describe_domain

        return describe_domain(record, owner, domains)
    now = status(record)
    told = described(record, owner, now)
    if record.machine:
        told["ringfence"] = machine_of(record, now)
    return told


def annotations_of(record: ContainerRecord, now: str) -> dict[str, str]:
    """The container's annotations; that with a jail's number only as long as there is the jail."""
    if record.driver != JAIL:
        return record.annotations
    from ringfence.container.jail.wall import annotations_now

    return annotations_now(record, now)


def described(record: ContainerRecord, owner: str, now: str) -> dict[str, object]:
    """What the specification has keys for, of a record whose status is known."""
    told: dict[str, object] = {
        "ociVersion": SPEC_VERSION,
        "id": record.id,
        "pid": 0 if now == STOPPED else record.pid,
        "status": now,
        "bundle": record.bundle,
        "rootfs": record.rootfs,
        "created": record.created,
    }
    if annotations := annotations_of(record, now):
        told["annotations"] = annotations
    told["owner"] = owner
    return told


def machine_of(record: ContainerRecord, now: str) -> dict[str, object]:
    """What the container's machine consists of, which the specification has no keys for (MVM-STATE-02)."""
    hypervisor, kernel, board, accelerator, image, *_ = record.machine
    return {
        "driver": record.driver,
        "hypervisor": hypervisor,
        "hypervisorPid": 0 if now == STOPPED or record.pod else first_child(record.pid),
        "kernel": kernel,
        "machine": board,
        "accelerator": accelerator,
        **({"image": image} if image else {}),
        **({"network": "bridge"} if record.bridged else {}),
        **({"sandbox": paths.basename(record.pod)} if record.pod else {}),
        "oomKills": oom_kills(record),
    }


def first_child(pid: int) -> int:
    """The oldest child of a process, 0 for none: a supervisor's is its machine (proc_pid_task(5), children)."""
    words = read_or(f"/proc/{pid}/task/{pid}/children", b"").split()
    return int(words[0]) if words else 0
