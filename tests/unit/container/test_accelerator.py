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
    found.append(Verdict(True, fresh=True))
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
    ("flags", "reason"),
    [(b"flags: fpu svm", ""), (b"flags: vmx fpu", ""), (b"flags: vmxx", "the processor has no virtualization")],
)
def test_the_processor_is_looked_at_first(monkeypatch: pytest.MonkeyPatch, flags: bytes, reason: str) -> None:
    """MVM-QEMU-05."""

    class Machine:
        machine = "x86_64"

    fake: Any = type("posix", (), {"access": lambda *_: True, "uname": lambda: Machine, "F_OK": 0})
    monkeypatch.setattr(accelerator, "posix", fake)
    monkeypatch.setattr(accelerator, "read_or", lambda *_: flags)
    monkeypatch.setattr(accelerator, "tried", lambda: "")
    verdict = accelerator.found_out()
    assert verdict.works == (not reason)
    assert verdict.reason.startswith(reason)
