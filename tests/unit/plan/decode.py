"""An independent reader of the plan's wire format, for tests: what the C side should understand."""

from __future__ import annotations

from ringfence.plan.plan import MAGIC, VERSION
from ringfence.plan.table import INIT_STEPS

Value = int | bytes | tuple[bytes, ...]


class Reader:
    """Takes numbers, texts and lists off the front of some bytes."""

    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        """The next bytes."""
        assert self.at + size <= len(self.data)
        self.at += size
        return self.data[self.at - size : self.at]

    def number(self, size: int) -> int:
        """A little-endian number."""
        return int.from_bytes(self.take(size), "little")

    def text(self) -> bytes:
        """A text, whose NUL is checked."""
        text = self.take(self.number(4))
        assert self.take(1) == b"\0"
        return text

    def texts(self) -> tuple[bytes, ...]:
        """A list of texts, whose size is checked."""
        count, size = self.number(4), self.number(4)
        end = self.at + size
        texts = tuple(self.text() for _ in range(count))
        assert self.at == end
        return texts

    def value(self, kind: str) -> Value:
        """A field by its annotation."""
        if kind in ("int", "bool"):
            return self.number(8)
        return self.texts() if kind.startswith("tuple[") else self.text()


def decode_plan(data: bytes) -> tuple[list[int], list[tuple[str, dict[str, Value]]]]:
    """The header's last five words, and every step by name with its fields."""
    reader = Reader(data)
    words = [reader.number(4) for _ in range(8)]
    assert words[:3] == [MAGIC, VERSION, len(data)]
    steps = []
    while reader.at < len(data):
        kind, size = reader.number(4), reader.number(4)
        end = reader.at + size
        step = INIT_STEPS[kind - 1]
        fields = {name: reader.value(text) for name, text in step.fields().items() if name != "pointer"}
        assert reader.at == end
        steps.append((step.__name__, fields))
    return words[3:], steps
