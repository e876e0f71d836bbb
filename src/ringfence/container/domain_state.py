"""How a container behind a Xen domain is: its record, and one look at the domain (XEN-STATE-01 to 06)."""

from __future__ import annotations

import posix

from ringfence.container.record import FIFO
from ringfence.container.toolstack import all_domains, domain, run
from ringfence.drivers.xen.listing import own
from ringfence.drivers.xen.report import KEY, parse_report
from ringfence.drivers.xen.wanted import Tools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.drivers.xen.listing import Domain
    from ringfence.drivers.xen.report import Report

HELD = "held"
"""A file in the folder of a container that was paused before its start, which no domain tells."""


def tools_in(record: ContainerRecord) -> Tools:
    """The toolstack that the container was made with."""
    held = record.domain
    return Tools(held["xl"], held["xenstore-read"], int(held["timeout"]))


def own_domain(record: ContainerRecord, domains: list[Domain] | None = None) -> Domain | None:
    """The container's domain, None when it is gone; ``domains`` are those of the host, if they are known.

    Raises:
        RingfenceError: xl cannot tell.
    """
    if domains is not None:
        return own(domains, record.domain["uuid"])
    held = record.domain
    if number := held.get("number"):
        return domain(tools_in(record), number, held["uuid"])
    return own(all_domains(tools_in(record)), held["uuid"]) if held.get("making") else None


def status_of(record: ContainerRecord, found: Domain | None) -> str:
    """One of the specification's four words; what has ended beats every other letter, processor time is no matter."""
    if found is None or found.is_over:
        return "stopped"
    is_created = posix.access(f"{record.directory}/{FIFO}", posix.F_OK)
    if found.is_paused:
        return "created" if is_created and not posix.access(f"{record.directory}/{HELD}", posix.F_OK) else "paused"
    return "running"


def domain_status(record: ContainerRecord) -> str:
    """The same, looking now.

    Raises:
        RingfenceError: xl cannot tell.
    """
    return status_of(record, own_domain(record))


def known_domains(records: list[ContainerRecord]) -> list[Domain] | None:
    """All domains of the host for many containers; None when no container has one.

    Raises:
        RingfenceError: xl cannot tell.
    """
    first = next((record for record in records if record.domain), None)
    return all_domains(tools_in(first)) if first else None


def report_of(record: ContainerRecord, found: Domain) -> Report | None:
    """What the guest has left in xenstore about its container's end."""
    tools = tools_in(record)
    answer = run((tools.xenstore_read, f"/local/domain/{found.number}/{KEY}"), tools.timeout)
    return parse_report(answer.output.rstrip("\n")) if answer.code == 0 else None


def ending_of(record: ContainerRecord, found: Domain | None) -> dict[str, object]:
    """Why a container has stopped, and with which status (XEN-STATE-04)."""
    if found is None:
        return {"why": record.domain.get("ended") or "destroyed", "exitStatus": 137}
    report = report_of(record, found)
    if report is None:
        return {"why": found.ending or "unknown", "exitStatus": 255}
    return {"why": report.why, "exitStatus": report.status}
