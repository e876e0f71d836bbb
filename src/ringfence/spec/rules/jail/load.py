"""config.json for a jail, checked as far as that is possible without a host."""

from __future__ import annotations

from ringfence.record import Record
from ringfence.spec.load import parse_config, parse_process, parse_text
from ringfence.spec.problems import Problems, escape, quoted
from ringfence.spec.rules.hooks import check_hooks
from ringfence.spec.rules.jail.annotations import PREFIX, with_annotations
from ringfence.spec.rules.jail.linux import check_sections, ignored
from ringfence.spec.rules.jail.mounts import check_mounts
from ringfence.spec.rules.jail.parameters import check_freebsd
from ringfence.spec.rules.jail.process import check_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ringfence.spec.rules.jail.policy import Policy
    from ringfence.spec.types import Config, Process


class Loaded(Record):
    """A config with what its annotations say in it, and what is doubtful about it."""

    config: Config
    warnings: tuple[str, ...] = ()


def load_jail(document: dict[str, object], policy: Policy, name: str = "config.json") -> Loaded:
    """The config of a document that has been parsed.

    Raises:
        RingfenceError: as ``spec.load.load_config``.
    """
    problems = Problems()
    warnings: list[str] = []
    config = parse_config(document, problems)
    check_nulls(document, problems)
    if policy.annotations:
        config = with_annotations(config, problems, warnings)
    elif any(key.startswith(PREFIX) for key in config.annotations):
        warnings.append(f"annotations {PREFIX}* are switched off by ringfence.toml and ignored")
    check_config(config, document, policy, problems, warnings)
    problems.raise_if_any(name)
    return Loaded(config, (*warnings, *ignored(config), *unknown(document)))


def check_config(
    config: Config, document: dict[str, object], policy: Policy, problems: Problems, warnings: list[str]
) -> None:
    """Add everything that is wrong to ``problems``."""
    if not config.oci_version.startswith("1."):
        problems.add("/ociVersion", f"version {quoted(config.oci_version)} is not supported, it must be 1.x")
    if config.process is None:
        problems.add("/process", "process property must not be empty")
    else:
        check_process(config.process, "/process", problems)
    if config.root is None or not config.root.path:
        problems.add("/root/path", "must be given")
    check_mounts(config.mounts, policy, problems)
    if config.hooks is not None:
        check_hooks(config.hooks, problems)
    check_freebsd(config, policy, problems, warnings)
    check_sections(config, document, problems)


def allow_of(document: dict[str, object]) -> dict[str, object]:
    """The object ``freebsd.jail.allow`` as it was read; {} without it."""
    held: object = document
    for key in ("freebsd", "jail", "allow"):
        held = held.get(key) if isinstance(held, dict) else None
    return held if isinstance(held, dict) else {}


def check_nulls(document: dict[str, object], problems: Problems) -> None:
    """Elsewhere null is the same as absent; what a jail is allowed has to be said (JAIL-CFG-08)."""
    for key, value in allow_of(document).items():
        if value is None:
            problems.add_unusable(f"/freebsd/jail/allow/{escape(key)}", "must be true or false, not null")


def unknown(document: dict[str, object]) -> list[str]:
    """The specification's table names a parameter that its schema does not (JAIL-CFG-14)."""
    if "sysvipc" in allow_of(document):
        return ["/freebsd/jail/allow/sysvipc is not known and ignored: use sysvmsg, sysvsem and sysvshm"]
    return []


def load_jail_process(text: str, name: str = "process.json") -> Process:
    """The process of ``exec --process``, by a jail's rules (JAIL-EXEC-02).

    Raises:
        RingfenceError: as ``load_jail``.
    """
    problems = Problems()
    process = parse_process(parse_text(text, name), problems)
    check_process(process, "", problems)
    problems.raise_if_any(name)
    return process
