"""What is wrong with a config, collected so that one run tells all of it.

A rule adds ``(pointer, text)``; pointers are JSON pointers (RFC 6901) into the document that is read.
"""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.jsontext import quote_printable

SHOWN = 50
LONGEST = 200


def quoted(text: str) -> str:
    """A text of the document within a message, in quotes; what cannot be printed is escaped, what is long is cut."""
    return quote_printable(text if len(text) <= LONGEST else text[:LONGEST] + "…")


def bare(text: str) -> str:
    """As ``quoted``, without the quotes."""
    return quoted(text)[1:-1]


def escape(key: str) -> str:
    """A key as one step of a JSON pointer (RFC 6901, section 3)."""
    return key.replace("~", "~0").replace("/", "~1")


class Problems:
    """The problems of one document, in the order in which they were found.

    A place with a value of the wrong type holds a stand-in; what later rules find about it or because of it is not
    added.
    """

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self._unusable: set[str] = set()
        self._around_unusable: set[str] = set()

    def add(self, pointer: str, text: str, because: str | None = None) -> None:
        """A rule is broken at this place, ``because`` of what stands at another place."""
        if self._unusable and (self._inside_unusable(pointer) or (because is not None and self._touches(because))):
            return
        self.found.append((pointer, text))

    def add_unusable(self, pointer: str, text: str) -> None:
        """The value at this place cannot be taken at all; what stands there now is a stand-in."""
        self.add(pointer, text)
        self._unusable.add(pointer)
        while pointer:
            pointer = pointer[: pointer.rindex("/")]
            self._around_unusable.add(pointer)

    def _touches(self, pointer: str) -> bool:
        return pointer in self._around_unusable or self._inside_unusable(pointer)

    def _inside_unusable(self, pointer: str) -> bool:
        while pointer not in self._unusable:
            if not pointer:
                return False
            pointer = pointer[: pointer.rindex("/")]
        return True

    def raise_if_any(self, name: str) -> None:
        """End the reading of the document ``name`` if anything is wrong with it.

        Raises:
            RingfenceError: with all problems, ``name#pointer: text`` joined by ``; ``; from the 51st on only counted.
        """
        if not self.found:
            return
        texts = [
            f"{name}#{bare(pointer)}: {text}" if pointer else f"{name}: {text}" for pointer, text in self.found[:SHOWN]
        ]
        if len(self.found) > SHOWN:
            texts.append(f"and {len(self.found) - SHOWN} more problems")
        raise RingfenceError("; ".join(texts), field=self.found[0][0])
