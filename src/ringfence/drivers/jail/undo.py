"""Taking a jail away: what is recorded and is still there, the last made first (JAIL-DEL-01 to 05).

A thing that has gone already counts as done. What cannot be taken back is told, and the rest is taken back.
"""

from __future__ import annotations

import os
import stat
import time

from ringfence.drivers.jail import query
from ringfence.drivers.jail.inroot import resolve
from ringfence.drivers.jail.tools import REMOVAL_SECONDS
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ringfence.drivers.jail.made import Made
    from ringfence.drivers.jail.output import JailLine
    from ringfence.drivers.jail.tools import Said, Tools

SIGKILL = 9
UNKNOWN = "unknown file system"
"""What umount says of a node where nothing is mounted."""
KILL_SECONDS = 10
PAUSE = 0.02
BUSY_TRIES, BUSY_PAUSE = 10, 0.05
RENAMED = "does not exist"
GONE = ("not found", "No such process", "does not exist", "Can't assign requested address", "not configured")


class Undoing:
    """One jail on its way out."""

    def __init__(self, tools: Tools, made: Made, warn: Callable[[str], None]):
        self.tools = tools
        self.made = made
        self.warn = warn

    def all(self, jails: list[JailLine] | None = None) -> None:
        """Take everything back.

        Raises:
            RingfenceError: a process or a mount stays; the record is still needed then.
        """
        if self.made.name:
            self.remove_jail(query.all_jails(self.tools) if jails is None else jails)
        if self.made.rules:
            self.tolerate("remove the limits", "rctl", "-r", f"jail:{self.made.name}")
        for node in reversed(self.made.mounts):
            self.unmount(node)
        for alias in reversed(self.made.aliases):
            interface, family, address = alias.split()
            self.tolerate(f"take {address} from {interface}", "ifconfig", interface, family, address, "-alias")
        for path in reversed(self.made.folders):
            self.remove_folder(path)

    def remove_jail(self, jails: list[JailLine]) -> None:
        """End what lives in the jail, take its interfaces back and remove it; another's jail is left alone."""
        own = query.ours(jails, self.made)
        if own is None:
            return
        kill_everything(self.tools, [jail.jid for jail in (own, *query.children(jails, own))])
        for interface in reversed(self.made.interfaces):
            self.take_back(interface, own.jid)
        if not own.dying:
            said = self.tools.run("jail", "-r", str(own.jid), seconds=REMOVAL_SECONDS)
            if said.status and not any(word in said.errors for word in GONE):
                raise RingfenceError(f"cannot remove the jail {own.name}: {said.sentence('jail')}")

    def take_back(self, interface: str, jid: int) -> None:
        """An interface back to the host; one that has another name in the jail by now comes by itself (JAIL-NET-04)."""
        said = self.tools.run("ifconfig", interface, "-vnet", str(jid))
        if said.status and RENAMED in said.errors:
            self.warn(f"the interface {interface} has another name in the jail: it comes back under that one")
        elif said.status and not any(word in said.errors for word in GONE):
            self.warn(f"cannot take the interface {interface} back: {said.sentence('ifconfig')}")

    def tolerate(self, words: str, tool: str, *command: str) -> None:
        """Run a tool whose thing may have gone; any other failure is told."""
        try:
            said = self.tools.run(tool, *command)
        except RingfenceError as error:
            self.warn(f"cannot {words}: {error}")
            return
        if said.status and not any(word in said.errors for word in GONE):
            self.warn(f"cannot {words}: {said.sentence(tool)}")

    def unmount(self, node: str) -> None:
        """Unmount a node; one that is busy is tried again, then forced (JAIL-DEL-03).

        Raises:
            RingfenceError: it is still there, or somebody else's mount lies below it.
        """
        words: tuple[str, ...] = ()
        for attempt in range(BUSY_TRIES):
            said = self.tools.run("umount", *words, node)
            if said.status == 0:
                return
            present = self.mounted_nodes(said)
            if node not in present:
                return
            below = [other for other in present if other.startswith(f"{node}/")]
            if below:
                raise RingfenceError(
                    f"cannot unmount {node}: somebody has mounted {below[0]}", hint=f"umount {below[0]}"
                )
            words = ("-f",) if attempt >= BUSY_TRIES // 2 else ()
            time.sleep(BUSY_PAUSE)
        raise RingfenceError(f"cannot unmount {node}: it stays busy", hint="delete can be tried again")

    def mounted_nodes(self, said: Said) -> list[str]:
        """Where something is mounted; without the tool that tells umount's own word for it is taken."""
        try:
            return query.mounted_nodes(self.tools)
        except RingfenceError:
            if UNKNOWN not in said.errors:
                raise
            return []

    def remove_folder(self, path: str) -> None:
        """Remove a mount point that was made, if it is below the root and empty (JAIL-DEL-05)."""
        root = self.made.rootfs.rstrip("/")
        if not path.startswith(f"{root}/"):
            return
        folder = path.rpartition("/")[0]
        try:
            if resolve(root, folder.removeprefix(root)) != (folder or "/", True):
                return
            found = os.lstat(path)
            if stat.S_ISDIR(found.st_mode):
                os.rmdir(path)
            elif stat.S_ISREG(found.st_mode) and found.st_size == 0:
                os.unlink(path)
        except (OSError, RingfenceError):
            return


def kill_everything(tools: Tools, jids: list[int]) -> None:
    """Kill every process of some jails until none is left (JAIL-KILL-05).

    Raises:
        RingfenceError: some are left after ten seconds.
    """
    end = time.monotonic() + KILL_SECONDS
    while left := signal_everything(tools, jids, SIGKILL):
        if time.monotonic() > end:
            raise RingfenceError(f"{left} processes of the jail cannot be killed")
        time.sleep(PAUSE)


def signal_everything(tools: Tools, jids: list[int], number: int) -> int:
    """Send a signal to every process of some jails; returns how many there were that can still take one."""
    count = 0
    for jid in jids:
        for process in query.processes_of(tools, jid):
            if process.is_zombie or process.jid != jid:
                continue
            count += 1
            try:
                os.kill(process.pid, number)
            except ProcessLookupError:
                continue
    return count
