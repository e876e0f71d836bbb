"""What unpacking does on FreeBSD alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.errors import RingfenceError
from ringfence.image import finish
from ringfence.image.flags import flag_bits
from ringfence.image.policy import Policy
from tests.unit.image.archives import archive, elf_file, entry, folder, pax, record, symlink, unpacked
from tests.unit.image.test_commands import SOURCE


def flagged(words: str, data: bytes) -> bytes:
    return pax(record("SCHILY.fflags", words)) + data


LAYER = archive(flagged("schg,uarch", entry("a")), flagged("uchg", folder("d")), entry("d/f"))


def test_file_flags_are_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMG-BUNDLE-10: an unchangeable file could not be removed with its bundle."""
    monkeypatch.setattr(finish, "set_flags", lambda *_: pytest.fail("flags were set"))
    unpacked(tmp_path / "root", LAYER)


def test_file_flags_are_set_at_the_very_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMG-BUNDLE-10: with the option; a later layer may still replace the file."""
    seen: dict[int, int] = {}

    def note(descriptor: int, bits: int) -> None:
        seen[os.fstat(descriptor).st_ino] = bits

    monkeypatch.setattr(finish, "set_flags", note)
    unpacked(tmp_path / "root", LAYER, archive(entry("b")), policy=Policy(owners=False, flags=True))
    assert seen == {
        (tmp_path / "root/a").stat().st_ino: flag_bits(b"schg,uarch"),
        (tmp_path / "root/d").stat().st_ino: flag_bits(b"uchg"),
    }
    seen.clear()
    unpacked(tmp_path / "again", LAYER, archive(entry("a", b"new")), policy=Policy(owners=False, flags=True))
    assert list(seen) == [(tmp_path / "again/d").stat().st_ino]


def test_words_for_flags() -> None:
    """IMG-BUNDLE-10."""
    assert flag_bits(b"schg,uarch") == 0x20000 | 0x800
    with pytest.raises(RingfenceError, match="not a file flag: xyz"):
        flag_bits(b"schg,xyz")


LINUX_ONLY = (
    "unshare", "setns", "pidfd_open", "memfd_create", "eventfd", "splice", "O_PATH", "O_TMPFILE", "setxattr",
    "getxattr", "listxattr", "removexattr", "sched_setattr", "copy_file_range", "CLONE_NEWNS", "PIDFD_NONBLOCK",
)  # fmt: skip
PROGRAM = """\
import os, socket, sys
sys.path.insert(0, sys.argv[1])
sys.platform = "freebsd14"
for name in sys.argv[2].split():
    for module in (os, sys.modules["posix"]):
        if hasattr(module, name):
            delattr(module, name)
for name in ("AF_NETLINK", "AF_VSOCK", "AF_PACKET"):
    delattr(socket, name)
from ringfence.cli.main import command
sys.exit(command("ringfence", sys.argv[3:]))
"""


def as_freebsd(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command with a Python that looks like FreeBSD's."""
    program = [sys.executable, "-IBS", "-c", PROGRAM, SOURCE, " ".join(LINUX_ONLY), *words]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def test_images_are_made_and_unpacked_where_linux_has_no_say(tmp_path: Path) -> None:
    """JAIL-PORT-01, IMG-CONF-08: with the standard library alone; images of FreeBSD and of Linux."""
    layer = archive(folder("bin"), entry("bin/sh", elf_file(9, 62), mode=0o4555), symlink("sh", "bin/sh"))
    (tmp_path / "root.tar").write_bytes(layer)
    linux = ["--os", "linux", "--arch", "amd64"]
    for name, options in (("freebsd", []), ("linux", linux)):
        target, out = str(tmp_path / f"{name}.tar"), str(tmp_path / name)
        made = as_freebsd("image", "build", "--rootfs", str(tmp_path / "root.tar"), "-o", target, *options)
        assert (made.returncode, made.stderr) == (0, "")
        assert f"{name}/amd64" in as_freebsd("image", "inspect", "--files", target).stdout
        done = as_freebsd("bundle", "--platform", f"{name}/amd64", target, out, "--", "sh")
        assert (done.returncode, done.stderr) == (0, "")
        config = json.loads((tmp_path / name / "config.json").read_text())
        assert config["freebsd"]["jail"]["host"] == "new"
        assert ("linprocfs" in {held["type"] for held in config["mounts"]}) == (name == "linux")
        assert (tmp_path / name / "rootfs/bin/sh").stat().st_mode & 0o7777 == 0o4555
    help_texts = [as_freebsd(*words, "--help") for words in (["bundle"], ["image"], ["demo", "download"])]
    assert [text.returncode for text in help_texts] == [0, 0, 0]
