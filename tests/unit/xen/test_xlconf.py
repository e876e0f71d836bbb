"""An administrator's file of XLCONF."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.container.xlconf import with_file
from ringfence.drivers.linux.context import Context
from ringfence.drivers.xen import cfg
from ringfence.drivers.xen.environment import Said
from ringfence.drivers.xen.plan import domain_of
from ringfence.drivers.xen.xlconf import checked, parse
from ringfence.errors import RingfenceError
from ringfence.settings import XenSettings
from tests.unit.xen.samples import STATE, config_of, file_of, plan_of, wanted_of

FIELD = "/process/env/0"
TEXT = """\
# an administrator's
memory = 0x80
vcpus = 2 ; cpus = '0-1'   # both
pci = [ "01:00.0",
        "02:00.0" ]
irqs = [ ]
"""


def values(text: str) -> dict[str, Any]:
    """What a text says."""
    return checked(parse(text, "/f", FIELD), "/f", FIELD)


def test_strings_numbers_lists_and_comments() -> None:
    """XEN-ENV-03."""
    told = {"memory": 128, "vcpus": 2, "cpus": "0-1", "pci": ["01:00.0", "02:00.0"], "irqs": []}
    assert values(TEXT) == told


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('script = "/x"\n', "line 1: script may not be set"),
        ('memory = 1\nbootloader = "/x"\n', "line 2: bootloader may not be set"),
        ('device_model_args = [ "-x" ]\n', "device_model_args may not be set"),
        ('device_model_override = "/x"\n', "may not be set"),
        ('on_poweroff = "restart"\n', "may not be set"),
        ('p9 = [ "path=/" ]\n', "p9 may not be set"),
        ('disk = [ "x" ]\n', "disk may not be set"),
        ('seclabel = "x"\n', "may not be set"),
        ('name = "Domain-0"\n', "name may not be set"),
        ("memroy = 1\n", "line 1: memroy is no key that is known"),
        ('memory = "1"\n', "memory must be a number"),
        ("pci = [ 1 ]\n", "pci must be a list of strings"),
        ("memory = 1\nmemory = 2\n", "line 2: memory occurs twice"),
        ('cpus = "a\n', "a string does not end"),
        ("memory = \n", "neither a string, a number nor a list"),
        ("memory 1\n", "= is missing"),
        ("memory = 1 2\n", "something stands behind a value"),
        ("pci = [ 'a' 'b' ]\n", "a list does not end"),
        ("pci = [ 'a',\n", "neither"),
        ("= 1\n", "a key is missing"),
        ('cpus = "a\\"b"\n', "a control character or a backslash"),
        ("memory = 0x\n", "neither"),
    ],
)
def test_what_may_not_be_there(text: str, words: str) -> None:
    """XEN-ENV-03: the line is named, what stands in it is not quoted."""
    with pytest.raises(RingfenceError) as caught:
        values(text)
    assert words in caught.value.attempted
    assert caught.value.field == FIELD


@given(st.text(max_size=200))
def test_no_text_adds_a_key_that_is_not_known(text: str) -> None:
    """XEN-ENV-03, XEN-SEC-01: whatever the file holds, what comes of it is ours."""
    try:
        told = values(text)
    except RingfenceError:
        return
    assert not {"name", "p9", "kernel"} & set(told)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file of root's."""
    file = tmp_path / "conf"
    file.write_text(TEXT)
    file.chmod(0o644)
    return tmp_path


def merged(path: str, folders: tuple[str, ...], bundle: str = "/bundle") -> Any:
    """The domain with what a file says."""
    config = config_of()
    context = Context("web", bundle, f"{bundle}/rootfs", (), {})
    return with_file(wanted_of(config), Said(path, FIELD), XenSettings(xlconf_folders=folders), context)


@pytest.mark.skipif(os.geteuid() != 0, reason="such a file is root's")
def test_merged_key_by_key(folder: Path) -> None:
    """XEN-ENV-03: sizes take the place of ours, the rest stands behind what is ours."""
    wanted = merged(f"{folder}/conf", (str(folder),))
    text = cfg.render(domain_of(config_of(), wanted, STATE))
    assert "memory = 128\n" in text
    assert "vcpus = 2\n" in text
    assert text.endswith('cpus = "0-1"\n') or 'cpus = "0-1"\n' in text
    assert 'pci = [ "01:00.0", "02:00.0" ]\n' in text
    assert text.splitlines()[:4] == file_of(plan_of()).splitlines()[:4]


def test_off_by_default(folder: Path) -> None:
    """XEN-ENV-02: an error that names the setting."""
    with pytest.raises(RingfenceError, match="not allowed") as caught:
        merged(f"{folder}/conf", ())
    assert "xen.xlconf-folders" in caught.value.hint
    assert caught.value.field == FIELD


@pytest.mark.skipif(os.geteuid() != 0, reason="such a file is root's")
def test_only_files_of_roots_in_such_a_folder(folder: Path) -> None:
    """XEN-ENV-02: no link on the way, nothing that others may write to, nothing in the bundle."""
    path = f"{folder}/conf"
    os.symlink(path, folder / "link")
    os.mkfifo(folder / "fifo", 0o600)
    for wrong, folders in (
        (path, ("/etc",)),
        (f"{folder}/../{folder.name}/conf", (str(folder),)),
        (f"{folder}/link", (str(folder),)),
        (f"{folder}/fifo", (str(folder),)),
        (f"{folder}/nothing", (str(folder),)),
        ("conf", (str(folder),)),
    ):
        with pytest.raises(RingfenceError):
            merged(wrong, folders)
    with pytest.raises(RingfenceError, match="may not lie in the bundle"):
        merged(path, (str(folder),), str(folder))
    os.chmod(path, 0o666)
    with pytest.raises(RingfenceError, match="root alone"):
        merged(path, (str(folder),))
    os.chmod(path, 0o644)
    os.chown(path, 1000, 0)
    with pytest.raises(RingfenceError, match="root alone"):
        merged(path, (str(folder),))
