"""Tables of rules that a redirect passes by."""

from __future__ import annotations

from ringfence.network.messages import attribute, text
from ringfence.network.rules import NEW_TABLE, passed_by, tables


def table(name: str) -> tuple[int, bytes]:
    """A table as nftables tells of it."""
    return NEW_TABLE, bytes((2, 0, 0, 0)) + attribute(1, text(name)) + attribute(2, bytes(4))


def test_both_kinds_of_tables() -> None:
    """MVM-NET-09."""
    assert tables([table("moat"), (3, b""), table("nat")], b"mangle\nnat\n") == ("mangle", "moat", "nat")


def test_the_table_of_the_resolver_is_not_told() -> None:
    """MVM-NET-05, MVM-NET-09: Docker makes it for every container of a user's network."""
    assert passed_by(("nat",), has_resolver=True) == ()
    assert len(passed_by(("nat",), has_resolver=False)) == 1
    assert "the table mangle inside" in passed_by(("mangle", "nat"), has_resolver=True)[0]
