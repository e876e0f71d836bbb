"""Running one hook from Python: in a process group of its own, the state on its standard input, its output kept.

Hooks that the init does not run are run by this: poststart and poststop behind every wall, all six of a jail's.
"""

from __future__ import annotations

from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import Popen

    from ringfence.spec.types import Hook

OUTPUT_KEPT = 600
GRACE = 2.0
"""Seconds for what a hook has left behind to close its output."""
CHUNK = 65536


def run_hook(hook: Hook, state: str, cwd: str, words: str, environment: dict[str, str]) -> None:
    """Run one hook to its end; ``environment`` is that of a hook without ``env`` of its own.

    Raises:
        RingfenceError: it failed, was killed, or ran past its timeout (LNX-HOOK-12, LNX-HOOK-13).
    """
    # 9 ms of imports, paid only by a container with such hooks.
    import os
    import subprocess

    given = environment if hook.env is None else dict(entry.partition("=")[::2] for entry in hook.env)
    try:
        process = subprocess.Popen(
            hook.args or (hook.path,),
            executable=hook.path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=given,
            cwd=cwd if os.path.isdir(cwd) else "/",
            process_group=0,
        )
    except OSError as error:
        raise RingfenceError(f"error running {words}: {hook.path}: {(error.strerror or '').lower()}") from None
    output = conversation(process, state, hook.timeout)
    if output is None:
        late = f"hook ran past specified timeout of {hook.timeout}.0s: {hook.path}"
        raise RingfenceError(f"error running {words}: {late}")
    if process.returncode:
        raise RingfenceError(f"error running {words}: {ending(process.returncode)}{kept(output)}")


def conversation(process: Popen[bytes], state: str, timeout: int | None) -> bytes | None:
    """Give a hook the state and take what it prints; None when it ran too long and its group has been killed."""
    import os
    import signal
    import subprocess

    try:
        output, _ = process.communicate(state.encode("utf-8", "surrogateescape"), timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        try:
            process.communicate(timeout=GRACE)
        except subprocess.TimeoutExpired:
            let_go(process)
        return None
    return output


def let_go(process: Popen[bytes]) -> None:
    """Reap a killed hook whose output is still held open by something that has left its group."""
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
    process.wait()


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
