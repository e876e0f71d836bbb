"""``update``: other resource limits for a container (LNX-UPD-01 to 04)."""

from __future__ import annotations

import os

from ringfence.cli.numbers import U64_MAX, size_bytes, whole
from ringfence.cli.options import I64_MAX, I64_MIN
from ringfence.container.record import load_record
from ringfence.container.update import update
from ringfence.errors import RingfenceError, from_os_error
from ringfence.spec.types import BlockIOResources, CPUResources, MemoryResources, PidsResources, Resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime

STDIN = 0


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Set what is named and leave the rest; that the container does not exist is said before what is wrong with it."""
    container_id = arguments.words[0]
    load_record(runtime, container_id)
    if arguments.text("resources"):
        resources = read_resources(runtime, arguments.text("resources"))
    else:
        resources = named_resources(arguments)
        warn_of_kernel_memory(runtime, arguments)
    l3_cache, bandwidth = arguments.text("l3-cache-schema"), arguments.text("mem-bw-schema")
    update(runtime, container_id, resources, l3_cache, bandwidth)
    return 0


def warn_of_kernel_memory(runtime: Runtime, arguments: Arguments) -> None:
    """Say that a limit the kernel no longer has was asked for (LNX-UPD-03)."""
    for name in ("kernel-memory", "kernel-memory-tcp"):
        if arguments.given(name):
            runtime.log.warning(f"the option --{name} has no effect, the kernel has no such limit any more")


def read_resources(runtime: Runtime, path: str) -> Resources:
    """The limits in a file, or with ``-`` in standard input (LNX-UPD-02).

    Raises:
        RingfenceError: it cannot be read, or is not what linux.resources may be.
    """
    from ringfence.spec.load import load_resources  # the parser of JSON records, which the other options do not need

    name = "standard input" if path == "-" else path
    try:
        text = read_all(STDIN if path == "-" else os.open(os.path.join(runtime.cwd, path), os.O_RDONLY | os.O_CLOEXEC))
        return load_resources(text.decode("utf-8"), name)
    except OSError as error:
        raise from_os_error(f"open {path}", error) from None
    except UnicodeDecodeError:
        raise RingfenceError(f"{name}: the text is not UTF-8") from None
    except RingfenceError as error:  # its field is a place in this text, not in config.json
        raise RingfenceError(str(error), hint=error.hint) from None


def read_all(descriptor: int) -> bytes:
    """Everything up to the end of a file or pipe."""
    with open(descriptor, "rb") as stream:
        return stream.read()


def named_resources(arguments: Arguments) -> Resources:
    """The limits named by options.

    Raises:
        RingfenceError: ``invalid value for NAME: …``.
    """
    weight = arguments.number("blkio-weight")
    if not 0 <= weight < 2**32:
        raise RingfenceError("invalid value for blkio-weight: value out of range")
    return Resources(
        memory=named_memory(arguments),
        cpu=named_cpu(arguments),
        pids=PidsResources(limit=arguments.number("pids-limit")) if arguments.given("pids-limit") else None,
        block_io=BlockIOResources(weight=weight) if weight else None,
    )


def named_memory(arguments: Arguments) -> MemoryResources | None:
    """The limits of memory, None when no option names one."""
    memory = MemoryResources(
        limit=size(arguments, "memory"),
        reservation=size(arguments, "memory-reservation"),
        swap=size(arguments, "memory-swap"),
    )
    return memory if memory != MemoryResources() else None


def named_cpu(arguments: Arguments) -> CPUResources | None:
    """The limits of CPU time, None when no option names one."""
    cpu = CPUResources(
        shares=number(arguments, "cpu-share", 0, U64_MAX),
        quota=number(arguments, "cpu-quota", I64_MIN, I64_MAX),
        burst=number(arguments, "cpu-burst", 0, U64_MAX),
        period=number(arguments, "cpu-period", 0, U64_MAX),
        realtime_runtime=number(arguments, "cpu-rt-runtime", I64_MIN, I64_MAX),
        realtime_period=number(arguments, "cpu-rt-period", 0, U64_MAX),
        cpus=arguments.text("cpuset-cpus") or None,
        mems=arguments.text("cpuset-mems") or None,
        idle=number(arguments, "cpu-idle", 0, 1),
    )
    return cpu if cpu != CPUResources() else None


def number(arguments: Arguments, name: str, low: int, high: int) -> int | None:
    """The value of an option that takes a number; None when it is not given or empty."""
    text = arguments.text(name)
    if not text:
        return None
    value = whole(text)
    if value is None:
        raise RingfenceError(f'invalid value for {name}: parsing "{text}": invalid syntax')
    if not low <= value <= high:
        raise RingfenceError(f'invalid value for {name}: "{text}": value out of range')
    return value


def size(arguments: Arguments, name: str) -> int | None:
    """The value of an option that takes a size; -1 is no limit."""
    text = arguments.text(name)
    if not text or text == "-1":
        return -1 if text else None
    value = size_bytes(text)
    if value is None:
        raise RingfenceError(f"invalid value for {name}: invalid size: '{text}'")
    return value
