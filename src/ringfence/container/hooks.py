"""poststart and poststop: the hooks that run when there is no plan any more, in the runtime's namespaces."""

from __future__ import annotations

import os

from ringfence.container.saved import saved_config
from ringfence.drivers.linux.hooks import JSON_NAMES
from ringfence.errors import RingfenceError
from ringfence.jsontext import dumps
from ringfence.version import SPEC_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.spec.types import Config, Hook

OUTPUT_KEPT = 600


def hook_state(record: ContainerRecord, status: str) -> str:
    """The state a hook reads on its standard input; no pid once there is no process (LNX-HOOK-08)."""
    state: dict[str, object] = {"ociVersion": SPEC_VERSION, "id": record.id, "status": status}
    if status != "stopped":
        state["pid"] = record.pid
    state["bundle"] = record.bundle
    if record.annotations:
        state["annotations"] = record.annotations
    return dumps(state)


def run_hook(runtime: Runtime, hook: Hook, state: str, cwd: str, words: str) -> None:
    """Run one hook to its end.

    Raises:
        RingfenceError: it failed, was killed, or ran past its timeout (LNX-HOOK-12, LNX-HOOK-13).
    """
    # 9 ms of imports, paid only by a container with such hooks.
    import signal
    import subprocess

    environment = runtime.environment if hook.env is None else dict(entry.partition("=")[::2] for entry in hook.env)
    try:
        process = subprocess.Popen(
            hook.args or (hook.path,),
            executable=hook.path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=cwd if os.path.isdir(cwd) else "/",
            process_group=0,
        )
    except OSError as error:
        raise RingfenceError(f"error running {words}: {hook.path}: {(error.strerror or '').lower()}") from None
    try:
        output, _ = process.communicate(state.encode("utf-8", "surrogateescape"), timeout=hook.timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        late = f"hook ran past specified timeout of {hook.timeout}.0s"
        raise RingfenceError(f"error running {words}: {late}") from None
    if process.returncode:
        raise RingfenceError(f"error running {words}: {ending(process.returncode)}{kept(output)}")


def ending(code: int) -> str:
    """How a process ended, as Go words it."""
    import signal

    if code >= 0:
        return f"exit status {code}"
    return f"signal: {(signal.strsignal(-code) or str(-code)).lower()}"


def kept(output: bytes) -> str:
    """The beginning of what a hook printed."""
    text = output[:OUTPUT_KEPT].decode("utf-8", "replace").strip()
    return f", output: {text}" if text else ""


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
            run_hook(runtime, hook, state, record.bundle, f"{JSON_NAMES['poststart']} hook #{index}")
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
            run_hook(runtime, hook, state, record.bundle, f"{JSON_NAMES['poststop']} hook #{index}")
        except RingfenceError as error:
            runtime.log.warning(str(error))
