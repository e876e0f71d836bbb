"""``explain``: every step that create would take, and the field of config.json that asked for it."""

from __future__ import annotations

import os
import posixpath

from ringfence.cli.bundle import bundle_path
from ringfence.cli.container_id import check_id
from ringfence.cli.output import write
from ringfence.container.explain import explain
from ringfence.container.runtime import CreateOptions
from ringfence.errors import RingfenceError, from_os_error
from ringfence.jsontext import dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.cli.options import Arguments
    from ringfence.container.choice import Choice
    from ringfence.container.runtime import Runtime
    from ringfence.host.facts import Host
    from ringfence.plan.plan import Plan, Row

VERB_WIDTH = 8
STEP_LEAST, STEP_MOST = 61, 100


def perform(runtime: Runtime, arguments: Arguments) -> int:
    """Print the plan for the bundle; nothing is created, and no container of that id has to be absent."""
    if arguments.given("driver"):
        runtime.driver = arguments.text("driver")
    bundle = bundle_path(runtime, arguments)
    container_id = arguments.words[0] if arguments.words else default_id(bundle)
    host = read_host(runtime, arguments.text("host"))
    prepared = explain(runtime, CreateOptions(bundle=bundle), container_id, host)
    if arguments.switch("json"):
        write(
            dumps(as_json(prepared.plan, bundle, prepared.choice, prepared.notes, prepared.files), indent="  ") + "\n"
        )
    else:
        write(as_table(prepared.plan, shown_path(bundle, runtime.cwd), prepared.choice, prepared.notes, prepared.files))
    return 0


def default_id(bundle: str) -> str:
    """The id that stands in the plan when none is given: the bundle's name, if it can be one."""
    try:
        return check_id(posixpath.basename(bundle))
    except RingfenceError:
        return "container"


def read_host(runtime: Runtime, path: str) -> Host | None:
    """The machine described by a file, None when no file is named.

    Raises:
        RingfenceError: the file cannot be read, or does not describe a machine.
    """
    if not path:
        return None
    from ringfence.host.transfer import host_from_json  # only for ``--host``

    try:
        with open(os.path.join(runtime.cwd, path), encoding="utf-8", errors="surrogateescape") as stream:
            return host_from_json(loads(stream.read()))
    except OSError as error:
        raise from_os_error(f"open {path}", error) from None
    except RingfenceError as error:  # its field is a place in this file, not in config.json
        raise RingfenceError(f"{path}: {error}", hint=error.hint) from None


def shown_path(path: str, cwd: str) -> str:
    """A path as a person in ``cwd`` would write it: ``./hello``."""
    if cwd and path.startswith(f"{cwd}/"):
        return f".{path.removeprefix(cwd)}"
    return "." if path == cwd else path


def as_json(
    plan: Plan, bundle: str, choice: Choice, notes: tuple[str, ...] = (), files: tuple[tuple[str, str], ...] = ()
) -> dict[str, object]:
    """The plan as one object, a step as its row in the table; files that it writes are whole texts by their paths."""
    steps = [dict(row.items()) for row in plan.rows()]
    losers = [{"by": origin, "driver": wall} for origin, wall in choice.losers]
    head = {"bundle": bundle, "driver": choice.driver, "chosenBy": choice.origin, "overruled": losers}
    written = {"files": dict(files)} if files else {}
    return {**head, "notes": list(notes), "steps": steps, **written}


def as_table(
    plan: Plan, bundle: str, choice: Choice, notes: tuple[str, ...] = (), files: tuple[tuple[str, str], ...] = ()
) -> str:
    """A headline, who chose the wall, notes, and a line for each step: number, phase, what it does, who asked.

    Behind them are the files that are written, whole.

    The numbers are those that the error of a failed step names.
    """
    rows = plan.rows()
    texts = [step_text(row) for row in rows]
    fitting = [len(text) for text in texts if len(text) <= STEP_MOST]
    width = max([STEP_LEAST, *fitting])
    lines = [
        f"bundle {bundle}   driver {choice.driver}   {len(rows)} steps, none performed",
        choice_text(choice),
        *(f"note: {printable(note)}" for note in notes),
        f"{'no':>4}  {'phase':<8}{'step':<{width}}  from config.json",
    ]
    lines += [
        f"{row.number:>4}  {row.phase:<8}{text:<{width}}  {source(row)}".rstrip() for row, text in zip(rows, texts)
    ]
    for path, text in files:
        lines += ["", f"{printable(path)}:", *(f"    {printable(line)}" for line in text.splitlines())]
    return "".join(f"{line}\n" for line in lines)


def choice_text(choice: Choice) -> str:
    """Who chose the wall, and who else spoke."""
    overruled = ", ".join(f"{origin} ({wall})" for origin, wall in choice.losers)
    text = f"driver chosen by {choice.origin}" + (f"; overruled: {overruled}" if overruled else "")
    return printable(text)


def printable(text: str) -> str:
    """A text in one line, whatever the config put into it."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def step_text(row: Row) -> str:
    """Verb and object of a step in one line, whatever the config put into them."""
    return printable(f"{row.verb:<{VERB_WIDTH}}{row.text}")


def source(row: Row) -> str:
    """The field that asked for a step; "" for what is always done."""
    if not row.pointer:
        return ""
    pointer = f"#{row.pointer}"
    return pointer if pointer.isprintable() else ascii(pointer)[1:-1]
