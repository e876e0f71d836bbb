"""From an image to a bundle: a root with all layers, volumes, and a config.json."""

from __future__ import annotations

import os
import shutil

from ringfence.errors import RingfenceError, from_os_error
from ringfence.image.choose import candidates, choose, read_image
from ringfence.image.layout import Image, Layer, check_blob, layer_content, open_layer
from ringfence.image.limits import DEFAULT, Budget, LimitError, Limits
from ringfence.image.platform import Platform
from ringfence.image.policy import Policy, mapped
from ringfence.image.runtime_config import Choices, runtime_config
from ringfence.image.store import Blob, open_store
from ringfence.image.stream import Ahead
from ringfence.image.unpack import Unpacker
from ringfence.image.users import resolve_user
from ringfence.image.volumes import make_volumes
from ringfence.jsontext import dumps
from ringfence.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Progress(Protocol):
        """What is told how far it has come."""

        def begin(self, total: int) -> None:
            """So many bytes are to be read."""

        def add(self, count: int) -> None:
            """So many more have been read."""


ROOTFS = "rootfs"
PRIVATE, ENTERED = 0o700, 0o710
"""The mode of a bundle: closed, for a root may hold devices and set-user-ID programs; a mapped root may pass."""


class Wanted(Record):
    """What to make a bundle of, and how.

    Attributes:
        image: a folder or an archive.
        folder: the bundle, which must not be there or be empty.
        choices: what the image leaves open.
        policy: what unpacking may make.
        platform: for what the image has to be; None is this machine.
        ref: what it is called, "" for any name.
        limits: what it may cost.
        volumes: whether volumes become mounts.
    """

    image: str
    folder: str
    choices: Choices
    policy: Policy
    platform: Platform | None = None
    ref: str = ""
    limits: Limits = DEFAULT
    volumes: bool = True


def make_bundle(wanted: Wanted, warn: Callable[[str], None], progress: Progress) -> None:
    """Make a bundle, whole or not at all.

    Raises:
        RingfenceError: the image cannot be taken, or the bundle not be written.
    """
    folder = wanted.folder.rstrip("/") or "/"
    group = mapped_group(wanted.policy)
    mode = check_empty(folder, PRIVATE if group is None else ENTERED)
    place, name = os.path.split(folder)
    temporary = os.path.join(place, f".{name}.{os.urandom(6).hex()}")
    try:
        os.mkdir(temporary, PRIVATE)
    except OSError as error:
        raise from_os_error(f"mkdir {temporary}", error) from None
    try:
        fill(wanted, temporary, warn, progress)
        if group is not None:
            os.chown(temporary, -1, group)
        os.chmod(temporary, mode)
        os.rename(temporary, folder)
    except OSError as error:
        discard(temporary)
        raise from_os_error(f"cannot make the bundle {folder}", error) from None
    except BaseException:
        discard(temporary)
        raise


def mapped_group(policy: Policy) -> int | None:
    """The group of a mapped root, which has to come by the bundle; None if it is the caller's or there is none.

    Raises:
        RingfenceError: the map has no place for it.
    """
    return mapped(policy.gid_map, 0, "the group of root") if policy.uid_map and policy.owners else None


def check_empty(folder: str, usual: int) -> int:
    """The mode that the bundle gets: that of the empty folder which it replaces, or else the usual one.

    Raises:
        RingfenceError: something is there already.
    """
    try:
        found = os.listdir(folder)
        mode = os.stat(folder).st_mode & 0o7777
    except FileNotFoundError:
        return usual
    except OSError as error:
        raise from_os_error(f"open {folder}", error) from None
    if found or os.path.islink(folder):
        raise RingfenceError(f"{folder}: a bundle is made where nothing is, or in an empty folder")
    return mode


def fill(wanted: Wanted, bundle: str, warn: Callable[[str], None], progress: Progress) -> None:
    """Put everything into the folder of the bundle.

    Raises:
        RingfenceError: the image cannot be taken.
        OSError: something cannot be written.
    """
    with open_store(wanted.image, wanted.limits, bundle, warn) as store:
        chosen = choose(candidates(store, wanted.limits), wanted.platform, wanted.ref, wanted.image)
        image = read_image(store, chosen, wanted.limits)
        os.mkdir(os.path.join(bundle, ROOTFS), PRIVATE)
        root = os.open(os.path.join(bundle, ROOTFS), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.chmod(root, 0o755)
            budget = Budget(wanted.limits)
            unpack(image, root, wanted.policy, budget, warn, progress)
            system = wanted.choices.system
            user = resolve_user(image.config.object("config").text("User"), root)
            mounts = make_volumes(image.config, bundle, root, budget, system, warn) if wanted.volumes else []
        finally:
            os.close(root)
    made = runtime_config(image.config, user, mounts, wanted.choices, warn)
    with open(os.path.join(bundle, "config.json"), "x", encoding="utf-8") as file:
        file.write(dumps(made, indent="\t") + "\n")


def unpack(
    image: Image, root: int, policy: Policy, budget: Budget, warn: Callable[[str], None], progress: Progress
) -> None:
    """Unpack all layers of an image below an open folder.

    Raises:
        RingfenceError: a layer is damaged, hostile or too large.
    """
    unpacker = Unpacker(root, policy, budget, warn)
    blobs = [open_layer(image.store, layer) for layer in image.layers]
    try:
        progress.begin(sum(blob.size for blob in blobs))
        for blob, layer in zip(blobs, image.layers):
            unpack_layer(unpacker, blob, layer, budget.limits, progress)
    finally:
        for blob in blobs:
            blob.close()
    unpacker.finish()


def unpack_layer(unpacker: Unpacker, blob: Blob, layer: Layer, limits: Limits, progress: Progress) -> None:
    """Unpack one layer.

    Raises:
        RingfenceError: it is damaged, hostile or too large; of a blob with the wrong digest that is what is told.
    """
    try:
        with Ahead(layer_content(blob, layer, limits, progress.add)) as chunks:
            unpacker.layer(chunks, blob.what)
    except LimitError:
        raise
    except RingfenceError:
        check_blob(blob, layer)
        raise


def discard(folder: str) -> None:
    """Remove a bundle that was not finished, folders that forbid it included."""
    for place, names, _ in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            if not os.path.islink(path):
                os.chmod(path, PRIVATE)
    shutil.rmtree(folder, ignore_errors=True)
