"""poststart and poststop: the hooks that run when there is no plan any more, in the runtime's namespaces."""

from __future__ import annotations

import os

from ringfence.container.saved import saved_config
from ringfence.drivers.linux.hooks import JSON_NAMES
from ringfence.errors import RingfenceError
from ringfence.hookprocess import run_hook
from ringfence.jsontext import dumps
from ringfence.version import SPEC_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.spec.types import Config, Hook


def hook_state(record: ContainerRecord, status: str) -> str:
    """The state a hook reads on its standard input; no pid once there is no process (LNX-HOOK-08)."""
    state: dict[str, object] = {"ociVersion": SPEC_VERSION, "id": record.id, "status": status}
    if status != "stopped":
        state["pid"] = record.pid
    state["bundle"] = record.bundle
    if record.annotations:
        state["annotations"] = record.annotations
    return dumps(state)


def hooks_of(config: Config, name: str) -> tuple[Hook, ...]:
    """One list of hooks."""
    found: tuple[Hook, ...] = getattr(config.hooks, name) if config.hooks else ()
    return found


def run_poststart(runtime: Runtime, record: ContainerRecord, config: Config | None = None) -> None:
    """The hooks after start; a failing one ends the container (runtime.md, Lifecycle).

    Raises:
        RingfenceError: a hook failed; the container has been killed and removed.
    """
    config = config or saved_config(record)
    hooks = hooks_of(config, "poststart")
    if hooks:
        await_program(record)
    state = hook_state(record, "running")
    for index, hook in enumerate(hooks):
        try:
            run_hook(hook, state, record.bundle, f"{JSON_NAMES['poststart']} hook #{index}", runtime.environment)
        except RingfenceError:
            from ringfence.container.delete import remove

            remove(runtime, record, force=True)
            raise


def await_program(record: ContainerRecord) -> None:
    """Wait until the init has become the program, for poststart comes after the start (LNX-HOOK-05)."""
    import time

    for _ in range(1000):
        try:
            if not os.readlink(f"/proc/{record.pid}/exe").startswith("/memfd:ringfence-init"):
                return
        except OSError:
            return
        time.sleep(0.001)


def run_poststop(runtime: Runtime, record: ContainerRecord, config: Config | None = None) -> None:
    """The hooks after the end; a failing one is warned of and the others run (LNX-HOOK-14)."""
    config = config or saved_config(record)
    state = hook_state(record, "stopped")
    for index, hook in enumerate(hooks_of(config, "poststop")):
        try:
            run_hook(hook, state, record.bundle, f"{JSON_NAMES['poststop']} hook #{index}", runtime.environment)
        except RingfenceError as error:
            runtime.log.warning(str(error))
