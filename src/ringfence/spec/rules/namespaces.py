"""Rules about namespaces, and about fields that need one of them (config-linux.md, Namespaces)."""

from __future__ import annotations

from ringfence.spec.names import CLOCKS, NAMESPACES
from ringfence.spec.problems import escape, quoted
from ringfence.spec.rules.mappings import check_mappings
from ringfence.spec.sysctl import is_plain, namespace_of, sysctl_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.problems import Problems
    from ringfence.spec.types import Config, Linux, Namespace

LISTED = "/linux/namespaces"
HOST_NAME = 64  # __NEW_UTS_LEN of <linux/utsname.h>
NANOSECONDS = 10**9


def check_namespaces(config: Config, linux: Linux, problems: Problems) -> None:
    """The list itself, then everything that depends on which namespaces the container has."""
    listed: dict[str, Namespace] = {}
    for index, namespace in enumerate(linux.namespaces):
        _check_namespace(namespace, listed, f"{LISTED}/{index}", problems)
        listed[namespace.type] = namespace
    _check_host_name(config, listed, problems)
    _check_user(linux, listed, problems)
    _check_time(linux, listed, problems)
    _check_masks(linux, listed, problems)
    _check_sysctl(linux.sysctl, listed, problems)
    if linux.net_devices and "network" not in listed:
        problems.add("/linux/netDevices", "unable to move network devices without a private NET namespace", LISTED)


def _check_namespace(namespace: Namespace, listed: dict[str, Namespace], where: str, problems: Problems) -> None:
    shown = f"{{{quoted(namespace.type)} {quoted(namespace.path or '')}}}"
    if namespace.type not in NAMESPACES:
        problems.add(f"{where}/type", f"namespace {shown} does not exist")
    elif namespace.type in listed:
        problems.add(f"{where}/type", f"malformed spec file: duplicated ns {shown}")
    if not namespace.path:
        return
    if not namespace.path.startswith("/"):
        problems.add(f"{where}/path", "must be an absolute path")
    if namespace.type == "mount":
        problems.add(f"{where}/path", "a mount namespace cannot be joined, the container's root is made in a new one")


def _check_host_name(config: Config, listed: dict[str, Namespace], problems: Problems) -> None:
    for name in ("hostname", "domainname"):
        value = getattr(config, name)
        if value and "uts" not in listed:
            problems.add(f"/{name}", f"unable to set {name} without a private UTS namespace", LISTED)
        if value and len(value.encode()) > HOST_NAME:
            problems.add(f"/{name}", f"must have at most {HOST_NAME} bytes, not {len(value.encode())}")


def _check_user(linux: Linux, listed: dict[str, Namespace], problems: Problems) -> None:
    user = listed.get("user")
    for kind in ("uid", "gid"):
        mappings, where = getattr(linux, f"{kind}_mappings"), f"/linux/{kind}Mappings"
        check_mappings(mappings, where, problems)
        if mappings and user is None:
            text = "User namespace mappings specified, but user namespace isn't enabled in the config"
            problems.add(where, text, LISTED)
        elif user is not None and not user.path and not mappings:
            problems.add(where, f"User namespaces enabled, but no {kind} mappings found.", LISTED)


def _check_time(linux: Linux, listed: dict[str, Namespace], problems: Problems) -> None:
    where = "/linux/timeOffsets"
    for clock, offset in linux.time_offsets.items():
        if clock not in CLOCKS:
            problems.add(f"{where}/{escape(clock)}", f"{quoted(clock)} is no clock of a time namespace")
        if offset.nanosecs >= NANOSECONDS:
            problems.add(f"{where}/{escape(clock)}/nanosecs", f"must be less than {NANOSECONDS}")
    if linux.time_offsets and "time" not in listed:
        text = "time namespace offsets specified, but time namespace isn't enabled in the config"
        problems.add(where, text, LISTED)
    elif linux.time_offsets and listed["time"].path:
        text = "the offsets of a time namespace that is joined by its path cannot be changed"
        problems.add(where, text, LISTED)


def _check_masks(linux: Linux, listed: dict[str, Namespace], problems: Problems) -> None:
    for name, paths in (("maskedPaths", linux.masked_paths), ("readonlyPaths", linux.readonly_paths)):
        if paths and "mount" not in listed:
            text = "unable to restrict sys entries without a private MNT namespace"
            problems.add(f"/linux/{name}", text, LISTED)
        for index, path in enumerate(paths):
            if not path.startswith("/"):
                problems.add(f"/linux/{name}/{index}", "must be an absolute path")


def _check_sysctl(sysctl: dict[str, str], listed: dict[str, Namespace], problems: Problems) -> None:
    for name in sysctl:
        path = sysctl_path(name)
        where = f"/linux/sysctl/{escape(name)}"
        if path == "kernel/hostname":
            text = f'sysctl {quoted(name)} is not allowed as it conflicts with the OCI "hostname" field'
            problems.add(where, text)
        elif not is_plain(path) or namespace_of(path) not in listed:
            problems.add(where, f"sysctl {quoted(name)} is not in a separate kernel namespace", LISTED)
