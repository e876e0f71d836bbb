"""Taking away what lower layers have, or what an entry replaces, by descriptors and never through a link."""

from __future__ import annotations

import os

from ringfence.image.inside import OPEN, Folder, Key, Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.image.entry import Entry


class Removal:
    """Removes below one root.

    ``own`` tells by folder the names that the present layer has, ``pending`` what is still to be set on inodes: what is
    removed must be in neither, since the kernel gives inodes out again.
    """

    def __init__(self, root: Root, own: dict[Key, dict[bytes, bool]], pending: dict[Key, Entry]) -> None:
        self.root = root
        self.own = own
        self.pending = pending

    def remove(self, parent: Folder, name: bytes, *kept: Folder) -> None:
        """Remove whatever has that name; only ``parent`` and the folders ``kept`` stay open.

        Raises:
            OSError: as the kernel gave it.
        """
        self.root.forget(parent, *kept)
        self._remove(parent.descriptor, name)

    def hide(self, parent: Folder, name: bytes) -> None:
        """Remove a name unless the present layer has it; of a folder it has, what it has not.

        Raises:
            OSError: as the kernel gave it.
        """
        self.root.forget(parent)
        if name not in parent.own:
            try:
                self._remove(parent.descriptor, name)
            except FileNotFoundError:
                return
        else:
            self._prune_child(parent.descriptor, name)

    def prune(self, folder: Folder) -> None:
        """Remove all of a folder that the present layer has not.

        Raises:
            OSError: as the kernel gave it.
        """
        self.root.forget(folder)
        self._prune(folder.descriptor)

    def _prune(self, folder: int) -> None:
        own = self.own.get(_key(os.fstat(folder)), {})
        for name in _names(folder):
            if name in own:
                self._prune_child(folder, name)
            else:
                self._remove(folder, name)

    def _prune_child(self, folder: int, name: bytes) -> None:
        try:
            child = os.open(name, OPEN, dir_fd=folder)
        except OSError:  # a file, or a link
            return
        try:
            self._prune(child)
        finally:
            os.close(child)

    def _remove(self, folder: int, name: bytes) -> None:
        try:
            child = os.open(name, OPEN, dir_fd=folder)
        except FileNotFoundError:
            raise
        except OSError:  # a file, or a link
            if self.pending:
                self.pending.pop(_key(os.stat(name, dir_fd=folder, follow_symlinks=False)), None)
            os.unlink(name, dir_fd=folder)
            return
        try:
            for inner in _names(child):
                self._remove(child, inner)
            key = _key(os.fstat(child))
        finally:
            os.close(child)
        self.own.pop(key, None)
        self.pending.pop(key, None)
        os.rmdir(name, dir_fd=folder)


def _key(status: os.stat_result) -> Key:
    return status.st_dev, status.st_ino


def _names(folder: int) -> list[bytes]:
    return [os.fsencode(name) for name in os.listdir(folder)]
