"""What an image may cost at most (IMG-BUNDLE-14)."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.image.entry import shown
from ringfence.record import Record

K, M, G = 2**10, 2**20, 2**30
SUFFIXES = {"k": K, "m": M, "g": G}


class Limits(Record):
    """Upper limits. Each can be set with ``--limit NAME=VALUE``.

    Attributes:
        bytes: content of all files together, holes included.
        entries: entries of all layers together.
        file: content of one file, holes included.
        headers: the long names and pax records of one entry.
        name: bytes of one path.
        component: bytes of one name in it.
        depth: folders in one path.
        layers: layers of the image.
        images: manifests and indexes that a layout lists, each as often as it is listed.
        ratio: how many times longer a stream may be than it was compressed, once it is beyond RATIO_FREE bytes.
    """

    bytes: int = 64 * G
    entries: int = 4_000_000
    file: int = 32 * G
    headers: int = M
    name: int = 4096
    component: int = 255
    depth: int = 256
    layers: int = 512
    images: int = 1000
    ratio: int = 250


RATIO_FREE = 256 * M
DEFAULT = Limits()
DEEPEST = DEFAULT.depth
"""Trees are walked by recursion, with a descriptor for each folder on the way: no option allows deeper ones."""


class LimitError(RingfenceError):
    """The image is larger than allowed."""


def exceeded(name: str, limit: int, what: str) -> LimitError:
    """The error that names the limit."""
    fixed = name == "depth" and limit == DEEPEST
    hint = "" if fixed else f"--limit {name}=N sets another for an image that you trust"
    return LimitError(f"{what}: beyond the limit {name}={limit}", hint=hint)


def parse_limits(words: tuple[str, ...]) -> Limits:
    """The limits that ``--limit`` words set, the others as they are by default.

    Raises:
        RingfenceError: a word is not NAME=NUMBER, with k, m or g behind it, the name is not known, or it is a depth
            that is too large.
    """
    given = {}
    for word in words:
        name, _, text = word.partition("=")
        number = parse_size(text)
        if name not in Limits.fields() or number is None:
            known = ", ".join(Limits.fields())
            raise RingfenceError(f"--limit {word}: not a limit", hint=f"NAME=NUMBER with a name of {known}")
        if name == "depth" and number > DEEPEST:
            raise RingfenceError(f"--limit {word}: at most {DEEPEST}")
        given[name] = number
    return Limits(**given)


def parse_size(text: str) -> int | None:
    """A number such as 20 or 20m, None if it is not one."""
    digits, factor = (text[:-1], SUFFIXES[text[-1:].lower()]) if text[-1:].lower() in SUFFIXES else (text, 1)
    return int(digits) * factor if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


class Budget:
    """What has been used of the limits so far."""

    def __init__(self, limits: Limits = DEFAULT) -> None:
        self.limits = limits
        self.bytes = 0
        self.entries = 0
        self.images = 0

    def image(self, what: str) -> None:
        """One manifest or index more.

        Raises:
            LimitError: that is too many.
        """
        self.images += 1
        if self.images > self.limits.images:
            raise exceeded("images", self.limits.images, what)

    def entry(self, name: bytes) -> None:
        """One entry more.

        Raises:
            LimitError: that is too many.
        """
        self.entries += 1
        if self.entries > self.limits.entries:
            raise exceeded("entries", self.limits.entries, shown(name))

    def content(self, name: bytes, size: int) -> None:
        """A file of that size.

        Raises:
            LimitError: that is too large, for one or together with the others.
        """
        self.bytes += size
        if size > self.limits.file:
            raise exceeded("file", self.limits.file, shown(name))
        if self.bytes > self.limits.bytes:
            raise exceeded("bytes", self.limits.bytes, shown(name))


def ratio_guarded(read: int, made: int, limits: Limits, what: str) -> None:
    """See that ``made`` bytes are not too many for the ``read`` compressed ones.

    Raises:
        LimitError: they are.
    """
    if made > RATIO_FREE and made > read * limits.ratio:
        raise exceeded("ratio", limits.ratio, what)
