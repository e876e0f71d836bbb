"""Building an image: the same bytes for the same root, and everything that is in it."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import os
import shutil
import socket
import tarfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from ringfence.errors import RingfenceError
from ringfence.image import media
from ringfence.image.build import Build, build
from ringfence.image.choose import candidates, read_image
from ringfence.image.entry import Entry
from ringfence.image.layout import layer_content, open_layer
from ringfence.image.limits import DEFAULT
from ringfence.image.output import Output
from ringfence.image.platform import Platform, host_platform
from ringfence.image.store import open_store
from ringfence.image.tags import full_name
from ringfence.image.tar_writer import tar_chunks
from ringfence.image.tree import Tree
from ringfence.image.verify import mismatches
from tests.unit.image.archives import (
    CHAR,
    FIFO,
    archive,
    elf_file,
    entry,
    folder,
    hard_link,
    names,
    pax,
    record,
    symlink,
    unpacked,
)

LINUX = Platform("linux", "amd64")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a bit of everything."""
    path = tmp_path / "root"
    (path / "etc").mkdir(parents=True)
    (path / "empty").mkdir(mode=0o700)
    (path / "etc/passwd").write_text("root:x:0:0::/:\n")
    (path / "etc/shadow").write_text("secret")
    (path / "etc/shadow").chmod(0o600)
    (path / "su").write_bytes(b"\x7fELF")
    (path / "su").chmod(0o4755)
    (path / "tmp").mkdir()
    (path / "tmp").chmod(0o1777)
    os.link(path / "su", path / "also-su")
    (path / "link").symlink_to("/nowhere/../x")
    os.mkfifo(path / "fifo")
    (path / ("long" * 60)).write_text("x")
    (path / "caf\udce9").write_text("not utf-8")
    for place, folders, files in os.walk(path, topdown=False):
        for name in (*folders, *files):
            os.utime(os.path.join(place, name), (5, 1_600_000_000), follow_symlinks=False)
    os.utime(path, (5, 1_600_000_000))
    return path


def image(target: Path, rootfs: Path, warn: Callable[[str], None] = lambda _: None, **fields: Any) -> Path:
    with Output(str(target)) as output:
        build(Build(rootfs=str(rootfs), **fields), output, warn, lambda _: None)
    return target


