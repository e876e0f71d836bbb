"""Layouts and archives of docker save: every document and blob is what its descriptor says, and one image is meant."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from ringfence.errors import RingfenceError
from ringfence.image import media
from ringfence.image.bundle import Wanted, make_bundle
from ringfence.image.choose import candidates, choose
from ringfence.image.digest import check_digest
from ringfence.image.document import LONGEST
from ringfence.image.limits import DEFAULT
from ringfence.image.platform import MACHINES, Platform, host_platform, parse_platform
from ringfence.image.policy import usual_policy
from ringfence.image.runtime_config import Choices
from ringfence.image.store import open_store
from tests.unit.image.archives import Layout, archive, digest, encode, entry, files_tar, names
from tests.unit.image.test_limits import Silent

DATA = archive(entry("hello", b"world"))
AMD64 = Platform("linux", "amd64")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


def bundle(image: Path, target: Path, **fields: Any) -> list[str]:
    """Make a bundle; returns the warnings."""
    warnings: list[str] = []
    choices = Choices(system="linux", cgroup_v2=True, hostname="test")
    held = {"platform": AMD64, "policy": usual_policy(os.geteuid() == 0), "choices": choices, **fields}
    make_bundle(Wanted(image=str(image), folder=str(target), **held), warnings.append, Silent())
    return warnings


def fails(image: Path, target: Path, **fields: Any) -> str:
    with pytest.raises(RingfenceError) as caught:
        bundle(image, target, **fields)
    assert not target.exists()
    assert [name for name in os.listdir(target.parent) if name.startswith(f".{target.name}")] == []
    return str(caught.value)


# where an image lies


@pytest.mark.parametrize("pack", [None, gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_folder_and_an_archive_of_it(layout: Layout, tmp_path: Path, pack: Callable[[bytes], bytes] | None) -> None:
    """IMG-BUNDLE-01: the archive may be compressed."""
    layout.add(DATA)
    image = layout.path
    if pack is not None:
        tarred = layout.tarred(tmp_path / "image.tar")
        tarred.write_bytes(pack(tarred.read_bytes()))
        image = tarred
    bundle(image, tmp_path / "bundle")
    assert (tmp_path / "bundle/rootfs/hello").read_bytes() == b"world"
    assert sorted(os.listdir(tmp_path / "bundle")) == ["config.json", "rootfs"]


def test_an_archive_through_a_pipe(layout: Layout, tmp_path: Path) -> None:
    """IMG-BUNDLE-01."""
    layout.add(DATA)
    data = layout.tarred(tmp_path / "image.tar").read_bytes()
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        with open(writer, "wb") as file:
            file.write(data)
        os._exit(0)
    os.close(writer)
    bundle(Path(f"/dev/fd/{reader}"), tmp_path / "bundle")
    os.close(reader)
    os.wait()
    assert (tmp_path / "bundle/rootfs/hello").exists()


def test_an_empty_folder_is_filled_and_keeps_its_mode(layout: Layout, tmp_path: Path) -> None:
    """IMG-BUNDLE-01."""
    layout.add(DATA)
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle").chmod(0o751)
    bundle(layout.path, tmp_path / "bundle")
    assert (tmp_path / "bundle").stat().st_mode & 0o777 == 0o751


def test_a_bundle_is_closed_to_others(layout: Layout, tmp_path: Path) -> None:
    """IMG-BUNDLE-11: a root may hold programs with set-user-ID bits."""
    layout.add(DATA)
    bundle(layout.path, tmp_path / "bundle")
    assert (tmp_path / "bundle").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("make", [lambda path: (path / "x").mkdir(parents=True), lambda path: path.touch()])
def test_nothing_is_overwritten(layout: Layout, tmp_path: Path, make: Callable[[Path], None]) -> None:
    """IMG-BUNDLE-01."""
    layout.add(DATA)
    make(tmp_path / "bundle")
    before = names(tmp_path)
    with pytest.raises(RingfenceError):
        bundle(layout.path, tmp_path / "bundle")
    assert names(tmp_path) == before


def test_the_process_stays_as_it_was(layout: Layout, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-BUNDLE-01: umask, working directory, environment, output."""
    layout.add(DATA)
    state = (os.getcwd(), dict(os.environ))
    bundle(layout.path, tmp_path / "bundle")
    assert (os.getcwd(), dict(os.environ)) == state
    assert capfd.readouterr() == ("", "")


