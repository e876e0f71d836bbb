"""What the tests of this folder compile: a plain configuration and a host's decisions."""

from __future__ import annotations

from typing import Any

from ringfence.drivers.guest.inner import changed
from ringfence.drivers.linux.context import Context
from ringfence.drivers.xen.plan import compile_create
from ringfence.drivers.xen.sizes import sizes_of
from ringfence.drivers.xen.steps import WriteConfig
from ringfence.drivers.xen.wanted import Wanted
from ringfence.jsontext import dumps
from ringfence.plan.plan import Plan
from ringfence.spec.load import load_config
from tests.unit.namespaces.machines import V2_HOST, plain_config

UUID = "0deda30b-e9ac-4bb5-919e-28c45da66193"
STATE = "/run/ringfence/web"


def config_of(change: dict[str, Any] | None = None) -> Any:
    """A plain configuration, loaded."""
    return load_config(dumps({**plain_config(), **(change or {})}))


def wanted_of(config: Any, **fields: Any) -> Wanted:
    """What a host decides for it."""
    held: Wanted = changed(Wanted("web", UUID, "/k/vmlinux", sizes_of(config, 512, 1)), **fields)
    return held


def plan_of(change: dict[str, Any] | None = None, **fields: Any) -> Plan:
    """The whole plan of a container called web."""
    config = config_of(change)
    context = Context("web", "/bundle", "/bundle/rootfs", (), {})
    return compile_create(config, V2_HOST, context, wanted_of(config, **fields), STATE)


def file_of(plan: Plan) -> str:
    """The domain's file."""
    (step,) = (step for step in plan.host if isinstance(step, WriteConfig))
    return step.content
