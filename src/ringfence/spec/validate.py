"""The rules of a whole config, and what is worth a warning.

Rules need no host: what depends on the kernel, on files or on privileges is found out when the plan is made.
"""

from __future__ import annotations

from ringfence.spec.names import CAPABILITIES
from ringfence.spec.problems import bare, quoted
from ringfence.spec.rules.hooks import check_hooks
from ringfence.spec.rules.linux import check_linux
from ringfence.spec.rules.mounts import check_mounts
from ringfence.spec.rules.namespaces import check_namespaces
from ringfence.spec.rules.process import check_process
from ringfence.spec.rules.resources import check_resources
from ringfence.spec.rules.seccomp import check_seccomp
from ringfence.spec.types import Linux

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.problems import Problems
    from ringfence.spec.types import Capabilities, Config

EVERY_CAPABILITY = (1 << len(CAPABILITIES)) - 1


def check_config(config: Config, problems: Problems) -> None:
    """Add everything that is wrong with a config to ``problems``."""
    if not config.oci_version.startswith("1."):
        problems.add("/ociVersion", f"version {quoted(config.oci_version)} is not supported, it must be 1.x")
    _check_process_and_root(config, problems)
    linux = config.linux or Linux()
    check_mounts(config.mounts, any(entry.type == "user" for entry in linux.namespaces), problems)
    if config.hooks is not None:
        check_hooks(config.hooks, problems)
    check_namespaces(config, linux, problems)
    check_linux(linux, problems)
    if linux.resources is not None:
        check_resources(linux.resources, "/linux/resources", problems)
    if linux.seccomp is not None:
        check_seccomp(linux.seccomp, problems)
    if config.vm is not None:
        from ringfence.spec.rules.vm import check_vm

        check_vm(config.vm, problems)
    for index, device in enumerate(config.freebsd.devices if config.freebsd else ()):
        if not device.path:
            problems.add(f"/freebsd/devices/{index}/path", "must be given")


def _check_process_and_root(config: Config, problems: Problems) -> None:
    if config.process is None:
        problems.add("/process", "process property must not be empty")
    else:
        check_process(config.process, "/process", problems)
    if config.root is None:
        problems.add("/root", "root must be specified")
    elif not config.root.path:
        problems.add("/root/path", "must not be empty")


def warnings(config: Config, available: int = EVERY_CAPABILITY) -> list[str]:
    """What does not keep the container from starting, one text each; ``available`` has the capabilities' bits."""
    relative = [mount.destination for mount in config.mounts if not mount.destination.startswith("/")]
    texts = [f"mount destination {bare(destination)} is not absolute" for destination in relative]
    if config.process is not None and config.process.capabilities is not None:
        texts += capability_warnings(config.process.capabilities, available)
    return texts


def capability_warnings(capabilities: Capabilities, available: int = EVERY_CAPABILITY) -> list[str]:
    """One text that names the capabilities which the process will not get, unknown ones and others; else nothing."""
    known = {name for bit, name in enumerate(CAPABILITIES) if available >> bit & 1}
    ignored = sorted({name for _, names in capabilities.items() for name in names if name not in known})
    shown = " ".join(bare(name) for name in ignored)
    return [f"ignoring unknown or unavailable capabilities: [{shown}]"] if ignored else []