def test_a_failure_leaves_nothing(layout: Layout, tmp_path: Path) -> None:
    """IMG-BUNDLE-01: also when folders forbid to remove what is in them."""
    layout.add(archive(entry("d/f"), entry("d", kind=b"5", mode=0)), archive(entry("../x")))
    assert "'..'" in fails(layout.path, tmp_path / "bundle")


@pytest.mark.parametrize("data", [b"", b"no archive at all" * 100, bytes(10240)])
def test_what_is_no_image_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "image").write_bytes(data)
    fails(tmp_path / "image", tmp_path / "bundle")
    fails(tmp_path / "missing", tmp_path / "bundle")


# digests


@pytest.mark.parametrize(
    "text",
    [
        "", "sha256:", f"sha256:{'A' * 64}", f"sha256:{'a' * 63}", f"sha512:{'a' * 64}", f"md5:{'a' * 32}",
        f"sha256:{'a' * 64}\n", f"sha256:../../{'a' * 58}", "a" * 64, f"sha256:{'a' * 64}/x",
    ],
)  # fmt: skip
def test_what_is_no_digest_never_becomes_a_path(layout: Layout, tmp_path: Path, text: str) -> None:
    """IMG-BUNDLE-02."""
    with pytest.raises(RingfenceError, match="not a digest"):
        check_digest(text)
    layout.manifests = [{"mediaType": media.MANIFEST, "digest": text, "size": 5}]
    layout.write_index()
    assert "not a digest" in fails(layout.path, tmp_path / "bundle")


def test_sha512_is_known(layout: Layout, tmp_path: Path) -> None:
    """IMG-BUNDLE-02."""
    import hashlib

    held = f"sha512:{hashlib.sha512(DATA).hexdigest()}"
    (layout.path / "blobs/sha512").mkdir()
    (layout.path / "blobs/sha512" / held[7:]).write_bytes(DATA)
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [held]}}
    made = layout.manifest([{"mediaType": media.LAYER, "digest": held, "size": len(DATA)}], config)
    layout.manifests = [made]
    layout.write_index()
    bundle(layout.path, tmp_path / "bundle")


@pytest.mark.parametrize("which", ["manifest", "config", "layer"])
@pytest.mark.parametrize("change", [lambda data: data + b" ", lambda data: data[:-1] + b"?", lambda data: data[:-1]])
def test_a_changed_blob_is_refused_with_what_was_expected_and_found(
    layout: Layout, tmp_path: Path, which: str, change: Callable[[bytes], bytes]
) -> None:
    """IMG-BUNDLE-02."""
    layout.add(DATA)
    manifest = json.loads(blob(layout, layout.manifests[0]).read_bytes())
    held = {"manifest": layout.manifests[0], "config": manifest["config"], "layer": manifest["layers"][0]}[which]
    path = blob(layout, held)
    path.write_bytes(change(path.read_bytes()))
    text = fails(layout.path, tmp_path / "bundle")
    assert path.name in text
    assert "expected" in text
    assert "found" in text


def blob(layout: Layout, held: dict[str, Any]) -> Path:
    return layout.path / "blobs" / str(held["digest"]).replace(":", "/")


def test_the_content_of_a_layer_is_checked_too(layout: Layout, tmp_path: Path) -> None:
    """IMG-BUNDLE-02: the digest of what was compressed, not only of what is there."""
    layout.add(DATA, rootfs={"type": "layers", "diff_ids": [digest(b"other")]})
    assert f"expected {digest(b'other')}, found {digest(DATA)}" in fails(layout.path, tmp_path / "bundle")


@pytest.mark.parametrize("packed", [True, False])
def test_a_layer_that_goes_on_behind_its_end_is_refused(layout: Layout, tmp_path: Path, packed: bool) -> None:
    """IMG-BUNDLE-03."""
    layout.add(DATA + b"more", packed=packed)
    assert "follows the end" in fails(layout.path, tmp_path / "bundle")


@pytest.mark.parametrize("what", ["file", "blobs", "sha256"])
def test_links_in_a_layout_are_not_followed(layout: Layout, tmp_path: Path, what: str) -> None:
    """IMG-BUNDLE-02."""
    layout.add(DATA)
    path = {
        "file": blob(layout, layout.manifests[0]),
        "blobs": layout.path / "blobs",
        "sha256": layout.path / "blobs/sha256",
    }[what]
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    assert "a link, which is not followed" in fails(layout.path, tmp_path / "bundle")


def test_a_blob_that_is_no_file_is_refused(layout: Layout, tmp_path: Path) -> None:
    """IMG-BUNDLE-02: a FIFO would be waited for."""
    layout.add(DATA)
    path = blob(layout, layout.manifests[0])
    path.unlink()
    os.mkfifo(path)
    assert "not a regular file" in fails(layout.path, tmp_path / "bundle")


