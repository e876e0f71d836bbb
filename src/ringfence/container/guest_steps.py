"""The steps of a guest's plan in the container's folder: a start that fails long after create has words for them."""

from __future__ import annotations

from ringfence.drivers.linux.failure import failure
from ringfence.drivers.linux.perform import FAILED, Report
from ringfence.errors import RingfenceError
from ringfence.jsontext import dumps, loads
from ringfence.plan.plan import Plan
from ringfence.plan.table import INIT_STEPS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.plan.step import Step

SHOWN = ("str", "int", "bool")
"""The kinds of a step's fields that words are made of."""


def dumped(plan: Plan) -> str:
    """Every step up to the guest's last one, by what its words need."""
    return dumps([[phase, type(step).__name__, plain(step)] for phase, step in plan.steps()])


def plain(step: Step) -> dict[str, object]:
    """Fields that are texts and numbers; all others are empty for the words."""
    return {name: getattr(step, name) for name, kind in step.fields().items() if kind in SHOWN}


def restored(name: str, fields: dict[str, Any]) -> Step | None:
    """A step as far as its words need it; None for what only dom0 does."""
    kind = next((kind for kind in INIT_STEPS if kind.__name__ == name), None)
    if kind is None:
        return None
    empty: dict[str, Any] = {
        field: b"" if form == "bytes" else () for field, form in kind.fields().items() if form not in SHOWN
    }
    return kind(**{**empty, **fields})


def explained(text: str, number: int, errno: int, words: str) -> RingfenceError:
    """The error for a step of the guest's that failed, from what ``dumped`` wrote and what the guest says."""
    held = loads(text)
    assert isinstance(held, list)
    step = restored(held[number - 1][1], held[number - 1][2]) if 1 <= number <= len(held) else None
    if step is None:
        return failure(Plan((), (), ()), Report(FAILED, 0, errno, words))
    found = failure(Plan((step,), (), ()), Report(FAILED, 1, errno, words))  # type: ignore[arg-type]
    found.step = f"step {number} of {len(held)}"
    return found
