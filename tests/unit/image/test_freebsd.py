"""What unpacking does on FreeBSD alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringfence.errors import RingfenceError
from ringfence.image import finish
from ringfence.image.flags import flag_bits
from ringfence.image.policy import Policy
from tests.unit.image.archives import archive, entry, folder, pax, record, unpacked


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
