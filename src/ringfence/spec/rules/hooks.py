"""Rules about hooks (config.md, POSIX-platform Hooks)."""

from __future__ import annotations

from ringfence.spec.names import HOOKS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.problems import Problems
    from ringfence.spec.types import Hook, Hooks


def check_hooks(hooks: Hooks, problems: Problems) -> None:
    """Every hook of the six lists."""
    for name, (_, entries) in zip(HOOKS, hooks.items()):
        for index, hook in enumerate(entries):
            _check_hook(hook, f"/hooks/{name}/{index}", problems)


def _check_hook(hook: Hook, where: str, problems: Problems) -> None:
    if not hook.path.startswith("/"):
        problems.add(f"{where}/path", "must be an absolute path")
    if hook.timeout is not None and hook.timeout <= 0:
        problems.add(f"{where}/timeout", f"must be more than 0 seconds, not {hook.timeout}")
