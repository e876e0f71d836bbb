"""Making an image of one layer from a root (image-spec 1.1): the same bytes for the same root, whoever builds it."""

from __future__ import annotations

import hashlib
import os
import tempfile

from ringfence.errors import RingfenceError, from_os_error
from ringfence.image import media
from ringfence.image.archive import Archive
from ringfence.image.compression import compressed
from ringfence.image.digest import digest_of
from ringfence.image.document import Document, encode
from ringfence.image.elf import root_platform
from ringfence.image.entry import CHAR, DEVICE, FIFO, shown
from ringfence.image.limits import DEFAULT, Limits
from ringfence.image.output import Output
from ringfence.image.platform import Platform
from ringfence.image.policy import KEEP, REFUSE
from ringfence.image.store import Blob
from ringfence.image.stream import Ahead
from ringfence.image.tags import full_name
from ringfence.image.tar_writer import SECOND, plain_file, plain_folder, tar_chunks
from ringfence.image.tree import Tree
from ringfence.image.whiteout import PREFIX
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from ringfence.image.tar_writer import Item

CREATED_BY = "ringfence image build"


class Build(Record):
    """How to make an image.

    Attributes:
        rootfs: a folder or a tar archive.
        platform: what it is for; None asks the root's programs.
        compression: ``gzip``, ``zstd`` or "".
        tag: what it is called, "" for no name.
        author: who made it, "" to say nothing.
        config: the ``config`` section, which says what program to run.
        epoch: seconds since 1970 that no time in the image is beyond, and when it was created; None for none.
        devices: ``keep``, ``skip`` or ``refuse``.
        spool: the folder for files without a name.
        limits: what reading an archive may cost.
    """

    rootfs: str
    platform: Platform | None = None
    compression: str = media.GZIP
    tag: str = ""
    author: str = ""
    config: dict[str, Any] = {}  # noqa: RUF012 - never changed
    epoch: int | None = None
    devices: str = KEEP
    spool: str = ""
    limits: Limits = DEFAULT


class Made(Record):
    """The layer that has been written: its compressed size and digest, the digest of its content."""

    size: int
    digest: str
    diff_id: str


def build(wanted: Build, output: Output, warn: Callable[[str], None], told: Callable[[int], None]) -> Platform:
    """Write the image as an archive of an OCI layout.

    Args:
        wanted: how to make it.
        output: where to.
        warn: told what was left out.
        told: told how many bytes more have been read.

    Returns:
        What the image is for.

    Raises:
        RingfenceError: the root cannot be read, or the image not written.
    """
    names = (
        {"org.opencontainers.image.ref.name": wanted.tag, "io.containerd.image.name": full_name(wanted.tag)}
        if wanted.tag
        else {}
    )
    spool = wanted.spool or tempfile.gettempdir()
    try:
        with open_root(wanted, spool, warn) as root, tempfile.TemporaryFile(dir=spool) as file:
            platform = wanted.platform or root_platform(root.head)
            layer = write_layer(layer_items(root.items(), wanted, warn), wanted.compression, file.fileno(), told)
            blob = Blob(file.fileno(), 0, layer.size, "layer")
            for chunk in tar_chunks(layout_items(wanted, platform, layer, blob, names)):
                output.write(chunk)
    except OSError as error:
        raise from_os_error("cannot write the image", error) from None
    return platform


def checked_config(section: Document) -> dict[str, Any]:
    """The ``config`` section of an image (image-spec 1.1, config.md), members that ringfence does not know included.

    Raises:
        RingfenceError: a member is of another kind than engines read.
    """
    for key in ("User", "WorkingDir", "StopSignal"):
        section.text(key)
    for key in ("Env", "Entrypoint", "Cmd"):
        section.texts(key)
    for key in ("ExposedPorts", "Volumes"):
        section.object(key)
    section.text_map("Labels")
    return section.value


