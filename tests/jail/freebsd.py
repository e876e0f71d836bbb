"""The tests of the jail wall on a FreeBSD host, with its own tools: ``python3 -m tests.jail.freebsd`` as root.

It needs nothing but Python's standard library: no pip, no compiler, no network. The root file system is made of the
host's /bin, /lib and /libexec. Each test is a line, then each row of the checklist that they prove is one. What an
earlier run has left, however it ended, is removed first. The status is 0 if nothing failed, 1 if something did, 2 if
there was nothing to be done here.

    tests.jail.freebsd [WORD...]     only tests whose names hold one of the words
    tests.jail.freebsd --stand-ins   the same on Linux with stand-ins for the tools
"""

from __future__ import annotations

import contextlib
import glob
import importlib
import inspect
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

from tests.jail.bundle import begin_template, copy_program
from tests.jail.harness import PREFIX, Host, Skip, used
from tests.jail.launchers import INTERPRETER, PLAIN_LAUNCHER, REPOSITORY
from tests.jail.standin import PLACES, StandIn, compile_library, make_template

MODULES = ("life", "jail", "process", "mounts", "hooks", "limits", "network", "runj")
"""The files whose tests take any host."""
FOLDER = "ringfence-test-freebsd."
PARTS = ("bin", "lib", "libexec")
NOTHING_DONE = 2
ALIASES = (("inet", "127.219.4.7"), ("inet6", "fd00:219::7"))
PASS, FAIL, SKIP = "pass", "FAIL", "skip"

Test = Callable[[Host], None]


class Outcome:
    """What came of one test."""

    def __init__(self, name: str, rows: list[str], result: str, text: str) -> None:
        self.name = name
        self.rows = rows
        self.result = result
        self.text = text


def tests(words: list[str]) -> list[tuple[str, Test]]:
    """The tests by name, of one word each if there are words."""
    found: list[tuple[str, Test]] = []
    for part in MODULES:
        module = importlib.import_module(f"tests.jail.test_{part}")
        for name, test in vars(module).items():
            if name.startswith("test_") and list(inspect.signature(test).parameters) == ["host"]:
                found.append((f"{part}: {name.removeprefix('test_').replace('_', ' ')}", test))
    return [(name, test) for name, test in found if not words or any(word in name for word in words)]


def rows_of(test: Test) -> list[str]:
    """The rows of the checklist that a test names."""
    text = (test.__doc__ or "").replace(",", " ").replace(":", " ").replace(".", " ")
    return [word for word in text.split() if word.startswith("JAIL-")]


def perform(name: str, test: Test, make: Callable[[], Host]) -> Outcome:
    """One test on a machine of its own."""
    rows = rows_of(test)
    try:
        with used(make()) as host:
            test(host)
    except Skip as reason:
        return Outcome(name, rows, SKIP, str(reason))
    except Exception:
        return Outcome(name, rows, FAIL, traceback.format_exc())
    return Outcome(name, rows, PASS, "")


def run(chosen: list[tuple[str, Test]], make: Callable[[], Host]) -> list[Outcome]:
    """All tests, each told of when it is over."""
    outcomes = []
    for number, (name, test) in enumerate(chosen, 1):
        begun = time.monotonic()
        outcome = perform(name, test, make)
        reason = f"  ({outcome.text})" if outcome.result == SKIP else ""
        print(
            f"{outcome.result}  {number:3} of {len(chosen)}  {name}  {time.monotonic() - begun:.1f} s{reason}",
            flush=True,
        )
        if outcome.result == FAIL:
            print("".join(f"      {line}\n" for line in outcome.text.splitlines()), flush=True)
        outcomes.append(outcome)
    return outcomes


def report(outcomes: list[Outcome]) -> int:
    """A line for each row and the sum; the exit status."""
    by_row: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        for row in outcome.rows:
            by_row.setdefault(row, []).append(outcome)
    for row in sorted(by_row):
        held = by_row[row]
        results = [outcome.result for outcome in held]
        result = FAIL if FAIL in results else PASS if PASS in results else SKIP
        told = [outcome for outcome in held if outcome.result == result and result != PASS]
        reason = "; ".join(outcome.name if result == FAIL else outcome.text for outcome in told)
        print(f"{result}  {row}{'  ' if reason else ''}{reason}")
    counts = {result: sum(outcome.result == result for outcome in outcomes) for result in (PASS, FAIL, SKIP)}
    print(f"{counts[PASS]} tests passed, {counts[FAIL]} failed, {counts[SKIP]} were skipped")
    return 1 if counts[FAIL] else 0


