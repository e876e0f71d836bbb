"""What has been made for a jail, or is just about to be: on disk before it is in the system (JAIL-CRASH-02)."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.jsontext import dumps, loads
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Made(Record):
    """What there is or is going to be of one jail.

    ``name`` is the jail's full name and ``path`` its root, "" before there can be one; ``rootfs`` is the root on the
    host, which ``path`` may only show once more; ``jid`` is 0 until known. ``mounts`` are nodes and ``folders`` what
    was made below the root, in their order; ``sources`` the host's folders that the jail may write to. ``aliases`` are
    texts ``INTERFACE FAMILY ADDRESS``, ``interfaces`` those moved into the jail, ``rules`` those of rctl(8) behind the
    jail's name. ``born`` is when the process was, in hundredths of a second since boot; ``paused``: we stopped it.
    """

    name: str = ""
    path: str = ""
    rootfs: str = ""
    jid: int = 0
    mounts: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    born: int = 0
    paused: bool = False


KINDS = {"str": str, "int": int, "bool": bool, "tuple[str, ...]": list}


def made_to_text(made: Made) -> str:
    """The text of a record's file."""
    return dumps({name: list(value) if isinstance(value, tuple) else value for name, value in made.items()})


def made_of_text(text: str) -> Made:
    """What a file tells.

    Raises:
        RingfenceError: it has been damaged.
    """
    broken = RingfenceError("the record of the jail is damaged")
    try:
        held = loads(text)
    except RingfenceError:
        raise broken from None
    fields = Made.fields()
    if not isinstance(held, dict) or held.keys() != fields.keys():
        raise broken
    if not all(type(held[name]) is KINDS[kind] for name, kind in fields.items()):
        raise broken
    texts = [name for name, kind in fields.items() if kind == "tuple[str, ...]"]
    return Made(**{**held, **{name: tuple(map(str, held[name])) for name in texts}})


class Journal:
    """The record in memory and on disk: every change is saved before what it tells of is made."""

    def __init__(self, made: Made, save: Callable[[Made], None]):
        self.made = made
        self.save = save

    def note(self, **changes: object) -> None:
        """Change fields and save."""
        self.made = Made(**{**dict(self.made.items()), **changes})
        self.save(self.made)

    def append(self, field: str, text: str) -> None:
        """Put one text more into a field and save."""
        self.note(**{field: (*getattr(self.made, field), text)})
