"""Descriptors and folders of the host that a runtime may have open while a container can look."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.security.attack import install_attack
from tests.security.outside import SECRET, Outside
from tests.support import Bundle, Runtime

PTRACE = "CAP_SYS_PTRACE"
TOO_EARLY = pytest.mark.xfail(reason="the init joins a pid namespace while its root is the host's, as runc does")
RELATIVE = "cat secret ../secret ../../secret 2>/dev/null; ls; true"


@pytest.fixture
def leak(outside: Outside) -> Iterator[int]:
    """An inheritable descriptor of the outside, as a careless caller of the runtime leaves it open."""
    number = os.open(outside.path, os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(number, True)
    yield number
    os.close(number)


def folders(leak: int) -> list[str]:
    """Working directories that would lead out through a descriptor left open: the caller's, and low numbers."""
    return [
        f"/proc/{who}/fd/{number}" for who in ("self", "thread-self", "1") for number in (leak, 3, 4, 5, 6, 7, 8, 9)
    ]


def test_no_working_directory_leads_out(runtime: Runtime, bundle: Bundle, leak: int) -> None:
    """CVE-2024-21626: process.cwd is /proc/self/fd/N. All above 2 is closed, and the folder has to lie inside."""
    for folder in folders(leak):
        bundle.process["cwd"] = folder
        bundle.sh(f"readlink /proc/self/cwd; {RELATIVE}")
        result = runtime.run_bundle(bundle, pass_fds=[leak])
        assert SECRET not in result.out, folder
        assert "outside" not in result.out, folder


def test_no_link_to_a_working_directory_leads_out(runtime: Runtime, bundle: Bundle, leak: int) -> None:
    """CVE-2024-21626, second form: the image has a link of an innocent name to /proc/self/fd/N."""
    for number in (leak, 3, 5, 7, 9):
        os.symlink(f"/proc/self/fd/{number}", os.path.join(bundle.rootfs, f"work{number}"))
        bundle.process["cwd"] = f"/work{number}"
        bundle.sh(RELATIVE)
        assert SECRET not in runtime.run_bundle(bundle, pass_fds=[leak]).out


def test_no_working_directory_of_exec_leads_out(runtime: Runtime, bundle: Bundle, leak: int) -> None:
    """CVE-2024-21626, third form: `exec --cwd`, with the same descriptor open in the caller."""
    bundle.sleep()
    container = runtime.started(bundle)
    for folder in folders(leak):
        result = container.exec("sh", "-c", RELATIVE, options=["--cwd", folder], pass_fds=[leak])
        assert SECRET not in result.out, folder


def test_no_program_is_found_through_a_descriptor(
    runtime: Runtime, bundle: Bundle, outside: Outside, leak: int
) -> None:
    """CVE-2024-21626, fourth form: the program itself lies behind /proc/self/fd/N."""
    os.chmod(outside.add("program", "#!/bin/sh\necho escaped\n"), 0o755)
    outside.remember()
    for number in (leak, 3, 5, 7, 9):
        bundle.args(f"/proc/self/fd/{number}/program")
        assert "escaped" not in runtime.run_bundle(bundle, pass_fds=[leak]).out


@pytest.mark.parametrize("given", [[], [PTRACE]], ids=["usual", "ptrace"])
def test_entering_processes_show_nothing(
    runtime: Runtime, bundle: Bundle, outside: Outside, leak: int, given: list[str]
) -> None:
    """CVE-2016-9962: a process on its way in can be looked into. It is not dumpable, and has nothing of the host."""
    for held in bundle.process["capabilities"].values():
        held.extend(given)
    install_attack(bundle)
    bundle.args("attack", "enter", outside.path)
    container = runtime.started(bundle)
    container.wait_output("ready\n")
    for _ in range(15):
        assert container.exec("true", pass_fds=[leak]).code == 0
    assert container.output() == "ready\n"


@pytest.mark.parametrize("given", [[], pytest.param([PTRACE], marks=TOO_EARLY)], ids=["usual", "ptrace"])
def test_a_neighbour_in_the_pid_namespace_sees_no_set_up(
    runtime: Runtime, bundle: Bundle, make_bundle: Callable[..., Bundle], outside: Outside, given: list[str]
) -> None:
    """CVE-2016-9962's successor: a container that joins the pid namespace of another is seen there while it is set up.

    It may join only when its root is its own, for with CAP_SYS_PTRACE the other one can go where a process is.
    """
    for held in bundle.process["capabilities"].values():
        held.extend(given)
    install_attack(bundle)
    bundle.args("attack", "enter", outside.path)
    spy = runtime.started(bundle)
    spy.wait_output("ready\n")
    second = make_bundle("second")
    second.namespace("pid", f"/proc/{spy.pid}/ns/pid")
    second.args("true")
    for _ in range(10):
        assert runtime.run_bundle(second).code == 0
    assert spy.output() == "ready\n"
