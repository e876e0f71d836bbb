"""The caller's terminal."""

from __future__ import annotations

import errno

import pytest

from tests.conformance.inside import inside
from tests.conformance.probe import failed, install_probe
from tests.support import Bundle, Runtime
from tests.support.terminal import Terminal

IOCTL, TIOCSTI, TIOCSCTTY, TIOCLINUX = 16, 0x5412, 0x540E, 0x541C


@pytest.mark.parametrize("request_number", [TIOCSTI, TIOCSCTTY, TIOCLINUX])
def test_nothing_is_typed_into_the_callers_terminal(
    runtime: Runtime, bundle: Bundle, terminal: Terminal, request_number: int
) -> None:
    """CVE-2017-5226: a program that got the caller's terminal pushes input into it. It is in a session of its own."""
    install_probe(bundle)
    probe = f"probe sys {IOCTL} 0 {request_number} @x"
    bundle.args("sh", "-c", f"test -t 0 && {probe} >&2 2>/dev/stderr; {probe}; true")
    bundle.write()
    words = [runtime.binary, *runtime.globals(), "run", "--bundle", bundle.path, runtime.new_id()]
    code, shown = terminal.finish(terminal.spawn(words, runtime.env, runtime.folder))
    assert code == 0, shown
    refusals = {failed(number) for number in (errno.EPERM, errno.EIO, errno.ENOTTY, errno.EINVAL)}
    assert set(shown.split("\r\n")) - {""} <= refusals, shown


def test_the_terminal_of_the_host_cannot_be_opened(runtime: Runtime, bundle: Bundle, terminal: Terminal) -> None:
    """CVE-2017-5226: there is no controlling terminal to open by name."""
    bundle.args("sh", "-c", "(: </dev/tty) && echo opened; true")
    bundle.write()
    words = [runtime.binary, *runtime.globals(), "run", "--bundle", bundle.path, runtime.new_id()]
    assert "opened" not in terminal.finish(terminal.spawn(words, runtime.env, runtime.folder))[1]


def test_ptys_of_the_host_are_not_there(runtime: Runtime, bundle: Bundle, terminal: Terminal) -> None:
    """A devpts of its own shows the container's ptys alone."""
    assert inside(runtime, bundle, "ls /dev/pts") == "ptmx\n"
