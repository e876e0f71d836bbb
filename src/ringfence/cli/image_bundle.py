"""``bundle``: unpack an image to a bundle (IMG-BUNDLE-01 to 16, IMG-CONF-01 to 08)."""

from __future__ import annotations

import os

from ringfence.cli.image_words import one_of, wanted_platform
from ringfence.cli.personality import personality
from ringfence.cli.progress import Bar
from ringfence.cli.world import absolute
from ringfence.errors import RingfenceError
from ringfence.host.facts import V2
from ringfence.host.probe import probe
from ringfence.image.bundle import Wanted, make_bundle
from ringfence.image.flags import can_set_flags
from ringfence.image.limits import parse_limits
from ringfence.image.platform import system_name
from ringfence.image.policy import DEVICE_WORDS, KEEP, SETUID_WORDS, Policy, is_privileged, parse_map, usual_policy
from ringfence.image.runtime_config import Choices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime

MOUNT, IGNORE = "mount", "ignore"


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Make the bundle."""
    image, folder, *words = arguments.words
    policy = wanted_policy(arguments)
    wanted = Wanted(
        image=absolute(image, runtime.cwd),
        folder=absolute(folder, runtime.cwd),
        choices=wanted_choices(runtime, arguments, policy, words),
        policy=policy,
        platform=wanted_platform(arguments),
        ref=arguments.text("ref"),
        limits=parse_limits(arguments.texts("limit")),
        volumes=one_of(arguments, "volumes", (MOUNT, IGNORE), MOUNT) == MOUNT,
    )
    with Bar("unpacking") as bar:
        make_bundle(wanted, runtime.log.warning, bar)
    return 0


def wanted_policy(arguments: Arguments) -> Policy:
    """What the options say of unpacking.

    Raises:
        RingfenceError: a value is not known, or cannot be had here.
    """
    usual = usual_policy(is_privileged())
    flags = arguments.switch("keep-flags")
    if flags and not can_set_flags():
        raise RingfenceError("--keep-flags: this system has no file flags")
    return Policy(
        setuid=one_of(arguments, "setuid", SETUID_WORDS, KEEP),
        devices=one_of(arguments, "devices", DEVICE_WORDS, usual.devices),
        uid_map=parse_map(arguments.texts("uid-map"), "uid-map"),
        gid_map=parse_map(arguments.texts("gid-map"), "gid-map"),
        owners=usual.owners,
        flags=flags,
    )


def wanted_choices(runtime: Runtime, arguments: Arguments, policy: Policy, words: list[str]) -> Choices:
    """What the image's config leaves open."""
    system = system_name()
    return Choices(
        system=system,
        cgroup_v2=system == "linux" and probe().cgroup_mode == V2,
        hostname=personality(runtime.program).name,
        args=tuple(words) if words else None,
        terminal=arguments.switch("terminal"),
        trust_labels=arguments.switch("trust-labels"),
        uid_map=policy.uid_map,
        gid_map=policy.gid_map,
        caller=None if is_privileged() else (os.geteuid(), os.getegid()),
    )
