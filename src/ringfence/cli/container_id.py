"""The id of a container on the command line (LNX-CLI-25)."""

from __future__ import annotations

from ringfence.errors import RingfenceError

LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-.")


def check_id(container_id: str) -> str:
    """Return the id if it is a plain name, before anything is looked up by it.

    Raises:
        RingfenceError: it is empty, has other letters, or is ``.`` or ``..``.
    """
    if not container_id:
        raise RingfenceError("container id cannot be empty")
    if container_id in (".", "..") or not LETTERS.issuperset(container_id):
        raise RingfenceError(
            "invalid container ID format", hint="an id is made of letters, digits and the signs _ + - . alone"
        )
    return container_id
