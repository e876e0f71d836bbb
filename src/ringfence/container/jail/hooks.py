"""A jail's hooks of create, which all run on the host (JAIL-HOOK-01 to 05); poststart and poststop are as anywhere."""

from __future__ import annotations

from ringfence.container.hooks import hook_state, hooks_of, run_poststop
from ringfence.drivers.jail.plan import JSON_NAMES, ON_HOST
from ringfence.hookprocess import run_hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.spec.types import Config

__all__ = ["run_hooks", "run_poststop"]


def run_hooks(runtime: Runtime, record: ContainerRecord, config: Config) -> None:
    """prestart, createRuntime and createContainer; the last with the root as working directory.

    Raises:
        RingfenceError: one failed.
    """
    state = hook_state(record, "creating")
    for name in ON_HOST:
        shown = JSON_NAMES[name]
        cwd = record.rootfs if name == "create_container" else record.bundle
        for index, hook in enumerate(hooks_of(config, name)):
            run_hook(hook, state, cwd, f"{shown} hook #{index}", runtime.environment)
