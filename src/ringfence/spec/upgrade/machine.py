"""The object ``vm`` as cc-oci-runtime had it, and as the specification has it; told apart by their shape (MVM-CCOR-10).

Clear Containers wrote ``path`` for the hypervisor, the image as a path and the kernel's parameters as one text. Pure.
"""

from __future__ import annotations

from ringfence.errors import RingfenceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def marks(machine: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The fields that only the older form has, and those that only the specification's has."""
    kernel = machine.get("kernel")
    parameters = kernel.get("parameters") if isinstance(kernel, dict) else None
    older = [name for name in ("path",) if name in machine]
    newer: list[str] = [name for name in ("hypervisor", "hwConfig") if name in machine]
    for name, value, plain, whole in (
        ("image", machine.get("image"), str, dict),
        ("kernel.parameters", parameters, str, list),
    ):
        older += [name] if isinstance(value, plain) else []
        newer += [name] if isinstance(value, whole) else []
    return older, newer


def is_older(machine: object) -> bool:
    """Whether it has the older form.

    Raises:
        RingfenceError: it has fields of both.
    """
    older, newer = marks(machine) if isinstance(machine, dict) else ([], [])
    if older and newer:
        raise RingfenceError(
            f"config.json#/vm: {older[0]} is of the form of cc-oci-runtime, {newer[0]} of that of the specification",
            field="/vm",
            hint="use one form",
        )
    return bool(older)


def converted(machine: dict[str, Any]) -> dict[str, Any]:
    """The specification's form of the older one."""
    found = {name: value for name, value in machine.items() if name not in ("path", "image", "kernel")}
    if "path" in machine:
        found["hypervisor"] = {"path": machine["path"]}
    if isinstance(machine.get("image"), str):
        found["image"] = {"path": machine["image"], "format": "raw"}
    kernel = machine.get("kernel")
    if isinstance(kernel, dict) and isinstance(kernel.get("parameters"), str):
        kernel = {**kernel, "parameters": kernel["parameters"].split()}
    return {**found, "kernel": kernel} if kernel is not None else found
