"""The runtime that a command works on, from the global options and the caller's surroundings (LNX-CLI-14 to 20)."""

from __future__ import annotations

import posix
import sys

from ringfence.cli.personality import personality
from ringfence.container.runtime import Runtime
from ringfence.errors import RingfenceError
from ringfence.paths import join, normpath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.log import Log
    from ringfence.cli.options import Arguments

SYSTEMD_MARK = "/run/systemd/system"
WHOLE_UID_MAP = ["0", "0", "4294967295"]
WITHOUT_CGROUPS = frozenset(("explain", "features", "spec", "spec upgrade"))
ROOTLESS_WORDS = {
    "1": "true",
    "t": "true",
    "true": "true",
    "0": "false",
    "f": "false",
    "false": "false",
    "auto": "auto",
}


def make_runtime(program: str, verb: str, given: Arguments, log: Log) -> Runtime:
    """What the lifecycle is given.

    Raises:
        RingfenceError: a global option has a value that cannot be used.
    """
    environment = caller_environment()
    cwd = current_directory()
    root = state_root(given.text("root"), cwd) if given.given("root") else default_root(program, environment)
    trace, hypervisor_log = given.text("trace"), given.text("hypervisor-log-dir")
    return Runtime(
        root=root,
        log=log,
        environment=environment,
        cwd=cwd,
        program=program,
        trace=absolute(trace, cwd) if trace else "",
        systemd_cgroup=systemd_cgroup(given, verb),
        criu=given.text("criu"),
        rootless=rootless(given.text("rootless", "auto")),
        driver=given.text("driver"),
        named=personality(program).wall,
        vm_folders=personality(program).folders,
        hypervisor_log=absolute(hypervisor_log, cwd) if hypervisor_log else "",
        default_root=default_root(program, environment),
        runx=personality(program).runx,
    )


def caller_environment() -> dict[str, str]:
    """The caller's variables as texts, as os.environ has them."""
    encoding = sys.getfilesystemencoding()
    pairs = posix.environ.items()
    return {
        name.decode(encoding, "surrogateescape"): value.decode(encoding, "surrogateescape") for name, value in pairs
    }


def current_directory() -> str:
    """The caller's folder, "" when it has been removed: a command that names only absolute paths still works there."""
    try:
        return posix.getcwd()
    except OSError:
        return ""


def state_root(path: str, cwd: str) -> str:
    """``--root`` made absolute and clean (LNX-CLI-15).

    Raises:
        RingfenceError: it is the root of the file system.
    """
    root = absolute(path, cwd)
    if root == "/":
        raise RingfenceError("Option --root argument should not be set to /")
    return root


def absolute(path: str, cwd: str) -> str:
    """A path made absolute and clean; one that is so already, as engines give it, comes back as it is.

    Raises:
        RingfenceError: it is relative, and the caller's folder has been removed.
    """
    if path.startswith("/") and not path.endswith("/") and "//" not in path and "/." not in path:
        return path
    if not cwd and not path.startswith("/"):
        raise RingfenceError("getwd: no such file or directory", hint="the working directory has been removed")
    return normpath(join(cwd, path))


def default_root(program: str, environment: dict[str, str]) -> str:
    """The state folder when ``--root`` is not given (LNX-CLI-14); an empty XDG_RUNTIME_DIR counts as none."""
    means = personality(program)
    folder = environment.get("XDG_RUNTIME_DIR")
    if folder and (posix.geteuid() != 0 or is_mapped_root(environment)):
        return f"{folder}/{means.name}"
    return f"/var{means.root}" if is_freebsd() and means.root.startswith("/run/") else means.root


def is_freebsd() -> bool:
    """Whether this is FreeBSD, which has no /run."""
    return sys.platform.startswith("freebsd")


def is_mapped_root(environment: dict[str, str]) -> bool:
    """Whether uid 0 is only that of a user namespace, and the session is not one of a user called root."""
    if environment.get("USER") == "root":
        return False
    try:
        descriptor = posix.open("/proc/self/uid_map", posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        return False
    try:
        return posix.read(descriptor, 4096).decode().split() != WHOLE_UID_MAP
    finally:
        posix.close(descriptor)


def systemd_cgroup(given: Arguments, verb: str) -> bool:
    """Whether to use systemd's cgroup driver (LNX-CLI-18).

    Raises:
        RingfenceError: it was asked for, and systemd does not manage this machine (sd_booted(3)).
    """
    if not given.switch("systemd-cgroup"):
        return False
    if verb not in WITHOUT_CGROUPS and not posix.access(SYSTEMD_MARK, posix.F_OK):
        raise RingfenceError(
            "systemd cgroup flag passed, but systemd support for managing cgroups is not available",
            hint=f"{SYSTEMD_MARK} does not exist, so systemd does not manage this machine",
        )
    return True


def rootless(word: str) -> str:
    """``--rootless`` as one of true, false and auto (LNX-CLI-19).

    Raises:
        RingfenceError: another word.
    """
    known = ROOTLESS_WORDS.get(word.lower())
    if known is None:
        raise RingfenceError(f'invalid value "{word}" for --rootless', hint="the values are true, false and auto")
    return known
