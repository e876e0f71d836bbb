"""Whether this host's QEMU can be used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringfence.container import hypervisor
from ringfence.errors import RingfenceError
from ringfence.settings import Settings
from ringfence.spec.types import Hypervisor, VirtualMachine


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program in QEMU's place, which is not there yet."""
    return tmp_path / "qemu"


def write(path: Path, says: str) -> None:
    """A program that says something and counts how often it is asked."""
    path.write_text(f'#!/bin/sh\necho asked >> {path}.count\necho "{says}"\n')
    path.chmod(0o755)


def test_without_it_the_error_names_the_package(program: Path) -> None:
    """MVM-ERR-01, MVM-QEMU-12."""
    with pytest.raises(RingfenceError, match="there is no QEMU at") as caught:
        hypervisor.check_hypervisor(str(program), None)
    assert "qemu-system-x86" in caught.value.hint


@pytest.mark.parametrize("said", ["7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)", "10.0.3", "8.0"])
def test_new_enough(program: Path, said: str) -> None:
    """MVM-QEMU-12: from 7.2 on."""
    write(program, f"QEMU emulator version {said}")
    hypervisor.check_hypervisor(str(program), None)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("QEMU emulator version 7.1.0", "QEMU is too old: .* is 7.1.0, wanted is 7.2"),
        ("QEMU emulator version 2.11", "too old"),
        ("QEMU emulator version ", "does not tell its version"),
        ("QEMU emulator version x.y", "does not tell its version"),
        ("something else", "does not tell its version"),
    ],
)
def test_too_old_or_no_qemu(program: Path, said: str, told: str) -> None:
    """MVM-QEMU-12: the error has the found and the wanted version."""
    write(program, said)
    with pytest.raises(RingfenceError, match=told):
        hypervisor.check_hypervisor(str(program), None)


def test_it_is_asked_once_for_each_binary(program: Path, tmp_path: Path) -> None:
    """MVM-QEMU-12: a new one is asked anew, and so is one of which the cache says nothing to be read."""
    cache, count = tmp_path / "cache", Path(f"{program}.count")
    write(program, "QEMU emulator version 7.2.0")
    for _ in range(3):
        hypervisor.check_hypervisor(str(program), str(cache))
    assert count.read_text() == "asked\n"
    os.utime(program, ns=(1, 1))
    hypervisor.check_hypervisor(str(program), str(cache))
    assert count.read_text() == "asked\n" * 2
    (cache / "qemu").write_text("damaged")
    hypervisor.check_hypervisor(str(program), str(cache))
    assert count.read_text() == "asked\n" * 3


def test_a_cache_that_cannot_be_written_is_done_without(program: Path) -> None:
    """MVM-QEMU-12."""
    write(program, "QEMU emulator version 7.2.0")
    hypervisor.check_hypervisor(str(program), "/proc/nowhere")


NAMED = VirtualMachine(hypervisor=Hypervisor("/opt/qemu/bin/qemu"))
ALLOWED = Settings(bundle_hypervisor=True, hypervisors=("/opt/qemu/bin/qemu",))


def test_the_administrators_program_or_the_usual_one() -> None:
    """MVM-QEMU-12: never one of the caller's PATH."""
    assert hypervisor.hypervisor_for(None, Settings(), "/r") == "/usr/bin/qemu-system-x86_64"
    assert hypervisor.hypervisor_for(VirtualMachine(), Settings(hypervisor="/opt/q"), "/r") == "/opt/q"


def test_a_bundle_names_one_that_it_may() -> None:
    """MVM-CCOR-03."""
    assert hypervisor.hypervisor_for(NAMED, ALLOWED, "/r") == "/opt/qemu/bin/qemu"


@pytest.mark.parametrize(
    ("settings", "rootfs", "setting"),
    [
        (Settings(), "/r", "vm.allow-bundle-hypervisor"),
        (Settings(hypervisors=("/opt/qemu/bin/qemu",)), "/r", "vm.allow-bundle-hypervisor"),
        (Settings(bundle_hypervisor=True), "/r", "vm.hypervisors"),
        (ALLOWED, "/opt/qemu", "vm.hypervisors"),
    ],
)
def test_a_bundle_names_one_that_it_may_not(settings: Settings, rootfs: str, setting: str) -> None:
    """MVM-CCOR-03, MVM-QEMU-12: the setting is named; one that lies in the container's root never may be."""
    with pytest.raises(RingfenceError) as caught:
        hypervisor.hypervisor_for(NAMED, settings, rootfs)
    assert caught.value.field == "/vm/hypervisor/path"
    assert setting in caught.value.hint


def test_a_bundle_has_no_say_in_the_hypervisors_words() -> None:
    """MVM-SEC-01."""
    named = VirtualMachine(hypervisor=Hypervisor("/opt/qemu/bin/qemu", ("-device", "x")))
    with pytest.raises(RingfenceError, match="parameters of a hypervisor are not supported"):
        hypervisor.hypervisor_for(named, ALLOWED, "/r")
