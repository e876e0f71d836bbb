"""The object ``vm`` of a configuration, or of a file for all of them as cc-oci-runtime had it (MVM-CCOR-11)."""

from __future__ import annotations

from ringfence.errors import RingfenceError, from_os_error
from ringfence.jsontext import loads
from ringfence.spec.upgrade.machine import converted, is_older

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


FILE = "vm.json"


def with_machine(document: dict[str, Any], folders: tuple[str, ...]) -> dict[str, Any]:
    """A configuration with its machine in the specification's form; one without has that of the first vm.json.

    Raises:
        RingfenceError: the object mixes both forms, or the file cannot be read or is no JSON object.
    """
    machine = document.get("vm")
    if machine is None:
        files = (machine_in(f"{folder}/{FILE}") for folder in folders)
        machine = next((found for found in files if found is not None), None)
    if machine is None or (machine is document.get("vm") and not is_older(machine)):
        return document
    return {**document, "vm": converted(machine) if is_older(machine) else machine}


def machine_in(path: str) -> dict[str, Any] | None:
    """What a file says, with or without ``vm`` around it; None without the file.

    Raises:
        RingfenceError: it cannot be read, or is wrong.
    """
    try:
        with open(path, "rb") as file:
            text = file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise from_os_error(f"cannot read {path}", error) from None
    try:
        told = loads(text.decode("utf-8"))
    except (RingfenceError, UnicodeDecodeError) as error:
        raise RingfenceError(f"{path} is not JSON: {error}") from None
    inner = told.get("vm", told) if isinstance(told, dict) else None
    if not isinstance(inner, dict):
        raise RingfenceError(f"{path}: a machine is an object")
    return inner