def test_links_in_an_archive_are_not_followed(layout: Layout, tmp_path: Path) -> None:
    """IMG-BUNDLE-02."""
    layout.add(DATA)
    path = blob(layout, layout.manifests[0])
    path.rename(layout.path / "elsewhere")
    path.symlink_to("../../elsewhere")
    assert "not followed" in fails(layout.tarred(tmp_path / "image.tar"), tmp_path / "bundle")


# documents


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"schemaVersion":2,"manifests":[],"manifests":[]}', "is there twice"),
        ('{"schemaVersion":2,"manifests":[],"layers":[]}', "both an index and a manifest"),
        ('{"schemaVersion":2,"manifests":{}}', "must be a list"),
        ('{"schemaVersion":2,"manifests":[5]}', "must be an object"),
        ('{"schemaVersion":2,"manifests":[{"mediaType":7,"size":1}]}', "must be a text"),
        ('{"schemaVersion":2,"manifests":[{"size":1.5}]}', "must be a whole number"),
        ('{"schemaVersion":2,"manifests":[{"size":true}]}', "must be a whole number"),
        ('{"schemaVersion":2,"manifests":[{"size":-1}]}', "number of bytes"),
        ('{"schemaVersion":1,"manifests":[]}', "schema 1"),
        ('{"schemaVersion":2,"layers":[]}', "not an index"),
        ('{"schemaVersion":2}', "neither index nor manifest"),
        ('{"schemaVersion":2,"manifests":[NaN]}', "is no number"),
        ("[" * 100_000, "nested too deeply"),
        ('{"schemaVersion":2', "index.json"),
        ('{"a":"\\ud800"}', "lone surrogate"),
        ("[]", "must be an object"),
        ("\ufeff{}", "index.json"),
        (" " * (LONGEST + 1), "longer than"),
    ],
)  # fmt: skip
def test_an_index_that_is_none_is_refused(layout: Layout, tmp_path: Path, text: str, words: str) -> None:
    """IMG-BUNDLE-04."""
    (layout.path / "index.json").write_text(text)
    assert words in fails(layout.path, tmp_path / "bundle")


def test_bytes_that_are_no_text_are_refused(layout: Layout, tmp_path: Path) -> None:
    """IMG-BUNDLE-04."""
    (layout.path / "index.json").write_bytes(b'{"a":"\xff"}')
    assert "index.json" in fails(layout.path, tmp_path / "bundle")


def test_a_document_of_another_type_than_its_descriptor_says_is_refused(layout: Layout, tmp_path: Path) -> None:
    """IMG-BUNDLE-04."""
    layout.add(DATA)
    layout.manifests[0]["mediaType"] = media.INDEX
    layout.write_index()
    assert "its descriptor says" in fails(layout.path, tmp_path / "bundle")


def test_a_manifest_that_holds_an_index_is_refused(layout: Layout, tmp_path: Path) -> None:
    """IMG-BUNDLE-04."""
    layout.manifests = [layout.manifest([], {}, manifests=[])]
    layout.write_index()
    assert "both an index and a manifest" in fails(layout.path, tmp_path / "bundle")


def test_as_many_digests_as_layers(layout: Layout, tmp_path: Path) -> None:
    layout.add(DATA, rootfs={"type": "layers", "diff_ids": []})
    assert "0 diff_ids for 1 layers" in fails(layout.path, tmp_path / "bundle")


def test_another_version_of_the_layout_is_refused(layout: Layout, tmp_path: Path) -> None:
    (layout.path / "oci-layout").write_bytes(encode({"imageLayoutVersion": "2.0.0"}))
    assert "'2.0.0'" in fails(layout.path, tmp_path / "bundle")


# layers


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (f"{media.LAYER}+gzip+encrypted", "encrypted"),
        ("application/x-tar", "not known"),
        (f"{media.LAYER}+zstd", "its type says zstd"),
        (media.LAYER, "its type says not compressed"),
    ],
)
def test_types_of_layers(layout: Layout, tmp_path: Path, kind: str, words: str) -> None:
    """IMG-BUNDLE-15."""
    held = {**layout.layer(DATA), "mediaType": kind}
    layout.manifests = [
        layout.manifest([held], {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [digest(DATA)]}})
    ]
    layout.write_index()
    assert words in fails(layout.path, tmp_path / "bundle")


