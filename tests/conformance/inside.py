"""Seeing what a container's program sees: run a script in it, read its /proc."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support import Bundle, Runtime
from tests.support.poll import wait_until
from tests.support.process import read_text

KILLED = 128


def inside(runtime: Runtime, bundle: Bundle, script: str, **how: Any) -> str:
    """Standard output of ``script``, run in the foreground by a shell in the container.

    Raises:
        AssertionError: when the run does not end with 0.
    """
    bundle.sh(script)
    return output(runtime, bundle, **how)


def output(runtime: Runtime, bundle: Bundle, **how: Any) -> str:
    """Standard output of the bundle's own program, run in the foreground.

    Raises:
        AssertionError: when the run does not end with 0.
    """
    result = runtime.run_bundle(bundle, **how)
    assert result.code == 0, (result, runtime.errors())
    return result.out


def refused(runtime: Runtime, bundle: Bundle, *texts: str) -> str:
    """``create`` of the bundle fails with 1, one error record with all ``texts``, and leaves nothing; the record."""
    runtime.refuses_bundle(texts[0] if texts else "", bundle)
    message = runtime.last_error()
    for text in texts[1:]:
        assert text in message
    return message


def warnings(runtime: Runtime) -> list[str]:
    """The messages of the warning records so far."""
    return [record["msg"] for record in runtime.log_records() if record["level"] == "warning"]


def field(text: str, name: str) -> str:
    """The value of a line ``name:\\tvalue`` as in /proc/PID/status.

    Raises:
        AssertionError: when there is no such line.
    """
    found = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith(f"{name}:")]
    assert found, f"no {name} in {text!r}"
    return found[0]


@dataclass(frozen=True)
class Mounted:
    """One line of mountinfo (proc_pid_mountinfo(5))."""

    root: str
    point: str
    options: frozenset[str]
    tags: tuple[str, ...]
    kind: str
    source: str
    super_options: frozenset[str]

    @property
    def readonly(self) -> bool:
        """Whether the mount itself is read-only."""
        return "ro" in self.options


def mount_table(text: str) -> dict[str, Mounted]:
    """The topmost mount of every mount point in a mountinfo text."""
    return {entry.point: entry for entry in map(_mounted, filter(None, text.splitlines()))}


def _mounted(line: str) -> Mounted:
    before, _, after = line.partition(" - ")
    _, _, _, root, point, options, *tags = before.split(" ")
    kind, source, super_options = after.split(" ", 2)
    return Mounted(
        root=root,
        point=point,
        options=frozenset(options.split(",")),
        tags=tuple(tag.partition(":")[0] for tag in tags),
        kind=kind,
        source=source,
        super_options=frozenset(super_options.split(",")),
    )


def mounts_inside(runtime: Runtime, bundle: Bundle, **how: Any) -> dict[str, Mounted]:
    """The container's mount table."""
    bundle.args("cat", "/proc/self/mountinfo")
    return mount_table(output(runtime, bundle, **how))


def own_mounts() -> dict[str, Mounted]:
    """The mount table of the test process."""
    return mount_table(read_text("/proc/self/mountinfo"))


@contextmanager
def in_own_mounts(runtime: Runtime, *first: str) -> Iterator[int]:
    """A process with a mount namespace of its own, which the runtime is called in meanwhile; yields its pid.

    Nobody else mounts there, as other tests do on the host. The words of ``first``, a call that ends with an exec of
    its arguments, are run in it beforehand.
    """
    words = ["/usr/bin/unshare", "--mount", "--propagation", "private", *first, "sleep", "1000"]
    with subprocess.Popen(words) as holder:
        try:
            wait_until(lambda: read_text(f"/proc/{holder.pid}/comm") == "sleep\n", "the namespace")
            runtime.prefix = ["/usr/bin/nsenter", "-t", str(holder.pid), "--mount", "--"]
            yield holder.pid
        finally:
            runtime.prefix = []
            holder.kill()


@contextmanager
def no_mounts_left(runtime: Runtime) -> Iterator[None]:
    """Call the runtime where every mount is shared: one that it did not keep to itself would be seen to come back."""
    with in_own_mounts(runtime, "sh", "-c", 'mount --make-rshared / && exec "$@"', "sh") as pid:
        before = mount_table(read_text(f"/proc/{pid}/mountinfo"))
        yield
        assert mount_table(read_text(f"/proc/{pid}/mountinfo")) == before


def through(runtime: Runtime, script: str) -> None:
    """Let every further call of the runtime go through a shell script in which ``"$@"`` is the call."""
    path = runtime.new_path("wrapper")
    write_file(path, f'#!/bin/sh\nset -e\nset -- {runtime.binary} "$@"\n{script}\n', 0o755)
    runtime.binary = path


def in_shared_mounts(runtime: Runtime, before: str = ":", after: str = ":") -> None:
    """Let every further call see a mount namespace of its own in which all mounts are shared.

    ``before`` and ``after`` are shell commands run in it around the call.
    """
    inner = runtime.new_path("inner")
    script = f'#!/bin/sh\n{before}\n"$@"\nstatus=$?\n{after}\nexit $status\n'
    write_file(inner, script, 0o755)
    # Shared only among themselves: where the host's are shared too, they would hand every mount back.
    shared = f"mount --make-rshared / && exec {inner}"
    through(runtime, f'exec unshare --mount --propagation private sh -c \'{shared} "$@"\' sh "$@"')


def host_folder(runtime: Runtime, name: str = "host", mode: int = 0o755) -> str:
    """A new folder on the host, outside every bundle."""
    path = runtime.new_path(name)
    os.mkdir(path)
    os.chmod(path, mode)
    return path


def write_file(path: str, text: str, mode: int = 0o644) -> str:
    """Write a file on the host and return its path."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path
