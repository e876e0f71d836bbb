"""``process`` of the forms of 2015 (OLD-PROC-01 to 06, OLD-CAP-01 to 03)."""

from __future__ import annotations

from ringfence.spec.upgrade.place import Place, kind_of, put, wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.spec.upgrade.surroundings import Surroundings

RLIMITS = (
    "CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS", "LOCKS", "SIGPENDING",
    "MSGQUEUE", "NICE", "RTPRIO", "RTTIME",
)  # fmt: skip
"""RLIMIT_* by the number that Linux on x86 gives them, <asm-generic/resource.h>."""
U64_MAX = 2**64 - 1
SETS = ("bounding", "effective", "permitted")


def process_of(process: Place, linux: Place, surroundings: Surroundings) -> dict[str, Any]:
    """The process of today, from the old one and what ``linux`` held of it."""
    terminal = process.either("terminal", "tty")
    made: dict[str, Any] = {"terminal": process.boolean(terminal), "user": user(process, surroundings)}
    made["args"] = arguments(process)
    made["env"] = environment(process)
    made["cwd"] = working_directory(process)
    made["capabilities"] = capabilities(process, linux)
    put(made, "rlimits", rlimits(process, linux))
    made.update(labels(process, linux))
    return {**made, **process.left()}


def arguments(process: Place) -> list[str]:
    """The program and its arguments."""
    words = process.texts("args")
    if not words:
        raise wrong(process.at("args"), "args must not be empty")
    return words


def environment(process: Place) -> list[str]:
    """Variables, each with its value."""
    entries = process.texts("env")
    for index, entry in enumerate(entries):
        if "=" not in entry:
            raise wrong(f"{process.at('env')}[{index}]", f"invalid environment '{entry}'")
    return entries


def working_directory(process: Place) -> str:
    """An absolute path; ``""`` was where the switch of the root had left the process."""
    cwd = process.text("cwd")
    if cwd and not cwd.startswith("/"):
        process.warn("cwd", f"{cwd!r} is relative, taken from /")
    return cwd if cwd.startswith("/") else f"/{cwd}"


def user(process: Place, surroundings: Surroundings) -> dict[str, Any]:
    """Ids; a text, as June and July 2015 had it, is looked up in the container's own files."""
    where = process.at("user")
    if process.has("user") and isinstance(process.held[process.key("user") or ""], str):
        return named_user(process.text("user"), where, surroundings)
    held = process.object("user")
    made: dict[str, Any] = {name: held.number(name, 0, 2**32 - 1) or 0 for name in ("uid", "gid")}
    groups = held.items("additionalGids")
    for index, group in enumerate(groups):
        if not isinstance(group, int) or isinstance(group, bool) or not 0 <= group < 2**32:
            raise wrong(f"{held.at('additionalGids')}[{index}]", f"must be a group's number, not {group!r}")
    put(made, "additionalGids", groups)
    return {**made, **held.left()}


def named_user(text: str, where: str, surroundings: Surroundings) -> dict[str, Any]:
    """``name``, ``uid``, ``name:group``, ``uid:gid`` (OLD-PROC-06)."""
    if not text:
        return {"uid": 0, "gid": 0}
    name, colon, group = text.partition(":")
    uid, gid, found = passwd_entry(name, surroundings.container_file("/etc/passwd"))
    if uid is None:
        raise wrong(where, f"the user {name!r} is not in the container's /etc/passwd")
    groups = surroundings.container_file("/etc/group")
    if colon:
        number = group_number(group, groups)
        if number is None:
            raise wrong(where, f"the group {group!r} is not in the container's /etc/group")
        return {"uid": uid, "gid": number}
    made: dict[str, Any] = {"uid": uid, "gid": gid}
    put(made, "additionalGids", [number for number in member_groups(found, groups) if number != gid])
    return made


def passwd_entry(name: str, text: str) -> tuple[int | None, int, str]:
    """Uid, gid and name of an entry of passwd(5); a number needs none."""
    for row in rows(text, 4):
        if row[0] == name or (name.isdecimal() and row[2] == name):
            return int(row[2]), int(row[3]) if row[3].isdecimal() else 0, row[0]
    return (int(name), 0, "") if name.isdecimal() else (None, 0, "")


def group_number(name: str, text: str) -> int | None:
    """The number of a group of group(5), or a number itself."""
    found = next((int(row[2]) for row in rows(text, 3) if row[0] == name), None)
    return int(name) if found is None and name.isdecimal() else found


def member_groups(name: str, text: str) -> list[int]:
    """The groups whose members the user is among."""
    return [int(row[2]) for row in rows(text, 4) if name and name in row[3].split(",")]


def rows(text: str, least: int) -> list[list[str]]:
    """The entries of passwd(5) or group(5) that have enough fields and a number for an id."""
    found = [line.split(":") for line in text.splitlines()]
    return [row for row in found if len(row) >= least and row[2].isdecimal() and int(row[2]) < 2**32]


def capabilities(process: Place, linux: Place) -> dict[str, list[str]]:
    """One list for three sets. 2015 set the inheritable one too; leaving it out is the defence of CVE-2022-29162."""
    if process.has("capabilities"):
        if linux.has("capabilities"):
            linux.take("capabilities")
            linux.warn("capabilities", "ignored, since process.capabilities is given too")
        return capability_sets(process)
    return capability_sets(linux)


def capability_sets(place: Place) -> dict[str, list[str]]:
    """Sets from a list of names; an object has them already."""
    if place.has("capabilities") and isinstance(place.held[place.key("capabilities") or ""], dict):
        held: dict[str, list[str]] = place.take("capabilities")
        return held
    names = list(dict.fromkeys(capability(name) for name in place.texts("capabilities")))
    return {kind: list(names) for kind in SETS}


def capability(name: str) -> str:
    """The full name."""
    upper = name.upper()
    return upper if upper.startswith("CAP_") else f"CAP_{upper}"


def rlimits(process: Place, linux: Place) -> list[dict[str, Any]]:
    """Limits by name; 0 is a limit of 0."""
    place = process if process.has("rlimits") else linux
    found = []
    for entry in place.objects("rlimits"):
        made: dict[str, Any] = {"type": rlimit_name(entry)}
        for name in ("hard", "soft"):
            made[name] = (entry.number(name) or 0) & U64_MAX
        found.append({**made, **entry.left()})
    return found


def rlimit_name(entry: Place) -> str:
    """``RLIMIT_X`` for a number of x86 or a name."""
    kind = entry.take("type")
    if isinstance(kind, str):
        return kind
    if not isinstance(kind, int) or isinstance(kind, bool) or not 0 <= kind < len(RLIMITS):
        shown = kind if isinstance(kind, int) else kind_of(kind)
        raise wrong(entry.at("type"), f"wrong rlimit value: {shown}")
    return f"RLIMIT_{RLIMITS[kind]}"


def labels(process: Place, linux: Place) -> dict[str, Any]:
    """What ``linux`` held of the process besides (OLD-RUNTIMEJSON-03, OLD-RC-02); "" is unset."""
    made: dict[str, Any] = {}
    for old, new in (("apparmorProfile", "apparmorProfile"), ("selinuxProcessLabel", "selinuxLabel")):
        value = linux.text(old)
        if value and not process.has(new):
            made[new] = value
    if linux.has("noNewPrivileges") and not process.has("noNewPrivileges"):
        made["noNewPrivileges"] = linux.boolean("noNewPrivileges")
    return made
