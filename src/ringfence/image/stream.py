"""Reading a stream of chunks in pieces of other sizes, and making the chunks ahead of time."""

from __future__ import annotations

import queue
import threading

from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AHEAD = 4
"""How many chunks lie ready at most."""


class Stream:
    """A stream that is read from front to back. ``position`` counts the bytes that have been read."""

    def __init__(self, chunks: Iterator[bytes], what: str) -> None:
        self.chunks = chunks
        self.what = what
        self.position = 0
        self.held = memoryview(b"")

    def _fill(self) -> bool:
        """Whether there is something to read."""
        while not self.held:
            chunk = next(self.chunks, None)
            if chunk is None:
                return False
            self.held = memoryview(chunk)
        return True

    def some(self, most: int) -> memoryview:
        """The next bytes, at most so many; empty at the end."""
        if not self._fill():
            return self.held
        piece, self.held = self.held[:most], self.held[most:]
        self.position += len(piece)
        return piece

    def read(self, size: int) -> bytes:
        """The next ``size`` bytes; fewer at the end only."""
        if len(self.held) >= size:
            piece, self.held = self.held[:size], self.held[size:]
            self.position += size
            return bytes(piece)
        piece = self.some(size)
        found = bytearray(piece)
        while len(found) < size and (piece := self.some(size - len(found))):
            found += piece
        return bytes(found)

    def pieces(self, size: int) -> Iterator[memoryview]:
        """The next ``size`` bytes as they come.

        Raises:
            RingfenceError: the stream ends before.
        """
        while size:
            piece = self.some(size)
            if not piece:
                raise RingfenceError(f"{self.what}: ends too early, at byte {self.position}")
            size -= len(piece)
            yield piece

    def skip(self, size: int) -> None:
        """Pass over bytes.

        Raises:
            RingfenceError: the stream ends before.
        """
        if len(self.held) >= size:
            self.held = self.held[size:]
            self.position += size
            return
        for _ in self.pieces(size):
            pass


class _Raised:
    """What the maker of chunks has ended with."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Ahead:
    """Chunks made by a thread of their own: reading, decompressing and hashing go on while files are written.

    A context manager, because the thread has to end when the reader gives up.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.source = chunks
        self.ready: queue.Queue[bytes | _Raised] = queue.Queue(AHEAD)
        self.stopped = False
        self.thread = threading.Thread(target=self._run, name="chunks", daemon=True)

    def __enter__(self) -> Iterator[bytes]:
        self.thread.start()
        return iter(self._next, None)

    def __exit__(self, *_: object) -> None:
        self.stopped = True
        while self.thread.is_alive():
            try:
                self.ready.get(timeout=0.05)
            except queue.Empty:
                continue

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            for chunk in self.source:
                if self.stopped:
                    break
                self.ready.put(chunk)
        except BaseException as raised:
            error = raised
        self.ready.put(_Raised(error))

    def _next(self) -> bytes | None:
        item = self.ready.get()
        if not isinstance(item, _Raised):
            return item
        self.ready.put(item)  # so that asking again has the same answer
        if item.error is not None:
            raise item.error
        return None


def counted(chunks: Iterator[bytes], told: Callable[[int], None]) -> Iterator[bytes]:
    """The chunks as they are; ``told`` hears the size of each."""
    for chunk in chunks:
        told(len(chunk))
        yield chunk
