"""features: what this build can do, whatever the host (runtime-spec 1.3 features.md), and the versions it tells."""

from __future__ import annotations

from ringfence.seccomp.names import ACTIONS, ARCHITECTURES, FLAGS, OPERATORS
from ringfence.spec.names import CAPABILITIES, HOOKS, MEMORY_FLAGS, MEMORY_MODES, NAMESPACES
from ringfence.spec.options import OPTION_WORDS
from ringfence.version import SPEC_VERSION, VERSION

OLDEST_SPEC = "1.0.0"
NOT_BUILT_ACTIONS = ("SCMP_ACT_NOTIFY",)


def features(program: str) -> dict[str, object]:
    """The features structure; ``program`` is the name ringfence was called by (LNX-FEAT-02 to 13)."""
    return {
        "ociVersionMin": OLDEST_SPEC,
        "ociVersionMax": SPEC_VERSION,
        "hooks": list(HOOKS),
        "mountOptions": list(OPTION_WORDS),
        "linux": linux_features(),
        "annotations": annotations(program),
        "potentiallyUnsafeConfigAnnotations": ["bundle", "org.systemd.property.", "org.criu.config"],
    }


def linux_features() -> dict[str, object]:
    """The linux section: only what really works is announced (LNX-FEAT-13)."""
    return {
        "namespaces": sorted(NAMESPACES),
        "capabilities": list(CAPABILITIES),
        "cgroup": {"v1": True, "v2": True, "systemd": False, "systemdUser": False, "rdma": True},
        "seccomp": seccomp_features(),
        "apparmor": {"enabled": True},
        "selinux": {"enabled": False},
        "intelRdt": {"enabled": False},
        "memoryPolicy": {"modes": sorted(MEMORY_MODES), "flags": sorted(MEMORY_FLAGS)},
        "mountExtensions": {"idmap": {"enabled": True}},
        "netDevices": {"enabled": False},
    }


def seccomp_features() -> dict[str, object]:
    """What a seccomp section may hold (LNX-FEAT-08)."""
    known = sorted(FLAGS)
    return {
        "enabled": True,
        "actions": sorted(action for action in ACTIONS if action not in NOT_BUILT_ACTIONS),
        "operators": sorted(OPERATORS),
        "archs": sorted(ARCHITECTURES),
        "knownFlags": known,
        "supportedFlags": [flag for flag in known if not flag.endswith("_RECV")],
    }


def annotations(program: str) -> dict[str, str]:
    """Versions under runc's keys for callers that look for those, and under our own (LNX-FEAT-11)."""
    told = {
        "org.opencontainers.runc.version": VERSION,
        "org.opencontainers.runc.commit": "",
        "org.opencontainers.runc.checkpoint.enabled": "false",
    }
    if program != "runc":
        told[f"org.{program}.version"] = VERSION
    return told
