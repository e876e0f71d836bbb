"""``image build``: make an image from a root (IMG-BUILD-01 to 08)."""

from __future__ import annotations

from ringfence.cli.image_words import one_of
from ringfence.cli.progress import Bar
from ringfence.cli.world import absolute
from ringfence.errors import RingfenceError, from_os_error
from ringfence.image.build import Build, build, checked_config
from ringfence.image.document import Document, parse
from ringfence.image.limits import parse_limits
from ringfence.image.media import GZIP, PLAIN, ZSTD
from ringfence.image.output import Output
from ringfence.image.platform import Platform, host_platform
from ringfence.image.policy import DEVICE_WORDS, KEEP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime

COMPRESSIONS = {GZIP: GZIP, ZSTD: ZSTD, "none": PLAIN}
EPOCH = "SOURCE_DATE_EPOCH"
STDOUT = "-"


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Write the image."""
    for option in ("rootfs", "output"):
        if not arguments.text(option):
            raise RingfenceError(f"image build: --{option} is needed")
    wanted = Build(
        rootfs=absolute(arguments.text("rootfs"), runtime.cwd),
        platform=stated_platform(arguments),
        compression=COMPRESSIONS[one_of(arguments, "compress", tuple(COMPRESSIONS), GZIP)],
        tag=arguments.text("tag"),
        author=arguments.text("author"),
        config=config_section(arguments, runtime.cwd),
        epoch=source_epoch(runtime.environment),
        devices=one_of(arguments, "devices", DEVICE_WORDS, KEEP),
        spool=runtime.environment.get("TMPDIR", ""),
        limits=parse_limits(arguments.texts("limit")),
    )
    path = arguments.text("output")
    with Bar("building") as bar, Output(path if path == STDOUT else absolute(path, runtime.cwd)) as output:
        build(wanted, output, runtime.log.warning, bar.add)
    return 0


def stated_platform(arguments: Arguments) -> Platform | None:
    """What ``--os``, ``--arch`` and ``--variant`` say; the machine's own words fill up. None when none is given."""
    if not any(arguments.text(option) for option in ("os", "arch", "variant")):
        return None
    host = host_platform()
    architecture = arguments.text("arch", host.architecture)
    variant = host.variant if architecture == host.architecture else ""
    return Platform(arguments.text("os", host.os), architecture, arguments.text("variant", variant))


def config_section(arguments: Arguments, cwd: str) -> dict[str, Any]:
    """The object in the file of ``--config``.

    Raises:
        RingfenceError: it cannot be read, is no object, or one that no engine would take.
    """
    if not arguments.given("config"):
        return {}
    path = absolute(arguments.text("config"), cwd)
    try:
        with open(path, "rb") as file:
            return checked_config(Document(parse(file.read(), path), path))
    except OSError as error:
        raise from_os_error(f"open {path}", error) from None


def source_epoch(environment: dict[str, str]) -> int | None:
    """SOURCE_DATE_EPOCH, None when it is not set.

    Raises:
        RingfenceError: it is no number of seconds.
    """
    text = environment.get(EPOCH, "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 10:
        raise RingfenceError(f"{EPOCH}={text}: not a number of seconds since 1970")
    return int(text)
