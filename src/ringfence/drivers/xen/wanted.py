"""What a domain is made from beside config.json: what this host has, what the administrator wants. Pure."""

from __future__ import annotations

from ringfence.drivers.xen.cfg import PV
from ringfence.drivers.xen.sizes import Sizes
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.drivers.xen.cfg import Nic, Value
    from ringfence.network.netconf import Netconf
    from ringfence.plan.step import InitStep

SHARE, IMAGE, PACKED = "share", "image", "ramdisk"
"""Where the container's root comes from: a 9p share, a disk, the ramdisk."""
ROOT_TAG = "root"


class Tools(Record):
    """The programs of the toolstack by their absolute paths, and the seconds that each call has."""

    xl: str = "/usr/sbin/xl"
    xenstore_read: str = "/usr/bin/xenstore-read"
    timeout: int = 60


class Wanted(Record):
    """Everything that was decided on by looking at the host.

    ``kernel``, ``initrd`` and ``modules`` are files of dom0, the last two "" for none; ``origins`` tell where kernel
    and initrd were named. ``root`` is where the container's root comes from and ``tag`` what the guest asks its share
    by. ``image`` is a raw image, "" for none, which is the root if ``root`` says so. ``files`` are the numbers of the
    mounts whose source is a file. ``network`` are steps for the guest before the container's own, for ``netconf``, None
    without; ``reservation`` is what host-local is asked with, () for nothing, ``bridge_file`` the file that names the
    bridge. ``more`` are keys of an administrator's file. ``copies`` are pairs of a file of the image and its private
    copy. ``floor`` are the MiB that the kernel needs, ``patience`` the seconds from the start until the program has to
    run.
    """

    name: str
    uuid: str
    kernel: str
    sizes: Sizes
    type: str = PV
    initrd: str = ""
    modules: str = ""
    origins: tuple[str, str] = ("", "")
    parameters: tuple[str, ...] = ()
    root: str = SHARE
    image: str = ""
    image_readonly: bool = True
    tag: str = ROOT_TAG
    files: tuple[int, ...] = ()
    nics: tuple[Nic, ...] = ()
    network: tuple[InitStep, ...] = ()
    more: tuple[tuple[str, Value], ...] = ()
    pvcalls: bool = False
    reservation: tuple[str, ...] = ()
    bridge_file: str = ""
    netconf: Netconf | None = None
    copies: tuple[tuple[str, str], ...] = ()
    floor: int = 0
    patience: int = 120
    tools: Tools = Tools()
