"""What is done in dom0, as data; container/domain_steps.py does it."""

from __future__ import annotations

from ringfence.plan.step import HostStep

DOMID = "DOMID"
"""Stands in a command for what is known only when the domain is there."""


class CheckPlaces(HostStep):
    """See that what the domain is made from is there: kernel, ramdisk, sources of shares, images, by path and kind.

    ``places`` are pairs of a JSON pointer and a path, ``kinds`` one letter for each: f a file, d a folder, b a file or
    block device, e anything.
    """

    places: tuple[tuple[str, str], ...]
    kinds: str

    def describe(self) -> tuple[str, str]:
        return "check", f"{len(self.places)} files and folders of the domain"


class FindProgram(HostStep):
    """Look for the container's program in a root that dom0 sees; ``mounts`` are places that may hide it."""

    rootfs: str
    name: str
    search: str
    cwd: str
    mounts: tuple[str, ...]

    def describe(self) -> tuple[str, str]:
        return "find", f"{self.name} in the root"


class CopyFromImage(HostStep):
    """Copy a file of the container's root, no link of which leads out of it, for the domain alone."""

    rootfs: str
    source: str
    target: str

    def describe(self) -> tuple[str, str]:
        return "copy", f"{self.source} of the image → {self.target}"


class CheckBridge(HostStep):
    """See that a bridge of dom0 is there and is one."""

    name: str
    file: str

    def describe(self) -> tuple[str, str]:
        return "check", f"that {self.name} is a bridge"


class WriteConfig(HostStep):
    """Write the file that the domain is made from; root alone may read it."""

    path: str
    content: str

    def describe(self) -> tuple[str, str]:
        return "write", self.path


class WriteRamdisk(HostStep):
    """Write the domain's ramdisk: ``initrd``, "" for none, then the init and the container's plan, then ``modules``.

    ``packed`` is a folder that is packed into it, "" for none.
    """

    path: str
    initrd: str
    modules: str
    packed: str = ""

    def describe(self) -> tuple[str, str]:
        first = f"{self.initrd} and " if self.initrd else ""
        last = f", {self.packed}" if self.packed else ""
        return "write", f"{self.path}: {first}the init with the container's plan{last}"


class ReserveAddress(HostStep):
    """Have the plugin host-local give the domain an address; ``words`` tell of the network (network/cni.py)."""

    words: tuple[str, ...]

    def describe(self) -> tuple[str, str]:
        return "reserve", "an address with host-local"


class RunCommand(HostStep):
    """Run a command of Xen's to its end. With ``inside`` the nested plan of that name does it, in places of its own."""

    words: tuple[str, ...]
    inside: str = ""

    def describe(self) -> tuple[str, str]:
        return "run", " ".join(self.words)


class ConfirmDomain(HostStep):
    """See by ``xl list -v`` that the domain with this UUID is there and stands still, and note its number."""

    words: tuple[str, ...]
    uuid: str

    def describe(self) -> tuple[str, str]:
        return "run", f"{' '.join(self.words)}   and see that {self.uuid} is paused"


class OpenConsole(HostStep):
    """Ask for the name of the console's terminal and open that, once it has proved to be one."""

    words: tuple[str, ...]

    def describe(self) -> tuple[str, str]:
        return "run", f"{' '.join(self.words)}   and open the console"
