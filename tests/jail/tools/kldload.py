"""kldload(8): modules that are there can be loaded."""

from __future__ import annotations

from tests.jail.tools.state import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.jail.tools.state import State

AVAILABLE = frozenset(("fdescfs", "linprocfs", "linsysfs", "nullfs", "procfs", "tmpfs", "fusefs", "linux", "linux64"))


def main(state: State, words: list[str], _: str) -> int:
    """``[-n] NAME ...``."""
    for name in (word for word in words if not word.startswith("-")):
        if name not in AVAILABLE:
            fail(f"kldload: can't load {name}: No such file or directory")
        if name not in state.data["modules"]:
            state.data["modules"].append(name)
    return 0
