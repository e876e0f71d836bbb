"""``platform``, ``hooks`` and ``seccomp`` of old forms."""

from __future__ import annotations

from ringfence.spec.upgrade.place import Place, put, wrong
from ringfence.spec.upgrade.surroundings import GO_NAMES, RUN_BY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ringfence.spec.upgrade.surroundings import Surroundings

MASKED_EQUAL = "SCMP_CMP_MASKED_EQ"


def check_platform(place: Place, surroundings: Surroundings) -> None:
    """The machine the file was made for, by Go's names; then it is dropped (OLD-DETECT-09)."""
    here = GO_NAMES.get(surroundings.machine, surroundings.machine)
    compare(place, "os", "linux", (), surroundings)
    compare(place, "arch", here, RUN_BY.get(here, ()), surroundings)


def compare(place: Place, name: str, here: str, runnable: tuple[str, ...], surroundings: Surroundings) -> None:
    """One member of the platform."""
    asked = place.text(name)
    if not asked or asked == here:
        return
    text = f"target {name} {asked} mismatch with current {name} {here}"
    if asked in runnable or not surroundings.strict:
        place.warn(name, text)
        return
    raise wrong(place.at(name), text)


def hooks_of(place: Place, *, argv0: bool) -> dict[str, Any]:
    """Hooks; ``argv0``: the file's args begin with the program's own name (OLD-HOOKS-01, OLD-HOOKS-02)."""
    made: dict[str, Any] = {}
    for kind in ("prestart", "poststart", "poststop"):
        put(made, kind, [hook_of(entry, argv0) for entry in place.objects(kind)])
    return {**made, **place.left()}


def hook_of(entry: Place, argv0: bool) -> dict[str, Any]:
    """One hook. An absent environment was an empty one."""
    path, words = entry.text("path"), entry.texts("args")
    if not words:
        words = [path]
    elif not argv0 and words[0] not in (path, path.rpartition("/")[2]):
        words = [path, *words]
    made: dict[str, Any] = {"path": path, "args": words, "env": entry.texts("env")}
    if timeout := entry.number("timeout", 0):
        made["timeout"] = timeout
    return {**made, **entry.left()}


def seccomp_of(place: Place) -> dict[str, Any]:
    """A filter; one with neither default nor calls was none (OLD-RUNTIMEJSON-03, OLD-RC-07)."""
    action = place.text("defaultAction")
    calls = [call_of(entry) for entry in place.objects("syscalls")]
    if not action and not calls:
        return {}
    made: dict[str, Any] = {"defaultAction": action}
    put(made, "architectures", place.texts("architectures"))
    put(made, "syscalls", calls)
    return {**made, **place.left()}


def call_of(entry: Place) -> dict[str, Any]:
    """One rule; ``name`` was one call, ``names`` are several."""
    name = entry.either("names", "name")
    names = entry.texts("names") if name == "names" else [entry.text("name")]
    made: dict[str, Any] = {"names": names, "action": entry.text("action")}
    put(made, "args", [argument_of(one) for one in entry.objects("args")])
    if comment := entry.text("comment"):
        made["comment"] = comment
    return {**made, **entry.left()}


def argument_of(place: Place) -> dict[str, Any]:
    """One comparison; a second value of 0 says something only to a masked one."""
    made: dict[str, Any] = {"index": place.number("index", 0) or 0, "value": place.number("value", 0) or 0}
    operator = place.text("op")
    second = place.number("valueTwo", 0)
    if second or (second == 0 and operator == MASKED_EQUAL):
        made["valueTwo"] = second
    return {**made, "op": operator, **place.left()}
