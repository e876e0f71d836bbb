"""What ``xl list -v`` prints, and what it means for a container. Pure (XEN-STATE-01 to 04)."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.record import Record

LETTERS = ("-r", "-b", "-p", "-s", "-rscwS?", "-d")
"""What each place of the column of state may hold; the fifth is the reason of a shutdown (xl_list.c)."""
REASONS = ("poweroff", "reboot", "suspend", "crash", "watchdog")
"""By Xen's codes (xen/include/public/sched.h)."""


class Domain(Record):
    """One line: ``memory`` in MiB, ``seconds`` of processor time, ``reason`` of a shutdown, -1 for none."""

    name: str
    number: int
    memory: int
    vcpus: int
    state: str
    seconds: float
    uuid: str
    reason: int

    @property
    def is_over(self) -> bool:
        """Whether it has ended; that beats every other letter."""
        return bool({"s", "c", "d"} & {*self.state})

    @property
    def is_paused(self) -> bool:
        """Whether Xen lets it run nothing."""
        return "p" in self.state

    @property
    def ending(self) -> str:
        """Why it has ended, "" when Xen does not say."""
        if 0 <= self.reason < len(REASONS):
            return REASONS[self.reason]
        return "crash" if "c" in self.state else ""


def parse_line(line: str) -> Domain | None:
    """A line of the list; a name may hold blanks, so what is behind it is counted from the end."""
    words = line.split()
    at = next((index for index in reversed(range(len(words))) if is_state(words[index])), 0)
    if at < 4 or len(words) < at + 4:
        return None
    number, memory, vcpus = words[at - 3 : at]
    seconds, uuid, reason = words[at + 1 : at + 4]
    if not all(word.isascii() and word.isdigit() for word in (number, memory, vcpus)) or not is_seconds(seconds):
        return None
    code = int(reason) if reason.isascii() and reason.isdigit() else -1
    name = " ".join(words[: at - 3])
    return Domain(name, int(number), int(memory), int(vcpus), words[at], float(seconds), uuid.lower(), code)


def is_state(word: str) -> bool:
    """Whether a word is a column of state: six letters, each in its place."""
    return len(word) == len(LETTERS) and all(got in letters for got, letters in zip(word, LETTERS))


def is_seconds(word: str) -> bool:
    """Whether a word is a time."""
    return word.isascii() and word.replace(".", "", 1).isdigit()


def parse_list(text: str) -> list[Domain]:
    """Every domain of the list, Domain-0 among them.

    Raises:
        RingfenceError: it is no list.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or lines[0].split()[:2] != ["Name", "ID"]:
        raise RingfenceError("xl list prints something else than a list of domains", hint="which version of Xen is it?")
    found = [parse_line(line) for line in lines[1:]]
    if None in found:
        raise RingfenceError("xl list prints a line that is no domain's", hint="which version of Xen is it?")
    return [domain for domain in found if domain]


def own(domains: list[Domain], uuid: str) -> Domain | None:
    """The domain with this UUID; a name or number may belong to another by now (XEN-STATE-02)."""
    return next((domain for domain in domains if domain.uuid == uuid), None)


def folder_in(text: str) -> str:
    """The folder of the ramdisk that a domain was made from, as ``xl list -l`` tells it; "" where it does not."""
    import json  # for the words of a failure only

    try:
        (told,) = json.loads(text)
        ramdisk = told["config"]["b_info"]["ramdisk"]
    except (ValueError, TypeError, KeyError):
        return ""
    return ramdisk.rpartition("/")[0] if isinstance(ramdisk, str) and ramdisk.startswith("/") else ""
