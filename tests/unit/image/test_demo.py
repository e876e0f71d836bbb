"""The demo commands: which release they mean, and what they make of it."""

from __future__ import annotations

import io
import json
import lzma
import os
import tarfile
from pathlib import Path

import pytest

from ringfence.cli.main import command
from ringfence.errors import RingfenceError
from ringfence.image.demo.release import MIRROR, Release, check, release_of, wanted_release
from ringfence.image.freebsd import demo_config
from ringfence.image.platform import Platform
from tests.unit.image.archives import archive, elf_file, entry, folder, hard_link, names, symlink
from tests.unit.image.mirror import DATA, Mirror

RELEASE = Release("amd64", "amd64", "14.1-RELEASE")


# which release


def test_the_host_is_asked_on_freebsd_only() -> None:
    """IMG-DEMO-01, IMG-DEMO-05: the patch level is cut off."""
    answers = {"-m": "arm64", "-p": "aarch64", "/bin/freebsd-version": "14.1-RELEASE-p3"}
    said: list[str] = []
    nothing = {"machine": "", "arch": "", "version": ""}
    found = wanted_release(nothing, True, said.append, lambda words: answers[words[-1]])
    assert found == Release("arm64", "aarch64", "14.1-RELEASE")
    assert said == ["Found arch: aarch64", "Found version: 14.1-RELEASE"]
    given = {"machine": "amd64", "arch": "", "version": ""}
    with pytest.raises(RingfenceError, match="--arch, --version must be given"):
        wanted_release(given, False, said.append)


@pytest.mark.parametrize(
    ("arch", "platform"),
    [
        ("amd64", Platform("freebsd", "amd64")),
        ("aarch64", Platform("freebsd", "arm64")),
        ("arm64", Platform("freebsd", "arm64")),
        ("armv7", Platform("freebsd", "arm", "v7")),
        ("riscv64", Platform("freebsd", "riscv64")),
        ("powerpc64le", Platform("freebsd", "ppc64le")),
    ],
)
def test_architectures_and_what_images_call_them(arch: str, platform: Platform) -> None:
    """IMG-DEMO-01."""
    found = wanted_release({"machine": "m", "arch": arch, "version": "v"}, False, print)
    assert found.platform() == platform
    assert found.arch == {"arm64": "aarch64"}.get(arch, arch)


def test_an_unknown_architecture_is_refused() -> None:
    """IMG-DEMO-01."""
    with pytest.raises(RingfenceError, match="mips: not known") as caught:
        check(Release("mips", "mips", "14.1-RELEASE"))
    assert "amd64, aarch64, armv7, riscv64, powerpc64le" in caught.value.hint


@pytest.mark.parametrize("text", ["..", ".", "a/b", "", "a b", "a\n", "a?b", "a%2f", "\u00e9"])
def test_parts_of_the_address_are_checked(text: str) -> None:
    """IMG-DEMO-02."""
    for release in (Release(text, "amd64", "v"), Release("amd64", "amd64", text)):
        with pytest.raises(RingfenceError, match="letters, digits"):
            check(release)


def test_the_address() -> None:
    """IMG-DEMO-02: the FreeBSD project's own server unless told otherwise."""
    assert f"{MIRROR}/{RELEASE.path()}/base.txz" == (
        "https://download.freebsd.org/ftp/releases/amd64/amd64/14.1-RELEASE/base.txz"
    )
    assert [release_of(text) for text in ("13.1-RELEASE-p3", "14.1-RELEASE", "15.0-CURRENT")] == [
        "13.1-RELEASE", "14.1-RELEASE", "15.0-CURRENT",
    ]  # fmt: skip


# the commands


def run(*words: str) -> int:
    return command("ringfence", list(words))


NAMED = ("-m", "amd64", "-a", "amd64", "-v", "14.1-RELEASE")


def test_the_command_downloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """IMG-DEMO-01, IMG-DEMO-05: without a terminal there is no progress; the usual name is rootfs.txz."""
    monkeypatch.chdir(tmp_path)
    with Mirror() as mirror:
        assert run("demo", "download", *NAMED, "--mirror", mirror.url) == 0
    assert (tmp_path / "rootfs.txz").read_bytes() == DATA
    out, err = capfd.readouterr()
    assert err == ""
    assert out.splitlines()[-1] == f"Wrote {tmp_path}/rootfs.txz"


