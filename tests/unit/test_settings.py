"""The administrator's file of settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.container.runtime import WALLS
from ringfence.errors import RingfenceError
from ringfence.settings import Settings, read_settings

SOURCE = str(Path(__file__).parents[2] / "src")


def told(tmp_path: Path, text: str) -> Settings:
    """What the settings in a text are."""
    file = tmp_path / "ringfence.toml"
    file.write_text(text)
    file.chmod(0o644)
    return read_settings(str(file), WALLS)


def test_without_a_file_everything_has_its_default(tmp_path: Path) -> None:
    assert read_settings(str(tmp_path / "ringfence.toml"), WALLS) == Settings()


def test_every_setting(tmp_path: Path) -> None:
    text = 'driver = "microvm"\n[annotations]\ndrivers = ["microvm", "xen"]\n'
    text += '[qemu]\naccelerator = "kvm"\n[kvm]\nboot-timeout = 30\n'
    assert told(tmp_path, 'files = "9p"\n' + text) == Settings("microvm", ("microvm", "xen"), "kvm", 30, "9p")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("driver = \n", "is not TOML: Invalid value (at line 1, column 10)"),
        ('driver = "microvm"\ndriver = "xen"\n', "line 2"),
        ('dirver = "microvm"\n', "there is no setting dirver"),
        ("[annotations]\ndriver = []\n", "there is no setting annotations.driver"),
        ('driver = "kvm"\n', "driver must be one of namespaces, microvm, xen, jail, not 'kvm'"),
        ("driver = 1\n", "driver must be one of"),
        ('[annotations]\ndrivers = "microvm"\n', "annotations.drivers must be a list of drivers, not 'microvm'"),
        ('[annotations]\ndrivers = ["vm"]\n', "annotations.drivers must be one of"),
        ('[qemu]\naccelerator = "xen"\n', "qemu.accelerator must be one of auto, kvm, tcg, not 'xen'"),
        ('files = "nfs"\n', "files must be one of auto, virtiofs, 9p, not 'nfs'"),
        ('[qemu]\npath = "qemu"\n', "qemu.path must be an absolute path, not 'qemu'"),
        ("[vm]\nallow-bundle-hypervisor = 1\n", "vm.allow-bundle-hypervisor must be true or false, not 1"),
        ('[vm]\nhypervisors = "/q"\n', "vm.hypervisors must be a list of paths, not '/q'"),
        ('[vm]\nhypervisors = ["q"]\n', "vm.hypervisors must be an absolute path, not 'q'"),
        ("[kvm]\nboot-timeout = 0\n", "kvm.boot-timeout must be 1 to 600 seconds, not 0"),
        ("[kvm]\nboot-timeout = true\n", "kvm.boot-timeout must be 1 to 600 seconds, not True"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(RingfenceError) as caught:
        told(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "ringfence.toml"))
    assert words in str(caught.value)


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_may_write_to_decides_nothing(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "ringfence.toml"
    file.write_text("")
    file.chmod(mode)
    with pytest.raises(RingfenceError, match="can be written by others"):
        read_settings(str(file), WALLS)


def test_a_folder_in_its_place_is_an_error(tmp_path: Path) -> None:
    os.mkdir(tmp_path / "ringfence.toml", 0o755)
    with pytest.raises(RingfenceError, match="cannot read"):
        read_settings(str(tmp_path / "ringfence.toml"), WALLS)


def test_the_parser_is_loaded_only_for_a_file(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {SOURCE!r}); from ringfence.settings import read_settings"
    call = f"read_settings({str(tmp_path / 'x.toml')!r}, ()); print('tomllib' in sys.modules)"
    line = [sys.executable, "-I", "-S", "-c", f"{code}; {call}"]
    assert subprocess.run(line, capture_output=True, text=True, check=True).stdout == "False\n"
    (tmp_path / "x.toml").write_text("")
    (tmp_path / "x.toml").chmod(0o644)
    assert subprocess.run(line, capture_output=True, text=True, check=True).stdout == "True\n"
