"""Media types, those of the OCI (image-spec 1.1, media-types.md) and of Docker, which mean the same."""

from __future__ import annotations

from ringfence.errors import RingfenceError

OCI = "application/vnd.oci.image"
DOCKER = "application/vnd.docker"

INDEX = f"{OCI}.index.v1+json"
MANIFEST = f"{OCI}.manifest.v1+json"
CONFIG = f"{OCI}.config.v1+json"
LAYER = f"{OCI}.layer.v1.tar"
FOREIGN_LAYER = f"{OCI}.layer.nondistributable.v1.tar"

INDEXES = (INDEX, f"{DOCKER}.distribution.manifest.list.v2+json")
MANIFESTS = (MANIFEST, f"{DOCKER}.distribution.manifest.v2+json")
CONFIGS = (CONFIG, f"{DOCKER}.container.image.v1+json")
SCHEMA_1 = (f"{DOCKER}.distribution.manifest.v1+json", f"{DOCKER}.distribution.manifest.v1+prettyjws")

PLAIN, GZIP, ZSTD, XZ = "", "gzip", "zstd", "xz"
LAYERS = {
    LAYER: PLAIN,
    f"{LAYER}+gzip": GZIP,
    f"{LAYER}+zstd": ZSTD,
    FOREIGN_LAYER: PLAIN,
    f"{FOREIGN_LAYER}+gzip": GZIP,
    f"{FOREIGN_LAYER}+zstd": ZSTD,
    f"{DOCKER}.image.rootfs.diff.tar": PLAIN,
    f"{DOCKER}.image.rootfs.diff.tar.gzip": GZIP,
    f"{DOCKER}.image.rootfs.diff.tar.zstd": ZSTD,
    f"{DOCKER}.image.rootfs.foreign.diff.tar": PLAIN,
    f"{DOCKER}.image.rootfs.foreign.diff.tar.gzip": GZIP,
}
"""How the content of each type of layer is compressed."""


def layer_type(compression: str) -> str:
    """The type of a layer that is compressed in that way."""
    return f"{LAYER}+{compression}" if compression else LAYER


def compression_of(kind: str) -> str:
    """How a layer of that type is compressed.

    Raises:
        RingfenceError: it is encrypted, or of a type that is not known.
    """
    if kind.endswith("+encrypted"):
        raise RingfenceError(f"the layer is encrypted: {kind}", hint="ringfence decrypts no layers")
    if kind not in LAYERS:
        raise RingfenceError(f"the type of the layer is not known: {kind}")
    return LAYERS[kind]
