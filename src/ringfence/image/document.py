"""The JSON documents of an image: read strictly, since two readers must not see two images in one document."""

from __future__ import annotations

import json

from ringfence.errors import RingfenceError
from ringfence.image.digest import Descriptor, check_digest
from ringfence.image.limits import M
from ringfence.image.media import INDEXES, MANIFESTS, SCHEMA_1
from ringfence.jsontext import dumps, is_encodable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LONGEST = 4 * M
DEEPEST = 128
"""Lists and objects inside each other: far beyond any image, far below what recursive writers can take."""
KINDS = {"an object": dict, "a list": list, "a text": str, "a whole number": int}


class Document:
    """An object of a document, and where it stands for errors."""

    def __init__(self, value: object, where: str) -> None:
        if not isinstance(value, dict):
            raise RingfenceError(f"{where}: must be an object")
        self.value: dict[str, Any] = value
        self.where = where

    def get(self, key: str, kind: str, default: Any = None) -> Any:
        """A member of the kind, or the default when it is missing or null.

        Raises:
            RingfenceError: it is of another kind.
        """
        found = self.value.get(key)
        if found is None:
            return default
        if not isinstance(found, KINDS[kind]) or isinstance(found, bool):
            raise RingfenceError(f"{self.where}: {key} must be {kind}")
        return found

    def text(self, key: str) -> str:
        """A text, "" when it is missing."""
        return str(self.get(key, "a text", ""))

    def object(self, key: str) -> Document:
        """An object, an empty one when it is missing."""
        return Document(self.get(key, "an object", {}), f"{self.where}: {key}")

    def objects(self, key: str) -> list[Document]:
        """The objects of a list."""
        found = self.get(key, "a list", [])
        return [Document(item, f"{self.where}: {key}[{place}]") for place, item in enumerate(found)]

    def texts(self, key: str) -> list[str]:
        """The texts of a list, none when it is missing.

        Raises:
            RingfenceError: one is no text.
        """
        found: list[str] = self.get(key, "a list", [])
        if not all(isinstance(item, str) for item in found):
            raise RingfenceError(f"{self.where}: {key} must hold texts only")
        return found

    def text_map(self, key: str) -> dict[str, str]:
        """An object whose members are texts.

        Raises:
            RingfenceError: one is no text.
        """
        found: dict[str, str] = self.get(key, "an object", {})
        if not all(isinstance(item, str) for item in found.values()):
            raise RingfenceError(f"{self.where}: {key} must hold texts only")
        return found


def parse(data: bytes, where: str) -> Any:
    """The value of a document.

    Raises:
        RingfenceError: it is too long, not JSON, nested too deeply, or names a member twice.
    """
    if len(data) > LONGEST:
        raise RingfenceError(f"{where}: longer than the {LONGEST} bytes that a document may have")
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_members, parse_constant=_no_number)
    except RecursionError:
        raise RingfenceError(f"{where}: nested too deeply") from None
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are such
        raise RingfenceError(f"{where}: {error}") from None
    if nesting(found) > DEEPEST:
        raise RingfenceError(f"{where}: nested too deeply")
    return found


def nesting(value: object) -> int:
    """How many lists and objects lie inside each other."""
    level, held = 0, [value]
    while held := [item for item in held if isinstance(item, (dict, list))]:
        level += 1
        held = [inner for item in held for inner in (item.values() if isinstance(item, dict) else item)]
    return level


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the member {next(name for name in names if names.count(name) > 1)!r} is there twice")
    if not all(is_encodable(text) for pair in pairs for text in pair if isinstance(text, str)):
        raise ValueError("a lone surrogate")
    return found


def _no_number(token: str) -> object:
    raise ValueError(f"{token} is no number")


def encode(value: object) -> bytes:
    """A document as bytes, on one line, the members in the order given."""
    return dumps(value).encode()


def descriptor(document: Document) -> Descriptor:
    """A descriptor of a document.

    Raises:
        RingfenceError: it is not complete.
    """
    size = document.get("size", "a whole number", -1)
    if not 0 <= size < 2**63:
        raise RingfenceError(f"{document.where}: size must be a number of bytes")
    return Descriptor(
        media_type=document.text("mediaType"),
        digest=check_digest(document.text("digest")),
        size=size,
        annotations=document.text_map("annotations"),
        platform=document.get("platform", "an object", {}),
    )


def kind_of(document: Document, expected: str) -> str:
    """Whether a document is an index or a manifest: ``index`` or ``manifest``.

    Args:
        document: the document.
        expected: the media type that its descriptor tells, "" if there is none.

    Raises:
        RingfenceError: it is neither, both, or something else than its descriptor says.
    """
    own = document.text("mediaType")
    kind = own or expected
    if kind in SCHEMA_1 or document.value.get("schemaVersion") == 1:
        raise RingfenceError(f"{document.where}: a manifest of Docker's schema 1, which ringfence does not read")
    if own and expected and own != expected:
        raise RingfenceError(f"{document.where}: the document is {own}, its descriptor says {expected}")
    lists = [name for name in ("manifests", "layers") if name in document.value]
    if len(lists) > 1:
        raise RingfenceError(f"{document.where}: both an index and a manifest")
    if kind in INDEXES or (not kind and lists == ["manifests"]):
        found = "index"
    elif kind in MANIFESTS or (not kind and lists == ["layers"]):
        found = "manifest"
    else:
        raise RingfenceError(f"{document.where}: of the type {kind!r}, neither index nor manifest")
    if lists not in ([], ["manifests" if found == "index" else "layers"]):
        raise RingfenceError(f"{document.where}: it says {kind} but holds {lists[0]}")
    return found
