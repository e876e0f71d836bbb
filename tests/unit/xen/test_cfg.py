"""The file of a domain."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.drivers.guest.inner import changed
from ringfence.drivers.xen import cfg
from ringfence.drivers.xen.names import domain_name, mac_of, uuid_of
from ringfence.errors import RingfenceError
from tests.unit.xen.samples import UUID, file_of, plan_of

VERSIONS = frozenset(
    [
        "name",
        "uuid",
        "type",
        "kernel",
        "ramdisk",
        "extra",
        "memory",
        "maxmem",
        "vcpus",
        "maxvcpus",
        "cpus",
        "cpu_weight",
        "cap",
        "device_tree",
        "dtdev",
        "iomem",
        "irqs",
        "p9",
        "disk",
        "vif",
        "pvcalls",
        "channel",
        "on_poweroff",
        "on_reboot",
        "on_crash",
        "on_watchdog",
    ]
)
"""Keys that xl of Xen 4.14 to 4.19 reads (xl.cfg(5)); others it passes over in silence."""
GOLDEN = f"""\
name = "web"
uuid = "{UUID}"
type = "pv"
kernel = "/k/vmlinux"
ramdisk = "/run/ringfence/web/ramdisk"
extra = "console=hvc0 rdinit=/init quiet domain"
memory = 512
maxmem = 512
vcpus = 1
maxvcpus = 1
p9 = [ "tag=root,security_model=none,path=/run/ringfence/web/share/root" ]
on_poweroff = "preserve"
on_reboot = "preserve"
on_crash = "preserve"
on_watchdog = "preserve"
"""
EVERYTHING = cfg.Domain(
    "web", UUID, "pvh", "/k", "/r", "x", 64, 128, 2, 4, "0-1", 128, 50, "/dt", ("/serial",), (cfg.Iomem(0xA, 2, 0xB),),
    (88,), (cfg.Share("root", "/s"),), (cfg.Disk("xvda", "/i", readonly=True),),
    (cfg.Nic("00:16:3e:00:00:01", "br0", "/s.sh"),), pvcalls=True, more=(("nomigrate", 1),),
)  # fmt: skip


def read(text: str) -> dict[str, Any]:
    """What a reader of such a file finds: a value of each key, once."""
    rows = [line.split(" = ", 1) for line in text.splitlines()]
    found = {key: ast.literal_eval(value.strip()) for key, value in rows}
    assert len(found) == len(rows)
    return found


def test_the_file_of_a_plain_container() -> None:
    """XEN-CFG-01, XEN-CFG-05, XEN-CFG-06, XEN-CFG-08: absent values give no line; the same gives the same."""
    assert file_of(plan_of()) == GOLDEN == file_of(plan_of())


def test_every_key_in_its_order() -> None:
    """XEN-CFG-01, XEN-CFG-09: keys of ours are known to every version, those of an administrator's file come last."""
    keys = [line.split(" = ")[0] for line in cfg.render(EVERYTHING).splitlines()]
    assert keys == [key for key in cfg.ORDER if key != "channel"] + ["nomigrate"]
    assert set(keys) - {"nomigrate"} <= VERSIONS
    assert not {"vfb", "vnc", "serial", "boot", "bootloader"} & set(keys)


def test_the_forms_of_values() -> None:
    """XEN-CFG-03, XEN-CFG-06, XEN-CFG-07, XEN-VM-07."""
    found = read(cfg.render(EVERYTHING))
    assert found["iomem"] == ["a,2@b"]
    assert found["irqs"] == [88]
    assert found["disk"] == ["format=raw,vdev=xvda,access=ro,target=/i"]
    assert found["vif"] == ["mac=00:16:3e:00:00:01,bridge=br0,script=/s.sh"]
    assert found["pvcalls"] == [""]
    assert cfg.iomem_entry(cfg.Iomem(16, 1)) == "10,1"


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=200))
def test_every_other_text_comes_back(value: str) -> None:
    """XEN-CFG-02, XEN-SEC-01: no value adds a key or ends its string."""
    domain = cfg.Domain("n", UUID, "pv", value, "/r", value, 1, 1, 1, 1)
    if "\x85" in value or "\x1c" in value:
        return  # what Python takes for an end of line
    found = read(cfg.render(domain))
    assert (found["kernel"], found["extra"]) == (value, value) if value else "kernel" not in found
    assert set(found) <= VERSIONS


@given(st.text(max_size=50).filter(lambda text: any(ord(letter) < 0x20 or ord(letter) == 0x7F for letter in text)))
def test_control_characters_are_refused(value: str) -> None:
    """XEN-CFG-02: with the field that holds them."""
    with pytest.raises(RingfenceError) as caught:
        cfg.text(value, "/vm/kernel/path")
    assert caught.value.field == "/vm/kernel/path"


@pytest.mark.parametrize("value", ["", "a,b", "a=b", 'a"b', "a b", "a]", "a\n", "ä", "a,script=/x", "a#"])
def test_no_users_text_goes_into_a_list(value: str) -> None:
    """XEN-CFG-03, XEN-SEC-01."""
    domain = cfg.Domain("n", UUID, "pv", "/k", "/r", "x", 1, 1, 1, 1)
    for field, entry in (
        ("shares", cfg.Share("root", value)),
        ("disks", cfg.Disk("xvda", value, readonly=True)),
        ("nics", cfg.Nic("00:16:3e:00:00:01", value)),
    ):
        with pytest.raises(RingfenceError):
            cfg.render(changed(domain, **{field: (entry,)}))


def test_names_of_domains() -> None:
    """XEN-CREATE-04: an id of digits would mean a number, and a mark that no id holds keeps names apart."""
    assert domain_name("web", "/run/ringfence", is_default=True) == "web"
    assert domain_name("0", "/run/ringfence", is_default=True) == "@0"
    other, further = (domain_name("web", root, is_default=False) for root in ("/a", "/b"))
    assert other.startswith("web@")
    assert other != further
    assert len(domain_name("a" * 1000, "/a", is_default=False)) < 110
    assert domain_name("a" * 1000, "/", is_default=True) != domain_name("a" * 999 + "b", "/", is_default=True)


@given(st.binary(min_size=16, max_size=16))
def test_uuids_and_hardware_addresses(random: bytes) -> None:
    """XEN-CFG-07: the address is Xen's, and follows from the UUID."""
    uuid = uuid_of(random)
    assert (len(uuid), uuid[14], uuid[19] in "89ab") == (36, "4", True)
    assert mac_of(uuid).startswith("00:16:3e:")
    assert mac_of(uuid).replace(":", "").endswith(uuid[-6:])
