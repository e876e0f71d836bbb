"""The results as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections import defaultdict
from statistics import median
from typing import Any

from bench.command import Sample

PYTHON = "bare python3 -I -S"
OURS = "ringfence"


class Results:
    """Samples by operation and runtime, in the order in which they were first seen."""

    def __init__(self) -> None:
        self.samples: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
        self.about: dict[str, Any] = {}

    def add(self, operation: str, runtime: str, sample: Sample) -> None:
        self.samples[operation][runtime].append(sample)

    @property
    def operations(self) -> list[str]:
        return [name for name in self.samples if name != PYTHON]

    @property
    def runtimes(self) -> list[str]:
        return list(self.about["versions"])[:-1]

    def middle(self, operation: str, runtime: str) -> Sample:
        """Medians."""
        taken = self.samples[operation][runtime]
        return Sample(median(sample.wall for sample in taken), median(sample.cpu for sample in taken))

    @property
    def python(self) -> Sample:
        return self.middle(PYTHON, "python3")

    @property
    def rounds(self) -> int:
        return min(len(taken) for name in self.operations for taken in self.samples[name].values())


def ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f}" if theirs else "-"


def columns(results: Results) -> list[str]:
    """The header: wall and CPU of each runtime, then ours in terms of each other and of the bare interpreter."""
    shown = [text for name in results.runtimes for text in (name, "cpu")]
    return shown + ([f"/{name}" for name in others(results)] if OURS in results.runtimes else [])


def others(results: Results) -> list[str]:
    return [name for name in results.runtimes if name != OURS] + ["python3"]


def row(results: Results, operation: str) -> list[str]:
    middles = {name: results.middle(operation, name) for name in results.runtimes}
    cells = [f"{value:.1f}" for name in results.runtimes for value in (middles[name].wall, middles[name].cpu)]
    if OURS in middles:
        against = {**middles, "python3": results.python}
        cells += [ratio(middles[OURS].wall, against[name].wall) for name in others(results)]
    return cells


def heading(results: Results) -> str:
    about = results.about
    lines = [
        ", ".join(about["versions"].values()),
        f"Linux {about['kernel']}, {about['processors']} x {about['processor']}, {about['date']}, load {about['load']}",
        f"medians of {results.rounds} interleaved rounds, seed {about['seed']}: milliseconds of wall time and of CPU",
    ]
    if OURS in results.runtimes:
        lines.append("and ringfence's wall time divided by that of the others")
    return "\n".join(lines) + "\n"


def table(results: Results) -> str:
    """Fixed-width text."""
    header = columns(results)
    wide = max(len(name) for name in [*results.operations, PYTHON])
    lines = [" " * wide + "".join(f"{text:>11}" for text in header)]
    lines += [f"{name:<{wide}}" + "".join(f"{cell:>11}" for cell in row(results, name)) for name in results.operations]
    bare = results.python
    lines.append(f"{PYTHON:<{wide}}{bare.wall:>11.1f}{bare.cpu:>11.1f}")
    return heading(results) + "\n" + "\n".join(lines) + "\n"


def as_json(results: Results) -> str:
    """Everything there is, the single samples included."""
    measured = {
        operation: {
            name: {
                "wall_ms": round(results.middle(operation, name).wall, 3),
                "cpu_ms": round(results.middle(operation, name).cpu, 3),
                "samples": [[round(sample.wall, 3), round(sample.cpu, 3)] for sample in taken],
            }
            for name, taken in by_runtime.items()
        }
        for operation, by_runtime in results.samples.items()
    }
    return json.dumps({**results.about, "rounds": results.rounds, "operations": measured}, indent=1) + "\n"
