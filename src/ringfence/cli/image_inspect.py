"""``image inspect``: print what is in an image (IMG-INSP-01)."""

from __future__ import annotations

import tempfile

from ringfence.cli.image_words import wanted_platform
from ringfence.cli.log import one_line
from ringfence.cli.output import write
from ringfence.cli.world import absolute
from ringfence.errors import RingfenceError
from ringfence.image.choose import candidates, listing, read_image
from ringfence.image.inspect import described, files
from ringfence.image.limits import parse_limits
from ringfence.image.store import open_store
from ringfence.image.verify import mismatches
from ringfence.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime
    from ringfence.image.layout import Image
    from ringfence.image.limits import Limits
    from ringfence.image.store import Store


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Print it, in one of several forms."""
    forms = [f"--{form}" for form in ("json", "files", "verify") if arguments.switch(form)]
    if len(forms) > 1:
        raise RingfenceError(f"image inspect: {' and '.join(forms)} exclude each other")
    path = absolute(arguments.words[0], runtime.cwd)
    limits = parse_limits(arguments.texts("limit"))
    spool = runtime.environment.get("TMPDIR") or tempfile.gettempdir()
    with open_store(path, limits, spool, runtime.log.warning) as store:
        if arguments.switch("verify"):
            return verify(store, limits)
        found = images(store, arguments, limits)
        if arguments.switch("json"):
            write(dumps([described(image) for image in found], indent="  ") + "\n")
        for image in found:
            show(image, arguments, limits)
    return 0


def show(image: Image, arguments: Arguments, limits: Limits) -> None:
    """Print one image as text."""
    if not arguments.switch("json"):
        write("".join(f"{one_line(line)}\n" for line in lines(image)))
    if arguments.switch("files"):
        for line in files(image, limits):
            write(f"{one_line(line)}\n")


def images(store: Store, arguments: Arguments, limits: Limits) -> list[Image]:
    """The images asked for.

    Raises:
        RingfenceError: there is none, or one is damaged.
    """
    platform, ref = wanted_platform(arguments), arguments.text("ref")
    held = candidates(store, limits)
    found = [item for item in held if (not ref or ref in item.refs) and (not platform or item.platform.fits(platform))]
    if not found:
        raise RingfenceError(f"{store.what}: no such image; {listing(held)}")
    return [read_image(store, item, limits) for item in found]


def verify(store: Store, limits: Limits) -> int:
    """Print every mismatch; returns the exit status."""
    status = 0
    for line in mismatches(store, limits):
        write(f"{one_line(line)}\n")
        status = 1
    return status


def lines(image: Image) -> Iterator[str]:
    """An image as text.

    Raises:
        RingfenceError: its config is none.
    """
    held = described(image)
    yield f"image     {', '.join(held['refs']) or '(no name)'}"
    yield f"platform  {held['platform']}"
    yield f"manifest  {held['manifest']['digest']} {held['manifest']['mediaType']}"
    for key in ("created", "author"):
        if image.config.text(key):
            yield f"{key:<8}  {image.config.text(key)}"
    for key, value in image.config.object("config").value.items():
        yield f"config    {key} {dumps(value)}"
    for layer in held["layers"]:
        told = f"{layer['mediaType']} {layer['size']} bytes {layer['digest']}" if "digest" in layer else layer["name"]
        yield f"layer     {told} content {layer['diffID']}"
    for key, value in held["annotations"].items():
        yield f"note      {key}={value}"
