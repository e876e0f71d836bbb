"""Configurations older than 1.0: recognised by their content, converted in memory. Pure.

``recognise`` tells the form, ``upgrade`` makes the 1.x document of any; docs/old-formats.md has the table of fields.
Nothing here is imported for a configuration of today.
"""

from __future__ import annotations

from ringfence.spec.upgrade.convert import upgrade
from ringfence.spec.upgrade.forms import CURRENT, JULY, JUNE, PRE_DRAFT, RC, SPLIT, recognise
from ringfence.spec.upgrade.surroundings import Node, Surroundings, Upgraded

__all__ = [
    "CURRENT", "JULY", "JUNE", "PRE_DRAFT", "RC", "SPLIT", "Node", "Surroundings", "Upgraded", "recognise", "upgrade",
]  # fmt: skip
