"""How guests' kernels are made and kept."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from guest import own, place, stock
from ringfence.drivers.guest.ramdisk import archive, base, with_plan
from ringfence.initfile import INIT

LARGEST = 150 << 10


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own."""
    monkeypatch.setattr(place, "cache", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_what_was_lost_is_named() -> None:
    """MVM-KERNEL-02: an option that did not come out as asked for, one that is off but was wanted, one on but not."""
    configured = "CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=y\nCONFIG_D=8\n"
    asked = {"A": "y", "B": "y", "C": "n", "D": "9", "E": "n"}
    assert own.lost(asked, configured) == ["B=y, not n", "C=n, not y", "D=9, not 8"]


def test_another_byte_another_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    """MVM-KERNEL-03: of the source, the compiler or a fragment."""
    first = own.digest("6.1.1", "gcc 12", "x86_64")
    assert own.digest("6.1.1", "gcc 12", "x86_64") == first
    others = {
        own.digest("6.1.1", "gcc 12", "aarch64"),
        own.digest("6.1.2", "gcc 12", "x86_64"),
        own.digest("6.1.1", "gcc 13", "x86_64"),
    }
    monkeypatch.setattr(own, "wanted", lambda _machine: {"SMP": "n"})
    assert len({first, *others, own.digest("6.1.1", "gcc 12", "x86_64")}) == 5


def test_the_same_inputs_are_no_work(cache: Path) -> None:
    """MVM-KERNEL-03."""
    calls = []

    def make(target: Path, scratch: Path) -> None:
        calls.append(scratch)
        (target / "kernel").write_text("it")

    assert place.keep("abc", "current", make) == place.keep("abc", "current", make) == cache / "abc"
    assert len(calls) == 1
    assert (cache / "current" / "kernel").read_text() == "it"
    assert sorted(path.name for path in cache.iterdir()) == ["abc", "current"]


def test_a_broken_build_leaves_nothing_to_be_used(cache: Path) -> None:
    """MVM-KERNEL-03: the entry has its name only when it is whole."""

    def make(target: Path, scratch: Path) -> None:
        (target / "kernel").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place.keep("abc", "current", make)
    assert list(cache.iterdir()) == []


def module(needed: str) -> bytes:
    """The part of a module's file that names what it needs."""
    return b"\x7fELF...license=GPL\0depends=" + needed.encode() + b"\0name=x\0"


def test_a_module_comes_behind_what_it_needs(tmp_path: Path) -> None:
    """MVM-KERNEL-05: whatever their spelling and packing; what is built in has no file."""
    (tmp_path / "virtio.ko").write_bytes(module(""))
    (tmp_path / "virtio-ring.ko").write_bytes(module("virtio"))
    (tmp_path / "net.ko.xz").write_bytes(lzma.compress(module("virtio_ring,built_in")))
    found = stock.ordered(("net", "also_built_in", "virtio"), stock.modules_of(tmp_path))
    assert list(found) == ["virtio", "virtio_ring", "net"]
    assert found["net"] == module("virtio_ring,built_in")


def test_the_ramdisk_holds_the_init_alone() -> None:
    """MVM-RAMDISK-01: small, and the same bytes each time."""
    init = Path(INIT).read_bytes()
    assert base(init) == base(init)
    assert len(base(init)) <= LARGEST
    assert base(init).startswith(archive([("init", 0o755, init)])[:110])


def test_the_plan_rides_behind_it() -> None:
    """MVM-RAMDISK-02: in a second archive, at a multiple of four, which nobody but root may read."""
    whole = with_plan(b"init", b"the plan", b"d" * 16, terminal=False)
    second = whole[len(base(b"init")) :]
    assert len(base(b"init")) % 4 == len(second) % 4 == 0
    assert second.startswith(b"070701")
    assert b"%08X" % 0o100600 in second[:110]
    assert b"the plan" in second
