"""Looking into an image without unpacking it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ringfence.cli.main import command
from tests.unit.image.archives import CHAR, Layout, archive, digest, encode, entry, folder, hard_link, names, symlink

LOWER = archive(
    folder("etc"), entry("etc/passwd", b"root", mode=0o4640), symlink("l", "etc/passwd"), hard_link("h", "l")
)
UPPER = archive(entry("etc/.wh.passwd"), entry("d/.wh..wh..opq"), entry("null", kind=CHAR, devmajor=1, devminor=3))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    held = Layout(tmp_path / "layout")
    held.add(LOWER, UPPER, ref="one", config={"Cmd": ["sh"], "Env": ["A=\x1b[2J"]}, author="A\x07")
    held.add(LOWER, ref="two", platform="freebsd/arm64")
    return held


def inspect(capfd: pytest.CaptureFixture[str], layout: Layout, *words: str, status: int = 0) -> str:
    before = names(layout.path)
    assert command("ringfence", ["image", "inspect", *words, str(layout.path)]) == status
    assert names(layout.path) == before
    return capfd.readouterr().out


def test_the_text(layout: Layout, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-INSP-01: names, platforms, config, layers; nothing that a terminal would obey."""
    out = inspect(capfd, layout)
    assert [line.split()[1] for line in out.splitlines() if line.startswith("platform")] == [
        "linux/amd64",
        "freebsd/arm64",
    ]
    assert [line.split()[1] for line in out.splitlines() if line.startswith("image")] == ["one", "two"]
    assert out.count(f"content {digest(LOWER)}") == 2
    assert 'config    Cmd ["sh"]' in out
    assert "\x1b" not in out
    assert "author    A\\x07" in out


def test_the_value(layout: Layout, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-INSP-01."""
    first, second = json.loads(inspect(capfd, layout, "--json"))
    assert (first["refs"], first["platform"], second["platform"]) == (["one"], "linux/amd64", "freebsd/arm64")
    assert first["manifest"]["digest"] == layout.manifests[0]["digest"]
    assert [held["diffID"] for held in first["layers"]] == [digest(LOWER), digest(UPPER)]
    assert all(held["size"] > 0 and held["mediaType"].endswith("+gzip") for held in first["layers"])
    assert first["config"]["author"] == "A\x07"
    assert first["annotations"] == {"org.opencontainers.image.ref.name": "one"}


def test_one_of_several(layout: Layout, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-INSP-01."""
    assert "one" not in inspect(capfd, layout, "--ref", "two")
    assert "two" not in inspect(capfd, layout, "--platform", "linux/amd64")
    assert inspect(capfd, layout, "--ref", "three", status=1) == ""


def test_the_files(layout: Layout, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-INSP-01: mode, owner, size; whiteouts are marked."""
    who = f"{os.getuid()}:{os.getgid()}"
    assert inspect(capfd, layout, "--files", "--ref", "one").splitlines()[-9:] == [
        f"layer {digest(LOWER)}",
        f"drwxr-xr-x {who} 0 etc/",
        f"-rwSr----- {who} 4 etc/passwd",
        f"lrw-r--r-- {who} 0 l -> etc/passwd",
        f"-rw-r--r-- {who} 0 h link to l",
        f"layer {digest(UPPER)}",
        f"-rw-r--r-- {who} 0 etc/.wh.passwd removes passwd",
        f"-rw-r--r-- {who} 0 d/.wh..wh..opq hides all below",
        f"crw-r--r-- {who} 0 null device 1:3",
    ]


@pytest.mark.parametrize("forms", [["--json", "--files"], ["--files", "--verify"], ["--json", "--verify"]])
def test_one_form_at_a_time(layout: Layout, forms: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-INSP-01: a document with lines behind it is none."""
    assert inspect(capfd, layout, *forms, status=1) == ""


def test_a_sound_image_verifies(layout: Layout, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-INSP-01."""
    assert inspect(capfd, layout, "--verify") == ""


def test_every_mismatch_is_reported(layout: Layout, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-INSP-01: not only the first."""
    held = json.loads((layout.path / "blobs" / layout.manifests[0]["digest"].replace(":", "/")).read_bytes())
    damaged, missing = (layout.path / "blobs" / item["digest"].replace(":", "/") for item in held["layers"])
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    missing.unlink()
    second = layout.path / "blobs" / layout.manifests[1]["digest"].replace(":", "/")
    second.write_bytes(b"{}")
    out = inspect(capfd, layout, "--verify", status=1)
    assert len(out.splitlines()) == 3
    assert all(path.name in out for path in (damaged, missing, second))


def test_the_content_of_layers_is_verified(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-INSP-01: and blobs of what is no image."""
    layout = Layout(tmp_path / "layout")
    layout.add(LOWER, rootfs={"type": "layers", "diff_ids": [digest(b"other")]})
    other = layout.blob(b"signature", "application/vnd.other")
    layout.manifests.append(layout.manifest([other], {}, config=layout.blob(b"{}", "application/vnd.other")))
    layout.write_index()
    (layout.path / "blobs" / other["digest"].replace(":", "/")).write_bytes(b"x")
    out = inspect(capfd, layout, "--verify", status=1)
    assert len(out.splitlines()) == 2
    assert digest(b"other") in out


def test_a_broken_index_is_reported(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-INSP-01."""
    layout = Layout(tmp_path / "layout")
    (layout.path / "index.json").write_bytes(encode({"manifests": 5}))
    assert "must be a list" in inspect(capfd, layout, "--verify", status=1)
