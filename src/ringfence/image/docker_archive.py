"""What ``docker save`` writes: manifest.json beside configs and layers, in the old form and in that of layouts."""

from __future__ import annotations

import posixpath
import re

from ringfence.errors import RingfenceError
from ringfence.image.digest import Descriptor, digest_of
from ringfence.image.document import Document, parse
from ringfence.image.layout import Candidate, Image, Layer, diff_ids, read_small
from ringfence.image.limits import DEFAULT, Limits, exceeded
from ringfence.image.media import CONFIGS
from ringfence.image.platform import platform_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.image.store import Store

NAME = "manifest.json"
HEX_NAME = re.compile(r"(?:.*/)?([0-9a-f]{64})(?:\.json)?")


class Saved(Candidate):
    """An image of the archive, its config having been read already."""

    config: Document
    layers: tuple[str, ...]


def candidates(store: Store, limits: Limits = DEFAULT) -> list[Saved]:
    """Every image of the archive.

    Raises:
        RingfenceError: the archive is damaged.
    """
    found = parse(read_small(store, NAME), NAME)
    if not isinstance(found, list):
        raise RingfenceError(f"{store.what}: {NAME}: must be a list")
    if len(found) > limits.images:
        raise exceeded("images", limits.images, f"{store.what}: {NAME}")
    items = [Document(item, f"{store.what}: {NAME}[{place}]") for place, item in enumerate(found)]
    configs: dict[str, tuple[Descriptor, Document]] = {}
    return [_saved(store, item, configs) for item in items]


def _saved(store: Store, item: Document, configs: dict[str, tuple[Descriptor, Document]]) -> Saved:
    name = inside(item.text("Config"), item.where)
    if name not in configs:  # many images may name one, which is in memory once
        configs[name] = _config(store, name)
    held, config = configs[name]
    layers = tuple(inside(path, item.where) for path in item.texts("Layers"))
    refs = tuple(item.texts("RepoTags"))
    return Saved(held, refs, platform_of(config.value), config=config, layers=layers)


def _config(store: Store, name: str) -> tuple[Descriptor, Document]:
    data = read_small(store, name)
    digest = digest_of(data)
    named = HEX_NAME.fullmatch(name)
    if named and digest != f"sha256:{named[1]}":
        raise RingfenceError(f"{store.what}: {name}: expected sha256:{named[1]}, found {digest}")
    return Descriptor(CONFIGS[1], digest, len(data)), Document(parse(data, name), f"{store.what}: {name}")


def inside(path: str, where: str) -> str:
    """A path in the archive.

    Raises:
        RingfenceError: it leads out of it.
    """
    clean = posixpath.normpath(path)
    if clean.startswith(("/", "..")) or clean == ".":
        raise RingfenceError(f"{where}: {path!r} is no path in the archive")
    return clean


def read_image(store: Store, chosen: Saved, limits: Limits = DEFAULT) -> Image:
    """The image.

    Raises:
        RingfenceError: its documents do not fit together.
    """
    found = diff_ids(chosen.config, len(chosen.layers), limits)
    layers = tuple(Layer(name, None, diff_id) for name, diff_id in zip(chosen.layers, found))
    return Image(store, chosen, chosen.config, layers, {})
