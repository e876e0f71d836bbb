"""Text in columns."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def padded(rows: Sequence[Sequence[str]], least: int, gap: int) -> str:
    """Lines of left-aligned cells, ``least`` wide or ``gap`` wider than the longest in the column; the last is bare."""
    widths = [max(least, gap + max(map(len, column))) for column in zip(*rows)][:-1]
    return "".join("".join(f"{cell:<{width}}" for cell, width in zip(row, widths)) + f"{row[-1]}\n" for row in rows)
