"""Configs for the tests of the loader: the default one, edited."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ringfence.errors import RingfenceError
from ringfence.spec.load import load_config
from ringfence.spec.types import Config
from tests.support.config import default_config

Document = dict[str, Any]
Edit = Callable[[Document], object]

MARK = "config.json#"


def document(edit: Edit | None = None) -> Document:
    """The default config after ``edit`` has changed it."""
    made = default_config()
    if edit is not None:
        edit(made)
    return made


def loaded(edit: Edit | None = None) -> Config:
    """What the loader makes of an edited config."""
    return load_config(json.dumps(document(edit)))


def is_loaded(edit: Edit) -> bool:
    """Whether the loader takes an edited config; if not, its error tells why."""
    return isinstance(loaded(edit), Config)


def refusal(edit: Edit) -> RingfenceError:
    """The error for an edited config."""
    with pytest.raises(RingfenceError) as caught:
        loaded(edit)
    return caught.value


def problems(edit: Edit) -> dict[str, str]:
    """The texts of the error for an edited config by the place they name."""
    parts = str(refusal(edit)).split(MARK)
    assert parts[0] == ""
    return dict(part.removesuffix("; ").split(": ", 1) for part in parts[1:])


def namespaces(*types: str, **paths: str) -> list[dict[str, str]]:
    """A list of namespaces: new ones by position, joined ones as ``network="/run/netns/x"``."""
    return [{"type": kind} for kind in types] + [{"type": kind, "path": path} for kind, path in paths.items()]


def with_user_namespace(made: Document) -> None:
    """Add a user namespace with one id."""
    made["linux"]["namespaces"].append({"type": "user"})
    one = [{"containerID": 0, "hostID": 1000, "size": 1}]
    made["linux"].update(uidMappings=one, gidMappings=one)
