"""Hooks as steps."""

from __future__ import annotations

from ringfence.jsontext import dumps
from ringfence.plan.birth import RunHook
from ringfence.version import SPEC_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ringfence.spec.types import Config, Hook

JSON_NAMES = {
    "prestart": "prestart",
    "create_runtime": "createRuntime",
    "create_container": "createContainer",
    "start_container": "startContainer",
    "poststart": "poststart",
    "poststop": "poststop",
}


def state_halves(container_id: str, bundle: str, annotations: dict[str, str], status: str) -> tuple[str, str]:
    """The state a hook reads (runtime.md, State), cut where the pid belongs (LNX-HOOK-07)."""
    before = dumps({"ociVersion": SPEC_VERSION, "id": container_id, "status": status})[:-1] + ',"pid":'
    rest: dict[str, object] = {"bundle": bundle}
    if annotations:
        rest["annotations"] = annotations
    return before, "," + dumps(rest)[1:]


def has_hooks(config: Config, *names: str) -> bool:
    """Whether any of these lists holds a hook."""
    return config.hooks is not None and any(getattr(config.hooks, name) for name in names)


def hook_steps(
    config: Config, name: str, halves: tuple[str, str], env: Iterable[str], cwd: str, home: bool = False
) -> list[RunHook]:
    """The steps of one list; ``env`` is what a hook without ``env`` of its own inherits (LNX-HOOK-10)."""
    hooks: tuple[Hook, ...] = getattr(config.hooks, name) if config.hooks else ()
    inherited = tuple(env)
    return [
        RunHook(
            f"/hooks/{JSON_NAMES[name]}/{index}",
            JSON_NAMES[name],
            index,
            hook.path,
            hook.args or (hook.path,),
            inherited if hook.env is None else hook.env,
            cwd,
            (hook.timeout or 0) * 1000,
            *halves,
            home and hook.env is None,
        )
        for index, hook in enumerate(hooks)
    ]
