"""Layers to a tree: entries in the order of the archive, whiteouts, and the folders' own attributes at the end.

A folder is kept open to its owner while layers are unpacked; what its entry says of owner, mode and time is set when
all layers are there, the deepest folder first. So neither a read-only folder nor a new file in an old one disturbs.
"""

from __future__ import annotations

import os
import stat

from ringfence.errors import RingfenceError, from_os_error
from ringfence.image.attributes import Attributes, chmod_node
from ringfence.image.entry import CHAR, DEVICE, FIFO, FILE, FOLDER, LINK, SYMLINK, Entry, shown
from ringfence.image.finish import Finish
from ringfence.image.inside import Folder, Root, limited_parts
from ringfence.image.limits import Budget
from ringfence.image.policy import REFUSE, SKIP, Policy
from ringfence.image.removal import Removal
from ringfence.image.stream import Stream
from ringfence.image.tar_reader import Reader
from ringfence.image.whiteout import ALL, IGNORED, NONE, whiteout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
SPECIAL = {CHAR: stat.S_IFCHR, DEVICE: stat.S_IFBLK, FIFO: stat.S_IFIFO}


class Unpacker:
    """Unpacks layers, one after the other, below one root.

    Args:
        root: an open folder, which stays the caller's.
        policy: what may be made.
        budget: what it may cost.
        warn: told what was left out or is odd.
    """

    def __init__(self, root: int, policy: Policy, budget: Budget, warn: Callable[[str], None]) -> None:
        self.policy = policy
        self.budget = budget
        self.told: set[str] = set()
        self.sink = warn
        self.what = ""
        self.own: dict[tuple[int, int], dict[bytes, bool]] = {}
        self.attributes = Attributes(policy, self.warn)
        self.pending: dict[tuple[int, int], Entry] = {}
        self.root = Root(root, self._make_parent, self._opened, budget.limits.depth)
        self.removal = Removal(self.root, self.own, self.pending)
        self.makers = {FILE: self._file, FOLDER: self._folder, SYMLINK: self._symlink, LINK: self._link}

    def warn(self, key: str, text: str) -> None:
        """Tell something once."""
        if key not in self.told:
            self.told.add(key)
            self.sink(text)

    def layer(self, chunks: Iterator[bytes], what: str) -> None:
        """Unpack one layer; ``what`` names it in errors. After a failure no folder is open any more.

        Raises:
            RingfenceError: the layer is damaged, hostile or too large, or the tree cannot be written.
        """
        try:
            self._layer(chunks, what)
        except BaseException:
            self.root.forget()
            raise

    def _layer(self, chunks: Iterator[bytes], what: str) -> None:
        self.what = what
        self.own.clear()
        self.root.forget()
        self.root.top.own = self.own.setdefault(self.root.top.key, {})
        self.root.top.made = False
        source = Stream(chunks, what)
        for entry in Reader(source, self.budget.limits, lambda text: self.warn(text, text)):
            self._take(entry, source)
        # Whoever made the chunks checks them behind the last one.
        while source.some(2**20):
            pass

    def finish(self) -> None:
        """Set what folders get at the end.

        Raises:
            RingfenceError: it cannot be set.
        """
        self.root.forget()
        Finish(self.attributes, self.pending).walk(self.root.top.descriptor)

    def _take(self, entry: Entry, source: Stream) -> None:
        self.budget.entry(entry.name)
        parts = limited_parts(entry.name, self.budget.limits)
        kind, hidden = whiteout(parts)
        try:
            if kind == NONE:
                self._place(parts, entry, source)
            elif kind != IGNORED:
                self._take_away(parts[:-1], None if kind == ALL else hidden)
        except OSError as error:
            raise from_os_error(f"{self.what}: cannot unpack {shown(entry.name)}", error) from None
        self.root.relax()

    def _place(self, parts: list[bytes], entry: Entry, source: Stream) -> None:
        if not parts:
            if entry.kind != FOLDER:
                raise RingfenceError(f"{shown(entry.name)}: the root has to be a folder")
            self.pending[self.root.top.key] = entry
            return
        parent, name = self.root.find(parts[:-1], make=True), parts[-1]
        if parent.own.get(name) and entry.kind != FOLDER:
            self.warn(f"twice {self.what}", f"{self.what}: {shown(entry.name)} is there twice, the later counts")
        if entry.kind in SPECIAL:
            self._special(parent, name, entry)
        else:
            self.makers[entry.kind](parent, name, entry, source)
        parent.own[name] = True

    # what is made

    def _making(self, parent: Folder, name: bytes, make: Callable[[], None]) -> None:
        """Make something in the place of what is there."""
        try:
            make()
        except FileExistsError:
            self.removal.remove(parent, name)
            make()

    def _file(self, parent: Folder, name: bytes, entry: Entry, source: Stream) -> None:
        self.budget.content(entry.name, entry.size)
        try:
            descriptor = os.open(name, CREATE, 0o600, dir_fd=parent.descriptor)
        except FileExistsError:
            self.removal.remove(parent, name)
            descriptor = os.open(name, CREATE, 0o600, dir_fd=parent.descriptor)
        try:
            if entry.pieces is None:
                fill(descriptor, source.pieces(entry.size))
            else:
                fill_sparse(descriptor, entry, source)
            self.attributes.apply(descriptor, entry)
            self._keep_flags(descriptor, entry)
        finally:
            os.close(descriptor)

    def _keep_flags(self, descriptor: int, entry: Entry) -> None:
        """File flags come last, an unchangeable file could not be replaced by a later layer."""
        if entry.flags and self.policy.flags:
            status = os.fstat(descriptor)
            self.pending[(status.st_dev, status.st_ino)] = entry

    def _folder(self, parent: Folder, name: bytes, entry: Entry, _source: Stream) -> None:
        self.root.check_depth((*parent.real, name))
        try:
            os.mkdir(name, 0o700, dir_fd=parent.descriptor)
        except FileExistsError:
            there = os.stat(name, dir_fd=parent.descriptor, follow_symlinks=False)
            if not stat.S_ISDIR(there.st_mode):
                self.removal.remove(parent, name)
                os.mkdir(name, 0o700, dir_fd=parent.descriptor)
        self.pending[self.root.child(parent, name).key] = entry

    def _make_parent(self, parent: int, name: bytes) -> None:
        """A folder on the way to an entry that the archive has no entry of: root's, mode 0755."""
        os.mkdir(name, 0o700, dir_fd=parent)
        status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        usual = Entry(name, FOLDER)
        usual.mode, usual.mtime = 0o755, status.st_mtime_ns
        self.pending[(status.st_dev, status.st_ino)] = usual

    def _opened(self, folder: Folder) -> None:
        folder.own = self.own.setdefault(folder.key, {})

    def _symlink(self, parent: Folder, name: bytes, entry: Entry, _source: Stream) -> None:
        self._making(parent, name, lambda: os.symlink(entry.link, name, dir_fd=parent.descriptor))
        self.attributes.apply_named(parent.descriptor, name, entry)

    def _link(self, parent: Folder, name: bytes, entry: Entry, _source: Stream) -> None:
        """A second name; a link to a link is a link, and one to itself is nothing new."""
        parts = limited_parts(entry.link, self.budget.limits)
        where = f"{self.what}: hard link {shown(entry.name)} to {shown(entry.link)}"
        if not parts:
            raise RingfenceError(f"{where}: the target is a folder")
        try:
            other = self.root.find(parts[:-1])
            target = os.stat(parts[-1], dir_fd=other.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            raise RingfenceError(f"{where}: the target does not exist") from None
        if stat.S_ISDIR(target.st_mode):
            raise RingfenceError(f"{where}: the target is a folder")
        there = stat_or_none(parent, name)
        if there is not None and (there.st_dev, there.st_ino) == (target.st_dev, target.st_ino):
            return
        if there is not None:
            self.removal.remove(parent, name, other)
        try:
            os.link(parts[-1], name, src_dir_fd=other.descriptor, dst_dir_fd=parent.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            raise RingfenceError(f"{where}: the target does not exist") from None

    def _special(self, parent: Folder, name: bytes, entry: Entry) -> None:
        where = f"{self.what}: {shown(entry.name)}"
        if self.policy.devices == REFUSE:
            raise RingfenceError(f"{where}: devices and FIFOs are refused")
        if self.policy.devices == SKIP:
            return self.warn("devices", f"{where} and other devices and FIFOs are left out")
        if entry.kind == CHAR and entry.device == (0, 0):
            return self.warn("device 0:0", f"{where}: the device 0:0, overlay's whiteout, is left out")
        mode, device = SPECIAL[entry.kind] | 0o600, os.makedev(*entry.device)
        self._making(parent, name, lambda: os.mknod(name, mode, device, dir_fd=parent.descriptor))
        self.attributes.apply_named(parent.descriptor, name, entry)
        return chmod_node(parent.descriptor, name, self.attributes.mode(entry))

    # what is taken away

    def _take_away(self, folder: list[bytes], name: bytes | None) -> None:
        """Hide a name of the layers below, or with None all of a folder."""
        try:
            found = self.root.find(folder)
        except FileNotFoundError:
            return
        if name is None:
            self.removal.prune(found)
        else:
            self.removal.hide(found, name)


def stat_or_none(parent: Folder, name: bytes) -> os.stat_result | None:
    """What is there, None for nothing."""
    try:
        return os.stat(name, dir_fd=parent.descriptor, follow_symlinks=False)
    except FileNotFoundError:
        return None


def fill(descriptor: int, pieces: Iterator[memoryview]) -> None:
    """Write all pieces.

    Raises:
        OSError: as the kernel gave it.
    """
    for piece in pieces:
        while piece:
            piece = piece[os.write(descriptor, piece) :]


def fill_sparse(descriptor: int, entry: Entry, source: Stream) -> None:
    """Write a sparse file: its pieces, with holes between them.

    Raises:
        OSError: as the kernel gave it.
    """
    for start, length in entry.pieces or ():
        os.lseek(descriptor, start, os.SEEK_SET)
        fill(descriptor, source.pieces(length))
    os.ftruncate(descriptor, entry.size)
