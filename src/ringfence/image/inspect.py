"""What there is to say of an image, without unpacking it."""

from __future__ import annotations

import stat

from ringfence.image.entry import CHAR, DEVICE, FIFO, FILE, FOLDER, LINK, SYMLINK, Entry, shown
from ringfence.image.inside import parts_of
from ringfence.image.layout import Image, layer_content, open_layer
from ringfence.image.limits import Limits
from ringfence.image.stream import Ahead, Stream
from ringfence.image.tar_reader import Reader
from ringfence.image.whiteout import ALL, PLAIN, whiteout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

FORMATS = {
    FILE: stat.S_IFREG, LINK: stat.S_IFREG, FOLDER: stat.S_IFDIR, SYMLINK: stat.S_IFLNK,
    CHAR: stat.S_IFCHR, DEVICE: stat.S_IFBLK, FIFO: stat.S_IFIFO,
}  # fmt: skip


def described(image: Image) -> dict[str, Any]:
    """An image as a JSON value."""
    held = image.candidate.descriptor
    return {
        "refs": list(image.candidate.refs),
        "platform": str(image.candidate.platform),
        "manifest": {"mediaType": held.media_type, "digest": held.digest, "size": held.size},
        "annotations": {**held.annotations, **image.annotations},
        "config": image.config.value,
        "layers": [layer_value(image, place) for place in range(len(image.layers))],
    }


def layer_value(image: Image, place: int) -> dict[str, Any]:
    """A layer as a JSON value."""
    layer = image.layers[place]
    held = layer.descriptor
    if held is None:
        return {"name": layer.name, "diffID": layer.diff_id}
    return {"mediaType": held.media_type, "digest": held.digest, "size": held.size, "diffID": layer.diff_id}


def files(image: Image, limits: Limits) -> Iterator[str]:
    """One line for each entry of each layer; a blank line begins with the layer's digest.

    Raises:
        RingfenceError: a layer is damaged.
    """
    for layer in image.layers:
        yield f"layer {layer.diff_id}"
        with open_layer(image.store, layer) as blob, Ahead(layer_content(blob, layer, limits)) as chunks:
            source = Stream(chunks, blob.what)
            for entry in Reader(source, limits):
                yield file_line(entry)
            while source.some(2**20):
                pass


def file_line(entry: Entry) -> str:
    """Mode, owner, size and path, and what the entry means beyond that."""
    mode = stat.filemode(FORMATS[entry.kind] | entry.mode)
    line = f"{mode} {entry.uid}:{entry.gid} {entry.size} {shown(entry.name)}"
    if entry.kind == SYMLINK:
        return f"{line} -> {shown(entry.link)}"
    if entry.kind == LINK:
        return f"{line} link to {shown(entry.link)}"
    if entry.kind in (CHAR, DEVICE):
        return f"{line} device {entry.device[0]}:{entry.device[1]}"
    kind, name = whiteout(parts_of(entry.name) or [b""])
    if kind == PLAIN:
        return f"{line} removes {shown(name)}"
    return f"{line} hides all below" if kind == ALL else line
