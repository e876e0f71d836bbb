"""What annotations say of pods, and the machines that sandboxes get."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.drivers.microvm.guest import guest_config
from ringfence.drivers.microvm.pod import key_of, seat_of
from ringfence.drivers.microvm.sizes import KINDS, check_fits, kind_of, memory_of, vcpus_of
from ringfence.errors import RingfenceError
from ringfence.jsontext import dumps
from ringfence.spec.load import load_config
from ringfence.spec.types import Config
from tests.unit.namespaces.machines import plain_config

CRI = "io.kubernetes.cri."


def config(annotations: dict[str, str] | None = None, **linux: Any) -> Config:
    """A configuration with these."""
    plain = plain_config()
    held = {**plain, "annotations": annotations or {}, "linux": {**plain["linux"], **linux}}
    held.pop("hostname", None)
    return load_config(dumps(held))


@pytest.mark.parametrize("key", KINDS)
def test_a_container_says_what_it_is(key: str) -> None:
    """MVM-POD-01: in the words of CRI-O, containerd and the first CRI-O; anything else belongs to no pod."""
    assert [kind_of({key: value}) for value in ("sandbox", "container", "other", "")] == [
        "sandbox",
        "container",
        "",
        "",
    ]
    assert kind_of({}) == ""


@pytest.mark.parametrize(
    ("memory", "mib"),
    [("0", 1024), ("268435456", 320), ("268435457", 321), ("-5", 1024), ("1e9", 1024), ("9" * 40, 1024), ("٣", 1024)],
)
def test_the_memory_of_a_sandbox(memory: str, mib: int) -> None:
    """MVM-POD-05: what Kubernetes says, in digits, and the kernel's share; else the setting."""
    annotations = {f"{CRI}container-type": "sandbox", f"{CRI}sandbox-memory": memory}
    assert memory_of(config(annotations), 1024) == mib


@pytest.mark.parametrize(
    ("quota", "period", "wanted"),
    [("150000", "100000", 2), ("0", "100000", 3), ("x", "100000", 3), ("900000", "100000", 4)],
)
def test_the_processors_of_a_sandbox(quota: str, period: str, wanted: int) -> None:
    """MVM-POD-05: enough for the quota, never more than the host's."""
    annotations = {
        f"{CRI}container-type": "sandbox",
        f"{CRI}sandbox-cpu-quota": quota,
        f"{CRI}sandbox-cpu-period": period,
    }
    assert vcpus_of(config(annotations), 4, 3) == wanted


def test_a_container_that_does_not_fit() -> None:
    """MVM-POD-05: the error has both figures."""
    large = config(resources={"memory": {"limit": 1 << 30}})
    check_fits(large, ("q", "k", "b", "a", "", "1024"))
    with pytest.raises(RingfenceError, match="1073741824 bytes is more than the 1023 MiB"):
        check_fits(large, ("q", "k", "b", "a", "", "1023"))


def test_what_is_joined_by_path_is_the_sandboxs_inside() -> None:
    """MVM-POD-02: its place, its key, and the namespaces that it shares there; the others are its own."""
    kinds = [{"type": kind} for kind in ("pid", "mount")]
    kinds += [{"type": kind, "path": f"/proc/7/ns/{kind}"} for kind in ("ipc", "uts", "network")]
    joined = config(namespaces=kinds)
    seat = seat_of(key_of("box"), joined)
    assert seat.key == key_of("box") != 0
    assert seat.joined == 0x08000000 | 0x04000000
    inner = guest_config(joined, seat)
    assert inner.linux
    assert sorted(one.type for one in inner.linux.namespaces) == ["mount", "pid"]
    assert inner.root
    assert inner.root.path == f"/share/{seat.key}/root"
    assert key_of("box") != key_of("other")
