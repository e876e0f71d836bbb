"""Names by which a layer takes paths of the layers below away (image-spec 1.1, layer.md, "Whiteouts")."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.image.entry import shown

PREFIX = b".wh."
BOOKKEEPING = b".wh..wh."
OPAQUE = b".wh..wh..opq"

NONE, PLAIN, ALL, IGNORED = "none", "plain", "all", "ignored"


def whiteout(parts: list[bytes]) -> tuple[str, bytes]:
    """What an entry of that path is: the kind, and for a plain whiteout the name that it takes away.

    Raises:
        RingfenceError: a whiteout of nothing, of ``.`` or ``..``, or one that would be a folder.
    """
    if PREFIX not in b"/".join(parts):
        return NONE, b""
    if parts[-1] == OPAQUE and not any(part.startswith(PREFIX) for part in parts[:-1]):
        return ALL, b""
    if any(part.startswith(BOOKKEEPING) for part in parts):
        return IGNORED, b""
    if any(part.startswith(PREFIX) for part in parts[:-1]):
        raise RingfenceError(f"{shown(b'/'.join(parts))}: a whiteout cannot be a folder")
    if not parts[-1].startswith(PREFIX):
        return NONE, b""
    name = parts[-1].removeprefix(PREFIX)
    if name in (b"", b".", b".."):
        raise RingfenceError(f"{shown(b'/'.join(parts))}: a whiteout that takes no name away")
    return PLAIN, name
