"""From an image's config to a config.json (image-spec 1.1, conversion.md)."""

from __future__ import annotations

from ringfence.errors import RingfenceError
from ringfence.image.document import Document
from ringfence.image.freebsd import PATH as FREEBSD_PATH
from ringfence.image.freebsd import freebsd_config, linux_on_freebsd
from ringfence.image.users import User
from ringfence.record import Record
from ringfence.spec.template import PATH as LINUX_PATH
from ringfence.spec.template import rootless, template

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from ringfence.image.policy import Map

    Json = dict[str, Any]

PREFIX = "org.opencontainers.image."
PATHS = {"linux": LINUX_PATH, "freebsd": FREEBSD_PATH}
DESCRIBED = ("os", "architecture", "variant", "author", "created")
OBEYED = (
    "bundle", "org.freebsd.", "org.systemd.", "org.criu.", "org.ringfence.", "io.katacontainers.", "run.oci.",
    "com.github.containers.virtcontainers.", "io.podman.", "io.container.manager", "io.kubernetes.cri", "ocid/",
)  # fmt: skip
"""Beginnings of the annotations that a runtime or an engine acts upon."""


class Choices(Record):
    """What the image's config leaves to whoever makes the bundle.

    Attributes:
        system: the system that the container will run on.
        cgroup_v2: whether it has cgroup v2 only.
        hostname: the container's.
        args: what replaces Cmd; None keeps it.
        terminal: whether the program gets a terminal.
        trust_labels: whether labels may become annotations that a runtime acts upon.
        uid_map, gid_map: the maps that the files were unpacked with.
        caller: user and group of a caller without privileges, None for root.
    """

    system: str
    cgroup_v2: bool
    hostname: str
    args: tuple[str, ...] | None = None
    terminal: bool = False
    trust_labels: bool = False
    uid_map: Map = ()
    gid_map: Map = ()
    caller: tuple[int, int] | None = None


def runtime_config(
    image: Document, user: User, mounts: Sequence[Json], choices: Choices, warn: Callable[[str], None]
) -> Json:
    """The config.json of an image.

    Args:
        image: the image's config document.
        user: who its User is in its root.
        mounts: the mounts of its volumes.
        choices: what the image leaves open.
        warn: told what was passed over.

    Raises:
        RingfenceError: the config cannot be one.
    """
    inner = image.object("config")
    made = base_config(image.text("os"), choices)
    process = made["process"]
    process["terminal"] = choices.terminal
    process["user"] = user_section(user)
    process["args"] = arguments(inner, choices, warn)
    process["env"] = environment(inner, image.text("os"), choices.terminal)
    process["cwd"] = working_directory(inner, warn)
    made["root"]["readonly"] = False
    made["mounts"] += mounts
    annotations = annotations_of(image, choices.trust_labels, warn)
    return {**made, "annotations": annotations} if annotations else made


def base_config(system: str, choices: Choices) -> Json:
    """A config for the image's system on the one it will run on, without anything of the image."""
    if system == "freebsd":
        return freebsd_config(choices.hostname)
    if choices.system == "freebsd":
        return linux_on_freebsd(choices.hostname)
    made = template(choices.cgroup_v2, choices.hostname)
    if choices.uid_map or choices.gid_map:
        return in_user_namespace(made, choices)
    return rootless(made, *choices.caller) if choices.caller else made


def in_user_namespace(config: Json, choices: Choices) -> Json:
    """The same for files whose owners are mapped: the container gets the maps too."""
    linux = config["linux"]
    maps = {"uidMappings": id_map(choices.uid_map), "gidMappings": id_map(choices.gid_map)}
    return {**config, "linux": {**maps, **linux, "namespaces": [*linux["namespaces"], {"type": "user"}]}}


def id_map(ids: Map) -> list[dict[str, int]]:
    """A map as config.json has it."""
    return [{"containerID": inside, "hostID": outside, "size": count} for inside, outside, count in ids]


def user_section(user: User) -> Json:
    """process.user."""
    made: Json = {"uid": user.uid, "gid": user.gid}
    return {**made, "additionalGids": list(user.additional_gids)} if user.additional_gids else made


def arguments(inner: Document, choices: Choices, warn: Callable[[str], None]) -> list[str]:
    """Entrypoint and Cmd, or what was given in place of Cmd."""
    command = inner.texts("Cmd") if choices.args is None else list(choices.args)
    found = [*inner.texts("Entrypoint"), *command]
    if not found:
        warn("the image has neither Entrypoint nor Cmd, the program will be /bin/sh")
    return found or ["/bin/sh"]


def environment(inner: Document, system: str, terminal: bool) -> list[str]:
    """Env as it is; PATH, and TERM for a terminal, are added when it has none.

    Raises:
        RingfenceError: an entry is no NAME=VALUE.
    """
    found = inner.texts("Env")
    for place, entry in enumerate(found):
        if entry.find("=") < 1 or "\0" in entry:
            raise RingfenceError(f"{inner.where}: Env[{place}] {entry!r} is not NAME=VALUE")
    names = {entry.partition("=")[0] for entry in found}
    added = [f"PATH={PATHS[system]}"] if "PATH" not in names and system in PATHS else []
    return [*found, *added, *(["TERM=xterm"] if terminal and "TERM" not in names else [])]


def working_directory(inner: Document, warn: Callable[[str], None]) -> str:
    """WorkingDir, from the root if it is relative."""
    found = inner.text("WorkingDir") or "/"
    if not found.startswith("/"):
        warn(f"WorkingDir {found!r} of the image is relative, it is taken from the root")
        found = f"/{found}"
    return found


def annotations_of(image: Document, trusted: bool, warn: Callable[[str], None]) -> dict[str, str]:
    """What the config says of itself, then its labels, which win."""
    made = {f"{PREFIX}{key}": image.text(key) for key in DESCRIBED if image.text(key)}
    if image.text("os.version"):
        made[f"{PREFIX}os.version"] = image.text("os.version")
    if image.texts("os.features"):
        made[f"{PREFIX}os.features"] = ",".join(image.texts("os.features"))
    inner = image.object("config")
    if inner.text("StopSignal"):
        made[f"{PREFIX}stopSignal"] = inner.text("StopSignal")
    if inner.object("ExposedPorts").value:
        made[f"{PREFIX}exposedPorts"] = ",".join(sorted(inner.object("ExposedPorts").value))
    for key, value in inner.text_map("Labels").items():
        if key.startswith(OBEYED) and not trusted:
            warn(f"the label {key} is left out, since a runtime would act upon it; --trust-labels keeps it")
        elif key:
            made[key] = value
    return made
