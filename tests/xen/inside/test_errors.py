"""What goes wrong around xl, and what is left of it."""

from __future__ import annotations

import os
import shutil

from tests.support import wait_until
from tests.xen.inside.dom0 import Dom0, domains


def test_kernels_that_are_none(dom0: Dom0) -> None:
    """XEN-ERR-04, XEN-CREATE-05: missing, and no kernel at all."""
    dom0.settings(kernel="/nope/vmlinux")
    dom0.runtime.refuses_bundle("/nope/vmlinux", dom0.bundle())
    path = os.path.join(dom0.folder, "text")
    shutil.copy("/bin/busybox", path)
    dom0.settings(kernel=path)
    dom0.runtime.refuses_bundle(path, dom0.bundle())


def test_memory_that_is_not_there(dom0: Dom0) -> None:
    """XEN-ERR-05: too much for the host, and too little for a kernel, are told apart."""
    dom0.settings(memory=100_000)
    dom0.runtime.refuses_bundle("100000", dom0.bundle())
    bundle = dom0.bundle()
    bundle.config["vm"] = {"hwConfig": {"memory": 8 << 20}}
    dom0.runtime.refuses_bundle("8 MiB", bundle)


def test_a_domain_that_dies_in_create(dom0: Dom0) -> None:
    """XEN-CREATE-07: xl said 0, and yet there is none; nothing is left."""
    last = "$($XL list | tail -n1 | cut -d' ' -f1)"
    dom0.instead_of_xl(f'$XL "$@" || exit; [ "$1" != create ] || $XL destroy "{last}"')
    dom0.runtime.refuses_bundle("domain", dom0.bundle())


def test_killed_between_xl_and_the_record(dom0: Dom0) -> None:
    """XEN-CRASH-01, XEN-CRASH-02: the domain is found by the UUID that was written before it was made."""
    dom0.instead_of_xl('if [ "$1" = create ]; then $XL "$@"; kill -KILL $PPID; else exec $XL "$@"; fi')
    bundle = dom0.bundle()
    bundle.write()
    name = dom0.runtime.new_id()
    assert dom0.runtime.run("create", "--bundle", bundle.path, name).code == 137
    wait_until(lambda: any(name in one for one in domains()), "the domain")
    dom0.settings()
    dom0.runtime.run("delete", "--force", name).ok()
    assert domains() == {}


def test_killed_while_xl_makes_the_domain(dom0: Dom0) -> None:
    """XEN-CRASH-03: half a domain, without a name yet or with one, is found and taken away, and its server with it."""
    dom0.instead_of_xl('if [ "$1" = create ]; then $XL "$@" & sleep 1; kill -KILL $! $PPID; else exec $XL "$@"; fi')
    bundle = dom0.bundle()
    bundle.write()
    name = dom0.runtime.new_id()
    assert dom0.runtime.run("create", "--bundle", bundle.path, name).code == 137
    dom0.settings()
    dom0.runtime.run("delete", "--force", name).ok()
    assert domains() == {}
    assert dom0.run("exit 5").code == 5


def test_an_xl_that_hangs(dom0: Dom0) -> None:
    """XEN-CREATE-08: it is ended with all it has started, and named."""
    dom0.instead_of_xl('if [ "$1" = create ]; then sleep 600; else exec $XL "$@"; fi')
    with open("/etc/ringfence/ringfence.toml", "a", encoding="utf-8") as file:
        file.write("timeout = 20\n")
    bundle = dom0.bundle()
    dom0.runtime.refuses_bundle("create", bundle)


def test_several_at_once(dom0: Dom0) -> None:
    """XEN-CREATE-08: each waits for xl's lock as long as it takes."""
    begun = []
    for _ in range(2):
        bundle = dom0.bundle("exit 3")
        bundle.write()
        begun.append(dom0.runtime.spawn("run", "--bundle", bundle.path, dom0.runtime.new_id()))
    assert [one.wait().code for one in begun] == [3, 3]


def test_a_foreign_domain_of_the_name(dom0: Dom0) -> None:
    """XEN-CREATE-04, XEN-ERR-02: it is neither adopted nor touched."""
    dom0.settings()
    container = dom0.runtime.create(dom0.bundle(), options=[*dom0.runtime.globals()])
    found = dom0.domain(container)
    other = os.path.join(dom0.folder, "other")
    shutil.copytree(container.state_folder, other, ignore=shutil.ignore_patterns("*.sock"))
    shutil.rmtree(container.state_folder)
    bundle = dom0.bundle()
    bundle.write()
    refused = dom0.runtime.run("create", "--bundle", bundle.path, container.id)
    assert refused.code == 1, refused
    assert found.name in refused.err, refused
    assert dom0.domain(container).uuid == found.uuid
    shutil.copytree(other, container.state_folder)
    container.delete("--force").ok()
