"""Compare OCI runtimes: ``make bench``, or ``python3 -m bench --runtimes runc,crun --rounds 100``.

Everything is interleaved: each round measures each thing once with each runtime, in an order drawn from the seed, so
that what else the machine does falls on all alike. Absolute paths only, one bundle for all, no output kept.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import machine, report
from bench.chart import draw
from bench.command import Bench, become_subreaper
from bench.report import Results
from bench.scenarios import SCENARIOS, Subject, make_bundles

REPOSITORY = Path(__file__).resolve().parents[1]
INSTALLED = str(REPOSITORY / "build" / "installed" / "bin" / "ringfence")
SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runtimes", default="ringfence,runc,crun", help="comma-separated names or NAME=/path")
    parser.add_argument("--rounds", type=int, default=40, help="how often each thing is measured (default 40)")
    parser.add_argument(
        "--seconds", type=float, default=270, help="begin no further round after this time (default 270)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the order within a round (default 1)")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "bench" / "results", help="folder of the results")
    return parser.parse_args(words)


def programs(names: str) -> dict[str, str]:
    """Absolute paths by name.

    Raises:
        SystemExit: when one is not there.
    """
    found = {}
    for item in names.split(","):
        name, _, path = item.partition("=")
        known = INSTALLED if name == "ringfence" else shutil.which(name, path=SYSTEM)
        found[name] = path or known or name
        if not os.path.isabs(found[name]) or not os.access(found[name], os.X_OK):
            raise SystemExit(f"bench: {found[name]} is not there; --runtimes names what to compare")
    return found


def measure_rounds(subjects: list[Subject], bench: Bench, python: str, given: argparse.Namespace) -> Results:
    """The samples by operation and runtime; the bare interpreter goes along as one more runtime."""
    results = Results()
    order = random.Random(given.seed)
    end = time.monotonic() + given.seconds
    for done in range(given.rounds):
        if time.monotonic() > end:
            print(f"time is up after {done} rounds", file=sys.stderr)
            break
        for scenario in SCENARIOS:
            for subject in order.sample(subjects, len(subjects)):
                for operation, sample in scenario(subject):
                    results.add(operation, subject.name, sample)
            results.add(report.PYTHON, "python3", bench.measure(python, "-I", "-S", "-c", "pass"))
    return results


def compare(given: argparse.Namespace, scratch: Path) -> Results:
    """Make the bundles, start what has to be there, measure, and take all of it away again."""
    become_subreaper()
    found = programs(given.runtimes)
    bench = Bench(scratch)
    bundles = make_bundles(scratch)
    subjects = [Subject(name, program, bench, scratch, **bundles) for name, program in found.items()]
    python = machine.interpreter_of(found.get("ringfence", INSTALLED))
    with contextlib.ExitStack() as stack:
        if "crun" in found:
            stack.enter_context(machine.hugetlb_for_crun())
        for subject in subjects:
            stack.callback(subject.leave)
            subject.settle()
        results = measure_rounds(subjects, bench, python, given)
    results.about = {
        **machine.describe(),
        "seed": given.seed,
        "versions": {name: machine.version(path) for name, path in found.items()}
        | {"python3": machine.version(python)},
    }
    return results


def main() -> int:
    given = arguments(sys.argv[1:])
    if os.geteuid() != 0:
        raise SystemExit("bench: starting containers needs root")
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as scratch:
        os.chmod(scratch, 0o755)
        results = compare(given, Path(scratch))
    given.output.mkdir(parents=True, exist_ok=True)
    table = report.table(results)
    (given.output / "bench.txt").write_text(table)
    (given.output / "bench.json").write_text(report.as_json(results))
    (given.output / "bench.svg").write_text(draw(results))
    print(table)
    print(f"also written: {given.output}/bench.txt bench.json bench.svg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
