"""A busybox image as one archive that every engine loads, written without a registry and without an engine's help.

The archive is an OCI image layout (image-spec 1.1, image-layout.md) and at the same time what ``docker save`` writes:
its ``manifest.json`` names the same blobs. ``docker load``, ``podman load`` and ``ctr images import`` take it as it is.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import shutil
import tarfile
import tempfile
from typing import Any

from tests.support.config import PATH
from tests.support.rootfs import make_rootfs

NAME = "docker.io/library/ringfence-test:latest"
CREATED = "2026-01-01T00:00:00Z"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "riscv64": "riscv64", "ppc64le": "ppc64le", "s390x": "s390x"}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
INDEX = "application/vnd.oci.image.index.v1+json"


def write_image(path: str, name: str = NAME, **config: Any) -> None:
    """Write the archive ``path`` with one image called ``name``; ``config`` is added to its config (Cmd, Env...)."""
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        _write_layout(_Layout(archive), name, {"Cmd": ["sh"], "Env": [f"PATH={PATH}"], "WorkingDir": "/", **config})


class _Layout:
    """The blobs of the archive."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self.archive = archive

    def add(self, path: str, data: bytes) -> None:
        """Add one file."""
        entry = tarfile.TarInfo(path)
        entry.size = len(data)
        entry.mode = 0o644
        self.archive.addfile(entry, io.BytesIO(data))

    def blob(self, data: bytes, kind: str) -> dict[str, Any]:
        """Add a blob and return its descriptor."""
        digest = hashlib.sha256(data).hexdigest()
        self.add(blob_path(digest), data)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}


def blob_path(digest: str) -> str:
    """Where the layout keeps the blob with that digest."""
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _write_layout(layout: _Layout, name: str, config: dict[str, Any]) -> None:
    layer = layout.blob(_layer(), LAYER)
    image = layout.blob(_encode(_image_config(config, layer["digest"])), CONFIG)
    manifest = layout.blob(
        _encode({"schemaVersion": 2, "mediaType": MANIFEST, "config": image, "layers": [layer]}), MANIFEST
    )
    manifest["platform"] = {"architecture": _architecture(), "os": "linux"}
    manifest["annotations"] = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
    layout.add("oci-layout", _encode({"imageLayoutVersion": "1.0.0"}))
    layout.add("index.json", _encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest]}))
    saved = {"Config": blob_path(image["digest"]), "RepoTags": [name], "Layers": [blob_path(layer["digest"])]}
    layout.add("manifest.json", _encode([saved]))


def _image_config(config: dict[str, Any], layer: str) -> dict[str, Any]:
    return {
        "created": CREATED,
        "architecture": _architecture(),
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer]},
        "history": [{"created": CREATED, "created_by": "tests/support/image.py"}],
    }


def _architecture() -> str:
    return ARCHITECTURES.get(platform.machine(), platform.machine())


def _encode(value: object) -> bytes:
    return json.dumps(value).encode()


def _layer() -> bytes:
    """A tar of the busybox root file system; the same bytes every time, so that the image keeps its digest."""
    folder = tempfile.mkdtemp(prefix="ringfence-image-")
    try:
        make_rootfs(folder)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as layer:
            for name in sorted(os.listdir(folder)):
                layer.add(os.path.join(folder, name), name, filter=_neutral)
        return packed.getvalue()
    finally:
        shutil.rmtree(folder)


def _neutral(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    entry.mtime = 0
    return entry
