"""Documents of an image that hold anything at any place: an image or an error, and never a fault of the runtime."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.cli.main import command
from ringfence.errors import RingfenceError
from ringfence.image import media
from ringfence.image.document import DEEPEST, parse
from ringfence.image.platform import host_platform
from tests.unit.image.archives import (
    Layout,
    archive,
    digest,
    encode,
    entry,
    files_tar,
    hard_link,
    pax,
    record,
    symlink,
)

LAYER = archive(entry("etc/passwd", b"alice:x:1000:1000::/:\n"), entry("data/f", b"x"))
HOST = host_platform()
CONFIG: dict[str, Any] = {
    "created": "2026-01-01T00:00:00Z",
    "author": "someone",
    "os": HOST.os,
    "architecture": HOST.architecture,
    "variant": "",
    "os.version": "14",
    "os.features": ["a"],
    "rootfs": {"type": "layers", "diff_ids": [digest(LAYER)]},
    "history": [{"created_by": "x", "empty_layer": False}],
    "config": {
        "User": "alice",
        "Env": ["A=1"],
        "Entrypoint": ["e"],
        "Cmd": ["c"],
        "WorkingDir": "/data",
        "Volumes": {"/data": {}},
        "ExposedPorts": {"80/tcp": {}},
        "Labels": {"a": "b"},
        "StopSignal": "SIGINT",
    },
}
MANIFEST: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": media.MANIFEST,
    "config": {"mediaType": media.CONFIG, "digest": "", "size": 0},
    "layers": [{"mediaType": media.LAYER, "digest": digest(LAYER), "size": len(LAYER), "urls": ["x"]}],
    "annotations": {"a": "b"},
}
INDEX: dict[str, Any] = {
    "schemaVersion": 2,
    "mediaType": media.INDEX,
    "manifests": [
        {
            "mediaType": media.MANIFEST,
            "digest": "",
            "size": 0,
            "annotations": {"org.opencontainers.image.ref.name": "one"},
            "platform": {"os": HOST.os, "architecture": HOST.architecture},
        }
    ],
}
VALUES: list[Any] = [
    None, True, 0, 7, -1, 2**64, 10**400, 0.5, "", "x", "/", "..", "a\0b", "\x1b[2J", "0:0:0", "sha256:" + "0" * 64,
    [], [[]], [None], ["x"], [{}], {}, {"x": "y"}, {"": ""}, {"/a/../b": {}}, {"a": None}, {"a": 5}, {"a": ["b"]},
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all members of a document."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in members:
        yield (*path, key)
        yield from places(inner, (*path, key))


EVERYWHERE = [(name, *path) for name, held in (("config", CONFIG), ("manifest", MANIFEST), ("index", INDEX))
              for path in places(held)]  # fmt: skip


def changed(documents: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    """Put a value somewhere, if the place is still there."""
    held: Any = documents
    try:
        for key in path[:-1]:
            held = held[key]
        held[path[-1]] = copy.deepcopy(value)
    except (KeyError, IndexError, TypeError):
        pass


def write(layout: Layout, changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """A layout whose digests are right, and whose documents are changed."""
    documents = copy.deepcopy({"config": CONFIG, "manifest": MANIFEST, "index": INDEX})
    layout.blob(LAYER, media.LAYER)
    for name, inner in (("config", ("manifest", "config")), ("manifest", ("index", "manifests", 0)), ("index", None)):
        for path, value in changes:
            if path[0] == name:
                changed(documents, path, value)
        if inner is not None:
            held = layout.blob(encode(documents[name]), "")
            changed(documents, (*inner, "digest"), held["digest"])
            changed(documents, (*inner, "size"), held["size"])
    (layout.path / "index.json").write_bytes(encode(documents["index"]))


COMMANDS = (["image", "inspect"], ["image", "inspect", "--json"], ["image", "inspect", "--files"],
            ["image", "inspect", "--verify"], ["bundle"])  # fmt: skip


def outcome(image: Path, words: list[str], capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """What a command says of the image."""
    target = image.parent / f"bundle{len(os.listdir(image.parent))}"
    opened = len(os.listdir("/dev/fd"))
    status = command("ringfence", [*words, str(image), *([str(target)] if words == ["bundle"] else [])])
    assert len(os.listdir("/dev/fd")) == opened
    out, err = capfd.readouterr()
    assert target.exists() == (words == ["bundle"] and status == 0)
    assert "internal error" not in err
    assert "\x1b" not in out + err
    assert (status == 0) == (not out if "--verify" in words else "level=error" not in err)
    return status, err


def test_the_document_that_is_changed_is_an_image(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-BUNDLE-04."""
    layout = Layout(tmp_path / "layout")
    write(layout, [])
    assert [outcome(layout.path, words, capfd)[0] for words in COMMANDS] == [0] * len(COMMANDS)


