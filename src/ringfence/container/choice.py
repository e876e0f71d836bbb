"""Which wall a new container gets: one rule, whose first that speaks wins (MVM-DRIVER-01 to 04).

The option ``--driver``; the annotation; the name ringfence was called by; the shape of config.json; the default of
ringfence.toml; namespaces, or jail on FreeBSD.
"""

from __future__ import annotations

from ringfence import settings
from ringfence.container.record import load_record
from ringfence.container.runtime import JAIL, MICROVM, NAMESPACES, WALLS, XEN
from ringfence.errors import RingfenceError
from ringfence.host import freebsd
from ringfence.record import Record
from ringfence.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.runtime import Runtime

ANNOTATION = "org.ringfence.driver"
ANNOTATION_FIELD = f"/annotations/{ANNOTATION}"
XEN_HARDWARE = ("dtdevs", "iomems", "irqs")


class Choice(Record):
    """A wall, who chose it, and who would have chosen another: pairs of origin and wall, in the order of the rule.

    ``settings`` are the administrator's, for what else they decide.
    """

    driver: str
    origin: str
    losers: tuple[tuple[str, str], ...] = ()
    settings: Settings = Settings()


def choose(runtime: Runtime, document: dict[str, object]) -> Choice:
    """The wall for a configuration, here and now.

    Raises:
        RingfenceError: the wall is unknown, its choice not allowed, or ringfence.toml wrong.
    """
    return decide_wall(runtime, document, settings.read_settings(settings.FILE, WALLS))


def decide_wall(runtime: Runtime, document: dict[str, object], told: Settings) -> Choice:
    """The same with the settings given.

    Raises:
        RingfenceError: as ``choose``.
    """
    shape, reason = shape_of(document)
    voices = [
        ("--driver", runtime.driver),
        (f"annotation {ANNOTATION}", annotation_of(document)),
        (f"name {runtime.program}", runtime.named),
        (f"config.json's {reason}", shape),
        ("ringfence.toml", told.driver),
        ("default", JAIL if freebsd.is_freebsd() else NAMESPACES),
    ]
    spoken = [(origin, wall) for origin, wall in voices if wall]
    origin, wall = spoken[0]
    if origin == voices[1][0]:
        check_annotation(wall, told)
    check_known(wall, ANNOTATION_FIELD if origin == voices[1][0] else "")
    return Choice(wall, origin, tuple(spoken[1:]), told)


def annotation_of(document: dict[str, object]) -> str:
    """What the annotation says, "" for nothing; whether it is a text is the loader's to check."""
    annotations = document.get("annotations")
    said = annotations.get(ANNOTATION) if isinstance(annotations, dict) else None
    return said if isinstance(said, str) else ""


def check_annotation(wall: str, told: Settings) -> None:
    """Whether the administrator lets an annotation choose this wall (MVM-DRIVER-02).

    Raises:
        RingfenceError: it is not so.
    """
    if wall in told.annotation_drivers:
        return
    raise RingfenceError(
        f'the annotation {ANNOTATION} may not choose the driver "{wall}"',
        field=ANNOTATION_FIELD,
        hint=f"only those listed in annotations.drivers of {settings.FILE} can be chosen so",
    )


def check_known(wall: str, field: str = "") -> None:
    """Whether there is such a wall; never is a weaker one taken in its place (MVM-DRIVER-04).

    Whether this host has it is for ``create`` to find out: ``explain`` does without.

    Raises:
        RingfenceError: there is not.
    """
    if wall not in WALLS:
        raise RingfenceError(f'there is no driver "{wall}"', field=field, hint=f"the drivers are: {', '.join(WALLS)}")


def shape_of(document: dict[str, object]) -> tuple[str, str]:
    """The wall that a configuration's own objects mean, and which object does (MVM-DRIVER-03); "" for none.

    Raises:
        RingfenceError: they mean two.
    """
    machine, jail = document.get("vm"), document.get("freebsd")
    if machine is not None and jail is not None:
        raise RingfenceError("vm and freebsd in one config.json mean two walls", field="/vm", hint="remove one of them")
    if jail is not None:
        return JAIL, "freebsd"
    if machine is None:
        return "", ""
    held = machine if isinstance(machine, dict) else {}
    hardware = held.get("hwConfig")
    devices = [name for name in XEN_HARDWARE if isinstance(hardware, dict) and hardware.get(name)]
    if devices:
        return XEN, f"vm.hwConfig.{devices[0]}"
    return (XEN, "vm.xl") if "xl" in held else (MICROVM, "vm")


def check_recorded(runtime: Runtime, container_id: str) -> None:
    """A container keeps the wall it was made with (MVM-DRIVER-04); what else is wrong with it is the verb's to tell.

    Raises:
        RingfenceError: ``--driver`` says another.
    """
    try:
        record = load_record(runtime, container_id)
    except RingfenceError:
        return
    if runtime.driver != record.driver:
        text = f"--driver {runtime.driver} contradicts the driver of container {record.id}, which is {record.driver}"
        raise RingfenceError(text, hint="leave --driver out: after create it is not needed")
