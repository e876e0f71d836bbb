"""What the tools say, read tolerantly and without guesses (JAIL-STATE-04, JAIL-ERR-04)."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.jsontext import loads
from ringfence.record import Record

SHOWN = 80
PS_WORDS = ("-o", "pid=", "-o", "jid=", "-o", "stat=", "-o", "etimes=", "-o", "jail=")
JLS_WORDS = ("-d", "--libxo", "json", "jid", "name", "dying", "path")


class Process(Record):
    """One line of ps(1): ``seconds`` since its start; on the host ``jid`` is 0 and ``jail`` is ``-``.

    ``asked`` is when ps was started and had ended, in hundredths of a second since boot: both may be long before now.
    """

    pid: int
    jid: int
    state: str
    seconds: int
    jail: str = "-"
    asked: tuple[int, int] = (0, 0)

    def began(self, moment: int, slack: int) -> bool:
        """Whether it may have been started then, give or take; ps cuts off what is no whole second."""
        earliest = self.asked[0] - (self.seconds + 1) * 100
        latest = self.asked[1] - self.seconds * 100
        return earliest - slack <= moment <= latest + slack

    @property
    def is_zombie(self) -> bool:
        """Whether it has ended and waits for its parent."""
        return "Z" in self.state

    @property
    def is_stopped(self) -> bool:
        """Whether a signal has stopped it."""
        return "T" in self.state


class JailLine(Record):
    """One jail of jls(8)."""

    jid: int
    name: str
    path: str = ""
    dying: bool = False


def processes(text: str) -> list[Process]:
    """The lines of ``ps`` with ``PS_WORDS``.

    Raises:
        RingfenceError: one has not the five columns.
    """
    found = []
    for line in text.splitlines():
        if not line.strip():
            continue
        pid, jid, state, seconds, name = (*line.split(None, 4), "", "", "", "")[:5]
        jid = "0" if jid == "-" else jid
        if not (name and pid.isdigit() and jid.isdigit() and seconds.isdigit()):
            raise RingfenceError(f"cannot understand what ps says: {line[:SHOWN]}")
        found.append(Process(int(pid), int(jid), state, int(seconds), name.strip()))
    return found


def jails(text: str) -> list[JailLine]:
    """The jails of ``jls`` with ``JLS_WORDS``.

    Raises:
        RingfenceError: it is not the JSON that was asked for.
    """
    return [
        JailLine(number(jail.get("jid")), str(jail["name"]), str(jail.get("path", "")), truth(jail.get("dying")))
        for jail in objects(text, ("jid", "name"))
    ]


def objects(text: str, keys: tuple[str, ...]) -> list[dict[str, object]]:
    """The objects below ``jail-information`` of jls' JSON, each with these keys; a header before it is no data.

    Raises:
        RingfenceError: it is something else.
    """
    wrong = RingfenceError(f"cannot understand what jls says: {text[:SHOWN]}")
    try:
        held = loads(text[text.index("{") :])
    except (RingfenceError, ValueError):
        raise wrong from None
    for key in ("jail-information", "jail"):
        held = held.get(key) if isinstance(held, dict) else None
    if not isinstance(held, list) or not all(isinstance(jail, dict) and {*keys} <= jail.keys() for jail in held):
        raise wrong
    return held


def number(value: object) -> int:
    """A number that may be written as a text.

    Raises:
        RingfenceError: it is none.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    raise RingfenceError(f"cannot understand what jls says: {str(value)[:SHOWN]} is not a number")


def truth(value: object) -> bool:
    """A boolean that may be written as a text."""
    return value is True or value == "true"


def mounted(text: str) -> list[str]:
    """The nodes of ``mount -p``: lines of fstab(5)."""
    return [unescaped(line.split()[1]) for line in text.splitlines() if len(line.split()) > 2]


def unescaped(word: str) -> str:
    """A word of fstab(5) as it is: three octal digits behind a backslash are a letter (strunvis(3))."""
    head, *rest = word.split("\\")
    for part in rest:
        octal = part[:3]
        if len(octal) == 3 and not octal.strip("01234567"):
            head += chr(int(octal, 8)) + part[3:]
        else:
            head += "\\" + part
    return head


def rules(text: str) -> list[str]:
    """The rules of ``devfs rule show``, without their numbers."""
    return [line.split(None, 1)[1].strip() for line in text.splitlines() if len(line.split(None, 1)) == 2]


def usage(text: str) -> dict[str, int]:
    """The counters of ``rctl -u``.

    Raises:
        RingfenceError: a line is not ``name=number``.
    """
    found = {}
    for line in text.splitlines():
        name, equals, amount = line.strip().partition("=")
        if not equals or not amount.isdigit():
            raise RingfenceError(f"cannot understand what rctl says: {line[:SHOWN]}")
        found[name] = int(amount)
    return found


def jid_of(text: str) -> int:
    """The JID that ``jail -i`` prints, 0 for anything else (JAIL-CREATE-02)."""
    word = text.strip()
    return int(word) if word.isascii() and word.isdigit() else 0