@given(st.lists(st.tuples(st.sampled_from(EVERYWHERE), st.sampled_from(VALUES)), min_size=1, max_size=3))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_at_any_place_gives_an_image_or_an_error(
    tmp_path_factory: pytest.TempPathFactory,
    capfd: pytest.CaptureFixture[str],
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    """IMG-BUNDLE-04, IMG-INSP-01, IMG-CONF-01: and nothing that a terminal would obey."""
    layout = Layout(tmp_path_factory.mktemp("any") / "layout")
    write(layout, changes)
    for words in COMMANDS:
        outcome(layout.path, words, capfd)


SAVED = [{"Config": "c.json", "RepoTags": ["a:1", "b:2"], "Layers": ["l/layer.tar"], "Parent": ""}]
IN_SAVED = [(name, *path) for name, held in (("config", CONFIG), ("saved", SAVED)) for path in places(held)]


@given(st.lists(st.tuples(st.sampled_from(IN_SAVED), st.sampled_from(VALUES)), max_size=3))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_in_an_archive_of_docker_gives_an_image_or_an_error(
    tmp_path_factory: pytest.TempPathFactory,
    capfd: pytest.CaptureFixture[str],
    changes: list[tuple[tuple[Any, ...], Any]],
) -> None:
    """IMG-INTEROP-04, IMG-BUNDLE-04."""
    documents = copy.deepcopy({"config": CONFIG, "saved": SAVED})
    for path, value in changes:
        changed(documents, path, value)
    files = {"c.json": encode(documents["config"]), "l/layer.tar": LAYER, "manifest.json": encode(documents["saved"])}
    image = files_tar(tmp_path_factory.mktemp("saved") / "image.tar", files)
    for words in COMMANDS:
        status, _ = outcome(image, words, capfd)
        assert changes or status == 0


@pytest.mark.parametrize("depth", [DEEPEST + 1, 900, 100_000])
def test_documents_are_not_nested_deeply(depth: int) -> None:
    """IMG-BUNDLE-04: what is read can be written again, by whatever writes it."""
    with pytest.raises(RingfenceError, match="nested too deeply"):
        parse(b"[" * depth + b"]" * depth, "test")
    assert parse(b'{"a":' * DEEPEST + b"1" + b"}" * DEEPEST, "test")


def test_an_index_that_lists_itself_over_and_over(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-BUNDLE-14: a few kilobytes of indexes inside each other stand for a million of images."""
    layout = Layout(tmp_path / "layout")
    layout.add(LAYER, platform=str(HOST))
    for _ in range(3):
        inner = layout.blob(encode({"schemaVersion": 2, "manifests": layout.manifests * 100}), media.INDEX)
        layout.manifests = [inner]
        layout.write_index()
    for words in COMMANDS:
        status, err = outcome(layout.path, words, capfd)
        assert status == 1
        assert "images=1000" in err or words[-1] == "--verify"


def test_an_archive_that_lists_an_image_over_and_over(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-BUNDLE-14."""
    config = encode({**CONFIG, "rootfs": {"diff_ids": [digest(LAYER)]}})
    listed = [{"Config": "c.json", "RepoTags": [], "Layers": ["l.tar"]}]
    files = {"c.json": config, "l.tar": LAYER, "manifest.json": encode(listed * 1001)}
    assert command("ringfence", ["image", "inspect", str(files_tar(tmp_path / "many.tar", files))]) == 1
    assert "images=1000" in capfd.readouterr().err
    files["manifest.json"] = encode(listed * 1000)
    assert command("ringfence", ["image", "inspect", str(files_tar(tmp_path / "fewer.tar", files))]) == 0


@pytest.mark.parametrize("words", COMMANDS)
def test_what_an_image_says_is_shown_and_not_obeyed(
    tmp_path: Path, words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    """IMG-INSP-01: labels that are left out, names, links and errors; a terminal gets no control bytes of them."""
    layout = Layout(tmp_path / "layout")
    evil = "\x1b]0;evil\x07"
    held = {"Labels": {f"org.systemd.{evil}": evil, evil: evil}, "WorkingDir": evil, "Env": [f"A={evil}"]}
    layer = archive(symlink("l", evil), pax(record(f"SCHILY.xattr.user.{evil}", "x")), entry("f"))
    layout.add(layer, platform=str(HOST), config={**held, "Cmd": [evil]}, author=evil, ref=evil)
    assert outcome(layout.path, words, capfd)[0] == 0
    layout.add(archive(hard_link("h", evil)), platform=str(HOST), config=held, ref="other")
    status, _ = outcome(layout.path, words, capfd)
    assert status == (1 if words == ["bundle"] else 0)
