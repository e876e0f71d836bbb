"""What a step of a plan is, and how one is encoded for the init.

A step's annotations are its wire format: ``tools/steps_header.py`` writes the C structures from the same classes, so
the two sides cannot drift. On the wire a step is ``u32 kind, u32 size`` and its fields in order; a number is a u64, a
text ``u32 size`` and that many bytes and a NUL (the C side points into the plan, it copies nothing), a list
``u32 count, u32 size`` and its texts. All little-endian and unpadded.
"""

from __future__ import annotations

from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import ClassVar

NUMBER_MAX = 2**64 - 1
TEXT_MAX = 2**31


class Step(Record):
    """One thing to be done, and the place in config.json that asked for it.

    ``pointer`` is a JSON pointer (RFC 6901) below config.json; "" means that no field asked, it is always done so.
    """

    pointer: str

    def describe(self) -> tuple[str, str]:
        """A verb and the rest of the line, for people; ``explain`` prints it."""
        raise TypeError(type(self).__name__)


class HostStep(Step):
    """A step performed by Python on the host, before the container is born or after it has gone."""


class InitStep(Step):
    """A step performed by the C init. Its fields are numbers, texts, or tuples of texts."""

    KIND: ClassVar[int] = 0


def encode_number(value: int) -> bytes:
    """A u64; negative numbers in two's complement, as the kernel takes them."""
    return (value & NUMBER_MAX).to_bytes(8, "little")


def encode_text(value: str | bytes) -> bytes:
    """A text with its length before and a NUL behind it."""
    raw = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    return len(raw).to_bytes(4, "little") + raw + b"\0"


def encode_list(values: Iterable[str | bytes]) -> bytes:
    """A list of texts with its count and size before it."""
    texts = [encode_text(value) for value in values]
    body = b"".join(texts)
    return len(texts).to_bytes(4, "little") + len(body).to_bytes(4, "little") + body


ENCODERS = {
    "int": encode_number,
    "bool": encode_number,
    "str": encode_text,
    "bytes": encode_text,
    "tuple[str, ...]": encode_list,
    "tuple[bytes, ...]": encode_list,
}


def encode_step(step: InitStep) -> bytes:
    """The bytes of one step. The pointer stays behind: the init answers with the step's number."""
    parts = [
        ENCODERS[kind](getattr(step, name))  # type: ignore[operator]
        for name, kind in step.fields().items()
        if name != "pointer"
    ]
    body = b"".join(parts)
    return step.KIND.to_bytes(4, "little") + len(body).to_bytes(4, "little") + body
