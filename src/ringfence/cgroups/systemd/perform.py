"""Asking systemd: units are started, changed and stopped here."""

from __future__ import annotations

import posix

from ringfence.cgroups.systemd.bus import DESTINATION, MANAGER, PATH, Bus, BusError
from ringfence.cgroups.systemd.units import SetUnitProperties, StartUnit
from ringfence.errors import RingfenceError, from_os_error
from ringfence.initfile import sealed_init

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringfence.cgroups.systemd.units import Property
    from ringfence.plan.step import HostStep

NO_SUCH_UNIT = "org.freedesktop.systemd1.NoSuchUnit"
EXISTS = "org.freedesktop.systemd1.UnitExists"
FAILED = "unable to apply cgroup configuration"


class Holder:
    """A process that only waits, so that systemd does not take a scope for ended before the container is in it."""

    def __init__(self) -> None:
        near, self.far = posix.pipe()
        program = sealed_init()
        try:
            self.pid = posix.posix_spawn(
                f"/proc/self/fd/{program}",
                ["ringfence-init", "hold"],
                {},
                file_actions=[(posix.POSIX_SPAWN_DUP2, near, 0)],
            )
        except OSError as error:
            posix.close(self.far)
            raise from_os_error("cannot start the init", error) from None
        finally:
            posix.close(near)
            posix.close(program)

    def release(self) -> None:
        """End it."""
        posix.close(self.far)
        posix.waitpid(self.pid, 0)


class Attachment:
    """A process that waits to be moved into a unit, because its own user may not move it (cgroups(7))."""

    def __init__(self, unit: str, bus: tuple[str, ...]) -> None:
        self.unit = unit
        self.bus = bus
        self.acknowledge, self.far = posix.pipe()

    def move(self, pid: int) -> None:
        """Have systemd move it, and let it go on.

        Raises:
            RingfenceError: systemd refuses, or cannot be reached.
        """
        try:
            with Bus(self.bus) as bus:
                bus.manager("AttachProcessesToUnit", "ssau", self.unit, "", [pid])
        except RingfenceError as error:
            raise RingfenceError(f"{FAILED}: {error.attempted}", field="/linux/cgroupsPath", hint=error.hint) from None
        posix.write(self.far, b"1")


def perform(step: HostStep) -> Holder | None:
    """Do one step; what is given back holds the unit until it is released.

    Raises:
        RingfenceError: systemd refuses, or cannot be reached.
    """
    try:
        if isinstance(step, StartUnit):
            return start_unit(step)
        assert isinstance(step, SetUnitProperties)
        set_properties(step)
    except RingfenceError as error:
        raise RingfenceError(
            f"{FAILED}: {error.attempted}", field=step.pointer, errno=error.errno, hint=error.hint
        ) from None
    return None


def perform_all(steps: Iterable[HostStep], *, tolerant: bool = False) -> None:
    """Do steps that hold nothing; ``tolerant``: as far as systemd does them.

    Raises:
        RingfenceError: as ``perform``, unless ``tolerant``.
    """
    for step in steps:
        try:
            perform(step)
        except RingfenceError:
            if not tolerant:
                raise


def start_unit(step: StartUnit) -> Holder | None:
    """Start a scope with a process that holds it, or a slice, which needs none."""
    if step.unit.endswith(".slice"):
        begin(step, ())
        return None
    holder = Holder()
    try:
        begin(step, (("PIDs", "au", [holder.pid]),))
    except BaseException:
        holder.release()
        raise
    return holder


def begin(step: StartUnit, more: tuple[Property, ...]) -> None:
    """Start the unit and wait until it is there; one that failed earlier gives up its name."""
    with Bus(step.bus) as bus:
        bus.watch_jobs()
        body: tuple[object, ...] = (step.unit, "replace", variants((*step.properties, *more)), [])
        try:
            (job,) = bus.manager("StartTransientUnit", "ssa(sv)a(sa(sv))", *body)
        except BusError as error:
            if error.name != EXISTS:
                raise
            bus.manager("ResetFailedUnit", "s", step.unit)
            (job,) = bus.manager("StartTransientUnit", "ssa(sv)a(sa(sv))", *body)
        result = bus.wait_job(job)
    if result != "done":
        raise RingfenceError(f"systemd could not start unit {step.unit}: {result}")


def variants(properties: tuple[Property, ...]) -> list[tuple[str, tuple[str, object]]]:
    """Properties as D-Bus has them."""
    return [(name, (signature, value)) for name, signature, value in properties]


def set_properties(step: SetUnitProperties) -> None:
    """Set properties until the unit is stopped."""
    with Bus(step.bus) as bus:
        bus.manager("SetUnitProperties", "sba(sv)", step.unit, True, variants(step.properties))


def stop_unit(unit: str, places: tuple[str, ...]) -> None:
    """Stop a unit, wait until it is gone, and have its failure forgotten (LNX-DEL-10).

    Raises:
        RingfenceError: systemd refuses, or cannot be reached.
    """
    with Bus(places) as bus:
        bus.watch_jobs()
        try:
            (job,) = bus.manager("StopUnit", "ss", unit, "replace")
            bus.wait_job(job)
            bus.manager("ResetFailedUnit", "s", unit)
        except BusError as error:
            if error.name != NO_SUCH_UNIT:
                raise


def manager_version(places: tuple[str, ...]) -> int:
    """systemd's version, the first number of its property Version: 257 of ``257.13-1``.

    Raises:
        RingfenceError: it cannot be reached.
    """
    with Bus(places) as bus:
        properties = "org.freedesktop.DBus.Properties"
        ((_signature, text),) = bus.call(DESTINATION, PATH, properties, "Get", "ss", MANAGER, "Version")
    digits = "".join(character if character.isdigit() else " " for character in text).split()
    return int(digits[0]) if digits else 0
