"""What an update asks for, and what of it is settled for good. Pure."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ringfence.spec.types import Resources


def is_asked(value: object) -> bool:
    """Whether a field of resources says anything; engines send zeros for what nobody has named."""
    if isinstance(value, Record):
        return any(is_asked(held) for _, held in value.items())
    return bool(value)


def refuse_fixed(resources: Resources, changeable: Mapping[str, tuple[str, ...] | None], wall: str) -> None:
    """What is settled while a container lives is not changed in silence (MVM-UPDATE-03, XEN-UPDATE-03).

    ``changeable`` has the fields of each kind of resource that are not, None for all of a kind.

    Raises:
        RingfenceError: it is asked for.
    """
    for kind, value in resources.items():
        fields = value.items() if isinstance(value, Record) else [("", value)]
        allowed = changeable.get(kind, ())
        for name, held in fields:
            if is_asked(held) and allowed is not None and name not in allowed:
                shown = f"{kind} {name}".replace("_", " ").strip()
                raise RingfenceError(f"behind {wall} {shown} cannot be changed while it runs")