def files(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as held:
        return {
            member.name: held.extractfile(member).read()  # type: ignore[union-attr]
            for member in held
            if member.isfile()
        }


def layer(path: Path) -> bytes:
    """The archive in the only layer."""
    with open_store(str(path), DEFAULT, "/tmp", lambda _: None) as store:
        held = read_image(store, candidates(store)[0])
        with open_layer(store, held.layers[0]) as blob:
            return b"".join(layer_content(blob, held.layers[0], DEFAULT))


def members(path: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(layer(path)), encoding="utf-8", errors="surrogateescape") as held:
        return {member.name: member for member in held}


@pytest.mark.parametrize(
    ("compression", "kind"), [("gzip", f"{media.LAYER}+gzip"), ("zstd", f"{media.LAYER}+zstd"), ("", media.LAYER)]
)
def test_the_layout(root: Path, tmp_path: Path, compression: str, kind: str) -> None:
    """IMG-BUILD-01, IMG-BUILD-03, IMG-BUILD-04: every name, size, digest and type."""
    held = files(image(tmp_path / "image.tar", root, compression=compression, platform=LINUX))
    assert json.loads(held.pop("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads(held.pop("index.json"))
    assert index["mediaType"] == media.INDEX
    for name, data in held.items():
        assert name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}"
    (listed,) = index["manifests"]
    manifest = json.loads(found(held, listed, media.MANIFEST))
    config = json.loads(found(held, manifest["config"], media.CONFIG))
    (only,) = manifest["layers"]
    found(held, only, kind)
    assert manifest["mediaType"] == media.MANIFEST
    content = layer(tmp_path / "image.tar")
    assert config["rootfs"] == {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(content).hexdigest()}"]}
    assert config["history"] == [{"created_by": "ringfence image build"}]
    assert len(held) == 3


def found(held: dict[str, bytes], descriptor: dict[str, Any], kind: str) -> bytes:
    data = held[f"blobs/{descriptor['digest'].replace(':', '/')}"]
    assert (descriptor["size"], descriptor["mediaType"]) == (len(data), kind)
    return data


def test_what_is_in_the_layer(root: Path, tmp_path: Path) -> None:
    """IMG-BUILD-06: modes, links, empty folders, FIFOs, names of any length and of any bytes."""
    held = members(image(tmp_path / "image.tar", root))
    assert [(name, held[name].mode) for name in ("empty", "etc/shadow", "also-su", "tmp")] == [
        ("empty", 0o700), ("etc/shadow", 0o600), ("also-su", 0o4755), ("tmp", 0o1777),
    ]  # fmt: skip
    assert (held["also-su"].isfile(), held["su"].islnk(), held["su"].linkname) == (True, True, "also-su")
    assert (held["link"].issym(), held["link"].linkname) == (True, "/nowhere/../x")
    assert held["fifo"].isfifo()
    assert {"long" * 60, "caf\udce9"} <= set(held)
    assert {(member.uid, member.uname, member.gname) for member in held.values()} == {(os.getuid(), "", "")}
    assert {member.mtime for member in held.values()} == {1_600_000_000}


def test_names_are_sorted_by_their_bytes(root: Path, tmp_path: Path) -> None:
    """IMG-BUILD-02: a folder before what is in it."""
    held = [os.fsencode(name).split(b"/") for name in members(image(tmp_path / "image.tar", root))]
    assert held[0] == [b"."]
    assert held[1:] == sorted(held[1:])


def copies(root: Path, tmp_path: Path) -> Iterator[Path]:
    """The same tree, made in another order and by another process."""
    again = tmp_path / "again"
    shutil.copytree(root, again, symlinks=True, ignore=shutil.ignore_patterns("fifo", "su"))
    os.mkfifo(again / "fifo")
    os.link(again / "also-su", again / "su")
    for place, folders, entries in os.walk(root, topdown=False):
        for name in (*folders, *entries, "."):
            status = os.lstat(os.path.join(place, name))
            target = os.path.join(again, os.path.relpath(os.path.join(place, name), root))
            os.utime(target, ns=(1, status.st_mtime_ns), follow_symlinks=False)
            if not os.path.islink(target):
                os.chmod(target, status.st_mode & 0o7777)
    yield again


def backwards(path: Any, listdir: Callable[[Any], list[str]] = os.listdir) -> list[str]:
    """os.listdir in another order."""
    return sorted(listdir(path), reverse=True)


def test_the_same_root_gives_the_same_bytes(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMG-BUILD-02: whatever the time, umask, locale, zone and working directory, and wherever the root lies."""
    first = image(tmp_path / "1.tar", root).read_bytes()
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setenv("LC_ALL", "C")
    time.tzset()
    monkeypatch.chdir("/")
    before = os.umask(0o077)
    try:
        for again in copies(root, tmp_path):
            monkeypatch.setattr(os, "listdir", backwards)
            assert image(tmp_path / "2.tar", again).read_bytes() == first
    finally:
        os.umask(before)
        monkeypatch.delenv("TZ")
        time.tzset()


def test_no_time_is_that_of_building(root: Path, tmp_path: Path) -> None:
    """IMG-BUILD-02: without SOURCE_DATE_EPOCH nothing says when."""
    path = image(tmp_path / "image.tar", root, tag="demo")
    assert b'"created":' not in b"".join(files(path).values())
    with tarfile.open(path) as held:
        assert {member.mtime for member in held} == {0}


def test_the_epoch_is_the_latest_time(root: Path, tmp_path: Path) -> None:
    """IMG-BUILD-02."""
    os.utime(root / "etc", (0, 100))
    path = image(tmp_path / "image.tar", root, epoch=1_000_000_000)
    held = members(path)
    assert (held["etc"].mtime, held["su"].mtime) == (100, 1_000_000_000)
    assert b'"created":"2001-09-09T01:46:40Z"' in b"".join(files(path).values())


PACKS: dict[str, Callable[[bytes], bytes]] = {
    "tar": lambda data: data,
    "gz": lambda data: __import__("gzip").compress(data),
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("how", PACKS)
def test_an_archive_gives_what_its_folder_gives(root: Path, tmp_path: Path, form: Any, how: str) -> None:
    """IMG-BUILD-05: in any order and dialect, told by its content; it is written anew in the normal form."""
    (root / ("long" * 60)).unlink()
    os.utime(root, (5, 1_600_000_000))
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form, encoding="utf-8", errors="surrogateescape") as held:
        paths = [root, *sorted(root.rglob("*"), reverse=True)]
        for path in sorted(paths, key=lambda path: -len(str(path)) if path.is_dir() else 0):
            held.add(path, os.path.relpath(path, root), recursive=False)
    (tmp_path / "root.dat").write_bytes(PACKS[how](made.getvalue()))
    assert layer(image(tmp_path / "1.tar", tmp_path / "root.dat")) == layer(image(tmp_path / "2.tar", root))


def from_archive(tmp_path: Path, *entries: bytes) -> dict[str, tarfile.TarInfo]:
    (tmp_path / "root.tar").write_bytes(archive(*entries))
    return members(image(tmp_path / "image.tar", tmp_path / "root.tar"))


def test_hard_links_of_an_archive(tmp_path: Path) -> None:
    """IMG-BUILD-06: the first name in order has the content, also if it was the link; a name used again is another."""
    held = from_archive(
        tmp_path,
        entry("z", b"content"),
        hard_link("a", "./z"),
        entry("z2", b"1"),
        hard_link("b", "z2"),
        entry("z2", b"22"),
    )
    assert [(name, member.islnk(), member.size) for name, member in held.items()] == [
        ("a", False, 7), ("b", False, 1), ("z", True, 0), ("z2", False, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "entries", [[hard_link("a", "b")], [folder("d"), hard_link("a", "d")], [entry("../x")], [symlink(".", "x")]]
)
def test_an_archive_that_cannot_be_a_root_is_refused(tmp_path: Path, entries: list[bytes]) -> None:
    """IMG-BUILD-05."""
    with pytest.raises(RingfenceError):
        from_archive(tmp_path, *entries)


def test_sparse_files_and_attributes_of_an_archive(tmp_path: Path) -> None:
    """IMG-BUILD-05, IMG-BUILD-06."""
    hole = record("GNU.sparse.map", "2,1,5,1") + record("GNU.sparse.size", "8") + record("GNU.sparse.name", "s")
    held = record("SCHILY.xattr.user.a", b"\0\xff")
    from_archive(tmp_path, pax(hole), entry("x", b"ab"), pax(held), entry("y"))
    unpacked(tmp_path / "out", layer(tmp_path / "image.tar"))
    assert (tmp_path / "out/s").read_bytes() == b"\0\0a\0\0b\0\0"
    assert b"SCHILY.xattr.user.a=\0\xff\n" in layer(tmp_path / "image.tar")


def test_attributes_of_a_folder(root: Path, tmp_path: Path) -> None:
    """IMG-BUILD-06."""
    try:
        os.setxattr(root / "su", "user.test", b"\0value\xff")
        os.setxattr(root / "etc", "user.overlay.opaque", b"y")
    except OSError as error:
        pytest.skip(f"no extended attributes here: {error}")
    data = layer(image(tmp_path / "image.tar", root))
    assert b"SCHILY.xattr.user.test=\0value\xff\n" in data
    assert b"overlay" not in data


@pytest.mark.parametrize("name", [".wh.x", "d/.wh.x", ".wh..wh..opq"])
def test_names_that_would_delete_are_refused(tmp_path: Path, name: str) -> None:
    """IMG-BUILD-06."""
    (tmp_path / "root/d").mkdir(parents=True)
    (tmp_path / "root" / name).touch()
    with pytest.raises(RingfenceError, match=r"\.wh\."):
        image(tmp_path / "image.tar", tmp_path / "root")
    assert not (tmp_path / "image.tar").exists()
    with pytest.raises(RingfenceError, match=r"\.wh\."):
        from_archive(tmp_path, entry(name))


def test_sockets_are_left_out(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMG-BUILD-06."""
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as held:
        held.bind("s")
    warnings: list[str] = []
    assert "s" not in members(image(tmp_path / "image.tar", root, warnings.append))
    assert warnings == ["s: a socket, which no layer can hold, is left out"]


def test_devices_by_policy(tmp_path: Path) -> None:
    """IMG-BUILD-06."""
    (tmp_path / "root.tar").write_bytes(
        archive(entry("c", kind=CHAR, devmajor=1, devminor=3), entry("f"), entry("p", kind=FIFO))
    )
    held = members(image(tmp_path / "1.tar", tmp_path / "root.tar"))
    assert (held["c"].devmajor, held["c"].devminor, held["p"].isfifo()) == (1, 3, True)
    warnings: list[str] = []
    assert list(members(image(tmp_path / "2.tar", tmp_path / "root.tar", warnings.append, devices="skip"))) == ["f"]
    assert len(warnings) == 2
    with pytest.raises(RingfenceError, match="c: devices and FIFOs are refused"):
        image(tmp_path / "3.tar", tmp_path / "root.tar", devices="refuse")


@pytest.mark.parametrize("change", [b"longer than it was before", b""])
def test_a_file_that_changes_while_it_is_read_is_an_error(root: Path, change: bytes) -> None:
    """IMG-BUILD-05: not an archive that is broken."""

    def changing(tree: Tree) -> Iterator[tuple[Entry, Iterable[bytes]]]:
        for held, content in tree.items():
            if held.name == b"etc/passwd":
                (root / "etc/passwd").write_bytes(change)
            yield held, content

    with (
        Tree(os.open(root, os.O_RDONLY), lambda _: None) as tree,
        pytest.raises(RingfenceError, match="size has changed"),
    ):
        for _ in tar_chunks(changing(tree)):
            pass


def test_links_in_the_root_are_not_followed(tmp_path: Path) -> None:
    """IMG-BUILD-05."""
    (tmp_path / "host").mkdir()
    (tmp_path / "host/secret").write_text("secret")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/l").symlink_to("../host")
    assert list(members(image(tmp_path / "image.tar", tmp_path / "root"))) == [".", "l"]


@pytest.mark.parametrize(
    ("path", "data", "platform"),
    [
        ("bin/sh", elf_file(9, 62), "freebsd/amd64"),
        ("bin/ls", elf_file(9, 183), "freebsd/arm64"),
        ("libexec/ld-elf.so.1", elf_file(9, 40), "freebsd/arm/v7"),
        ("bin/sh", elf_file(0, 62), str(host_platform())),
        ("bin/sh", b"#!/bin/x", str(host_platform())),
        ("other", elf_file(9, 62), str(host_platform())),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_what_an_image_is_for(tmp_path: Path, path: str, data: bytes, platform: str, packed: bool) -> None:
    """IMG-BUILD-07: programs of FreeBSD say so; else it is for this machine."""
    (tmp_path / "root.tar").write_bytes(archive(entry(path, data)))
    unpacked(tmp_path / "root", archive(entry(path, data)))
    made = image(tmp_path / "image.tar", tmp_path / ("root.tar" if packed else "root"))
    with open_store(str(made), DEFAULT, "/tmp", lambda _: None) as store:
        (held,) = candidates(store)
        config = read_image(store, held).config.value
    assert str(held.platform) == platform
    assert "/".join(config[key] for key in ("os", "architecture", "variant") if key in config) == platform


def test_a_stated_platform_is_in_config_and_index(root: Path, tmp_path: Path) -> None:
    """IMG-BUILD-07."""
    held = files(image(tmp_path / "image.tar", root, platform=Platform("plan9", "mips", "v1")))
    index = json.loads(held["index.json"])["manifests"][0]
    assert index["platform"] == {"os": "plan9", "architecture": "mips", "variant": "v1"}


def test_a_name_is_told_in_every_form(root: Path, tmp_path: Path) -> None:
    """IMG-BUILD-07."""
    held = files(image(tmp_path / "image.tar", root, tag="demo:1"))
    index = json.loads(held["index.json"])["manifests"][0]
    assert index["annotations"] == {
        "org.opencontainers.image.ref.name": "demo:1",
        "io.containerd.image.name": "docker.io/library/demo:1",
    }
    (saved,) = json.loads(held["manifest.json"])
    assert saved["RepoTags"] == ["docker.io/library/demo:1"]
    assert {saved["Config"], *saved["Layers"]} <= set(held)
    assert "manifest.json" not in files(image(tmp_path / "other.tar", root))


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("demo", "docker.io/library/demo:latest"),
        ("me/demo:1.0-x", "docker.io/me/demo:1.0-x"),
        ("example.org/demo", "example.org/demo:latest"),
        ("localhost/demo:A", "localhost/demo:A"),
        ("host:5000/a/b_c/d__e:t", "host:5000/a/b_c/d__e:t"),
        ("HOST.example/demo", "HOST.example/demo:latest"),
    ],
)
def test_names_of_images(text: str, full: str) -> None:
    """IMG-BUILD-07."""
    assert full_name(text) == full


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Demo",
        "demo:",
        "demo:-x",
        "a//b",
        "/a",
        "a/",
        "a b",
        "a\n",
        "demo:1\n",
        "-a",
        "a--",
        "a@sha256:x",
        "a:" + "t" * 129,
        "x" * 300,
        "d\u00e9mo",
    ],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    """IMG-BUILD-07."""
    with pytest.raises(RingfenceError, match="not the name of an image"):
        full_name(text)


def test_a_failure_leaves_the_target_alone(root: Path, tmp_path: Path) -> None:
    """IMG-BUILD-08: also Ctrl-C."""
    target = tmp_path / "image.tar"
    target.write_bytes(b"before")
    left = names(tmp_path)
    for error in (KeyboardInterrupt, RingfenceError):

        def interrupt(_: int, error: type[BaseException] = error) -> None:
            raise error("stop")

        with pytest.raises(error), Output(str(target)) as output:
            build(Build(rootfs=str(root)), output, lambda _: None, interrupt)
    assert target.read_bytes() == b"before"
    assert names(tmp_path) == left
    assert threading.active_count() == 1


def test_what_is_no_file_is_written_to_and_never_replaced(root: Path, tmp_path: Path) -> None:
    """IMG-BUILD-08: root may write to /dev/stdout or /dev/null; a link stays one."""
    made = image(tmp_path / "image.tar", root)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("target")
    thread = threading.Thread(target=image, args=(tmp_path / "pipe", root))
    thread.start()
    piped = (tmp_path / "pipe").read_bytes()
    thread.join()
    assert piped == made.read_bytes()
    image(tmp_path / "link", root)
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == made.read_bytes()
    image(Path("/dev/null"), root)
    assert Path("/dev/null").is_char_device()
    with pytest.raises(RingfenceError, match="write /dev/full: no space left on device"):
        image(Path("/dev/full"), root)
    with pytest.raises(RingfenceError, match="is a directory"):
        image(tmp_path / "root", root)
    assert names(tmp_path)[0:4] == ["image.tar", "link", "pipe", "root"]


def test_the_target_gets_the_mode_of_any_new_file(root: Path, tmp_path: Path) -> None:
    before = os.umask(0o027)
    image(tmp_path / "image.tar", root)
    os.umask(before)
    assert (tmp_path / "image.tar").stat().st_mode & 0o777 == 0o640


def test_a_root_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RingfenceError, match="no such file or directory"):
        image(tmp_path / "image.tar", tmp_path / "missing")


def test_what_is_built_verifies_and_unpacks_to_the_same_root(root: Path, tmp_path: Path) -> None:
    """IMG-BUILD-01."""
    path = image(tmp_path / "image.tar", root, tag="demo")
    with open_store(str(path), DEFAULT, "/tmp", lambda _: None) as store:
        assert list(mismatches(store)) == []
    unpacked(tmp_path / "out", layer(path))
    assert layer(image(tmp_path / "again.tar", tmp_path / "out")) == layer(path)
