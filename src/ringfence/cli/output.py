"""Writing to standard output, without Python's buffers: what is written is gone when the process ends."""

from __future__ import annotations

import posix

from ringfence.errors import from_os_error

STDOUT = 1
STDERR = 2


class ReaderGoneError(Exception):
    """The reader of standard output has closed it; there is nobody left to tell."""


def write(text: str) -> None:
    """Write all of a text to standard output.

    Raises:
        ReaderGoneError: standard output is a pipe without a reader.
        RingfenceError: any other failure, such as a full disk.
    """
    raw = text.encode("utf-8", "surrogateescape")
    try:
        while raw:
            raw = raw[posix.write(STDOUT, raw) :]
    except BrokenPipeError:
        raise ReaderGoneError from None
    except OSError as error:
        raise from_os_error("write /dev/stdout", error) from None
