"""A file that is complete or not there."""

from __future__ import annotations

import os
import stat

from ringfence.errors import from_os_error

STDOUT = 1
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


class Output:
    """Writes beside the target and renames at the end; a context manager. ``path`` "-" is standard output.

    A pipe or a device is written to and never replaced, and neither is a link, but what it leads to.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.target = path
        self.temporary = ""
        self.descriptor = STDOUT

    def __enter__(self) -> Output:
        if self.path == "-":
            return self
        try:
            if is_special(self.path):
                self.descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)
            else:
                self._begin()
        except OSError as error:
            raise from_os_error(f"open {self.path}", error) from None
        return self

    def _begin(self) -> None:
        self.target = os.path.realpath(self.path)
        folder, name = os.path.split(self.target)
        self.temporary = os.path.join(folder, f".{name}.{os.urandom(6).hex()}")
        self.descriptor = os.open(self.temporary, CREATE, 0o666)

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
        try:
            if self.temporary and kind is None:
                os.rename(self.temporary, self.target)
                self.temporary = ""
        except OSError as error:
            raise from_os_error(f"write {self.path}", error) from None
        finally:
            if self.descriptor != STDOUT:
                os.close(self.descriptor)
            if self.temporary:
                os.unlink(self.temporary)


def is_special(path: str) -> bool:
    """Whether something is there that a file must not take the place of: anything but a regular file.

    Raises:
        OSError: that cannot be found out.
    """
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return False
