"""Values of a configuration that want to be more than values."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.container.choice import ANNOTATION, decide_wall
from ringfence.container.domain_program import may_hide
from ringfence.drivers.xen.names import domain_name
from ringfence.errors import RingfenceError
from ringfence.settings import Settings
from tests.unit.namespaces.machines import plain_config
from tests.unit.xen.samples import file_of, plan_of
from tests.unit.xen.test_cfg import GOLDEN

WICKED = ['"', "\n", "]", ",script=/x", "#", "x" * 65536, "'", "\\", "a=b", " vnc = 1", '", "y', "domain", "${IFS}"]
TEXTS = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=60)
HOSTILE = st.one_of(st.sampled_from([*WICKED, "\x7f"]), TEXTS)


def told(text: str) -> dict[str, Any]:
    """What a reader of a domain's file finds."""
    found: dict[str, Any] = {}
    for line in text.splitlines():
        key, value = re.fullmatch(r"([a-z0-9_]+) = (.*)", line).groups()  # type: ignore[union-attr]
        assert key not in found
        found[key] = ast.literal_eval(value.strip())
    return found


@given(st.lists(HOSTILE, min_size=6, max_size=6))
def test_no_value_becomes_more_than_a_value(values: list[str]) -> None:
    """XEN-SEC-01: keys, list items, devices and commands are the same whatever the configuration holds."""
    note, env, word, source, host, where = values
    process = {**plain_config()["process"], "env": [f"A={env}"], "args": ["/p", word]}
    volume = {"destination": f"/{where}", "source": f"/{source}", "options": ["bind"]}
    change = {"annotations": {note or "a": note}, "process": process, "mounts": [volume], "hostname": host or "h"}
    try:
        plan = plan_of(change)
    except RingfenceError:
        return  # what is no hostname or place of a mount is refused by any wall
    found = told(file_of(plan))
    assert list(found) == list(told(GOLDEN))
    assert [len(entry.split(",")) for entry in found["p9"]] == [3, 3]
    assert found["extra"] == "console=hvc0 rdinit=/init quiet domain"
    commands = [row.text for row in plan.rows() if row.verb == "run"]
    assert commands == [row.text for row in plan_of().rows() if row.verb == "run"]


def test_annotations_change_nothing_but_what_is_allowed() -> None:
    """XEN-SEC-04: they choose the wall where the administrator lets them, and become no line, parameter or argument."""
    notes = {"kernel": "/x", "memory": "9", "xl": "vnc=1", "io.katacontainers.config.hypervisor.kernel": "/x"}
    assert file_of(plan_of({"annotations": notes})) == GOLDEN

    class Calling:
        driver = named = ""
        program = "ringfence"

    chosen = {"annotations": {ANNOTATION: "xen"}}
    with pytest.raises(RingfenceError, match="may not choose"):
        decide_wall(Calling(), chosen, Settings())  # type: ignore[arg-type]
    choice = decide_wall(Calling(), chosen, Settings(annotation_drivers=("xen",)))  # type: ignore[arg-type]
    assert choice.driver == "xen"


@given(st.from_regex(r"\A[\w+.-]{1,200}\Z", alphabet=st.characters(codec="ascii")))
def test_no_id_is_taken_for_a_number(container_id: str) -> None:
    """XEN-CREATE-04: 0 would mean Domain-0."""
    assert not domain_name(container_id, "/run/ringfence", is_default=True).isdigit()


@pytest.mark.parametrize(
    ("place", "hides"),
    [("/etc/hosts", False), ("/dev", False), ("/usr", True), ("/", True), ("/etcetera", True), ("/dev/../usr", True)],
)
def test_mounts_that_may_bring_the_program(place: str, hides: bool) -> None:
    """XEN-CREATE-06."""
    assert may_hide((place,)) == hides
