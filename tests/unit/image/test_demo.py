"""Fetching a release: a mirror on the loopback interface, and all the faults that one can have."""

from __future__ import annotations

import io
import json
import lzma
import os
import socket
import tarfile
from pathlib import Path
from typing import Any

import pytest

from ringfence.cli.main import command
from ringfence.errors import RingfenceError
from ringfence.image.demo import http
from ringfence.image.demo.download import TRIES, Download, MismatchError
from ringfence.image.demo.http import checked_url
from ringfence.image.demo.release import MIRROR, Release, check, digest_in, release_of, wanted_release
from ringfence.image.freebsd import demo_config
from ringfence.image.platform import Platform
from tests.unit.image.archives import archive, elf_file, entry, folder, hard_link, names, symlink
from tests.unit.image.mirror import DATA, ETAG, PATH, Mirror, redirect, send

RELEASE = Release("amd64", "amd64", "14.1-RELEASE")


class Told:
    """Progress, as it was told."""

    def __init__(self) -> None:
        self.begun: list[tuple[int, int]] = []
        self.done = 0

    def begin(self, total: int, done: int = 0) -> None:
        self.begun.append((total, done))

    def add(self, count: int) -> None:
        self.done += count


class Fetch:
    """Downloads that do not wait."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.told = Told()
        self.waits: list[float] = []

    def __call__(self, *mirrors: str, patience: float = 5.0) -> None:
        Download(RELEASE, str(self.target), self.told, self.waits.append, patience).run(mirrors)

    def fails(self, *mirrors: str, **fields: Any) -> str:
        with pytest.raises(RingfenceError) as caught:
            self(*mirrors, **fields)
        assert not self.target.exists()
        return str(caught.value)

    @property
    def part(self) -> Path:
        return Path(f"{self.target}.part")


@pytest.fixture
def fetch(tmp_path: Path) -> Fetch:
    return Fetch(tmp_path / "rootfs.txz")


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


# the checksum


def test_a_release_is_fetched(fetch: Fetch) -> None:
    """IMG-DEMO-03: the MANIFEST first; nothing but the file remains."""
    with Mirror() as mirror:
        fetch(mirror.url)
    assert fetch.target.read_bytes() == DATA
    assert [path for path, _ in mirror.requests] == [f"{PATH}/MANIFEST", f"{PATH}/base.txz"]
    assert names(fetch.target.parent) == ["rootfs.txz"]
    assert (fetch.told.begun, fetch.told.done) == ([(len(DATA), 0)], len(DATA))


def test_another_file_than_the_manifest_says_is_removed(fetch: Fetch) -> None:
    """IMG-DEMO-03: both sums are shown, and no other mirror is asked."""
    with Mirror() as mirror, Mirror() as second:
        mirror.digest = "0" * 64
        text = fetch.fails(mirror.url, second.url)
        assert second.requests == []
    assert "0" * 64 in text
    assert second.digest in text
    assert names(fetch.target.parent) == []


@pytest.mark.parametrize(
    "text", ["", "kernel.txz\t" + "0" * 64, "base.txz " + "0" * 64, "base.txz\tshort", "xbase.txz\t" + "0" * 64]
)
def test_a_manifest_without_the_line_is_an_error(text: str) -> None:
    """IMG-DEMO-03."""
    with pytest.raises(RingfenceError, match=r"no line for base\.txz"):
        digest_in(text, "MANIFEST")


def test_a_manifest_is_short(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    with Mirror() as mirror:
        monkeypatch.setattr(mirror, "manifest", lambda: b"x" * 2**21)
        assert "longer than a MANIFEST" in fetch.fails(mirror.url)


# faults


@pytest.mark.parametrize("fault", ["cut", "short"])
def test_a_download_that_is_cut_off_goes_on(fetch: Fetch, fault: str) -> None:
    """IMG-DEMO-04: by Range, as long as it is the same file."""
    with Mirror() as mirror:
        mirror.script = [fault, fault]
        fetch(mirror.url)
        ranges = [(headers.get("Range"), headers.get("If-Range")) for headers in mirror.archive_requests()]
    assert fetch.target.read_bytes() == DATA
    assert ranges[0] == (None, None)
    assert all(rest[1] == ETAG for rest in ranges[1:])
    assert ranges[1][0] == f"bytes={len(DATA) // 2 if fault == 'cut' else len(DATA)}-"
    assert fetch.waits == sorted(fetch.waits)


def test_a_stalled_download_goes_on(fetch: Fetch) -> None:
    """IMG-DEMO-04: when nothing has come for some time."""
    assert http.PATIENCE == 30
    with Mirror() as mirror:
        mirror.script = ["stall"]
        fetch(mirror.url, patience=0.3)
    assert fetch.target.read_bytes() == DATA
    assert len(fetch.waits) == 1


def test_a_length_that_is_too_small_is_found_by_the_sum(fetch: Fetch) -> None:
    """IMG-DEMO-04: what the mirror says is never taken for the whole."""
    with Mirror() as mirror:
        mirror.script = ["long"]
        with pytest.raises(MismatchError):
            fetch(mirror.url)


def test_a_body_of_unknown_length(fetch: Fetch) -> None:
    """IMG-DEMO-04."""
    with Mirror() as mirror:
        mirror.script = ["chunked"]
        fetch(mirror.url)
    assert fetch.told.begun == [(-1, 0)]
    assert fetch.target.read_bytes() == DATA


def test_there_is_an_end_to_trying(fetch: Fetch) -> None:
    """IMG-DEMO-04: five further tries with growing waits; what was fetched stays for the next call."""
    with Mirror() as mirror:
        mirror.script = ["cut"] * (TRIES + 1)
        assert "cut off" in fetch.fails(mirror.url)
        assert (TRIES, fetch.waits) == (5, [1, 2, 4, 8, 16])
        assert 0 < fetch.part.stat().st_size < len(DATA)
        before = fetch.part.stat().st_size
        fetch(mirror.url)
        assert mirror.archive_requests()[-1]["Range"] == f"bytes={before}-"
    assert fetch.target.read_bytes() == DATA


def test_the_next_mirror_is_asked(fetch: Fetch) -> None:
    """IMG-DEMO-02, IMG-DEMO-04: in the order given."""
    with Mirror() as first, Mirror() as second:
        first.script = ["cut"] * 10
        fetch(first.url, second.url)
        assert second.archive_requests() == [second.archive_requests()[0]]
    assert fetch.target.read_bytes() == DATA


@pytest.mark.parametrize("change", ["etag", "length", "start", "no range"])
def test_another_file_is_fetched_from_the_start(fetch: Fetch, change: str) -> None:
    """IMG-DEMO-04: another ETag or length, or an answer that is no continuation."""
    with Mirror(DATA[:1000] + DATA) as mirror:
        old = mirror.data
        mirror.script = ["cut"] * (TRIES + 1)
        fetch.fails(mirror.url)
        fresh = Mirror(DATA)
        mirror.data, mirror.digest = fresh.data, fresh.digest
        fresh.server.server_close()
        wrong = {
            "length": {"Content-Range": f"bytes {fetch.part.stat().st_size}-5/{len(DATA)}", "ETag": ETAG},
            "start": {"Content-Range": f"bytes 0-5/{len(old)}", "ETag": ETAG},
            "no range": {"ETag": ETAG},
            "etag": {"Content-Range": f"bytes {fetch.part.stat().st_size}-5/{len(old)}", "ETag": '"other"'},
        }[change]
        mirror.etag = '"abc-2"'
        mirror.script = [lambda request: send(request, 206, b"x" * 6, wrong)]
        fetch(mirror.url)
        assert "Range" not in mirror.archive_requests()[-1]
    assert fetch.target.read_bytes() == DATA


def test_a_mirror_that_ignores_the_range(fetch: Fetch) -> None:
    """IMG-DEMO-04: 200 instead of 206 starts over."""
    with Mirror() as mirror:
        mirror.script = ["cut", lambda request: send(request, 200, DATA, {"ETag": ETAG})]
        fetch(mirror.url)
    assert fetch.target.read_bytes() == DATA


@pytest.mark.parametrize("complete", [True, False])
def test_nothing_more_to_fetch(fetch: Fetch, complete: bool) -> None:
    """IMG-DEMO-04: 416 with the full length means that the sum decides; with another that the file is another."""
    with Mirror() as mirror:
        fetch.part.write_bytes(DATA if complete else DATA + b"x")
        tag = {"url": f"{mirror.url}/{RELEASE.path()}/base.txz", "validator": ETAG, "length": len(DATA)}
        Path(f"{fetch.target}.tag").write_text(json.dumps(tag))
        fetch(mirror.url)
        assert len(mirror.archive_requests()) == (1 if complete else 2)
    assert fetch.target.read_bytes() == DATA


def test_a_part_of_unknown_origin_is_not_gone_on_with(fetch: Fetch) -> None:
    """IMG-DEMO-04."""
    fetch.part.write_bytes(b"something else")
    with Mirror() as mirror:
        fetch(mirror.url)
        assert "Range" not in mirror.archive_requests()[0]


def test_a_release_that_is_not_there(fetch: Fetch, tmp_path: Path) -> None:
    """IMG-DEMO-02: the message names it and where the list is."""
    with Mirror() as mirror:
        held = Download(Release("amd64", "amd64", "1.0-RELEASE"), str(fetch.target), fetch.told, fetch.waits.append)
        with pytest.raises(RingfenceError, match=r"there is no release 1\.0-RELEASE for amd64, amd64") as caught:
            held.run([mirror.url])
        assert caught.value.hint.startswith(f"{mirror.url}/amd64/amd64/ lists")
    assert fetch.waits == []
    assert names(tmp_path) == []


@pytest.mark.parametrize(("status", "tries"), [(403, 1), (500, TRIES + 1), (503, TRIES + 1)])
def test_other_answers(fetch: Fetch, status: int, tries: int) -> None:
    """IMG-DEMO-04: what may pass is tried again."""
    with Mirror() as mirror:
        mirror.script = [lambda request: send(request, status, b"")] * 10
        assert f"status {status}" in fetch.fails(mirror.url)
        assert len(mirror.archive_requests()) == tries


def test_nobody_listens(fetch: Fetch) -> None:
    mirror = Mirror()
    mirror.server.server_close()
    assert mirror.host in fetch.fails(mirror.url)
    assert len(fetch.waits) == TRIES


# where a mirror may lead


def test_redirects_are_followed(fetch: Fetch) -> None:
    """IMG-DEMO-02."""
    with Mirror() as mirror:
        mirror.script = [
            redirect("base.txz"),
            redirect(f"http://{mirror.host}{PATH}/base.txz"),
            redirect(f"{PATH}/base.txz"),
        ]
        fetch(mirror.url)
    assert fetch.target.read_bytes() == DATA


def test_redirects_without_end(fetch: Fetch) -> None:
    """IMG-DEMO-02."""
    with Mirror() as mirror:
        mirror.script = [redirect("base.txz")] * 6
        assert "more than 5 redirects" in fetch.fails(mirror.url)
        mirror.script = [redirect("base.txz")] * 5
        fetch(mirror.url)


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://192.0.2.1/x", "//192.0.2.1/x", ""]
)
def test_where_no_redirect_may_lead(fetch: Fetch, target: str) -> None:
    """IMG-DEMO-02: and no other try is made."""
    with Mirror() as mirror:
        mirror.script = [redirect(target)]
        fetch.fails(mirror.url)
    assert fetch.waits == []


@pytest.mark.parametrize(
    ("url", "loopback", "before"),
    [
        ("http://example.org/x", False, ""),
        ("http://example.org/x", True, ""),
        ("http://127.0.0.1/x", False, ""),
        ("https://127.0.0.1/x", False, "https://example.org/"),
        ("https://[::1]/x", False, "https://example.org/"),
        ("https://localhost/x", False, "https://example.org/"),
        ("http://127.0.0.1/x", True, "https://127.0.0.1/"),
        ("file:///x", True, ""),
        ("https:///x", False, ""),
        ("https://me:secret@example.org/x", False, ""),
        ("example.org/x", False, ""),
    ],
)
def test_addresses_that_nothing_is_fetched_from(url: str, loopback: bool, before: str) -> None:
    """IMG-DEMO-02."""
    with pytest.raises(http.RefusedError):
        checked_url(url, loopback, before)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("https://example.org/x", False),
        ("http://127.0.0.1:80/x", True),
        ("http://[::1]/x", True),
        ("https://example.org/x", True),
    ],
)
def test_addresses_that_are_fetched_from(url: str, loopback: bool) -> None:
    """IMG-DEMO-02."""
    assert checked_url(url, loopback).geturl() == url


def test_a_name_that_leads_to_this_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """IMG-DEMO-02: whatever the name is, the address counts."""
    with Mirror() as mirror:
        port = int(mirror.host.rpartition(":")[2])
        real = socket.create_connection
        monkeypatch.setattr(socket, "create_connection", lambda address, timeout: real(("127.0.0.1", port), timeout))
        with pytest.raises(http.RefusedError, match="does not lead where a mirror may be"):
            http.request("https://example.org/x", {}, 5.0)
    assert mirror.requests == []


def test_a_certificate_is_checked(fetch: Fetch) -> None:
    """IMG-DEMO-02: a server that does not speak TLS is none, and no option changes that."""
    with Mirror() as mirror:
        fetch.fails(mirror.url.replace("http:", "https:"))
        assert mirror.requests == []


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
