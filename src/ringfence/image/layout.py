"""Reading an image: the layout's index, the choice of one image in it, its manifest and config."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.image.compression import LONGEST_MAGIC, decompressed, detect
from ringfence.image.digest import Descriptor, check_digest, checked
from ringfence.image.document import LONGEST, Document, descriptor, kind_of, parse
from ringfence.image.limits import DEFAULT, Budget, Limits, exceeded
from ringfence.image.media import CONFIGS, FOREIGN_LAYER, compression_of
from ringfence.image.platform import Platform, platform_of
from ringfence.image.store import Blob, Store
from ringfence.image.stream import counted
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VERSION = "1.0.0"
DEEPEST = 4
REF_NAMES = ("org.opencontainers.image.ref.name", "io.containerd.image.name")
ATTESTATION = ("vnd.docker.reference.type", "attestation-manifest")


class Candidate(Record):
    """An image that a layout has: where its manifest is, what it is called, and what it is for."""

    descriptor: Descriptor
    refs: tuple[str, ...]
    platform: Platform


class Layer(Record):
    """A layer: the name of its file, what the manifest says of it, and the digest of its content.

    ``descriptor`` is None in an archive of Docker's old form, whose layers are known by their content only.
    """

    name: str
    descriptor: Descriptor | None
    diff_id: str


class Image(Record):
    """One image."""

    store: Store
    candidate: Candidate
    config: Document
    layers: tuple[Layer, ...]
    annotations: dict[str, str]


def blob_name(digest: str) -> str:
    """Where the layout keeps a blob; the digest has been checked."""
    return f"blobs/{digest.replace(':', '/')}"


def read_small(store: Store, name: str, digest: str = "", size: int = -1) -> bytes:
    """The whole of a small file.

    Raises:
        RingfenceError: it is missing, too long, or not what the digest says.
    """
    try:
        blob = store.open(name)
    except FileNotFoundError:
        raise RingfenceError(f"{store.what}: {name} is missing") from None
    with blob:
        if blob.size > LONGEST:
            raise RingfenceError(f"{blob.what}: longer than the {LONGEST} bytes that a document may have")
        chunks = blob.chunks()
        return b"".join(checked(chunks, digest, size, blob.what) if digest else chunks)


def read_document(store: Store, held: Descriptor) -> Document:
    """A document of the layout.

    Raises:
        RingfenceError: it cannot be read, or is not the one that the descriptor tells.
    """
    name = blob_name(held.digest)
    return Document(parse(read_small(store, name, held.digest, held.size), name), f"{store.what}: {name}")


def candidates(store: Store, limits: Limits = DEFAULT) -> list[Candidate]:
    """Every image of a layout, attestations left out.

    Raises:
        RingfenceError: the layout is damaged.
    """
    mark = Document(parse(read_small(store, "oci-layout"), "oci-layout"), f"{store.what}: oci-layout")
    if mark.text("imageLayoutVersion") != VERSION:
        raise RingfenceError(f"{mark.where}: a layout of version {mark.text('imageLayoutVersion')!r}, not {VERSION}")
    index = Document(parse(read_small(store, "index.json"), "index.json"), f"{store.what}: index.json")
    if kind_of(index, "") != "index":
        raise RingfenceError(f"{index.where}: not an index")
    return list(_flat(store, index, (), 1, Budget(limits)))


def _flat(store: Store, index: Document, refs: tuple[str, ...], depth: int, budget: Budget) -> Iterator[Candidate]:
    if depth > DEEPEST:
        raise RingfenceError(f"{index.where}: an index inside more than {DEEPEST - 1} others")
    for item in index.objects("manifests"):
        budget.image(index.where)
        held = descriptor(item)
        if held.annotations.get(ATTESTATION[0]) == ATTESTATION[1] or held.platform.get("os") == "unknown":
            continue
        own = tuple(held.annotations[name] for name in REF_NAMES if name in held.annotations)
        document = read_document(store, held)
        if kind_of(document, held.media_type) == "index":
            yield from _flat(store, document, (*refs, *own), depth + 1, budget)
        else:
            platform = platform_of(held.platform) if held.platform else _config_platform(store, document)
            yield Candidate(held, tuple(dict.fromkeys((*refs, *own))), platform)


def _config_platform(store: Store, manifest: Document) -> Platform:
    """What the config says, since the descriptor says nothing; of what is no image there is no platform."""
    if descriptor(manifest.object("config")).media_type not in CONFIGS:
        return Platform("", "")
    return platform_of(read_config(store, manifest).value)


def read_config(store: Store, manifest: Document) -> Document:
    """The config of an image.

    Raises:
        RingfenceError: it cannot be read, or is of another type.
    """
    held = descriptor(manifest.object("config"))
    if held.media_type not in CONFIGS:
        raise RingfenceError(f"{manifest.where}: the config is of the type {held.media_type!r}, this is no image")
    return read_document(store, held)


def read_image(store: Store, chosen: Candidate, limits: Limits = DEFAULT) -> Image:
    """The image that a manifest describes.

    Raises:
        RingfenceError: a document is damaged, or they do not fit together.
    """
    manifest = read_document(store, chosen.descriptor)
    config = read_config(store, manifest)
    held = [descriptor(item) for item in manifest.objects("layers")]
    layers = tuple(
        Layer(blob_name(item.digest), item, diff_id) for item, diff_id in zip(held, diff_ids(config, len(held), limits))
    )
    return Image(store, chosen, config, layers, manifest.text_map("annotations"))


def diff_ids(config: Document, count: int, limits: Limits) -> list[str]:
    """The digests of the layers' content.

    Raises:
        RingfenceError: there are not as many as layers, or too many.
    """
    found = [check_digest(text) for text in config.object("rootfs").texts("diff_ids")]
    if len(found) != count:
        raise RingfenceError(f"{config.where}: {len(found)} diff_ids for {count} layers")
    if count > limits.layers:
        raise exceeded("layers", limits.layers, config.where)
    return found


def open_layer(store: Store, layer: Layer) -> Blob:
    """The blob of a layer.

    Raises:
        RingfenceError: it is missing.
    """
    name = layer.name if layer.descriptor else store.resolved(layer.name)
    try:
        return store.open(name)
    except FileNotFoundError:
        kind = layer.descriptor.media_type if layer.descriptor else ""
        outside = kind.startswith((FOREIGN_LAYER, "application/vnd.docker.image.rootfs.foreign."))
        hint = "its layer is not distributed with the image, and ringfence fetches nothing" if outside else ""
        raise RingfenceError(f"{store.what}: {layer.name} is missing", hint=hint) from None


def layer_content(
    blob: Blob, layer: Layer, limits: Limits, told: Callable[[int], None] = lambda _: None
) -> Iterator[bytes]:
    """The tar archive of a layer, checked against every digest there is; ``told`` hears how much more was read.

    Raises:
        RingfenceError: something does not match, or is damaged.
    """
    how = detect(blob.head(LONGEST_MAGIC))
    chunks = counted(blob.chunks(), told)
    if layer.descriptor is not None:
        stated = compression_of(layer.descriptor.media_type)
        if how != stated:
            words = [f"{name} compressed" if name else "not compressed" for name in (how, stated)]
            raise RingfenceError(f"{blob.what}: the layer is {words[0]}, its type says {words[1]}")
        chunks = checked(chunks, layer.descriptor.digest, layer.descriptor.size, blob.what)
        if not how and layer.descriptor.digest == layer.diff_id:
            return chunks
    content = decompressed(chunks, how, blob.what, limits)
    return checked(content, layer.diff_id, -1, f"{blob.what}, decompressed")


def check_blob(blob: Blob, layer: Layer) -> None:
    """Read a layer's blob and see that it is what the manifest says; of an archive of Docker nothing is said.

    Raises:
        RingfenceError: it is not.
    """
    if layer.descriptor is not None:
        for _ in checked(blob.chunks(), layer.descriptor.digest, layer.descriptor.size, blob.what):
            pass