def open_root(wanted: Build, spool: str, warn: Callable[[str], None]) -> Tree | Archive:
    """The root, a folder or an archive.

    Raises:
        RingfenceError: it is neither.
    """
    try:
        held = os.open(wanted.rootfs, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise from_os_error(f"open {wanted.rootfs}", error) from None
    if os.path.isdir(wanted.rootfs):
        return Tree(held, warn, wanted.limits)
    return Archive(held, wanted.rootfs, wanted.limits, spool, warn)


def layer_items(items: Iterable[Item], wanted: Build, warn: Callable[[str], None]) -> Iterator[Item]:
    """The entries as they go into the layer.

    Raises:
        RingfenceError: one has a name that would delete another on unpacking, or is a device that is refused.
    """
    latest = None if wanted.epoch is None else wanted.epoch * SECOND
    for entry, content in items:
        if entry.name.rpartition(b"/")[2].startswith(PREFIX):
            raise RingfenceError(f"{shown(entry.name)}: a name that begins with .wh. would delete what it names")
        if entry.kind in (CHAR, DEVICE, FIFO) and wanted.devices != KEEP:
            if wanted.devices == REFUSE:
                raise RingfenceError(f"{shown(entry.name)}: devices and FIFOs are refused")
            warn(f"{shown(entry.name)}: a device or FIFO, left out")
            continue
        if latest is not None:
            entry.mtime = min(entry.mtime, latest)
        yield entry, content


def write_layer(items: Iterable[Item], how: str, descriptor: int, told: Callable[[int], None]) -> Made:
    """Write a layer to a file.

    Raises:
        RingfenceError: the root cannot be read.
        OSError: the file cannot be written.
    """
    content, packed, size = hashlib.sha256(), hashlib.sha256(), 0

    def seen(chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            content.update(chunk)
            told(len(chunk))
            yield chunk

    with Ahead(tar_chunks(items)) as chunks:
        for piece in compressed(seen(chunks), how):
            packed.update(piece)
            size += len(piece)
            view = memoryview(piece)
            while view:
                view = view[os.write(descriptor, view) :]
    return Made(size, f"sha256:{packed.hexdigest()}", f"sha256:{content.hexdigest()}")


def image_config(wanted: Build, platform: Platform, layer: Made) -> dict[str, Any]:
    """The config document."""
    created = {} if wanted.epoch is None else {"created": timestamp(wanted.epoch)}
    return {
        **created,
        **({"author": wanted.author} if wanted.author else {}),
        **platform_section(platform),
        "config": wanted.config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
        "history": [{**created, "created_by": CREATED_BY}],
    }


def platform_section(platform: Platform) -> dict[str, str]:
    """The platform as members of a document."""
    made = {"architecture": platform.architecture, "os": platform.os}
    return {**made, "variant": platform.variant} if platform.variant else made


def timestamp(epoch: int) -> str:
    """RFC 3339."""
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch))


def described(data: bytes, kind: str) -> dict[str, Any]:
    """The descriptor of a document."""
    return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}


def layout_items(wanted: Build, platform: Platform, layer: Made, blob: Blob, names: dict[str, str]) -> Iterator[Item]:
    """The files of the layout."""
    config = encode(image_config(wanted, platform, layer))
    held = {"mediaType": media.layer_type(wanted.compression), "digest": layer.digest, "size": layer.size}
    manifest = encode(
        {
            "schemaVersion": 2,
            "mediaType": media.MANIFEST,
            "config": described(config, media.CONFIG),
            "layers": [held],
        }
    )
    listed = {**described(manifest, media.MANIFEST), "platform": platform_section(platform)}
    listed |= {"annotations": names} if names else {}
    index = encode({"schemaVersion": 2, "mediaType": media.INDEX, "manifests": [listed]})
    yield small("oci-layout", encode({"imageLayoutVersion": "1.0.0"}))
    yield small("index.json", index)
    yield plain_folder("blobs"), ()
    yield plain_folder("blobs/sha256"), ()
    paths = {digest: f"blobs/{digest.replace(':', '/')}" for digest in (digest_of(config), layer.digest)}
    if names:
        saved = {
            "Config": paths[digest_of(config)],
            "RepoTags": [names["io.containerd.image.name"]],
            "Layers": [paths[layer.digest]],
        }
        yield small("manifest.json", encode([saved]))
    for data in (manifest, config):
        yield small(f"blobs/{digest_of(data).replace(':', '/')}", data)
    yield plain_file(paths[layer.digest], layer.size), blob.chunks()


def small(name: str, data: bytes) -> Item:
    """A file that is in memory."""
    return plain_file(name, len(data)), (data,)
