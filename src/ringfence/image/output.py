"""A file that is complete or not there."""

from __future__ import annotations

import os

from ringfence.errors import from_os_error


class Output:
    """Writes beside the target and renames at the end; a context manager. ``path`` "-" is standard output."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.temporary = ""
        self.descriptor = 1

    def __enter__(self) -> Output:
        if self.path == "-":
            return self
        folder, name = os.path.split(self.path)
        try:
            self.temporary = os.path.join(folder, f".{name}.{os.urandom(6).hex()}")
            self.descriptor = os.open(self.temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise from_os_error(f"open {self.path}", error) from None
        return self

    def write(self, data: bytes) -> None:
        """Write all of it.

        Raises:
            RingfenceError: it cannot be written.
        """
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self.descriptor, view) :]
        except OSError as error:
            raise from_os_error(f"write {self.path}", error) from None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self.temporary:
            return
        try:
            if kind is None:
                os.rename(self.temporary, self.path)
                self.temporary = ""
        except OSError as error:
            raise from_os_error(f"write {self.path}", error) from None
        finally:
            os.close(self.descriptor)
            if self.temporary:
                os.unlink(self.temporary)