def test_layers_that_are_not_distributed(layout: Layout, tmp_path: Path) -> None:
    """IMG-BUNDLE-15: used if they are there; what is not there is not fetched."""
    held = {**layout.layer(DATA, packed=False), "mediaType": media.FOREIGN_LAYER, "urls": ["http://127.0.0.1:1/layer"]}
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [digest(DATA)]}}
    layout.manifests = [layout.manifest([held], config)]
    layout.write_index()
    bundle(layout.path, tmp_path / "bundle")
    blob(layout, held).unlink()
    with pytest.raises(RingfenceError, match="is missing") as caught:
        bundle(layout.path, tmp_path / "other")
    assert "not distributed" in caught.value.hint


def test_types_of_docker_are_read_as_their_twins(layout: Layout, tmp_path: Path) -> None:
    """IMG-INTEROP-04."""
    docker = "application/vnd.docker"
    packed = gzip.compress(DATA)
    layer = layout.blob(packed, f"{docker}.image.rootfs.diff.tar.gzip")
    config = layout.blob(
        encode({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [digest(DATA)]}}),
        f"{docker}.container.image.v1+json",
    )
    kind = f"{docker}.distribution.manifest.v2+json"
    manifest = layout.blob(encode({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]}), kind)
    kind = f"{docker}.distribution.manifest.list.v2+json"
    held = {**manifest, "platform": {"os": "linux", "architecture": "amd64"}}
    index = layout.blob(encode({"schemaVersion": 2, "mediaType": kind, "manifests": [held]}), kind)
    layout.manifests = [index]
    layout.write_index()
    bundle(layout.path, tmp_path / "bundle")
    assert (tmp_path / "bundle/rootfs/hello").exists()


def test_schema_1_is_refused_by_name(layout: Layout, tmp_path: Path) -> None:
    """IMG-INTEROP-04."""
    kind = "application/vnd.docker.distribution.manifest.v1+prettyjws"
    layout.manifests = [layout.blob(encode({"schemaVersion": 1, "fsLayers": []}), kind)]
    layout.write_index()
    assert "schema 1" in fails(layout.path, tmp_path / "bundle")


# the choice


def chosen(layout: Layout, platform: Platform | None = None, ref: str = "") -> str:
    with open_store(str(layout.path), DEFAULT, "/tmp", lambda _: None) as store:
        return choose(candidates(store), platform, ref, "image").descriptor.digest


def other(text: str) -> bytes:
    return archive(entry("hello", text.encode()))


def test_the_platform_decides(layout: Layout) -> None:
    """IMG-BUNDLE-04: that of the host unless told otherwise; IMG-INTEROP-05: a layout for several platforms."""
    platforms = ("freebsd/amd64", "linux/s390x", "linux/arm/v6", "linux/arm/v7", str(host_platform()))
    held = {name: layout.add(other(name), platform=name)["digest"] for name in platforms}
    assert chosen(layout) == held[str(host_platform())]
    for name, found in held.items():
        assert chosen(layout, parse_platform(name)) == found
    assert chosen(layout, parse_platform("linux/arm")) == held["linux/arm/v7"]
    with pytest.raises(RingfenceError, match=r"no image is for plan9/mips; there are: .*freebsd/amd64; .*linux/arm/v6"):
        chosen(layout, parse_platform("plan9/mips"))


def test_a_descriptor_without_a_platform(layout: Layout) -> None:
    """IMG-BUNDLE-04: what the config says counts."""
    held = layout.add(DATA, platform="freebsd/arm64")
    del layout.manifests[0]["platform"]
    layout.write_index()
    assert chosen(layout, Platform("freebsd", "arm64")) == held["digest"]


def test_the_name_decides(layout: Layout) -> None:
    """IMG-BUNDLE-04, IMG-INTEROP-05: two names, and one image under two names."""
    one, two = layout.add(other("1"), ref="one"), layout.add(other("2"), ref="two")
    assert [chosen(layout, AMD64, ref) for ref in ("one", "two")] == [one["digest"], two["digest"]]
    with pytest.raises(RingfenceError, match=r"more than one image is meant; there are: one for .*; two for"):
        chosen(layout, AMD64)
    with pytest.raises(RingfenceError, match="no image 'three'; there are: one"):
        chosen(layout, AMD64, "three")
    layout.manifests = [{**one, "annotations": {"org.opencontainers.image.ref.name": name}} for name in ("one", "uno")]
    layout.write_index()
    assert chosen(layout, AMD64) == one["digest"]


