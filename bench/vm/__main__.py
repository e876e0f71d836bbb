"""The wall of a machine in numbers: ``make bench-vm``, or ``python3 -m bench.vm --rounds 10``.

Each round measures a whole run beside a bare QEMU with the same kernel and devices whose init does nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench import machine
from bench.__main__ import INSTALLED
from bench.bundle import make_bundle
from bench.command import Bench, Sample, become_subreaper
from bench.report import aligned
from bench.scenarios import Subject
from bench.vm.bare import Bare
from bench.vm.memory import overhead, resident
from ringfence.container.accelerator import accelerate
from ringfence.container.machine import Asking, machine_for
from ringfence.settings import Settings
from ringfence.spec.load import load_config

WORDS = ("--driver", "microvm")
SIZE = 64
READ = f"dd if=/big of=/dev/null bs=1M count={SIZE} 2>/dev/null; cat /proc/uptime"


class Machines(Subject):
    """ringfence with this wall."""

    def command(self, *words: str) -> tuple[str, ...]:
        plain = super().command(*words)
        return (plain[0], *WORDS, *plain[1:])


class Figures:
    """Samples of one name; milliseconds but where ``units`` say otherwise."""

    def __init__(self) -> None:
        self.samples: dict[str, list[Sample]] = {}
        self.single: dict[str, list[float]] = {}

    def add(self, name: str, sample: Sample) -> None:
        self.samples.setdefault(name, []).append(sample)

    def note(self, name: str, value: float) -> None:
        self.single.setdefault(name, []).append(value)

    def middle(self, name: str) -> Sample:
        taken = self.samples[name]
        return Sample(median(one.wall for one in taken), median(one.cpu for one in taken))

    def middle_of(self, name: str) -> float:
        return median(self.single[name])


def first_line(subject: Machines, bundle: str) -> float:
    """The guest's milliseconds until the container's program runs."""
    words = subject.command("run", "--bundle", bundle, subject.new_id())
    return float(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout) * 1000


def killed(subject: Machines, sleep: str) -> float:
    """Milliseconds from asking for SIGKILL to the end of the process that engines wait for."""
    subject.sleep = sleep
    identity = subject.new_id()
    pid, _ = subject.create(identity)
    subject.call("start", identity)
    begin = time.perf_counter()
    subject.call("kill", identity, "KILL")
    subject.bench.wait_for(pid)
    taken = (time.perf_counter() - begin) * 1000
    subject.call("delete", identity)
    return taken


def measure(subject: Machines, bare: Bare, bundles: dict[str, str], rounds: int) -> Figures:
    """The interleaved samples."""
    figures = Figures()
    for _ in range(rounds):
        sample, line = bare.run(subject.bench)
        figures.add("bare QEMU", sample)
        figures.note("bare first line", line)
        figures.add("run /bin/true", subject.call("run", "--bundle", bundles["true"], subject.new_id()))
        figures.note("first line", first_line(subject, bundles["when"]))
        figures.add("exec /bin/true", subject.call("exec", subject.resident, "/bin/true"))
        figures.note("kill to exit", killed(subject, bundles["sleep"]))
    return figures


def report(figures: Figures, pid: int) -> str:
    """Two tables: what is measured, and how it stands to the bare machine."""
    names = ("bare QEMU", "run /bin/true", "exec /bin/true")
    rows = [[name, f"{figures.middle(name).wall:.0f}", f"{figures.middle(name).cpu:.0f}"] for name in names]
    rows += [[name, f"{figures.middle_of(name):.0f}", ""] for name in ("bare first line", "first line", "kill to exit")]
    bare, ours = figures.middle("bare QEMU"), figures.middle("run /bin/true")
    line = figures.middle_of("first line") / figures.middle_of("bare first line")
    ratios = [["run", f"{ours.wall / bare.wall:.2f}", f"{ours.cpu / bare.cpu:.2f}"], ["first line", f"{line:.2f}", ""]]
    memory = [["above the guest's own, MiB", f"{overhead(pid):.0f}"], ["supervisor, KiB", f"{resident(pid)}"]]
    tables = [
        aligned("milliseconds", ["wall", "CPU"], rows),
        aligned("to bare QEMU", ["wall", "CPU"], ratios),
        aligned("memory", [""], memory),
    ]
    return "\n".join(tables)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.vm", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=10, help="how often each thing is measured (default 10)")
    given = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("bench: starting containers needs root")
    become_subreaper()
    with tempfile.TemporaryDirectory(prefix="ringfence-bench-") as name:
        scratch = Path(name)
        os.chmod(scratch, 0o755)
        print(compare(scratch, given.rounds))
    return 0


def compare(scratch: Path, rounds: int) -> str:
    """Make what is needed, measure, and take it away."""
    bundles = {
        "true": make_bundle(scratch / "true", ["/bin/true"]),
        "when": make_bundle(scratch / "when", ["/bin/when"]),
        "sleep": make_bundle(scratch / "sleep", ["/bin/sleep", "3600"]),
    }
    config = load_config(Path(bundles["true"], "config.json").read_text())
    bare = Bare(machine_for(config, Asking("", "", ""), accelerate("auto", None), Settings()), scratch)
    os.replace(scratch / "nothing", Path(bundles["when"], "rootfs/bin/when"))
    subject = Machines("ringfence", INSTALLED, Bench(scratch), scratch, sleep=bundles["sleep"])
    subject.resident = subject.new_id()
    pid, _ = subject.create(subject.resident)
    subject.call("start", subject.resident)
    try:
        about = machine.describe()
        heading = f"Linux {about['kernel']}, {about['processors']} x {about['processor']}, load {about['load']}\n"
        return heading + "\n" + report(measure(subject, bare, bundles, rounds), pid)
    finally:
        subject.leave()


if __name__ == "__main__":
    sys.exit(main())
