"""What a caller of the lifecycle passes in: where containers live, how to log, and the options of each operation.

``cli`` is one caller, a containerd shim another; nothing here is global, so one process can serve many roots.
"""

from __future__ import annotations

from ringfence.record import Record

NAMESPACES, MICROVM, XEN, JAIL = "namespaces", "microvm", "xen", "jail"
WALLS = (NAMESPACES, MICROVM, XEN, JAIL)
"""The walls that can be asked for."""
JAIL_FILE = "jail.json"
"""What has been made for a jail, in its state folder."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Log(Protocol):
        """Where warnings and debug records go; errors are raised, never logged, below ``cli``.

        Debug records need not be put together when it is not ``verbose``.
        """

        verbose: bool

        def warning(self, text: str) -> None: ...

        def debug(self, text: str) -> None: ...


class Runtime(Record):
    """One state folder and the way to work on it.

    ``root`` is absolute; ``program`` the name ringfence was called by; ``trace`` the file for ``--trace``, "" for none;
    ``environment`` the caller's variables (LISTEN_FDS, NOTIFY_SOCKET and the hooks' inherited ones come from it);
    ``criu`` the program for checkpoints, "" for the one in PATH; ``cwd`` the caller's working directory, to which pid
    files and console sockets are relative; ``driver`` the wall that ``--driver`` asks for and ``named`` that which the
    program's name means, each "" for none; ``vm_folders`` may have vm.json and hypervisor.args;
    ``hypervisor_log`` is the folder for what QEMU says, "" for none; ``default_root`` is what ``root`` is when nobody
    names another; ``runx``: domains have RunX's sizes where nothing is said.
    """

    root: str
    log: Log
    environment: dict[str, str]
    cwd: str
    program: str = "ringfence"
    trace: str = ""
    systemd_cgroup: bool = False
    criu: str = ""
    rootless: str = "auto"
    driver: str = ""
    named: str = ""
    vm_folders: tuple[str, ...] = ()
    hypervisor_log: str = ""
    default_root: str = ""
    runx: bool = False


class Source(Record):
    """Where a configuration comes from: a bundle, a file of any name, or its text itself (OLD-CLI-02).

    ``bundle`` is absolute, and what relative paths in it are relative to; ``file`` is absolute too, "" for the bundle's
    own.
    """

    bundle: str
    file: str = ""
    text: str | None = None


class CreateOptions(Record):
    """Options of create, run and explain. ``bundle`` is absolute; ``config`` is a source other than it, if not None.

    ``supervised``: the caller supervises this run as systemd does a service. The cgroup lies below the caller's own, so
    that its limits bind the container, and readiness is the runtime's (OLD-SYSTEMD-01 to 07). ``terminal`` is a
    descriptor of a terminal that the container gets instead of a new one, -1 for none (MVM-CCOR-15). ``state`` is the
    file of a machine's state that it is restored from, "" for none (MVM-CHECKPOINT-03).
    """

    bundle: str
    console_socket: str = ""
    pidfd_socket: str = ""
    pid_file: str = ""
    no_pivot: bool = False
    no_new_keyring: bool = False
    preserve_fds: int = 0
    config: Source | None = None
    supervised: bool = False
    terminal: int = -1
    state: str = ""

    @property
    def source(self) -> Source:
        """Where the configuration is read from."""
        return self.config or Source(self.bundle)


class RunOptions(CreateOptions):
    """What run has besides the options of create."""

    detach: bool = False
    keep: bool = False
    no_subreaper: bool = False


class ExecOptions(Record):
    """Options of exec. ``process_text``, or the text in ``process_file``, wins over all else that describes it."""

    args: tuple[str, ...] = ()
    process_file: str = ""
    process_text: str = ""
    console_socket: str = ""
    pidfd_socket: str = ""
    pid_file: str = ""
    cwd: str = ""
    env: tuple[str, ...] = ()
    tty: bool = False
    user: str = ""
    additional_gids: tuple[int, ...] = ()
    detach: bool = False
    process_label: str = ""
    apparmor: str = ""
    no_new_privs: bool = False
    cap: tuple[str, ...] = ()
    preserve_fds: int = 0
    cgroup: tuple[str, ...] = ()
    ignore_paused: bool = False
