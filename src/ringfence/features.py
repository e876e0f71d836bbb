"""features: what this build can do, whatever the host (runtime-spec 1.3 features.md), and the versions it tells."""

from __future__ import annotations

from ringfence.container.runtime import MICROVM, XEN
from ringfence.container.runtime import NAMESPACES as NAMESPACE_WALL
from ringfence.host import freebsd
from ringfence.seccomp.names import ACTIONS, FLAGS, OPERATORS
from ringfence.spec.names import CAPABILITIES, HOOKS, MEMORY_FLAGS, MEMORY_MODES, NAMESPACES
from ringfence.spec.options import OPTION_WORDS
from ringfence.version import SPEC_VERSION, VERSION

OLDEST_SPEC = "1.0.0"
UNSAFE_ANNOTATIONS = (
    "bundle",
    "org.systemd.property.",
    "org.criu.config",
    "org.freebsd.jail.",
    "org.freebsd.parentJail",
)

OF_A_GUEST: dict[str, object] = {
    "namespaces": sorted(NAMESPACES.keys() - {"time", "user"}),
    "apparmor": {"enabled": False},
    "selinux": {"enabled": False},
    "intelRdt": {"enabled": False},
    "memoryPolicy": {"modes": [], "flags": []},
    "mountExtensions": {"idmap": {"enabled": False}},
    "netDevices": {"enabled": False},
}
"""What differs for a program that has a kernel, users and devices of its own."""
IN_NO_CGROUP = {"v1": False, "v2": False, "systemd": False, "systemdUser": False, "rdma": False}
BEHIND_WALLS = {MICROVM: OF_A_GUEST, XEN: {**OF_A_GUEST, "cgroup": IN_NO_CGROUP}}
"""Parts of the linux section that are other ones; those of a domain's limits that hold are Xen's (XEN-EXEC-03)."""


def features(program: str, wall: str = NAMESPACE_WALL) -> dict[str, object]:
    """The features structure behind a wall; ``program`` is the name ringfence was called by (LNX-FEAT-02 to 13)."""
    of_wall: dict[str, object]
    if freebsd.is_freebsd():
        from ringfence.spec.rules.jail.mounts import DROPPED, PASSED

        of_wall = {"mountOptions": [*PASSED, *DROPPED], "annotations": jail_annotations(program)}
    else:
        section = {**linux_features(), **BEHIND_WALLS.get(wall, {})}
        linux = {"linux": section, "annotations": version_annotations(program, wall)}
        of_wall = {"mountOptions": list(OPTION_WORDS), **linux}
    return {
        "ociVersionMin": OLDEST_SPEC,
        "ociVersionMax": SPEC_VERSION,
        "hooks": list(HOOKS),
        **of_wall,
        "potentiallyUnsafeConfigAnnotations": list(UNSAFE_ANNOTATIONS),
    }


def linux_features() -> dict[str, object]:
    """The linux section: only what really works is announced (LNX-FEAT-13)."""
    return {
        "namespaces": sorted(NAMESPACES),
        "capabilities": list(CAPABILITIES),
        "cgroup": {"v1": True, "v2": True, "systemd": True, "systemdUser": True, "rdma": True},
        "seccomp": seccomp_features(),
        "apparmor": {"enabled": True},
        "selinux": {"enabled": True},
        "intelRdt": {"enabled": True, "schemata": True, "monitoring": True},
        "memoryPolicy": {"modes": sorted(MEMORY_MODES), "flags": sorted(MEMORY_FLAGS)},
        "mountExtensions": {"idmap": {"enabled": True}},
        "netDevices": {"enabled": True},
    }


def seccomp_features() -> dict[str, object]:
    """What a seccomp section may hold (LNX-FEAT-08): what the tables of this libseccomp and this kernel know."""
    # ctypes and libseccomp: no engine waits for this verb.
    from ringfence.seccomp.calls import known_architectures, supported_flags

    architectures = known_architectures()
    return {
        "enabled": bool(architectures),
        "actions": sorted(ACTIONS),
        "operators": sorted(OPERATORS),
        "archs": architectures,
        "knownFlags": sorted(FLAGS),
        "supportedFlags": supported_flags(),
    }


def jail_annotations(program: str) -> dict[str, str]:
    """On FreeBSD: the version, the wall, and which of the system's tools are there (JAIL-COMPAT-07)."""
    import os

    from ringfence import settings
    from ringfence.container.runtime import JAIL, WALLS

    tools = settings.read_settings(settings.FILE, WALLS).jail
    found = [name for name in settings.JAIL_PATHS if os.access(getattr(tools, name), os.X_OK)]
    told = {"org.ringfence.version": VERSION, "org.ringfence.driver": JAIL, "org.ringfence.jail.tools": " ".join(found)}
    return told if program == "ringfence" else {**told, f"org.{program}.version": VERSION}


def version_annotations(program: str, wall: str) -> dict[str, str]:
    """Versions under runc's keys for callers that look for those, and under our own (LNX-FEAT-11)."""
    from ringfence.seccomp.calls import library_version

    told = {
        "org.opencontainers.runc.version": VERSION,
        "org.opencontainers.runc.commit": "",
        "org.opencontainers.runc.checkpoint.enabled": "false" if wall == XEN else "true",
    }
    if program != "runc":
        told[f"org.{program}.version"] = VERSION
    if seccomp := library_version():
        told["io.github.seccomp.libseccomp.version"] = seccomp
    return told
