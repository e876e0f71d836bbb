"""``exec``: run another process in a container (LNX-EXEC-01, 02)."""

from __future__ import annotations

from ringfence.container.execute import execute
from ringfence.container.runtime import ExecOptions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.runtime import Runtime


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Run the process; unless detached the exit status is its own."""
    container_id = arguments.words[0]
    return execute(runtime, container_id, exec_options(arguments))


def exec_options(arguments: Arguments) -> ExecOptions:
    """What the words and options ask for; one ``--`` before the program is dropped."""
    args = arguments.words[1:]
    if args[:1] == ["--"]:
        args = args[1:]
    return ExecOptions(
        args=tuple(args),
        process_file=arguments.text("process"),
        console_socket=arguments.text("console-socket"),
        pidfd_socket=arguments.text("pidfd-socket"),
        pid_file=arguments.text("pid-file"),
        cwd=arguments.text("cwd"),
        env=arguments.texts("env"),
        tty=arguments.switch("tty"),
        user=arguments.text("user"),
        additional_gids=arguments.numbers("additional-gids"),
        detach=arguments.switch("detach"),
        process_label=arguments.text("process-label"),
        apparmor=arguments.text("apparmor"),
        no_new_privs=arguments.switch("no-new-privs"),
        cap=arguments.texts("cap"),
        preserve_fds=arguments.number("preserve-fds"),
        cgroup=arguments.texts("cgroup"),
        ignore_paused=arguments.switch("ignore-paused"),
    )
