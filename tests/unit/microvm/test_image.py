"""Images: what is one, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.container.image import image_for
from ringfence.drivers.microvm.image import Image, image_steps
from ringfence.drivers.microvm.machine import Machine, command
from ringfence.errors import RingfenceError
from ringfence.plan.guest import MountAt
from ringfence.spec.types import GuestImage

CONTENTS = {
    "squashfs": b"hsqs" + bytes(4096),
    "erofs": bytes(1024) + b"\xe2\xe1\xf5\xe0" + bytes(2000),
    "ext4": bytes(1080) + b"\x53\xef" + bytes(2000),
}


def held(tmp_path: Path, content: bytes) -> GuestImage:
    """An image with this content."""
    (tmp_path / "image").write_bytes(content)
    return GuestImage(str(tmp_path / "image"))


@pytest.mark.parametrize("kind", list(CONTENTS))
def test_it_is_the_root_where_there_is_no_other(tmp_path: Path, kind: str) -> None:
    """MVM-FILES-14: the folder that would be the root is empty, or the image is a disk beside it."""
    image = held(tmp_path, CONTENTS[kind])
    (tmp_path / "empty").mkdir()
    assert image_for(image, str(tmp_path / "empty")) == Image(image.path, kind, is_root=True)
    assert image_for(image, str(tmp_path)) == Image(image.path, kind, is_root=False)
    assert image_for(None, str(tmp_path)) is None


@pytest.mark.parametrize(
    ("image", "field", "words"),
    [
        (GuestImage("/i", "qcow2"), "/vm/image/format", "must be raw, not qcow2"),
        (GuestImage("/i", "vmdk"), "/vm/image/format", "must be raw, not vmdk"),
        (GuestImage("i"), "/vm/image/path", "must be absolute"),
        (GuestImage("/nowhere/image"), "/vm/image/path", "cannot read the image"),
        (GuestImage("/proc"), "/vm/image/path", "neither a file nor a block device"),
        (GuestImage("/etc/passwd"), "/vm/image/path", "holds no file system that is known"),
    ],
)
def test_what_is_no_image(tmp_path: Path, image: GuestImage, field: str, words: str) -> None:
    """MVM-FILES-13."""
    with pytest.raises(RingfenceError, match=words) as caught:
        image_for(image, str(tmp_path))
    assert caught.value.field == field


def test_another_format_names_the_command_that_converts_it(tmp_path: Path) -> None:
    """MVM-FILES-13."""
    with pytest.raises(RingfenceError) as caught:
        image_for(GuestImage("/i", "qcow2"), str(tmp_path))
    assert caught.value.hint == "convert it: qemu-img convert -O raw /i /i.raw"


def test_qemu_never_guesses_a_format_and_never_writes() -> None:
    """MVM-FILES-13, MVM-QEMU-13: not even the path is part of its command line."""
    words = command(Machine("/k", virtiofsd="/d", image=Image("/i,x=y", "erofs", is_root=True)), "/tree", 1)
    block = words[words.index("-blockdev") + 1]
    assert block.startswith("driver=raw,")
    assert "read-only=on" in block
    assert words[words.index("-add-fd") + 1] == "fd=9,set=1"
    assert "tap,id=nic0,fd=10" in words
    assert not [word for word in words if "/i" in word and "/iso" not in word]


def test_what_is_written_goes_to_memory() -> None:
    """MVM-FILES-12: above a lower layer that is read-only; a read-only root needs no upper one."""
    image = Image("/i", "ext4", is_root=True)
    kinds = [step.type for step in image_steps(image, readonly=False) if isinstance(step, MountAt)]
    assert kinds == ["ext4", "tmpfs", "overlay"]
    (only,) = image_steps(image, readonly=True)
    assert isinstance(only, MountAt)
    assert only.flags & 1
