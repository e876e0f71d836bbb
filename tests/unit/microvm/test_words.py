"""No text of a bundle ever becomes a word of a command line on the host."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ringfence.drivers.linux.context import Context
from ringfence.drivers.microvm.machine import Machine
from ringfence.drivers.microvm.plan import compile_create
from ringfence.errors import RingfenceError
from ringfence.jsontext import dumps
from ringfence.plan import guest, inside
from ringfence.plan.plan import Plan
from ringfence.spec.load import load_config
from tests.unit.namespaces.machines import V2_HOST, plain_config

MARK = "hostile"
hostile = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20).map(
    lambda text: f"{MARK},{text}=on -device {text}"
)


def plan_of(change: dict[str, Any]) -> Plan:
    """The plan of a container whose configuration has these members."""
    context = Context("web", "/bundle", "/bundle/rootfs", (), {})
    machine = Machine("/k/vmlinux", virtiofsd="/usr/lib/qemu/virtiofsd")
    config = load_config(dumps({**plain_config(), **change}))
    return compile_create(config, V2_HOST, context, (), machine, "/run/ringfence/web")


def words_of(plan: Plan) -> list[tuple[str, ...]]:
    """The command lines of QEMU and of the daemon, and whatever else the supervisor has of them."""
    lines = [step.args for name in ("machine", "files") for step in plan.part(name).inside if hasattr(step, "args")]
    (supervise,) = [step for step in plan.inside if isinstance(step, guest.Supervise)]
    return [*lines, tuple(part.decode("latin-1") for part in (*supervise.machines, supervise.daemon))]


PLAIN = words_of(plan_of({}))


@given(st.lists(hostile, min_size=1, max_size=3), hostile, hostile)
def test_texts_of_a_configuration_stay_in_the_guests_plan(args: list[str], one: str, other: str) -> None:
    """MVM-SEC-01: program, environment, names, annotations and mounts, in any spelling; the lines are as without."""
    process = {**plain_config()["process"], "args": args, "env": [f"A={one}", f"{MARK}={other}"], "cwd": f"/{one}"}
    mounts = [
        *plain_config()["mounts"],
        {"destination": f"/{one}", "type": "tmpfs", "source": other, "options": ["nosuid"]},
        {"destination": f"/b/{other}", "type": "bind", "source": f"/{one}", "options": ["bind", "ro"]},
    ]
    change = {"process": process, "mounts": mounts, "annotations": {one: other, f"org.{MARK}": one}}
    try:
        plan = plan_of({**change, "hostname": other[:60]})
    except RingfenceError:
        plan = plan_of(change)
    assert words_of(plan) == PLAIN


@given(hostile)
def test_a_parameter_for_the_kernel_stays_in_its_word(text: str) -> None:
    """MVM-SEC-01, MVM-KERNEL-07: the one text that goes there by intent."""
    context = Context("web", "/bundle", "/bundle/rootfs", (), {})
    machine = Machine("/k/vmlinux", parameters=(text,))
    config = load_config(dumps(plain_config()))
    plan = compile_create(config, V2_HOST, context, (), machine, "/run/ringfence/web")
    (line,) = [step.args for step in plan.part("machine").inside if isinstance(step, inside.Exec)]
    assert [number for number, word in enumerate(line) if MARK in word] == [len(line) - 1]
    assert line[-2] == "-append"
