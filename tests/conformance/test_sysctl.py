"""linux.sysctl."""

from __future__ import annotations

import pytest

from tests.conformance.inside import inside, refused
from tests.support import Bundle, Runtime
from tests.support.process import read_text

NOT_NAMESPACED = "is not in a separate kernel namespace"
ALLOWED = {
    "kernel.msgmax": "8193",
    "kernel.msgmnb": "16385",
    "kernel.msgmni": "12345",
    "kernel.sem": "250\t32000\t32\t129",
    "kernel.shmall": "4000",
    "kernel.shmmax": "123456789",
    "kernel.shmmni": "1234",
    "kernel.shm_rmid_forced": "1",
    "fs.mqueue.queues_max": "123",
    "net.ipv4.ip_forward": "1",
    "net/ipv4/ip_unprivileged_port_start": "99",
    "kernel.domainname": "example.org",
}


def place(key: str) -> str:
    """The file of a key."""
    return "/proc/sys/" + (key if "/" in key else key.replace(".", "/"))


def test_allowed_keys(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SCTL-01, LNX-SCTL-02: keys of own namespaces are written before /proc/sys is read-only, in both forms.

    The host keeps its values.
    """
    before = {key: read_text(place(key)) for key in ALLOWED}
    bundle.linux["sysctl"] = dict(ALLOWED)
    script = "cat " + " ".join(place(key) for key in ALLOWED)
    assert inside(runtime, bundle, script).splitlines() == list(ALLOWED.values())
    assert {key: read_text(place(key)) for key in ALLOWED} == before


def test_interface_names_with_dots(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SCTL-01: the slash form keeps dots, as names of interfaces may hold them; a missing one is named.

    runc 1.1 takes every dot for a slash.
    """
    key = "net/ipv4/conf/eth0.100/forwarding"
    bundle.linux["sysctl"] = {key: "1"}
    refused(runtime, bundle, f"/proc/sys/{key}")


@pytest.mark.parametrize("key", ["net/ipv4/conf/lo/arp_ignore", "net.ipv4.conf.lo.arp_ignore"])
def test_interface_settings(runtime: Runtime, bundle: Bundle, key: str) -> None:
    """LNX-SCTL-01: settings of one interface can be written."""
    bundle.linux["sysctl"] = {key: "2"}
    assert inside(runtime, bundle, "cat /proc/sys/net/ipv4/conf/lo/arp_ignore") == "2\n"


def test_user_keys(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SCTL-02: with an own user namespace user.* may be written. runc 1.1 refuses it."""
    bundle.user_namespace()
    bundle.linux["sysctl"] = {"user.max_user_namespaces": "7"}
    assert inside(runtime, bundle, "cat /proc/sys/user/max_user_namespaces") == "7\n"


NEEDS = {
    "kernel.msgmax": "ipc",
    "fs.mqueue.queues_max": "ipc",
    "net.ipv4.ip_forward": "network",
    "user.max_user_namespaces": "user",
    "kernel.domainname": "uts",
}


@pytest.mark.parametrize("key", NEEDS)
def test_key_without_its_namespace_is_refused(runtime: Runtime, bundle: Bundle, key: str) -> None:
    """LNX-SCTL-02, LNX-SCTL-03: without the namespace the key is refused, and the host keeps its value.

    runc 1.1 says so in other words.
    """
    before = read_text(place(key))
    bundle.drop_namespace(NEEDS[key])
    if NEEDS[key] == "uts":
        del bundle.config["hostname"]
    bundle.linux["sysctl"] = {key: "1"}
    refused(runtime, bundle, NOT_NAMESPACED)
    assert read_text(place(key)) == before


def test_hostname_is_refused(runtime: Runtime, bundle: Bundle) -> None:
    """LNX-SCTL-03: kernel.hostname is always refused."""
    bundle.linux["sysctl"] = {"kernel.hostname": "box"}
    text = 'sysctl "kernel.hostname" is not allowed as it conflicts with the OCI "hostname" field'
    refused(runtime, bundle, text)


@pytest.mark.parametrize("key", ["kernel.panic", "vm.swappiness", "fs.file-max", "kernel.msgmaxx", "net", "", "kernel"])
def test_other_keys_are_refused(runtime: Runtime, bundle: Bundle, key: str) -> None:
    """LNX-SCTL-03: anything else is refused and quoted."""
    bundle.linux["sysctl"] = {key: "1"}
    refused(runtime, bundle, f'sysctl "{key}" {NOT_NAMESPACED}')


@pytest.mark.parametrize("key", ["net.ipv4/../../kernel/panic", "net/../kernel/panic", "net/ipv4/../../vm/swappiness"])
def test_dots_do_not_lead_elsewhere(runtime: Runtime, bundle: Bundle, key: str) -> None:
    """LNX-SCTL-03: a key cannot lead to another file."""
    before = read_text("/proc/sys/kernel/panic"), read_text("/proc/sys/vm/swappiness")
    bundle.linux["sysctl"] = {key: "77"}
    refused(runtime, bundle)
    assert (read_text("/proc/sys/kernel/panic"), read_text("/proc/sys/vm/swappiness")) == before


@pytest.mark.parametrize(
    ("key", "value"), [("net.ipv4.no_such_key", "1"), ("net.ipv4.ip_forward", "many"), ("kernel.shm_rmid_forced", "7")]
)
def test_missing_key_or_refused_value(runtime: Runtime, bundle: Bundle, key: str, value: str) -> None:
    """LNX-SCTL-04: a key that does not exist, or a value the kernel refuses, is an error with the path."""
    bundle.linux["sysctl"] = {key: value}
    refused(runtime, bundle, place(key))