def test_an_index_inside_another(layout: Layout) -> None:
    """IMG-BUNDLE-04: attestations are passed over, and four are deep enough."""
    held = layout.add(DATA)
    attestation = {**layout.manifest([], {}), "platform": {"os": "unknown", "architecture": "unknown"}}
    listed = [{**held, "platform": {"os": "linux", "architecture": "amd64"}}, attestation]
    for depth in range(2, 6):
        inner = layout.blob(encode({"schemaVersion": 2, "mediaType": media.INDEX, "manifests": listed}), media.INDEX)
        layout.manifests = listed = [{**inner, "annotations": {"org.opencontainers.image.ref.name": "tag"}}]
        layout.write_index()
        if depth <= 4:
            assert chosen(layout, AMD64, "tag") == held["digest"]
    with pytest.raises(RingfenceError, match="inside more than 3 others"):
        chosen(layout, AMD64)


def test_what_is_no_image_stands_in_nobodys_way(layout: Layout) -> None:
    held = layout.add(DATA)
    layout.manifests.append(
        layout.blob(
            encode({"schemaVersion": 2, "config": layout.blob(b"{}", "application/vnd.other"), "layers": []}),
            media.MANIFEST,
        )
    )
    layout.write_index()
    assert chosen(layout, AMD64) == held["digest"]


@pytest.mark.parametrize("text", ["linux", "linux/", "/amd64", "a/b/c/d", "linux/amd 64", "linux/../x"])
def test_words_that_are_no_platform(text: str) -> None:
    """IMG-BUNDLE-04."""
    with pytest.raises(RingfenceError, match="not a platform"):
        parse_platform(text)


def test_this_machine_is_known() -> None:
    assert os.uname().machine in MACHINES


# archives of docker save


def saved(**fields: Any) -> dict[str, bytes]:
    config = encode({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [digest(DATA)]}})
    name = digest(config)[7:] + ".json"
    listed = [{"Config": name, "RepoTags": ["demo:1"], "Layers": ["abc/layer.tar"], **fields}]
    return {name: config, "manifest.json": encode(listed), "abc/VERSION": b"1.0"}


def test_the_old_form_of_docker_save(tmp_path: Path) -> None:
    """IMG-INTEROP-04: folders with a layer.tar."""
    files_tar(tmp_path / "image.tar", {**saved(), "abc/layer.tar": DATA})
    bundle(tmp_path / "image.tar", tmp_path / "bundle", ref="demo:1")
    assert (tmp_path / "bundle/rootfs/hello").exists()
    assert "no image 'demo:2'" in fails(tmp_path / "image.tar", tmp_path / "other", ref="demo:2")


def test_links_of_the_old_form_stay_in_the_archive(tmp_path: Path) -> None:
    """IMG-INTEROP-04: a layer that is there already is a link to it."""
    files_tar(tmp_path / "image.tar", {**saved(), "def/layer.tar": DATA}, {"abc/layer.tar": "../def/layer.tar"})
    bundle(tmp_path / "image.tar", tmp_path / "bundle")
    assert (tmp_path / "bundle/rootfs/hello").exists()
    (tmp_path / "layer.tar").write_bytes(DATA)
    for number, target in enumerate((str(tmp_path / "layer.tar"), "../../layer.tar", "layer.tar")):
        image = files_tar(tmp_path / f"image{number}.tar", saved(), {"abc/layer.tar": target})
        assert "abc/layer.tar" in fails(image, tmp_path / "other") or "layer.tar" in fails(image, tmp_path / "other")


def test_the_config_of_an_archive_is_checked_against_its_name(tmp_path: Path) -> None:
    """IMG-BUNDLE-02."""
    files = saved()
    name = next(iter(files))
    files_tar(tmp_path / "image.tar", {**files, name: files[name] + b" ", "abc/layer.tar": DATA})
    assert "expected" in fails(tmp_path / "image.tar", tmp_path / "bundle")


def test_a_layer_of_an_archive_is_checked_against_the_config(tmp_path: Path) -> None:
    """IMG-BUNDLE-02."""
    files_tar(tmp_path / "image.tar", {**saved(), "abc/layer.tar": other("x")})
    assert "expected" in fails(tmp_path / "image.tar", tmp_path / "bundle")


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "", "."])
def test_paths_of_an_archive_stay_in_it(tmp_path: Path, path: str) -> None:
    """IMG-INTEROP-04."""
    files_tar(tmp_path / "image.tar", {**saved(Layers=[path]), "abc/layer.tar": DATA})
    assert "no path in the archive" in fails(tmp_path / "image.tar", tmp_path / "bundle")
