"""Digests and descriptors (image-spec 1.1, descriptor.md): the text of a digest is checked before it is used."""

from __future__ import annotations

import hashlib
import re

from ringfence.errors import RingfenceError
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

GRAMMAR = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


def check_digest(text: str) -> str:
    """The digest itself; only a text that has passed here becomes part of a path.

    Raises:
        RingfenceError: it is not sha256 or sha512 with lower-case digits.
    """
    if not GRAMMAR.fullmatch(text):
        raise RingfenceError(f"not a digest: {text[:200]!r}", hint="sha256 and sha512 are known, in lower case")
    return text


class Descriptor(Record):
    """What a document says of a blob. ``size`` is in bytes; ``platform`` is as in the document, {} for none."""

    media_type: str
    digest: str
    size: int
    annotations: dict[str, str] = {}  # noqa: RUF012 - never changed
    platform: dict[str, Any] = {}  # noqa: RUF012 - never changed


def digest_of(data: bytes) -> str:
    """The sha256 digest of some bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def checked(chunks: Iterator[bytes], digest: str, size: int, what: str) -> Iterator[bytes]:
    """The chunks as they are; behind the last one it is known whether they were the right ones.

    Args:
        chunks: the content.
        digest: what its digest has to be, already checked by ``check_digest``.
        size: how many bytes there have to be, -1 if that is not known.
        what: how to call the content in an error.

    Raises:
        RingfenceError: too many or too few bytes, or others.
    """
    held, count = hashlib.new(digest.partition(":")[0]), 0
    for chunk in chunks:
        count += len(chunk)
        if 0 <= size < count:
            raise RingfenceError(f"{what}: expected {size} bytes, found more")
        held.update(chunk)
        yield chunk
    if size not in (-1, count):
        raise RingfenceError(f"{what}: expected {size} bytes, found {count}")
    found = f"{held.name}:{held.hexdigest()}"
    if found != digest:
        raise RingfenceError(f"{what}: expected {digest}, found {found}")
