"""The options that checkpoint and restore have in common."""

from __future__ import annotations

from ringfence.cli.world import absolute
from ringfence.criu.options import CriuOptions
from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime

IMAGES = "checkpoint"
PORTS = range(1, 65536)


def criu_options(runtime: Runtime, arguments: Arguments) -> CriuOptions:
    """What the caller asks of CRIU.

    Raises:
        RingfenceError: an option has a value that cannot be.
    """
    return CriuOptions(
        image_path=absolute(arguments.text("image-path") or IMAGES, runtime.cwd),
        work_path=absolute(arguments.text("work-path"), runtime.cwd) if arguments.text("work-path") else "",
        parent_path=arguments.text("parent-path"),
        leave_running=arguments.switch("leave-running"),
        tcp_established=arguments.switch("tcp-established"),
        tcp_skip_in_flight=arguments.switch("tcp-skip-in-flight"),
        link_remap=arguments.switch("link-remap"),
        ext_unix_sk=arguments.switch("ext-unix-sk"),
        shell_job=arguments.switch("shell-job"),
        lazy_pages=arguments.switch("lazy-pages"),
        status_fd=arguments.number("status-fd", -1),
        page_server=page_server(arguments.text("page-server")),
        file_locks=arguments.switch("file-locks"),
        pre_dump=arguments.switch("pre-dump"),
        cgroups_mode=arguments.text("manage-cgroups-mode", "soft"),
        empty_network=empty_network(arguments.texts("empty-ns")),
        auto_dedup=arguments.switch("auto-dedup"),
        lsm_profile=arguments.text("lsm-profile"),
        lsm_mount_context=arguments.text("lsm-mount-context"),
        criu=runtime.criu,
    )


def page_server(text: str) -> tuple[str, int] | None:
    """Address and port of the server that takes the pages.

    Raises:
        RingfenceError: it is not of that form (OLD-CLI-11).
    """
    if not text:
        return None
    address, colon, port = text.rpartition(":")
    if not colon or not address:
        raise RingfenceError("Use --page-server ADDRESS:PORT to specify page server")
    if not port.isdecimal() or int(port) not in PORTS:
        raise RingfenceError("Invalid port number")
    return address.strip("[]"), int(port)


def empty_network(names: tuple[str, ...]) -> bool:
    """Whether the network namespace comes back without what was in it.

    Raises:
        RingfenceError: another namespace, which CRIU cannot leave empty.
    """
    for name in names:
        if name != "network":
            raise RingfenceError(f"namespace {name!r} is not supported by --empty-ns", hint="only network is")
    return bool(names)
