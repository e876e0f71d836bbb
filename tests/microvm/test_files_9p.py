"""The container's files once more, served by QEMU itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.inside import in_own_mounts
from tests.microvm.helpers import field, named, other_etc, qemu
from tests.microvm.test_files import (
    shared,
    test_a_hundred_bind_mounts,
    test_a_read_only_root_is_so_on_the_host,
    test_bind_mounts,
    test_links_do_not_leave_the_share,
    test_nothing_of_ours_is_in_the_root,
    test_the_root_is_shared_live,
)
from tests.support import Bundle, Runtime


@pytest.fixture
def machines(walled: Runtime, kernel: str, workdir: str) -> Iterator[Runtime]:
    """The runtime, where the administrator wants 9p."""
    over = f"{workdir}/over"
    place = f"echo 'files = \"9p\"' >{over}/upper/ringfence/ringfence.toml"
    with in_own_mounts(walled, *other_etc(over, place)):
        yield walled


def test_qemu_serves_them(machines: Runtime, bundle: Bundle) -> None:
    """MVM-FILES-02, MVM-SEC-04: no daemon; what QEMU, which must be root for it, sees of the host is the share."""
    bundle.sleep()
    container = machines.started(bundle)
    assert named(container, "virtiofsd") == []
    assert field(qemu(container), "Uid").split() == ["0"] * 4
    with open(f"/proc/{qemu(container)}/mountinfo", encoding="utf-8") as file:
        places = {line.split()[4] for line in file}
    state = container.state_folder
    assert f"{state}/share/root" in places
    assert not [place for place in places if place.startswith(state) and not place.startswith(f"{state}/share")]
