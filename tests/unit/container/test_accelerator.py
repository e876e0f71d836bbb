"""When machines get the processor's help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ringfence.container import accelerator
from ringfence.container.accelerator import Verdict, accelerate, known
from ringfence.errors import RingfenceError

SLOW = "KVM runs a guest's code too slowly: it emulates it"


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Verdict]:
    """What the probe finds next; it is asked only as often as there is something."""
    held: list[Verdict] = []
    monkeypatch.setattr(accelerator, "found_out", held.pop)
    return held


def test_a_verdict_is_found_once_a_boot(found: list[Verdict], tmp_path: Path) -> None:
    """MVM-QEMU-04, MVM-QEMU-05: with one notice."""
    found.append(Verdict(False, SLOW, fresh=True))
    first, second = (accelerate("auto", str(tmp_path / "cache")) for _ in range(2))
    assert (first.works, second.works) == (False, False)
    assert first.notices == (f"machines are emulated, which is slow: {SLOW}",)
    assert second.notices == ()
    assert second.reason == SLOW


def test_what_works_needs_no_notice(found: list[Verdict], tmp_path: Path) -> None:
    """MVM-QEMU-04."""
    found.append(Verdict(True, group=107, fresh=True))
    assert accelerate("auto", str(tmp_path)).notices == ()
    assert accelerate("auto", str(tmp_path)).works


@pytest.mark.parametrize(
    "damage", ["", "yes", "{key} perhaps", "{key} no", "{key} yes but", "other-boot 2792 yes", "\0"]
)
def test_a_damaged_cache_is_ignored(found: list[Verdict], tmp_path: Path, damage: str) -> None:
    """MVM-QEMU-05, MVM-CRASH-03: and so is one of another boot or device."""
    (tmp_path / "kvm").write_text(damage.format(key=accelerator.identity()))
    found.append(Verdict(False, SLOW, fresh=True))
    assert known(str(tmp_path)).fresh


def test_forced_and_not_working(found: list[Verdict]) -> None:
    """MVM-QEMU-04."""
    found.append(Verdict(False, SLOW))
    with pytest.raises(RingfenceError, match=f"This system does not support virtualization: {SLOW}"):
        accelerate("kvm", None)


def test_emulation_forced(found: list[Verdict]) -> None:
    """MVM-QEMU-04: nothing is probed."""
    assert accelerate("tcg", None) == Verdict(False)


@pytest.mark.parametrize(
    ("mode", "group", "flags", "reason"),
    [
        (0o666, 0, b"flags: svm", ""),
        (0o660, 107, b"flags: fpu vmx", ""),
        (0o600, 0, b"flags: vmx", accelerator.NOBODY_REACHES),
        (0o660, 0, b"flags: vmx", accelerator.NOBODY_REACHES),
        (0o666, 0, b"flags: fpu vmxx", "the processor has no virtualization (flags vmx and svm)"),
    ],
)
def test_what_is_looked_at_before_the_probe(
    monkeypatch: pytest.MonkeyPatch, mode: int, group: int, flags: bytes, reason: str
) -> None:
    """MVM-QEMU-05: QEMU's user must reach the device, by its group if need be."""

    class Status:
        st_mode, st_gid = 0o020000 | mode, group

    class Machine:
        machine = "x86_64"

    fake: Any = type("posix", (), {"stat": lambda _: Status, "uname": lambda: Machine})
    monkeypatch.setattr(accelerator, "posix", fake)
    monkeypatch.setattr(accelerator, "read_or", lambda *_: flags)
    monkeypatch.setattr(accelerator, "tried", lambda: "")
    verdict = accelerator.found_out()
    assert (verdict.works, verdict.reason) == (not reason, reason)
    assert verdict.group == (group if not reason and mode == 0o660 else 0)
