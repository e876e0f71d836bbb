"""The options of exec."""

from __future__ import annotations

from ringfence.cli.exec import exec_options
from ringfence.cli.options import VERBS, parse
from ringfence.container.runtime import ExecOptions


def options(*words: str) -> ExecOptions:
    return exec_options(parse(words, VERBS["exec"].options, VERBS["exec"].anywhere))


def test_the_words_behind_the_id_are_the_program() -> None:
    """LNX-EXEC-01."""
    assert options("x", "ls", "-l", "--", "--tty").args == ("ls", "-l", "--", "--tty")


def test_two_dashes_behind_the_id_are_dropped_once() -> None:
    """LNX-EXEC-01."""
    assert options("x", "--", "ls").args == ("ls",)
    assert options("x", "--", "--", "ls").args == ("--", "ls")


def test_without_options_nothing_is_asked_for() -> None:
    assert options("x") == ExecOptions()


def test_every_option_has_its_field() -> None:
    """LNX-EXEC-02."""
    line = (
        "--console-socket S --pidfd-socket F --cwd /d -e A=1 --env B=2 -t -u 1:2 -g 7 --additional-gids 8 -p P -d"
        " --pid-file Q --process-label L --apparmor O --no-new-privs -c CAP_KILL --cap CAP_CHOWN --preserve-fds 3"
        " --cgroup /a --cgroup cpu:/b --ignore-paused x"
    )
    assert options(*line.split()) == ExecOptions(
        process_file="P",
        console_socket="S",
        pidfd_socket="F",
        pid_file="Q",
        cwd="/d",
        env=("A=1", "B=2"),
        tty=True,
        user="1:2",
        additional_gids=(7, 8),
        detach=True,
        process_label="L",
        apparmor="O",
        no_new_privs=True,
        cap=("CAP_KILL", "CAP_CHOWN"),
        preserve_fds=3,
        cgroup=("/a", "cpu:/b"),
        ignore_paused=True,
    )
