"""The object ``vm`` in its two forms."""

from __future__ import annotations

from typing import Any

import pytest

from ringfence.errors import RingfenceError
from ringfence.spec.upgrade.machine import converted, is_older

OLDER = {
    "path": "/usr/bin/qemu-lite-system-x86_64",
    "image": "/usr/share/clear-containers/clear.img",
    "kernel": {"path": "/usr/share/clear-containers/vmlinux", "parameters": "root=/dev/pmem0p1  quiet"},
}


def test_the_older_form_says_the_same_in_the_newer() -> None:
    """MVM-CCOR-10."""
    assert is_older(OLDER)
    assert converted(OLDER) == {
        "hypervisor": {"path": "/usr/bin/qemu-lite-system-x86_64"},
        "image": {"path": "/usr/share/clear-containers/clear.img", "format": "raw"},
        "kernel": {"path": "/usr/share/clear-containers/vmlinux", "parameters": ["root=/dev/pmem0p1", "quiet"]},
    }


@pytest.mark.parametrize("machine", [{"path": "/q"}, {"image": "/i"}, {"kernel": {"path": "/k", "parameters": ""}}])
def test_each_field_of_the_older_form_tells_it(machine: dict[str, Any]) -> None:
    """MVM-CCOR-10."""
    assert is_older(machine)


@pytest.mark.parametrize(
    "machine",
    [
        {},
        None,
        {"kernel": {"path": "/k"}},
        {"hypervisor": {"path": "/q"}},
        {"image": {"path": "/i", "format": "raw"}},
        {"kernel": {"path": "/k", "parameters": ["quiet"]}},
        {"hwConfig": {"vcpus": 2}},
    ],
)
def test_the_newer_form_stays(machine: dict[str, Any] | None) -> None:
    """MVM-CCOR-10: the kernel's path is part of both."""
    assert not is_older(machine)


@pytest.mark.parametrize("more", [{"hwConfig": {}}, {"hypervisor": {"path": "/q"}}, {"image": {"path": "/i"}}])
def test_a_mixture_names_both_fields(more: dict[str, Any]) -> None:
    """MVM-CCOR-10."""
    with pytest.raises(RingfenceError) as caught:
        is_older({"path": "/q", **more})
    assert caught.value.field == "/vm"
    assert "path" in str(caught.value)
    assert next(iter(more)) in str(caught.value)
