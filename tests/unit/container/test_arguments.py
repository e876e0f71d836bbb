"""Where a container's hypervisor.args is, and whether it may be there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ringfence.container.arguments import arguments_for, values_for
from ringfence.container.machine import Asking
from ringfence.errors import RingfenceError
from ringfence.jsontext import dumps
from ringfence.settings import Settings
from ringfence.spec.load import load_config
from tests.unit.namespaces.machines import plain_config

CONFIG = load_config(dumps(plain_config()))


@pytest.fixture
def asking(tmp_path: Path) -> Asking:
    """A bundle and two folders."""
    for name in ("bundle", "etc", "defaults", "bin"):
        (tmp_path / name).mkdir()
    program = tmp_path / "bin" / "qemu"
    program.touch(0o755)
    folders = tuple(str(tmp_path / name) for name in ("etc", "defaults"))
    return Asking(str(tmp_path / "bundle"), str(tmp_path / "bundle" / "rootfs"), "/run/box", folders)


def put(asking: Asking, where: str, *lines: str, mode: int = 0o644) -> str:
    """Write such a file; the path of its program."""
    top = Path(asking.bundle).parent
    program = str(top / "bin" / "qemu")
    file = top / where / "hypervisor.args"
    file.write_text("\n".join((program, *lines)))
    file.chmod(mode)
    return program


def found(asking: Asking, settings: Settings | None = None) -> tuple[str, tuple[str, ...]]:
    """Program and words."""
    program, own = arguments_for(asking, CONFIG, settings or Settings(), "/k/vmlinux", kvm=False)
    return program, own.words if own else ()


def test_the_first_file_is_used_whole(asking: Asking) -> None:
    """MVM-CCOR-02: the bundle's, that of /etc, that of the defaults; without any it is our own line."""
    assert found(asking) == ("", ())
    put(asking, "defaults", "-name", "c")
    assert found(asking)[1] == ("-name", "c")
    put(asking, "etc", "-name", "b")
    assert found(asking)[1] == ("-name", "b")
    program = put(asking, "bundle", "-name", "a")
    assert found(asking, Settings(bundle_hypervisor=True, hypervisors=(program,))) == (program, ("-name", "a"))


def test_the_bundles_file_only_where_the_administrator_lets_it(asking: Asking) -> None:
    """MVM-CCOR-03: the setting is named."""
    program = put(asking, "bundle")
    put(asking, "etc")
    for settings, named in (
        (Settings(), "vm.allow-bundle-hypervisor"),
        (Settings(hypervisors=(program,)), "vm.allow-bundle-hypervisor"),
        (Settings(bundle_hypervisor=True), "vm.hypervisors"),
    ):
        with pytest.raises(RingfenceError) as caught:
            found(asking, settings)
        assert named in caught.value.hint


def test_a_file_that_others_may_write_to(asking: Asking) -> None:
    """MVM-CCOR-03."""
    put(asking, "etc", mode=0o664)
    with pytest.raises(RingfenceError, match="can be written by others"):
        found(asking)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a file of another user's")
def test_a_bundles_file_of_another_user(asking: Asking) -> None:
    """MVM-CCOR-03."""
    program = put(asking, "bundle")
    os.chown(f"{asking.bundle}/hypervisor.args", 1000, 1000)
    with pytest.raises(RingfenceError, match="belongs to another user"):
        found(asking, Settings(bundle_hypervisor=True, hypervisors=(program,)))


def test_a_program_of_the_containers_root(asking: Asking) -> None:
    """MVM-QEMU-12."""
    put(asking, "etc")
    held = Asking(asking.bundle, str(Path(asking.bundle).parent / "bin"), asking.state, asking.folders)
    with pytest.raises(RingfenceError, match=r"line 1: .* lies in the container's root"):
        found(held)


def test_a_program_without_a_folder_is_looked_for_in_a_fixed_list(asking: Asking) -> None:
    """MVM-CCOR-04: never in the caller's PATH."""
    (Path(asking.folders[0]) / "hypervisor.args").write_text("true")
    assert found(asking)[0] == "/usr/bin/true"
    (Path(asking.folders[0]) / "hypervisor.args").write_text("no-such-qemu")
    with pytest.raises(RingfenceError, match="line 1: there is no program no-such-qemu"):
        found(asking)


def test_what_tags_stand_for(asking: Asking) -> None:
    """MVM-CCOR-05, MVM-CCOR-06: a new number each time, whose last group is the name."""
    image = Path(asking.bundle) / "image"
    image.write_bytes(bytes(5000))
    one, other = (values_for(asking, CONFIG, "/k", str(image)) for _ in range(2))
    assert (one["SIZE"], one["IMAGE"], one["KERNEL"]) == ("5000", str(image), "/k")
    assert one["UUID"] != other["UUID"]
    assert one["UUID"]
    assert [len(part) for part in one["UUID"].split("-")] == [8, 4, 4, 4, 12]
    assert one["UUID"].endswith(f"-{one['NAME']}")
    assert values_for(asking, CONFIG, "/k", None)["SIZE"] is None
    assert one["KERNEL_NET_PARAMS"] == f"ip=::::::{CONFIG.hostname or ''}::off::"


def test_a_host_name_is_one_part_of_one_word(asking: Asking) -> None:
    """MVM-CCOR-05, MVM-SEC-01: nothing that a bundle says becomes another word of the kernel's."""
    hostile = load_config(dumps({**plain_config(), "hostname": "a init=/bin/sh"}))
    with pytest.raises(RingfenceError) as caught:
        values_for(asking, hostile, "/k", None)
    assert caught.value.field == "/hostname"
