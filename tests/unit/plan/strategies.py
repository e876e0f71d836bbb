"""Arbitrary steps and plans."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from ringfence.plan.plan import Plan
from ringfence.plan.step import InitStep
from ringfence.plan.table import INIT_STEPS

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
FIELDS: dict[str, st.SearchStrategy[object]] = {
    "int": st.integers(-(2**63), 2**64 - 1),
    "bool": st.booleans(),
    "str": texts,
    "bytes": st.binary(max_size=60),
    "tuple[str, ...]": st.lists(texts, max_size=5).map(tuple),
    "tuple[bytes, ...]": st.lists(st.binary(max_size=60), max_size=5).map(tuple),
}


def steps_of(kind: type[InitStep]) -> st.SearchStrategy[InitStep]:
    """Any step of one kind."""
    fields = {name: FIELDS[text] for name, text in kind.fields().items()}
    make: Callable[..., InitStep] = kind
    return st.fixed_dictionaries(fields).map(lambda values: make(**values))


steps: st.SearchStrategy[InitStep] = st.one_of([steps_of(kind) for kind in INIT_STEPS])
programs = st.lists(steps, max_size=12).map(tuple)
plans = st.builds(lambda birth, inside, kept: Plan((), birth, inside, (), kept), programs, programs, st.integers(0, 9))
