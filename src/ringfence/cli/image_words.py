"""What the commands for images have in common: reading their options."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.image.platform import Platform, parse_platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringfence.cli.options import Arguments


def one_of(arguments: Arguments, option: str, words: Sequence[str], default: str) -> str:
    """The value of an option that takes one of a few words.

    Raises:
        RingfenceError: it is another.
    """
    found = arguments.text(option, default)
    if found not in words:
        raise RingfenceError(f"--{option} {found}: not one of {', '.join(words)}")
    return found


def wanted_platform(arguments: Arguments) -> Platform | None:
    """``--platform``, None when it is not given."""
    return parse_platform(arguments.text("platform")) if arguments.given("platform") else None
