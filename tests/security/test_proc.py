"""/proc and /sys as an image would like them to be, and settings of the kernel."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.conformance.inside import inside
from tests.security.outside import Outside
from tests.support import Bundle, Runtime

ROOT_ONLY = "net.ipv4.ip_forward"


def replace(bundle: Bundle, name: str, target: str) -> None:
    """Let a folder of the image be a link."""
    shutil.rmtree(os.path.join(bundle.rootfs, name))
    os.symlink(target, os.path.join(bundle.rootfs, name))


@pytest.mark.parametrize("name", ["proc", "sys"])
@pytest.mark.parametrize("target", ["/evil", "../../../../evil", "/dev/shm", "."])
def test_a_link_in_the_place_of_proc(runtime: Runtime, bundle: Bundle, name: str, target: str) -> None:
    """CVE-2019-19921, CVE-2023-27561, CVE-2023-28642, CVE-2025-62161: /proc or /sys is a link of the image.

    The masks would lie where nothing is, and the real files be open: the runtime refuses, or masks the real ones.
    """
    os.mkdir(os.path.join(bundle.rootfs, "evil"))
    replace(bundle, name, target)
    bundle.config["root"]["readonly"] = False
    bundle.sh(
        "wc -c </proc/kcore; wc -c </proc/timer_list; (echo x >/proc/sys/kernel/domainname) 2>&1; ls /sys/firmware"
    )
    result = runtime.run_bundle(bundle)
    if result.code != 1:
        seen = result.out.splitlines()
        assert seen[:2] == ["0", "0"]
        assert "Read-only" in seen[2]
        assert len(seen) == 3


@pytest.mark.parametrize("place", ["/proc", "/proc/self", "/proc/sys", "/proc/self/attr", "/proc/1/attr"])
def test_a_volume_in_the_place_of_proc(runtime: Runtime, bundle: Bundle, outside: Outside, place: str) -> None:
    """CVE-2019-16884: a volume over /proc catches what is written to labels and sysctls. It is refused, or not used."""
    for name in ("attr/current", "attr/exec", "attr/apparmor/exec", "self/attr/exec", "net/ipv4/ip_forward"):
        outside.add(name, "fake")
        outside.add(f"sys/{name}", "fake")
    bundle.linux["sysctl"] = {ROOT_ONLY: "1"}
    bundle.bind(outside.path, place, "rbind")
    bundle.sh("cat /proc/sys/net/ipv4/ip_forward")
    runtime.run_bundle(bundle)
    outside.assert_untouched()


@pytest.mark.parametrize("place", ["/link/sys/net", "/link/sys/net/ipv4", "/link/self/attr"])
def test_a_volume_put_on_proc_by_a_link(runtime: Runtime, bundle: Bundle, outside: Outside, place: str) -> None:
    """CVE-2025-52881: a link of the image brings a volume onto procfs, with links in it to what shall be written."""
    os.symlink("/proc", os.path.join(bundle.rootfs, "link"))
    for name, target in (("ip_forward", "core_pattern"), ("ipv4/ip_forward", "core_pattern"), ("exec", "sysrq")):
        path = os.path.join(outside.path, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(f"/proc/sys/kernel/{target}", path)
    outside.remember()
    bundle.linux["sysctl"] = {ROOT_ONLY: "1"}
    bundle.bind(outside.path, place, "rbind")
    bundle.args("true")
    runtime.run_bundle(bundle)


def test_a_setting_is_written_in_the_new_namespace_only(runtime: Runtime, bundle: Bundle) -> None:
    """CVE-2025-52881, the honest case: the container's value changes and the host's does not."""
    bundle.linux["sysctl"] = {ROOT_ONLY: "1"}
    assert inside(runtime, bundle, "cat /proc/sys/net/ipv4/ip_forward") == "1\n"


SMUGGLED = {
    "kernel.shm_rmid_forced": "1\nkernel.core_pattern=|/evil %P",
    "kernel.shm_rmid_forced+kernel.core_pattern": "|/evil %P",
    "kernel.shm_rmid_forced/../core_pattern": "|/evil %P",
    "net/../kernel/core_pattern": "|/evil %P",
    "net.../kernel/core_pattern": "|/evil %P",
    "net/ipv4/../../kernel/core_pattern": "|/evil %P",
    "fs.mqueue/../../kernel/core_pattern": "|/evil %P",
    "net/./../kernel/modprobe": "/evil",
    "fs.mqueue..": "x",
    "/proc/sys/kernel/core_pattern": "|/evil %P",
    "kernel.core_pattern": "|/evil %P",
    "kernel.modprobe": "/evil",
    "kernel.sysrq": "1",
    "vm.overcommit_memory": "1",
}


@pytest.mark.parametrize(("key", "value"), SMUGGLED.items(), ids=map(str, range(len(SMUGGLED))))
def test_no_setting_is_smuggled_in(runtime: Runtime, bundle: Bundle, key: str, value: str) -> None:
    """CVE-2022-0811: a sysctl of a namespace carries another one, in its value or by its path. It is refused.

    runc leaves a line end in a value to the kernel, which ignores what follows.
    """
    bundle.linux["sysctl"] = {key: value}
    bundle.args("true")
    result = runtime.run_bundle(bundle)
    assert result.code == 1 or key == "kernel.shm_rmid_forced"
