"""What a container uses inside its guest, as the guest tells it."""

from __future__ import annotations

from ringfence.cgroups.measure import U64_MAX, amount, present
from ringfence.container.machine import key_of
from ringfence.container.status import is_frozen
from ringfence.drivers.guest.client import Client
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.container.record import ContainerRecord

PATIENCE = 1.0
"""Seconds after which a guest counts as silent."""


def with_guest(record: ContainerRecord, host: dict[str, Any]) -> dict[str, Any]:
    """The numbers of an event: memory and processes as the guest's kernel counts them, all else as the host's does.

    ``machine`` has the host's figures for the whole machine; of a guest that says nothing there are no others
    (MVM-STATS-01).
    """
    whole = {name: host[name] for name in ("memory", "pids") if name in host}
    files = ask(record)
    if files is None:
        return {**host, "machine": {**whole, "guest": "silent"}}
    return {**host, "memory": memory(files), "pids": pids(files), "machine": {**whole, "guest": "answers"}}


def ask(record: ContainerRecord) -> dict[str, str] | None:
    """Files of the container's cgroup in its guest by their names, None when it does not answer."""
    if is_frozen(record):
        return None
    try:
        with Client(record.machine_directory) as client:
            client.socket.settimeout(PATIENCE)
            answer = client.ask("MEASURE", key_of(record))
    except (RingfenceError, TimeoutError):
        return None
    parts = answer.data.decode("ascii", "replace").split("\0") if answer.type == "MEASURED" else []
    return dict(zip(parts[::2], parts[1::2]))


def number(text: str) -> int:
    """A number of a guest, which may say anything: what is none counts as 0, ``max`` is the largest u64."""
    word = text.strip()
    if word == "max":
        return U64_MAX
    return min(int(word), U64_MAX) if word.isdigit() and word.isascii() and len(word) <= 20 else 0


def memory(files: dict[str, str]) -> dict[str, Any]:
    """Bytes; a guest has no swap."""
    limit, usage = number(files.get("memory.max", "")), number(files.get("memory.current", ""))
    rows = (row.split() for row in files.get("memory.stat", "").splitlines())
    raw = {row[0]: number(row[1]) for row in rows if len(row) == 2 and row[0].isidentifier()}
    return {
        **present({"cache": raw.get("file")}),
        "usage": amount(limit, usage, number(files.get("memory.peak", "")), 0),
        "swap": amount(limit, usage, 0, 0),
        "kernel": amount(0, 0, 0, 0),
        "kernelTCP": amount(0, 0, 0, 0),
        **present({"raw": dict(sorted(raw.items()))}),
    }


def pids(files: dict[str, str]) -> dict[str, Any]:
    """Processes and threads; without a limit there is none in the event."""
    limit = number(files.get("pids.max", ""))
    return present({"current": number(files.get("pids.current", "")), "limit": 0 if limit == U64_MAX else limit})