# the machines


def make_host_template(path: str) -> None:
    """A root file system of the host's own programs and libraries."""
    begin_template(path)
    for part in PARTS:
        for name in sorted(os.listdir(f"/{part}")):
            if not os.path.isdir(f"/{part}/{name}"):
                copy_program(f"/{part}/{name}", f"{path}/{part}/{name}")


def real_machines(folder: str) -> Callable[[], Host]:
    """Makes machines that are this one, each with a folder of its own."""
    template = f"{folder}/template"
    make_host_template(template)
    launcher = f"{folder}/launcher.py"
    with open(launcher, "w") as file:
        file.write(PLAIN_LAUNCHER.format(repository=REPOSITORY))
    return lambda: Host(
        new_folder(folder),
        template,
        [INTERPRETER, "-I", "-S", "-X", f"pycache_prefix={folder}/pycache", launcher],
        PLACES,
    )


def standin_machines(folder: str) -> Callable[[], Host]:
    """Makes machines of stand-ins."""
    from tests.jail.standin import adopt_orphans

    adopt_orphans()
    template = f"{folder}/template"
    make_template(template)
    library = compile_library(folder)
    return lambda: StandIn(new_folder(folder), template, library)


def new_folder(folder: str) -> str:
    """A folder of one test, which others can look into."""
    path = tempfile.mkdtemp(prefix="t", dir=folder)
    os.chmod(path, 0o755)
    return path


@contextlib.contextmanager
def workplace() -> Iterator[str]:
    """A folder for the run, removed when it is over."""
    path = os.path.realpath(tempfile.mkdtemp(prefix=FOLDER))
    os.chmod(path, 0o755)
    with open(f"{path}/pid", "w") as file:
        file.write(str(os.getpid()))
    try:
        yield path
    finally:
        remove(path)


def remove(path: str) -> None:
    """Remove a folder with whatever still hangs on it: jails, mounts."""
    if os.uname().sysname == "FreeBSD":
        Host(path, "", [], PLACES).sweep()
    shutil.rmtree(path, ignore_errors=True)


def clean_up() -> None:
    """Remove what an earlier run has left, if that run is over."""
    for path in glob.glob(f"{os.path.realpath(tempfile.gettempdir())}/{FOLDER}*"):
        if not runs(path):
            print(f"removing what an earlier run has left in {path}")
            remove(path)
    host = Host("/nonexistent", "", [], PLACES)
    for rule in host.tool("rctl").out.splitlines():
        if rule.startswith(f"jail:{PREFIX}"):
            host.tool("rctl", "-r", rule)
    shown = host.tool("ifconfig", "lo0").out
    for family, address in ALIASES:
        if f"{family} {address} " in shown:
            host.tool("ifconfig", "lo0", family, address, "-alias")


def runs(path: str) -> bool:
    """Whether the run that made a folder goes on."""
    try:
        with open(f"{path}/pid") as file:
            os.kill(int(file.read()), 0)
    except (OSError, ValueError):
        return False
    return True


def unfit() -> str:
    """Why this is no machine for the tests, "" if it is one."""
    if os.uname().sysname != "FreeBSD":
        return f"these tests need FreeBSD 14 or later; this is {os.uname().sysname}"
    if os.geteuid() != 0:
        return "these tests make jails and mounts: run them as root"
    missing = [place for name, place in PLACES.items() if name != "jexec" and not os.access(place, os.X_OK)]
    return f"tools are missing: {', '.join(missing)}" if missing else ""


def interrupted(number: int, _: FrameType | None) -> NoReturn:
    """A signal ends the run in an orderly way."""
    raise KeyboardInterrupt(number)


def main(words: list[str]) -> int:
    """Run the tests; the exit status."""
    standins = "--stand-ins" in words
    words = [word for word in words if word != "--stand-ins"]
    reason = "" if standins else unfit()
    if reason:
        print(reason)
        return NOTHING_DONE
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    system = os.uname()
    print(
        f"{system.sysname} {system.release} {system.machine}, Python {sys.version.split()[0]} ({INTERPRETER})",
        flush=True,
    )
    if not standins:
        clean_up()
    with workplace() as folder:
        make = standin_machines(folder) if standins else real_machines(folder)
        outcomes = run(tests(words), make)
    return report(outcomes)


def guarded_main() -> NoReturn:
    """The same for the words of the command line; an interrupted run says that it has cleaned up."""
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("interrupted; what the tests had made has been removed")
        sys.exit(130)


if __name__ == "__main__":
    guarded_main()
