"""The results as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections import defaultdict
from statistics import median
from typing import Any

from bench.command import Sample
from bench.scenarios import RUN, RUN_FILTERED

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


def heading(results: Results) -> str:
    about = results.about
    hardware = f"{about['processors']} x {about['processor']}"
    return (
        f"{', '.join(about['versions'].values())}\n"
        f"Linux {about['kernel']}, {hardware}, {about['date']}, load {about['load']}\n"
        f"medians of {results.rounds} interleaved rounds, seed {about['seed']}\n"
    )


def aligned(title: str, header: list[str], rows: list[list[str]]) -> str:
    """A table: the first column to the left, the others to the right; ``title`` stands above the first."""
    wide = max(len(text) for text in [title, *(row[0] for row in rows)])
    lines = [f"{row[0]:<{wide}}" + "".join(f"{cell:>11}" for cell in row[1:]) for row in [[title, *header], *rows]]
    return "\n".join(lines) + "\n"


def milliseconds(results: Results) -> str:
    """Wall and CPU time of each operation by each runtime, and of the bare interpreter."""
    rows = []
    for operation in results.operations:
        middles = [results.middle(operation, name) for name in results.runtimes]
        rows.append([operation, *(f"{value:.1f}" for sample in middles for value in (sample.wall, sample.cpu))])
    rows.append([PYTHON, f"{results.python.wall:.1f}", f"{results.python.cpu:.1f}"])
    return aligned("milliseconds", [text for name in results.runtimes for text in (name, "CPU")], rows)


def ratios(results: Results) -> str:
    """Wall and CPU time of ringfence in terms of each other runtime's and of the bare interpreter's."""
    others = [name for name in results.runtimes if name != OURS]
    rows = []
    for operation in results.operations:
        ours = results.middle(operation, OURS)
        against = [*(results.middle(operation, name) for name in others), results.python]
        rows.append(
            [operation, *(f"{x:.2f}" for them in against for x in (ours.wall / them.wall, ours.cpu / them.cpu))]
        )
    return aligned("ringfence to", [text for name in [*others, "python3"] for text in (name, "CPU")], rows)


def filter_cost(results: Results) -> str:
    """What an engine's default system call filter adds to a run, by the medians of each runtime's own."""
    rows = []
    for name in results.runtimes:
        with_filter, without = (results.middle(operation, name) for operation in (RUN_FILTERED, RUN))
        rows.append([name, f"{with_filter.wall / without.wall:.3f}", f"{with_filter.cpu / without.cpu:.3f}"])
    return aligned("run with default seccomp to without", ["wall", "CPU"], rows)


def table(results: Results) -> str:
    """Fixed-width text."""
    parts = [heading(results), milliseconds(results)]
    if OURS in results.runtimes:
        parts.append(ratios(results))
    return "\n".join([*parts, filter_cost(results)])


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
