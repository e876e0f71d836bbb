"""``ps``: the processes of a container as the host's ps shows them (LNX-PPR-01 to 04)."""

from __future__ import annotations

import posix

from ringfence.cli.output import write
from ringfence.container.processes import domain_row, guest_processes, processes
from ringfence.container.record import load_record
from ringfence.container.runtime import JAIL
from ringfence.errors import RingfenceError
from ringfence.jsontext import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.machine import GuestProcess
    from ringfence.container.runtime import Runtime

DEFAULT_WORDS = ("-ef",)
PROGRAMS = ("/usr/bin/ps", "/bin/ps")


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Print the lines of the container's processes, or their pids as JSON."""
    form = arguments.text("format", "table")
    if form == "table" and (row := domain_row(runtime, arguments.words[0])) is not None:
        write(domain_table(row, arguments.words[1:], processes(runtime, arguments.words[0])))
        return 0
    pids = processes(runtime, arguments.words[0])
    if form == "json":
        write(dumps(pids) + "\n")
    elif form == "table" and (told := jail_table(runtime, arguments)) is not None:
        write(told)
    elif form == "table" and (inside := guest_processes(runtime, arguments.words[0])) is not None:
        write(guest_table(inside))
    elif form == "table":
        write(of_container(listing(arguments.words[1:] or DEFAULT_WORDS), pids))
    else:
        raise RingfenceError("invalid format option", hint="the formats are table and json")
    return 0


def jail_table(runtime: Runtime, arguments: Arguments) -> str | None:
    """What the host's ps says of a jail; None for another wall."""
    record = load_record(runtime, arguments.words[0])
    if record.driver != JAIL:
        return None
    from ringfence.container.jail.processes import table

    return table(runtime, record, tuple(arguments.words[1:]))


def domain_table(row: tuple[str, ...], words: list[str], pids: list[int]) -> str:
    """A Xen domain and the processes of dom0 that serve it.

    Raises:
        RingfenceError: words for ps are given: what runs inside cannot be seen.
    """
    if words:
        raise RingfenceError("the processes in a domain cannot be seen from dom0, so ps takes no options there")
    served = ",".join(map(str, pids))
    shown = "".join(f"{text:>8}" for text in row)
    return f"{'DOMID':>8}{'VCPUS':>8}{'MIB':>8}{'TIME':>8}{'STATE':>8}  SERVED BY\n{shown}  {served}\n"


def guest_table(processes: list[GuestProcess]) -> str:
    """The processes of a guest, whose numbers are its own, in columns of ps -ef."""
    lines = [f"{'UID':<8}{'PID':>8}{'PPID':>8} {'TIME':>8} CMD\n"]
    for one in processes:
        minutes, seconds = divmod(one.seconds, 60)
        time = f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
        lines.append(f"{one.uid:<8}{one.pid:>8}{one.parent:>8} {time:>8} {one.command}\n")
    return "".join(lines)


def listing(words: list[str] | tuple[str, ...]) -> str:
    """What the host's ps prints.

    The program is taken from the system's folders and not from PATH, which engines leave empty.

    Raises:
        RingfenceError: there is no ps, or it failed.
    """
    import subprocess  # 9 ms, but ps itself takes as long; nothing else here starts programs of the host

    program = next((path for path in PROGRAMS if is_file(path)), None)
    if program is None:
        raise RingfenceError("ps: executable file not found", hint=f"looked for {' and '.join(PROGRAMS)}")
    done = subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode("utf-8", "surrogateescape").strip()
        raise RingfenceError(f"exit status {done.returncode}: {said}")
    return done.stdout.decode("utf-8", "surrogateescape")


def is_file(path: str) -> bool:
    """Whether there is a program at the path."""
    return posix.access(path, posix.X_OK)


def of_container(text: str, pids: list[int]) -> str:
    """The header of a listing and the lines whose PID is one of ``pids``.

    Raises:
        RingfenceError: the listing has no such column.
    """
    header, *lines = text.splitlines(keepends=True) or [""]
    names = header.split()
    if "PID" not in names:
        raise RingfenceError("couldn't find PID field in ps output", hint="let ps print the column PID as well")
    column = names.index("PID")
    wanted = {str(pid) for pid in pids}
    return header + "".join(line for line in lines if cell(line, column) in wanted)


def cell(line: str, column: int) -> str:
    """One word of a line, "" when the line is too short."""
    words = line.split(None, column + 1)
    return words[column] if column < len(words) else ""
