"""What is encoded is what the other side reads."""

from __future__ import annotations

import os

from hypothesis import given

from ringfence.plan.mounts import MakeDirectory
from ringfence.plan.plan import Plan
from ringfence.plan.step import InitStep
from ringfence.plan.table import INIT_STEPS
from tests.unit.plan.decode import Value, decode_plan
from tests.unit.plan.strategies import plans


def wire_value(value: object) -> Value:
    """A field's value as a reader of the wire sees it."""
    if isinstance(value, int):
        return value % 2**64
    if isinstance(value, str):
        return os.fsencode(value)
    if isinstance(value, tuple):
        return tuple(text if isinstance(text, bytes) else os.fsencode(text) for text in value)
    assert isinstance(value, bytes)
    return value


def wire_fields(step: InitStep) -> dict[str, Value]:
    """A step's fields on the wire; the pointer stays behind."""
    return {name: wire_value(value) for name, value in step.items() if name != "pointer"}


@given(plans)
def test_every_plan_is_read_back_as_it_was_written(plan: Plan) -> None:
    words, steps = decode_plan(plan.encode(trace=True))
    assert words == [1, 0, len(plan.birth), len(plan.inside), plan.kept]
    assert steps == [(type(step).__name__, wire_fields(step)) for step in (*plan.birth, *plan.inside)]


def test_a_name_that_is_not_utf_8_survives() -> None:
    raw = b"/caf\xe9"
    plan = Plan((), (), (MakeDirectory("", os.fsdecode(raw)),), (), 0)
    assert decode_plan(plan.encode())[1] == [("MakeDirectory", {"path": raw})]


def test_every_kind_of_step_has_a_number_of_its_own() -> None:
    numbers = [step.KIND for step in INIT_STEPS]
    assert numbers == list(range(1, len(INIT_STEPS) + 1))
