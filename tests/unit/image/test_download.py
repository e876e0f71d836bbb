"""Fetching a release: a mirror on the loopback interface, and all the faults that one can have."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.errors import RingfenceError
from ringfence.image.demo import http
from ringfence.image.demo.download import TRIES, Download, MismatchError
from ringfence.image.demo.http import checked_url, joined
from ringfence.image.demo.release import Release, digest_in
from tests.unit.image.archives import names
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


def test_what_is_no_file_is_not_replaced(fetch: Fetch) -> None:
    """IMG-DEMO-03: root would have a file in the place of /dev/null."""
    fetch.target.symlink_to("/dev/null")
    with Mirror() as mirror:
        with pytest.raises(RingfenceError, match="not a regular file"):
            fetch(mirror.url)
        assert mirror.requests == []


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
    "target",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://192.0.2.1/x",
        "//192.0.2.1/x",
        "",
        "http://[",
        "//[::1",
        "//h:x/",
    ],
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
        ("https://[::ffff:127.0.0.1]/x", False, "https://example.org/"),
        ("http://[::ffff:192.0.2.1]/x", True, ""),
        ("https://example.org:99999/x", False, ""),
        ("https://example.org:port/x", False, ""),
        ("https://example.org:0/x", False, ""),
        ("https://[example.org/x", False, ""),
        ("https://[1.2.3.4]/x", False, ""),
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


def test_a_server_that_does_not_speak_tls_is_none(fetch: Fetch) -> None:
    """IMG-DEMO-02: no option changes that."""
    with Mirror() as mirror:
        fetch.fails(mirror.url.replace("http:", "https:"))
        assert mirror.requests == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed, with its key."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run([program, *words], check=True, capture_output=True)
    with open(path, "a", encoding="ascii") as file:
        file.write(Path(f"{path}.crt").read_text())
    return path


def test_a_certificate_is_checked(fetch: Fetch, certificate: Path) -> None:
    """IMG-DEMO-02: one that nobody has signed is refused, nothing is asked, and no other try is made."""
    with Mirror() as mirror:
        mirror.speak_tls(certificate)
        assert "self-signed certificate" in fetch.fails(mirror.url.replace("http:", "https:"))
        assert mirror.requests == []
    assert fetch.waits == []


def test_a_trusted_certificate_is_taken(fetch: Fetch, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMG-DEMO-02: but not for another name, and nothing leads from it to plain http."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with Mirror() as mirror:
        mirror.speak_tls(certificate)
        url = mirror.url.replace("http:", "https:")
        assert "mismatch" in fetch.fails(url.replace("127.0.0.1", "localhost"))
        mirror.script = [redirect(f"http://{mirror.host}{PATH}/base.txz")]
        assert "plain http" in fetch.fails(url)
        fetch(url)
    assert fetch.target.read_bytes() == DATA


@given(st.text(max_size=30), st.sampled_from(["", "https://", "http://", "https://127.0.0.1:1/", "//"]))
@settings(max_examples=200, deadline=None)
def test_any_text_as_an_address_gives_an_answer_or_an_error(text: str, before: str) -> None:
    """IMG-DEMO-02: and no other exception; nothing that a name leads to is asked for here."""
    try:
        checked_url(f"{before}{text}", loopback=True, before="http://127.0.0.1/")
        checked_url(joined("http://127.0.0.1/x", f"{before}{text}"), loopback=True)
    except http.RefusedError:
        pass


@pytest.mark.parametrize("path", ["/\u00e9", "/a b", "/\x7f"])
def test_a_redirect_to_what_cannot_be_asked_for(fetch: Fetch, path: str) -> None:
    """IMG-DEMO-02."""
    with Mirror() as mirror:
        mirror.script = [redirect(path)] * (TRIES + 1)
        assert mirror.host in fetch.fails(mirror.url)


@pytest.mark.parametrize("value", ["9" * 5000, "-5", "x", "\u00b2"])
def test_a_length_that_is_no_number(fetch: Fetch, value: str) -> None:
    """IMG-DEMO-04: it counts as unknown, or the answer as broken."""
    with Mirror() as mirror:
        mirror.script = [lambda request: send(request, 200, DATA, {"Content-Length": value})]
        mirror.script += ["cut", lambda request: send(request, 206, b"x", {"Content-Range": f"bytes 0-5/{value}"})]
        fetch(mirror.url)
    assert fetch.target.read_bytes() == DATA
