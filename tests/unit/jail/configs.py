"""Configurations for jails, and what becomes of them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ringfence.drivers.jail.plan import Context, compile_create
from ringfence.drivers.jail.steps import CreateJail
from ringfence.errors import RingfenceError
from ringfence.plan.plan import Plan
from ringfence.spec.rules.jail.load import Loaded, load_jail
from ringfence.spec.rules.jail.policy import Policy

Document = dict[str, Any]

PLAIN: Document = {
    "ociVersion": "1.3.0",
    "process": {"args": ["/bin/sh"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}},
    "root": {"path": "rootfs"},
    "hostname": "web",
    "mounts": [{"destination": "/dev", "type": "devfs", "source": "devfs"}],
}


def plain(**members: Any) -> Document:
    """A plain configuration with other members; one that is None is left out."""
    made = copy.deepcopy(PLAIN) | members
    return {name: value for name, value in made.items() if value is not None}


def jail(**fields: Any) -> Document:
    """A plain configuration whose freebsd.jail has these fields."""
    return plain(freebsd={"jail": fields})


def process(**fields: Any) -> Document:
    """A plain configuration with other fields of the process."""
    return plain(process=copy.deepcopy(PLAIN["process"]) | fields)


def mounts(*entries: Document) -> Document:
    """A plain configuration with these mounts."""
    return plain(mounts=list(entries))


def loaded(document: Document, policy: Policy | None = None) -> Loaded:
    """The configuration, checked."""
    return load_jail(document, policy or Policy())


def refusal(document: Document, policy: Policy | None = None) -> RingfenceError:
    """What is wrong with it."""
    with pytest.raises(RingfenceError) as caught:
        loaded(document, policy)
    return caught.value


def refused_at(document: Document, policy: Policy | None = None) -> str:
    """The field that is wrong."""
    return refusal(document, policy).field


def plan_of(document: Document, name: str = "web", policy: Policy | None = None, release: int = 14) -> Plan:
    """The plan of a container."""
    context = Context(name, "/bundle", "/bundle/rootfs", f"/run/{name}", release)
    return compile_create(loaded(document, policy).config, context)


def words_of(document: Document, policy: Policy | None = None) -> list[str]:
    """The parameters of its jail."""
    plan = plan_of(document, policy=policy)
    return list(next(step for step in plan.host if isinstance(step, CreateJail)).words)


def shown(plan: Plan) -> str:
    """A plan as text, a step a line."""
    return "".join(f"{row.number} {row.phase} {row.verb} {row.text} #{row.pointer}\n" for row in plan.rows())
