"""A network that no engine has prepared: ``NETCONF``, as behind a Xen domain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.inside import in_own_mounts
from tests.microvm.harbour import Namespace
from tests.microvm.helpers import other_etc
from tests.support import Bundle, Runtime

BRIDGE = "rfnet0"
PLUGINS = "/usr/lib/cni"
IPAM = {
    "type": "host-local", "routes": [{"dst": "0.0.0.0/0"}],
    "ranges": [[{"subnet": "10.9.0.0/24", "gateway": "10.9.0.1"}], [{"subnet": "fd09::/64"}]],
}  # fmt: skip
NETWORK = {
    "cniVersion": "0.4.0", "name": "web", "type": "bridge", "bridge": BRIDGE, "dns": {"nameservers": ["10.9.0.53"]},
}  # fmt: skip


@pytest.fixture
def host() -> Iterator[Namespace]:
    """A network that the runtime takes for the host's, with a bridge."""
    held = Namespace()
    held(f"ip link add {BRIDGE} type bridge")
    held(f"ip addr add 10.9.0.1/24 dev {BRIDGE}")
    held(f"ip link set {BRIDGE} up")
    held("ip link set lo up")
    yield held
    held.close()


@pytest.fixture
def netconf(machines: Runtime, host: Namespace, tmp_path: Path) -> Iterator[Path]:
    """The file. The runtime sees an /etc where ringfence.toml allows it, the network above, and /sys as it is there."""
    file, over, groups = tmp_path / "web.conf", tmp_path / "over", tmp_path / "groups"
    file.write_text(json.dumps({**NETWORK, "ipam": {**IPAM, "dataDir": str(tmp_path / "store")}}))
    groups.mkdir()
    settings = f'[vm]\ncni-folders = ["{tmp_path}"]\ncni-plugins = "{PLUGINS}"\n'
    (tmp_path / "ringfence.toml").write_text(settings)
    place = f"cp {tmp_path}/ringfence.toml {over}/upper/ringfence/"
    system = f"mount -t sysfs sysfs /sys && mount --rbind {groups} /sys/fs/cgroup"
    seen = f'mount --rbind /sys/fs/cgroup {groups} && {system} && exec "$@"'
    first = ("nsenter", f"--net={host.path}", *other_etc(str(over), place), "sh", "-ec", seen, "sh")
    with in_own_mounts(machines, *first) as pid:
        machines.prefix = ["/usr/bin/nsenter", "-t", str(pid), "--mount", "--net", "--"]
        yield file


def taken(netconf: Path) -> list[str]:
    """The addresses of the network that are somebody's."""
    return sorted(path.name for path in (netconf.parent / "store" / "web").glob("[1f]*"))


def test_addresses_of_a_pool(machines: Runtime, bundle: Bundle, netconf: Path, host: Namespace) -> None:
    """MVM-NET-08: from the pool until the container is deleted; the tap is on the bridge, and the resolver is told."""
    bundle.env.append(f"NETCONF={netconf},web")
    bundle.file("/etc/resolv.conf", "of the image")
    bundle.sleep()
    container = machines.started(bundle)
    told = container.sh("busybox ip addr show eth0; busybox ip route; cat /etc/resolv.conf").ok().out
    address, other = taken(netconf)
    assert f"{address}/24" in told
    assert f"{other}/64" in told
    assert "default via 10.9.0.1" in told
    assert told.endswith("nameserver 10.9.0.53\n")
    assert host(f"ip -o link show master {BRIDGE}").count("\n") == 1
    host(f"busybox ping -c 1 -W 5 {address}")
    machines.run("delete", "--force", container.id).ok()
    assert taken(netconf) == []
    assert host(f"ip -o link show master {BRIDGE}") == ""
    assert (Path(bundle.rootfs) / "etc/resolv.conf").read_text() == "of the image"


def test_an_address_by_name(machines: Runtime, bundle: Bundle, netconf: Path) -> None:
    """MVM-NET-08: reserved once; a second container is refused, and nothing of it is left."""
    bundle.env.append(f"NETCONF={netconf},web,10.9.0.7")
    bundle.sleep()
    container = machines.started(bundle)
    assert "10.9.0.7/24" in container.sh("busybox ip addr show eth0").ok().out
    machines.refuses_bundle("10.9.0.7", bundle)
    assert "10.9.0.7" in taken(netconf)
    machines.run("delete", "--force", container.id).ok()
    assert taken(netconf) == []


def test_two_networks_are_refused(machines: Runtime, bundle: Bundle, netconf: Path, host: Namespace) -> None:
    """MVM-NET-08: one that is prepared, and one by the variable."""
    bundle.env.append(f"NETCONF={netconf},web")
    bundle.namespace("network", "/proc/self/ns/net")
    machines.refuses_bundle("cannot be a guest's", bundle)


def test_without_leave_the_variable_means_nothing(machines: Runtime, bundle: Bundle) -> None:
    """MVM-NET-08: an image's variable gives it no network of the host's."""
    bundle.env.append("NETCONF=/etc/cni/net.d/web.conf,web")
    bundle.sh("ls /sys/class/net; echo $NETCONF")
    assert machines.run_bundle(bundle).ok().out.split() == ["lo", "/etc/cni/net.d/web.conf,web"]
