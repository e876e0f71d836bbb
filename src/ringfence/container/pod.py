"""Pods: which container is a sandbox, and which one lives in the machine of another (MVM-POD-01)."""

from __future__ import annotations

import posix

from ringfence.container.network import identity
from ringfence.container.record import load_record
from ringfence.container.runtime import MICROVM
from ringfence.container.status import PAUSED, STOPPED, status
from ringfence.drivers.linux.context import section
from ringfence.drivers.microvm.sizes import CONTAINER, KINDS, SANDBOX, kind_of
from ringfence.errors import RingfenceError
from ringfence.spec.problems import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.spec.types import Config

IDS = ("io.kubernetes.cri-o.SandboxID", "io.kubernetes.cri.sandbox-id")
NAMES = ("io.kubernetes.cri-o.SandboxName", "ocid/sandbox_name")
KERNEL_NAMES = {"network": "net", "ipc": "ipc", "uts": "uts", "pid": "pid"}
"""Namespaces that containers of a pod may share, as /proc/PID/ns has them."""


def sandbox_of(runtime: Runtime, config: Config) -> ContainerRecord | None:
    """The sandbox in whose machine a container is to live; None for one that gets its own.

    Raises:
        RingfenceError: its annotations name none that is there, or its namespaces are not that one's (MVM-POD-06).
    """
    if kind_of(config.annotations) != CONTAINER:
        return None
    found = by_id(runtime, config) or by_name(runtime, config)
    if found is None:
        field = next(f"/annotations/{escape(key)}" for key in KINDS if key in config.annotations)
        raise RingfenceError("the container of a pod does not say which is its sandbox", field=field)
    field, record = found
    if record.driver != MICROVM or record.pod or kind_of(record.annotations) != SANDBOX:
        raise RingfenceError(f"the container {record.id} is no sandbox with a machine", field=field)
    now = status(record)
    if now in (STOPPED, PAUSED):
        raise RingfenceError(f"the sandbox {record.id} is {now}", field=field)
    check_namespaces(config, record)
    return record


def by_id(runtime: Runtime, config: Config) -> tuple[str, ContainerRecord] | None:
    """The sandbox whose id an annotation has, and the annotation."""
    for key in IDS:
        if key in config.annotations:
            name, field = config.annotations[key], f"/annotations/{escape(key)}"
            if not name or "/" in name or name.startswith((".", "@")):
                raise RingfenceError(f"{name!r} is no id of a sandbox", field=field)
            try:
                return field, load_record(runtime, name)
            except RingfenceError as error:
                raise RingfenceError(f"the sandbox {name}: {error}", field=field) from None
    return None


def by_name(runtime: Runtime, config: Config) -> tuple[str, ContainerRecord] | None:
    """The sandbox that has the same name, where there is no id."""
    for key in NAMES:
        name = config.annotations.get(key)
        if not name:
            continue
        for entry in sorted(posix.listdir(runtime.root)):
            try:
                record = load_record(runtime, entry)
            except RingfenceError:
                continue
            if kind_of(record.annotations) == SANDBOX and record.annotations.get(key) == name:
                return f"/annotations/{escape(key)}", record
        raise RingfenceError(f"there is no sandbox {name}", field=f"/annotations/{escape(key)}")
    return None


def check_namespaces(config: Config, sandbox: ContainerRecord) -> None:
    """Whoever joins a machine must have been given the sandbox's namespaces by whoever made both.

    Raises:
        RingfenceError: a namespace is another's, or the network is not the sandbox's.
    """
    has_network = False
    for index, namespace in enumerate(section(config).namespaces):
        name = KERNEL_NAMES.get(namespace.type)
        if not namespace.path or not name:
            continue
        mine, theirs = identity(namespace.path), identity(f"/proc/{sandbox.pid}/ns/{name}")
        if mine is None or mine != theirs:
            text = f"the {namespace.type} namespace {namespace.path} is not that of the sandbox {sandbox.id}"
            raise RingfenceError(text, field=f"/linux/namespaces/{index}")
        has_network = has_network or namespace.type == "network"
    if not has_network:
        text = f"the container has not the network of the sandbox {sandbox.id}"
        raise RingfenceError(
            text, field="/linux/namespaces", hint="its network namespace must be the sandbox's, by path"
        )
