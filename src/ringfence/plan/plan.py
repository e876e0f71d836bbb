"""The plan: what will be done, in order, and how the init is told.

``explain`` prints a Plan, the lifecycle performs the very same object.
"""

from __future__ import annotations

from ringfence.plan import table  # noqa: F401 - gives every step its number
from ringfence.plan.step import HostStep, InitStep, Step, encode_step
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAGIC = 0x4C505246
VERSION = 1
TRACE = 1


class Row(Record):
    """One line of ``explain``: numbers count from 1 over all phases."""

    number: int
    phase: str
    verb: str
    text: str
    pointer: str


class Plan(Record):
    """Everything that creating (or entering) one container does.

    ``host`` is performed by Python, ``birth`` by the conductor, ``inside`` by the new process. ``slots`` names the
    descriptors the init is given, in the order in which steps number them; ``kept`` is how many descriptors from 3 on
    belong to the program. ``nested`` are plans that a step of this one carries to another process, each under the name
    that ``explain`` shows as its phase; their steps are numbered on.
    """

    host: tuple[HostStep, ...]
    birth: tuple[InitStep, ...]
    inside: tuple[InitStep, ...]
    slots: tuple[str, ...] = ()
    kept: int = 0
    nested: tuple[tuple[str, Plan], ...] = ()

    def part(self, name: str) -> Plan:
        """A nested plan."""
        return dict(self.nested)[name]

    def steps(self) -> Iterator[tuple[str, Step]]:
        """Every step with the name of its phase, in order."""
        for phase in ("host", "birth", "inside"):
            for step in getattr(self, phase):
                yield phase, step
        for name, plan in self.nested:
            for _, step in plan.steps():
                yield name, step

    def rows(self) -> list[Row]:
        """The plan for people."""
        return [
            Row(number, phase, *step.describe(), step.pointer)
            for number, (phase, step) in enumerate(self.steps(), start=1)
        ]

    def encode(self, trace: bool = False, first: int | None = None) -> bytes:
        """The plan as the init reads it: eight u32 and the steps of birth and inside.

        ``first`` is how many steps are numbered before those, if not only the host's.
        """
        body = b"".join(encode_step(step) for step in (*self.birth, *self.inside))
        words = (
            MAGIC,
            VERSION,
            32 + len(body),
            TRACE if trace else 0,
            len(self.host) if first is None else first,
            len(self.birth),
            len(self.inside),
            self.kept,
        )
        return b"".join(word.to_bytes(4, "little") for word in words) + body
