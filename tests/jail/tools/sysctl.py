"""sysctl(8): the few variables that matter to jails."""

from __future__ import annotations

from tests.jail.tools.parameters import GROUPS, booleans, fresh
from tests.jail.tools.state import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tests.jail.tools.state import State

PARAMETERS = "security.jail.param"


def main(state: State, words: list[str], _: str) -> int:
    """``[-n] NAME ...`` and ``-d security.jail.param``."""
    letters = "".join(word[1:] for word in words if word.startswith("-"))
    status = 0
    for name in (word for word in words if not word.startswith("-")):
        if name == PARAMETERS and "d" in letters:
            describe(state)
        elif name in state.data["sysctl"]:
            value = state.data["sysctl"][name]
            say(value if "n" in letters else f"{name}: {value}")
        else:
            if "i" not in letters:
                say(f"sysctl: unknown oid '{name}'", 2)
            status = 0 if "i" in letters else 1
    return status


def describe(state: State) -> None:
    """One line for each parameter; a group ends in a dot."""
    lines = [f"{PARAMETERS}.{group}.: Jail parameter group" for group in GROUPS]
    names = sorted({*fresh(state), *booleans(state)})
    lines += [f"{PARAMETERS}.{name}: Jail parameter {name}" for name in names]
    say("\n".join(lines))
