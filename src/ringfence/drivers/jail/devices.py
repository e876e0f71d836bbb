"""What of devfs a container sees: a ruleset that hides first, and rules for one mount (JAIL-MNT-10 to 14)."""

from __future__ import annotations

from ringfence.drivers.jail.steps import ApplyRule
from ringfence.spec.types import FreeBSD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.types import Config

OWN_RULESET = 29286
"""The number of the ruleset that ringfence defines; the system's own are 1 to 5 (/etc/defaults/devfs.rules)."""
USUAL = 4
"""The ruleset that /etc/defaults/devfs.rules means for jails."""
VISIBLE = (
    "null",
    "zero",
    "full",
    "crypto",
    "random",
    "urandom",
    "stdin",
    "stdout",
    "stderr",
    "fd",
    "fd/*",
    "ptmx",
    "pts",
    "pts/*",
)
HIDE = "hide"
RULES = (HIDE, *(f"path {name} unhide" for name in VISIBLE))


def hides_first(shown: list[str]) -> bool:
    """Whether rules, without their numbers, begin with one that hides everything."""
    return shown[:1] == [HIDE]


def included(rule: str) -> int:
    """The ruleset that a rule includes, -1 for another rule."""
    word, _, number = rule.partition(" ")
    return int(number) if word == "include" and number.isdigit() else -1


def device_rules(config: Config, destination: str) -> list[ApplyRule]:
    """Rules that show the nodes asked for, with the folders they lie in (JAIL-MNT-14)."""
    steps = []
    for index, device in enumerate((config.freebsd or FreeBSD()).devices):
        where = f"/freebsd/devices/{index}"
        parts = device.path.split("/")
        folders = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        steps += [ApplyRule(f"{where}/path", destination, f"path {folder} unhide") for folder in folders]
        steps.append(ApplyRule(f"{where}/path", destination, f"path {device.path} unhide", device.path))
        if device.mode is not None:
            steps.append(ApplyRule(f"{where}/mode", destination, f"path {device.path} mode {device.mode:04o}"))
    return steps