def test_an_interrupted_download_can_be_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMG-DEMO-05: Ctrl-C is status 130."""
    target, seen = tmp_path / "out.txz", []

    def interrupt(self: object, count: int) -> None:
        seen.append(count)
        raise KeyboardInterrupt

    words = ("demo", "download", *NAMED, "-o", str(target))
    with Mirror() as mirror:
        with monkeypatch.context() as patch:
            patch.setattr("ringfence.cli.progress.Bar.add", interrupt)
            assert run(*words, "--mirror", mirror.url) == 130
        assert os.path.getsize(f"{target}.part") == seen[0]
        assert run(*words, "--mirror", mirror.url) == 0
        assert mirror.archive_requests()[-1]["Range"] == f"bytes={seen[0]}-"


def test_the_command_asks_for_what_is_missing(capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-DEMO-01."""
    assert run("demo", "download", "-m", "amd64") == 1
    assert "--arch, --version must be given" in capfd.readouterr().err


def test_demo_spec(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-DEMO-06: two blanks a level, no number of a ruleset that may not be defined, and nothing is overwritten."""
    assert run("demo", "spec", "-b", str(tmp_path)) == 0
    text = (tmp_path / "config.json").read_text()
    assert text.startswith('{\n  "ociVersion"')
    config = json.loads(text)
    assert (config["process"]["args"], config["root"], config["freebsd"]) == (
        ["sh"],
        {"path": "rootfs"},
        {"jail": {"ip4": "inherit"}},
    )
    assert config["mounts"] == [{"destination": "/dev", "type": "devfs", "source": "devfs"}]
    assert config == demo_config()
    assert run("demo", "spec", "-b", str(tmp_path)) == 1
    assert "config.json exists. Remove it first" in capfd.readouterr().err


def base_txz() -> bytes:
    """A base system as small as can be, with what unpacking to a folder would lose."""
    return lzma.compress(
        archive(
            folder("./"),
            folder("./bin", uid=0, gid=0),
            entry("./bin/sh", elf_file(9, 62), mode=0o555, uid=0, gid=0),
            hard_link("./bin/-sh", "./bin/sh"),
            symlink("./sys", "usr/src/sys"),
            entry("./usr/bin/su", b"su", mode=0o4555, uid=0, gid=0),
        )
    )


@pytest.mark.parametrize("fetched", [True, False])
def test_demo_oci_image(
    tmp_path: Path, fetched: bool, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """IMG-DEMO-07: of a file or of a download, from the stream, without another program; each step is told."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    data = base_txz()
    if fetched:
        with Mirror(data) as mirror:
            assert run("demo", "oci-image", *NAMED, "--mirror", mirror.url) == 0
    else:
        (tmp_path / "base.txz").write_bytes(data)
        assert run("demo", "oci-image", "-i", "base.txz") == 0
    out = capfd.readouterr().out
    assert "Building layer and image" in out
    assert out.splitlines()[-1] == f"Wrote {tmp_path}/image.tar for freebsd/amd64"
    assert names(tmp_path) == (["image.tar"] if fetched else ["base.txz", "image.tar"])
    assert run("image", "inspect", "--json", "image.tar") == 0
    (held,) = json.loads(capfd.readouterr().out)
    assert (held["platform"], held["config"]["os"]) == ("freebsd/amd64", "freebsd")
    with tarfile.open("image.tar") as image:
        content = image.extractfile(f"blobs/{held['layers'][0]['digest'].replace(':', '/')}")
        assert content is not None
        with tarfile.open(fileobj=io.BytesIO(content.read())) as layer:
            found = {member.name: member for member in layer}
    assert (found["usr/bin/su"].mode, found["usr/bin/su"].uid) == (0o4555, 0)
    assert found["bin/sh"].islnk()


def test_a_file_and_a_release_exclude_each_other(capfd: pytest.CaptureFixture[str]) -> None:
    """IMG-DEMO-07."""
    assert run("demo", "oci-image", "-i", "x", "-v", "14.1-RELEASE") == 1
    assert "--input and --version exclude each other" in capfd.readouterr().err
