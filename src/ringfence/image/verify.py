"""Reading every blob of an image to see whether it is what its descriptor says."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.image import docker_archive
from ringfence.image.digest import Descriptor, check_digest, checked
from ringfence.image.document import Document, descriptor, kind_of, parse
from ringfence.image.layout import (
    DEEPEST,
    Layer,
    blob_name,
    layer_content,
    open_layer,
    read_config,
    read_document,
    read_small,
)
from ringfence.image.limits import DEFAULT, Budget, LimitError, Limits
from ringfence.image.media import CONFIGS, INDEXES, MANIFESTS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringfence.image.store import Store


def mismatches(store: Store, limits: Limits = DEFAULT) -> Iterator[str]:
    """One line for everything that is missing, damaged or not what it should be."""
    try:
        if store.has("oci-layout"):
            index = Document(parse(read_small(store, "index.json"), "index.json"), f"{store.what}: index.json")
            yield from _of_index(store, index, 1, Budget(limits))
        else:
            for saved in docker_archive.candidates(store, limits):
                yield from _of_layers(store, docker_archive.read_image(store, saved, limits).layers, limits)
    except RingfenceError as error:
        yield str(error)


def _of_index(store: Store, index: Document, depth: int, budget: Budget) -> Iterator[str]:
    if depth > DEEPEST:
        yield f"{index.where}: an index inside more than {DEEPEST - 1} others"
        return
    for item in index.objects("manifests"):
        budget.image(index.where)
        try:
            yield from _of_document(store, descriptor(item), depth, budget)
        except LimitError:
            raise
        except RingfenceError as error:
            yield str(error)


def _of_document(store: Store, held: Descriptor, depth: int, budget: Budget) -> Iterator[str]:
    if held.media_type and held.media_type not in (*INDEXES, *MANIFESTS):
        yield from _of_blob(store, held)
        return
    document = read_document(store, held)
    if kind_of(document, held.media_type) == "index":
        yield from _of_index(store, document, depth + 1, budget)
        return
    layers = [descriptor(item) for item in document.objects("layers")]
    told = descriptor(document.object("config"))
    if told.media_type not in CONFIGS:  # an attestation, or something else that is no image
        for blob in (told, *layers):
            yield from _of_blob(store, blob)
        return
    config = read_config(store, document)
    diff_ids = [check_digest(text) for text in config.object("rootfs").texts("diff_ids")]
    if len(diff_ids) != len(layers) or not all(_is_layer(item) for item in layers):
        for blob in layers:
            yield from _of_blob(store, blob)
        return
    named = tuple(Layer(blob_name(item.digest), item, text) for item, text in zip(layers, diff_ids))
    yield from _of_layers(store, named, budget.limits)


def _is_layer(held: Descriptor) -> bool:
    return ".layer." in held.media_type or ".rootfs." in held.media_type


def _of_layers(store: Store, layers: tuple[Layer, ...], limits: Limits) -> Iterator[str]:
    for layer in layers:
        try:
            with open_layer(store, layer) as blob:
                for _ in layer_content(blob, layer, limits):
                    pass
        except RingfenceError as error:
            yield str(error)


def _of_blob(store: Store, held: Descriptor) -> Iterator[str]:
    try:
        with store.open(blob_name(held.digest)) as blob:
            for _ in checked(blob.chunks(), held.digest, held.size, blob.what):
                pass
    except FileNotFoundError:
        yield f"{store.what}: {blob_name(held.digest)} is missing"
    except RingfenceError as error:
        yield str(error)
