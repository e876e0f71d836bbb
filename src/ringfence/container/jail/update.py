"""update behind a jail: rules of rctl(8) are put in the place of the old ones (JAIL-UPD-04)."""

from __future__ import annotations

from ringfence.container.jail.wall import journal_of, tools_of
from ringfence.container.record import write_whole
from ringfence.container.resources import STORED, merged, stored_resources, to_json
from ringfence.drivers.jail.limits import cpus, resource_of, rules
from ringfence.drivers.jail.tools import failure
from ringfence.errors import RingfenceError, from_os_error
from ringfence.jsontext import dumps
from ringfence.spec.problems import Problems
from ringfence.spec.rules.jail.linux import check_resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.container.record import ContainerRecord
    from ringfence.container.runtime import Runtime
    from ringfence.drivers.jail.made import Journal
    from ringfence.drivers.jail.tools import Tools
    from ringfence.spec.types import Config, Resources


def update(runtime: Runtime, record: ContainerRecord, config: Config, asked: Resources) -> None:
    """Set the limits that are named; the caller holds the container's lock.

    Raises:
        RingfenceError: a jail has no such limit, or rctl refuses; the old ones hold then.
    """
    problems = Problems()
    check_resources(asked, "", problems)
    problems.raise_if_any("resources.json")
    old = stored_resources(record, config)
    result = merged(old, with_swap(old, asked))
    check_resources(result, "", problems)
    problems.raise_if_any("resources.json")
    tools = tools_of(runtime.log.debug)
    journal = journal_of(record)
    replace(tools, journal, [rule for _, rule in rules(result)])
    if cpus(asked):
        attempted = "cannot set the processors"
        tools.must(attempted, "cpuset", "-l", cpus(asked), "-j", str(journal.made.jid))
    try:
        write_whole(f"{record.directory}/{STORED}", dumps(to_json(result)))
    except OSError as error:
        raise from_os_error(f"cannot store the limits of container {record.id}", error) from None


def with_swap(old: Resources, asked: Resources) -> Resources:
    """What is asked for, with the swap beyond the memory as it was if the memory alone is changed."""
    new, before = asked.memory, old.memory
    limit = (new.limit if new else None) or 0
    known = (before.limit if before else None) or 0
    sum_before = (before.swap if before else None) or 0
    if new is None or new.swap is not None or min(limit, known, sum_before) <= 0:
        return asked
    memory = type(new)(**{**dict(new.items()), "swap": limit + sum_before - known})
    return type(asked)(**{**dict(asked.items()), "memory": memory})


def replace(tools: Tools, journal: Journal, wanted: list[str]) -> None:
    """Put rules in the place of those there are, one resource at a time.

    Raises:
        RingfenceError: one cannot be added; what it was to replace has been put back.
    """
    old = {resource_of(rule): rule for rule in journal.made.rules}
    new = {resource_of(rule): rule for rule in wanted}
    for resource in sorted({*old, *new}):
        before, after = old.get(resource), new.get(resource)
        if before != after:
            exchange(tools, journal, resource, before, after)


def remove_rule(tools: Tools, journal: Journal, rule: str, held: tuple[str, ...]) -> None:
    """Remove a rule; ``held`` are those that hold if it cannot be removed.

    Raises:
        RingfenceError: it cannot be.
    """
    said = tools.run("rctl", "-r", rule)
    if said.status and "No such process" not in said.errors:
        journal.note(rules=held)
        raise failure("cannot change a limit", "rctl", said)


def exchange(tools: Tools, journal: Journal, resource: str, before: str | None, after: str | None) -> None:
    """One resource: the old rule away, the new one in its place, both on record meanwhile."""
    subject = f"jail:{journal.made.name}"
    kept = tuple(rule for rule in journal.made.rules if rule != before)
    if after:
        journal.note(rules=(*journal.made.rules, after))
    if before:
        remove_rule(tools, journal, f"{subject}:{resource}", (*kept, before))
    if after:
        try:
            tools.must("cannot set a limit", "rctl", "-a", f"{subject}:{after}")
        except RingfenceError:
            if before:
                tools.run("rctl", "-a", f"{subject}:{before}")
            journal.note(rules=(*kept, before) if before else kept)
            raise
    journal.note(rules=(*kept, after) if after else kept)
