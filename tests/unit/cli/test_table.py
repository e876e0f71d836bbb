"""Text in columns."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringfence.cli.table import padded


def test_the_columns_of_list() -> None:
    """LNX-STATE-10."""
    rows = [["ID", "PID", "BUNDLE", "OWNER"], ["c1", "13595", "/tmp/cli/bb", "root"]]
    assert padded(rows, least=12, gap=3) == (
        "ID          PID         BUNDLE        OWNER\nc1          13595       /tmp/cli/bb   root\n"
    )


CELL = st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=20)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=5))
def test_cells_stand_below_each_other(rows: list[tuple[str, str, str]]) -> None:
    lines = padded(rows, least=4, gap=2).splitlines()
    assert [tuple(line.split()) for line in lines] == rows
    assert len({line.rindex(row[2]) for line, row in zip(lines, rows, strict=True)}) == 1
