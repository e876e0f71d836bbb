"""An administrator's file of ``XLCONF``: parsed, checked key by key, and written again by our own writer. Pure.

Understood is what xl.cfg(5) has: ``key = value`` with strings in either quotes, numbers, lists and comments. Nothing of
the text goes into the domain's file as it stands (XEN-ENV-03).
"""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.xen.cfg import Value

NUMBER, TEXT, TEXTS, NUMBERS = "a number", "a string", "a list of strings", "a list of numbers"
MERGED = {"memory": NUMBER, "maxmem": NUMBER, "vcpus": NUMBER, "maxvcpus": NUMBER}
KNOWN = {
    **MERGED,
    "cpus": TEXT,
    "cpu_weight": NUMBER,
    "cap": NUMBER,
    "pool": TEXT,
    "nomigrate": NUMBER,
    "cpuid": TEXT,
    "dtdev": TEXTS,
    "iomem": TEXTS,
    "irqs": NUMBERS,
    "ioports": TEXTS,
    "pci": TEXTS,
    "passthrough": TEXT,
    "device_tree": TEXT,
    "max_grant_frames": NUMBER,
    "max_maptrack_frames": NUMBER,
    "gic_version": TEXT,
    "altp2m": TEXT,
    "vnuma": TEXTS,
}
"""The keys that an administrator may set, and what each takes."""
FORBIDDEN = [
    "name",
    "uuid",
    "type",
    "builder",
    "kernel",
    "ramdisk",
    "extra",
    "root",
    "cmdline",
    "p9",
    "disk",
    "vif",
    "pvcalls",
    "channel",
    "script",
    "bootloader",
    "bootloader_args",
    "seclabel",
    "init_seclabel",
    "on_poweroff",
    "on_reboot",
    "on_crash",
    "on_watchdog",
    "on_soft_reset",
    "device_model_version",
    "serial",
    "boot",
    "device_model_override",
    "device_model_args",
    "device_model_user",
    "vfb",
    "vnc",
    "vnclisten",
    "sdl",
    "spice",
    "hdtype",
    "vtpm",
    "firmware",
    "firmware_override",
    "stubdomain_kernel",
    "stubdomain_ramdisk",
    "driver_domain",
    "run_hotplug_scripts",
    "vkb",
    "vsnd",
    "vdispl",
    "usbdev",
]
"""Those that name programs, break the wall, or are ringfence's own to write."""
LARGEST = 1 << 16


class Entry(Record):
    """A key with its value and the line that it stands in."""

    key: str
    value: Value
    line: int


class Reader:
    """Takes words off a text: strings, numbers, names, and the signs between them."""

    def __init__(self, text: str, where: str, field: str) -> None:
        self.text, self.where, self.field = text, where, field
        self.at, self.line = 0, 1

    def wrong(self, words: str) -> RingfenceError:
        """The error at this place; what stands there is not quoted."""
        return RingfenceError(f"{self.where}, line {self.line}: {words}", field=self.field)

    def skip(self, *, lines: bool) -> None:
        """Pass over blanks and comments, and over ends of lines too if ``lines``."""
        while self.at < len(self.text):
            letter = self.text[self.at]
            if letter == "#":
                while self.at < len(self.text) and self.text[self.at] != "\n":
                    self.at += 1
            elif letter == "\n" and lines:
                self.line += 1
                self.at += 1
            elif letter in " \t\r":
                self.at += 1
            else:
                return

    def peek(self) -> str:
        """The next letter, "" at the end."""
        return self.text[self.at : self.at + 1]

    def expect(self, sign: str) -> None:
        """Pass over a sign.

        Raises:
            RingfenceError: something else stands there.
        """
        self.skip(lines=False)
        if self.peek() != sign:
            raise self.wrong(f"{sign} is missing")
        self.at += 1

    def name(self) -> str:
        """A key.

        Raises:
            RingfenceError: none stands there.
        """
        start = self.at
        while (letter := self.peek()) and (letter.isalnum() or letter == "_"):
            self.at += 1
        found = self.text[start : self.at]
        if not found or not found.isascii() or found[0].isdigit():
            raise self.wrong("a key is missing")
        return found

    def string(self) -> str:
        """A string in either quotes, to the quote that ends it."""
        quote = self.peek()
        end = self.text.find(quote, self.at + 1)
        found = self.text[self.at + 1 : end] if end > 0 else "\n"
        if "\n" in found:
            raise self.wrong("a string does not end")
        if not found.isprintable() or "\\" in found:
            raise self.wrong("a string holds a control character or a backslash")
        self.at = end + 1
        return found

    def number(self) -> int:
        """A number, in hexadecimal behind 0x."""
        start = self.at
        while (letter := self.peek()) and letter.isalnum():
            self.at += 1
        word = self.text[start : self.at].lower()
        digits = word.removeprefix("0x")
        base = 16 if word.startswith("0x") else 10
        allowed = "0123456789abcdef"[:base]
        if not digits or len(digits) > 16 or not set(digits) <= set(allowed):
            raise self.wrong("neither a string, a number nor a list")
        return int(digits, base)

    def one(self) -> str | int:
        """A string or a number."""
        return self.string() if self.peek() in ("'", '"') else self.number()

    def value(self) -> Value:
        """What stands behind a key."""
        self.skip(lines=False)
        if self.peek() != "[":
            return self.one()
        self.at += 1
        found: list[str | int] = []
        self.skip(lines=True)
        while self.peek() != "]":
            found.append(self.one())
            self.skip(lines=True)
            if self.peek() == ",":
                self.at += 1
                self.skip(lines=True)
            elif self.peek() != "]":
                raise self.wrong("a list does not end")
        self.at += 1
        return found  # type: ignore[return-value]


def parse(text: str, where: str, field: str) -> list[Entry]:
    """The entries of a file.

    Raises:
        RingfenceError: it is no such file, or has a key twice.
    """
    reader, found = Reader(text, where, field), []
    reader.skip(lines=True)
    while reader.peek():
        line = reader.line
        key = reader.name()
        reader.expect("=")
        found.append(Entry(key, reader.value(), line))
        reader.skip(lines=False)
        if reader.peek() not in ("", "\n", ";"):
            raise reader.wrong("something stands behind a value")
        reader.at += 1 if reader.peek() == ";" else 0
        reader.skip(lines=True)
        if [entry.key for entry in found].count(key) > 1:
            raise RingfenceError(f"{where}, line {line}: {key} occurs twice", field=field)
    return found


def kind_of(value: Value) -> str:
    """What a value is."""
    if not isinstance(value, list):
        return NUMBER if isinstance(value, int) else TEXT
    if all(isinstance(one, str) for one in value):
        return TEXTS
    return NUMBERS if all(isinstance(one, int) for one in value) else "a list of both"


def checked(entries: list[Entry], where: str, field: str) -> dict[str, Value]:
    """The values by their keys.

    Raises:
        RingfenceError: one is unknown, may not be set, or has a value of another kind.
    """
    for entry in entries:
        place = f"{where}, line {entry.line}"
        if entry.key in FORBIDDEN or entry.key.startswith(("device_model_", "bootloader", "on_")):
            raise RingfenceError(
                f"{place}: {entry.key} may not be set: it is ringfence's, or breaks the wall", field=field
            )
        if entry.key not in KNOWN:
            raise RingfenceError(f"{place}: {entry.key} is no key that is known", field=field)
        if kind_of(entry.value) != KNOWN[entry.key] and entry.value != []:
            raise RingfenceError(f"{place}: {entry.key} must be {KNOWN[entry.key]}", field=field)
    return {entry.key: entry.value for entry in entries}
