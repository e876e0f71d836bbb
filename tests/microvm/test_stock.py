"""Guests of the distribution's kernel, where there is no other."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.conformance.inside import in_own_mounts, inside, write_file
from tests.microvm.harbour import Harbour
from tests.support import Bundle, Runtime, wait_until

CACHE = "/var/cache/ringfence/guest"
ONLY = f'mkdir "$0" && cp -rL {CACHE}/stock "$0" && mount --bind "$0" {CACHE} && exec "$@"'


@pytest.fixture
def stock(walled: Runtime) -> Iterator[Runtime]:
    """The runtime, called where the distribution's kernel is the only one."""
    from guest.stock import build

    build()
    with in_own_mounts(walled, "sh", "-c", ONLY, walled.new_path("kernels")):
        yield walled


def test_the_distributions_kernel_does_when_there_is_no_other(stock: Runtime, bundle: Bundle) -> None:
    """MVM-KERNEL-05: its modules are loaded by the init, and nothing of them is left to be seen."""
    told = inside(stock, bundle, "uname -r; grep -c virtiofs /proc/modules; ls /modules 2>&1; cat /etc/passwd")
    assert "-cloud-amd64\n" in told
    assert "No such file" in told
    assert "alice" in told


def test_it_is_named_and_the_own_one_is_told_of(stock: Runtime, bundle: Bundle) -> None:
    """MVM-KERNEL-05: ``explain`` shows which kernel it will be, and how to have ringfence's."""
    bundle.write()
    told = stock.run("explain", "--bundle", bundle.path).ok().out
    assert f"the distribution's kernel {CACHE}/stock/vmlinuz (`make guest` builds a smaller one)" in told
    assert " -M q35" in told


def test_its_containers_live_as_others_do(stock: Runtime, bundle: Bundle) -> None:
    """MVM-KERNEL-05: signals, other processes, tmpfs, volumes and the exit status."""
    volume = stock.new_path("volume")
    os.mkdir(volume)
    write_file(os.path.join(volume, "mark"), "from the host")
    bundle.bind(volume, "/mnt")
    bundle.mount("/work", "tmpfs", "tmpfs", "size=1m")
    bundle.sh(
        "echo inside > /mnt/answer; trap 'exit 9' USR1; echo ready > /mnt/ready; while :; do sleep 1 & wait; done"
    )
    container = stock.started(bundle)
    wait_until(lambda: os.path.exists(os.path.join(volume, "ready")), "the trap", 60)
    assert container.exec("cat", "/mnt/mark").ok().out == "from the host"
    assert container.exec("sh", "-c", "grep -c ' /work tmpfs ' /proc/mounts; exit 5").code == 5
    container.kill("USR1").ok()
    assert container.reap() == 9
    with open(os.path.join(volume, "answer"), encoding="ascii") as file:
        assert file.read() == "inside\n"


def test_with_neither_kernel_the_error_says_what_to_do(walled: Runtime, bundle: Bundle) -> None:
    """MVM-ERR-01, MVM-KERNEL-06."""
    empty = f'mkdir "$0" && mount --bind "$0" {CACHE} && exec "$@"'
    with in_own_mounts(walled, "sh", "-c", empty, walled.new_path("kernels")):
        walled.refuses_bundle("there is no kernel for guests at", bundle)


def test_its_containers_have_their_network(stock: Runtime, bundle: Bundle) -> None:
    """MVM-KERNEL-05, MVM-NET-01: on the other board, whose devices are of PCI."""
    harbour = Harbour()
    try:
        harbour.attach("eth0", 1)
        bundle.namespace("network", harbour.inside.path)
        bundle.process["capabilities"] = {kind: ["CAP_NET_RAW"] for kind in ("bounding", "effective", "permitted")}
        told = inside(stock, bundle, "ls /sys/class/net; ping -c 1 10.77.1.1; ping -6 -c 1 fd77:1::1")
    finally:
        harbour.close()
    assert told.split()[:2] == ["eth0", "lo"]
    assert told.count(" 0% packet loss") == 2
