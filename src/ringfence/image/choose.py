"""Opening what a person calls an image, and choosing the one meant among those in it."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.image import docker_archive, layout
from ringfence.image.layout import Candidate, Image
from ringfence.image.limits import DEFAULT, Limits
from ringfence.image.platform import Platform, host_platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ringfence.image.store import Store


def candidates(store: Store, limits: Limits = DEFAULT) -> Sequence[Candidate]:
    """Every image of a layout or of an archive of ``docker save``; an archive that is both is read as a layout.

    Raises:
        RingfenceError: it is neither, or damaged.
    """
    if store.has("oci-layout"):
        return layout.candidates(store, limits)
    if store.has(docker_archive.NAME):
        return docker_archive.candidates(store, limits)
    raise RingfenceError(f"{store.what}: neither an OCI image layout nor an archive of docker save")


def read_image(store: Store, chosen: Candidate, limits: Limits = DEFAULT) -> Image:
    """One of the candidates.

    Raises:
        RingfenceError: it is damaged.
    """
    if isinstance(chosen, docker_archive.Saved):
        return docker_archive.read_image(store, chosen, limits)
    return layout.read_image(store, chosen, limits)


def choose(found: Sequence[Candidate], platform: Platform | None, ref: str, what: str) -> Candidate:
    """The one image that is meant.

    Args:
        found: what there is.
        platform: what it has to be for, None for this machine.
        ref: what it has to be called, "" for any name.
        what: the archive, for errors.

    Raises:
        RingfenceError: none is meant, or more than one; the error lists what there is.
    """
    wanted = platform or host_platform()
    fitting = [item for item in found if not ref or ref in item.refs]
    if not fitting:
        raise RingfenceError(f"{what}: there is no image {ref!r}; {listing(found)}")
    fitting = [item for item in fitting if item.platform.fits(wanted)]
    if not fitting:
        raise RingfenceError(
            f"{what}: no image is for {wanted}; {listing(found)}", hint="--platform OS/ARCHITECTURE chooses another"
        )
    if len({item.descriptor.digest for item in fitting}) > 1:
        raise RingfenceError(f"{what}: more than one image is meant; {listing(fitting)}", hint="--ref NAME chooses one")
    return fitting[0]


def listing(found: Sequence[Candidate]) -> str:
    """What there is, in one line."""
    if not found:
        return "there are none"
    names = [f"{', '.join(item.refs) or item.descriptor.digest[:19]} for {item.platform}" for item in found]
    return f"there are: {'; '.join(names)}"
