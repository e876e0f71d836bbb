"""The results as a chart: one group of horizontal bars per operation, wall time in front, its CPU part darker.

Each operation has its own scale, because `list` and `state` are not to be compared with each other but each among the
runtimes; the longest bar of a group fills the width.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from bench.report import OURS, Results

WIDTH = 860
LEFT = 210
RIGHT = 90
BAR = 14
GAP = 5
GROUP_GAP = 20
TOP = 96
COLOURS = {OURS: ("#8fbf9f", "#2f7d4f"), "runc": ("#c9d3e6", "#5f7fb8"), "crun": ("#e6d3c0", "#b8895f")}
OTHER = ("#dddddd", "#888888")
FONT = "font-family='system-ui, Helvetica, Arial, sans-serif'"


def text(x: float, y: float, words: str, more: str = "") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' {more}>{escape(words)}</text>"


def rectangle(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f"<rect x='{x:.1f}' y='{y:.1f}' width='{max(width, 0.5):.1f}' height='{height}' rx='2' fill='{colour}'/>"


def legend(results: Results) -> list[str]:
    parts = []
    x = float(LEFT)
    for name in results.runtimes:
        light, dark = COLOURS.get(name, OTHER)
        parts += [rectangle(x, 62, 14, 14, dark), rectangle(x + 14, 62, 14, 14, light)]
        words = results.about["versions"][name]
        parts.append(text(x + 34, 73, words))
        x += 60 + 7.2 * len(words)
    return parts


def group(results: Results, operation: str, y: float) -> list[str]:
    """The bars of one operation, from ``y`` downwards."""
    middles = {name: results.middle(operation, name) for name in results.runtimes}
    longest = max(max(sample.wall, sample.cpu) for sample in middles.values())
    scale = (WIDTH - LEFT - RIGHT) / longest
    middle = y + len(middles) * (BAR + GAP) / 2
    parts = [text(LEFT - 14, middle + 2, operation, "text-anchor='end' font-weight='600'")]
    for name, sample in middles.items():
        light, dark = COLOURS.get(name, OTHER)
        parts.append(rectangle(LEFT, y, sample.wall * scale, BAR, light))
        parts.append(rectangle(LEFT, y + BAR / 2, sample.cpu * scale, BAR // 2, dark))
        end = LEFT + max(sample.wall, sample.cpu) * scale
        weight = " font-weight='700'" if name == OURS else ""
        parts.append(text(end + 6, y + BAR - 3, f"{sample.wall:.1f} ms", f"fill='#333'{weight}"))
        y += BAR + GAP
    return parts


def draw(results: Results) -> str:
    """An SVG document."""
    about = results.about
    tall = len(results.runtimes) * (BAR + GAP) + GROUP_GAP
    height = TOP + tall * len(results.operations) + 20
    below = (
        f"Linux {about['kernel']}, {about['processors']} x {about['processor']}, {about['date']}; medians of "
        f"{results.rounds} interleaved rounds"
    )
    parts = [
        text(24, 32, "Milliseconds per command: shorter is better", "font-size='19' font-weight='700'"),
        text(24, 50, below, "fill='#666'"),
        text(24, 73, "dark: CPU, light: wall", "fill='#666'"),
        *legend(results),
    ]
    for index, operation in enumerate(results.operations):
        parts += group(results, operation, TOP + index * tall)
    body = "\n".join(parts)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{height}' viewBox='0 0 {WIDTH} {height}' "
        f"{FONT} font-size='12'>\n<rect width='100%' height='100%' fill='white'/>\n{body}\n</svg>\n"
    )
