"""Making archives, layers and layouts for tests, damaged and hostile ones too."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ringfence.image import media
from ringfence.image.limits import Budget, Limits
from ringfence.image.policy import Policy, usual_policy
from ringfence.image.unpack import Unpacker

BLOCK = 512
TIME = 1_600_000_000
FOLDER, LINK, SYMLINK, FIFO, CHAR = tarfile.DIRTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE


def entry(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields: Any) -> bytes:
    """One entry with its content: ``entry("etc/passwd", b"root…", mode=0o644)``."""
    made = tarfile.TarInfo(name)
    made.type, made.size = kind, len(data)
    made.uid, made.gid, made.mtime = os.getuid(), os.getgid(), TIME
    made.mode = 0o755 if kind == FOLDER else 0o644
    for field, value in fields.items():
        setattr(made, field, value)
    return made.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape") + data + bytes(-len(data) % BLOCK)


def folder(name: str, **fields: Any) -> bytes:
    """A folder."""
    return entry(name, kind=FOLDER, **fields)


def symlink(name: str, target: str) -> bytes:
    """A symbolic link."""
    return entry(name, kind=SYMLINK, linkname=target)


def hard_link(name: str, target: str) -> bytes:
    """A hard link."""
    return entry(name, kind=LINK, linkname=target)


def pax(data: bytes, kind: bytes = tarfile.XHDTYPE) -> bytes:
    """A header of pax records, which are given as they are to stand there."""
    made = tarfile.TarInfo("pax")
    made.type, made.size = kind, len(data)
    return made.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % BLOCK)


def record(key: str, value: bytes | str) -> bytes:
    """One pax record with the right length."""
    rest = f" {key}=".encode() + (value.encode() if isinstance(value, str) else value) + b"\n"
    size = len(rest) + len(str(len(rest)))
    size = len(rest) + len(str(size))
    return str(size).encode() + rest


def header(**fields: Any) -> bytearray:
    """A header block of an empty file, whose bytes the caller changes; ``resum`` puts the checksum right."""
    return bytearray(entry("file", **fields)[:BLOCK])


def resum(block: bytes | bytearray) -> bytes:
    """The block with the right checksum."""
    made = bytearray(block)
    made[148:156] = b" " * 8
    made[148:156] = b"%06o\0 " % sum(made)
    return bytes(made)


def archive(*entries: bytes) -> bytes:
    """A whole archive."""
    return b"".join(entries) + bytes(2 * BLOCK)


# trees


def unpacked(root: Path, *layers: bytes, policy: Policy | None = None, limits: Limits | None = None) -> list[str]:
    """Unpack archives as layers below a folder; returns the warnings."""
    root.mkdir(exist_ok=True)
    warnings: list[str] = []
    descriptor = os.open(root, os.O_RDONLY)
    try:
        unpacker = Unpacker(
            descriptor, policy or usual_policy(os.geteuid() == 0), Budget(limits or Limits()), warnings.append
        )
        for number, data in enumerate(layers):
            unpacker.layer(iter([data]) if data else iter([]), f"layer {number}")
        unpacker.finish()
    finally:
        os.close(descriptor)
    return warnings


def names(root: Path) -> list[str]:
    """Every path below a folder, links not followed."""
    found = []
    for place, folders, files in os.walk(root):
        found += [os.path.relpath(os.path.join(place, name), root) for name in (*folders, *files)]
    return sorted(found)


# layouts


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def encode(value: object) -> bytes:
    return json.dumps(value).encode()


class Layout:
    """A layout folder that is being made; fields of its documents may be overridden."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.manifests: list[dict[str, Any]] = []
        (path / "blobs" / "sha256").mkdir(parents=True)
        (path / "oci-layout").write_bytes(encode({"imageLayoutVersion": "1.0.0"}))
        self.write_index()

    def write_index(self, **fields: Any) -> None:
        index = {"schemaVersion": 2, "mediaType": media.INDEX, "manifests": self.manifests, **fields}
        (self.path / "index.json").write_bytes(encode(index))

    def blob(self, data: bytes, kind: str, **fields: Any) -> dict[str, Any]:
        """Write a blob; returns its descriptor."""
        (self.path / "blobs" / "sha256" / digest(data).partition(":")[2]).write_bytes(data)
        return {"mediaType": kind, "digest": digest(data), "size": len(data), **fields}

    def manifest(self, layers: Sequence[dict[str, Any]], image: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Write config and manifest; returns the descriptor of the manifest."""
        held = self.blob(encode(image), media.CONFIG)
        made = {"schemaVersion": 2, "mediaType": media.MANIFEST, "config": held, "layers": list(layers), **fields}
        return self.blob(encode(made), media.MANIFEST)

    def add(
        self,
        *archives: bytes,
        ref: str = "",
        platform: str = "linux/amd64",
        packed: bool = True,
        config: dict[str, Any] | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        """Add an image with these archives as layers; returns the descriptor of its manifest."""
        layers = [self.layer(data, packed) for data in archives]
        words = dict(zip(("os", "architecture", "variant"), platform.split("/")))
        made = {
            **words,
            "config": config or {},
            "rootfs": {"type": "layers", "diff_ids": [digest(data) for data in archives]},
            **fields,
        }
        held = self.manifest(layers, made)
        if ref:
            held["annotations"] = {"org.opencontainers.image.ref.name": ref}
        self.manifests.append({**held, "platform": words})
        self.write_index()
        return held

    def layer(self, data: bytes, packed: bool = True) -> dict[str, Any]:
        """Write a layer; returns its descriptor."""
        if packed:
            return self.blob(gzip.compress(data, mtime=0), f"{media.LAYER}+gzip")
        return self.blob(data, media.LAYER)

    def tarred(self, target: Path) -> Path:
        """The layout as an archive."""
        with tarfile.open(target, "w") as file:
            for path in sorted(self.path.rglob("*")):
                file.add(path, str(path.relative_to(self.path)), recursive=False)
        return target


def files_tar(target: Path, files: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    """An archive of files and symbolic links."""
    with tarfile.open(target, "w") as file:
        for name, data in files.items():
            made = tarfile.TarInfo(name)
            made.size = len(data)
            file.addfile(made, io.BytesIO(data))
        for name, where in (links or {}).items():
            made = tarfile.TarInfo(name)
            made.type, made.linkname = SYMLINK, where
            file.addfile(made)
    return target


def elf_file(brand: int, machine: int) -> bytes:
    """The beginning of a program for a system and a machine, as elf(5) numbers them."""
    return b"\x7fELF\x02\x01\x01" + bytes([brand]) + bytes(10) + machine.to_bytes(2, "little")
