"""What is measured: each function does one thing once and yields its samples by the name of the operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from bench.bundle import make_bundle
from bench.command import Bench, Sample

CROWD = 50
RUN = "run /bin/true"
RUN_FILTERED = "run, default seccomp"
Measured = Iterator[tuple[str, Sample]]
Scenario = Callable[["Subject"], Measured]
numbers = count(1)


@dataclass
class Subject:
    """A runtime under measurement: one state folder for the containers of a round, one that holds fifty of them."""

    name: str
    program: str
    bench: Bench
    scratch: Path
    true: str = ""
    filtered: str = ""
    sleep: str = ""
    resident: str = field(default="", init=False)

    def command(self, *words: str) -> tuple[str, ...]:
        return (self.program, "--root", str(self.scratch / "state" / self.name), *words)

    def crowded(self, *words: str) -> tuple[str, ...]:
        return (self.program, "--root", str(self.scratch / "crowd" / self.name), *words)

    def call(self, *words: str) -> Sample:
        return self.bench.measure(*self.command(*words))

    def new_id(self) -> str:
        return f"bench-{self.name}-{next(numbers)}"

    def create(self, identity: str) -> tuple[int, Sample]:
        """Create a container that sleeps. Returns its init's pid too."""
        pid_file = self.scratch / f"{identity}.pid"
        sample = self.call("create", "--bundle", self.sleep, "--pid-file", str(pid_file), identity)
        pid = int(pid_file.read_text())
        pid_file.unlink()
        return pid, sample

    def settle(self) -> None:
        """Start the container that state, kill and exec are asked of, and the crowd that list shows."""
        self.resident = self.new_id()
        self.create(self.resident)
        self.call("start", self.resident)
        for number in range(CROWD):
            self.bench.measure(*self.crowded("run", "--detach", "--bundle", self.sleep, f"crowd-{self.name}-{number}"))

    def leave(self) -> None:
        """Delete all that ``settle`` made."""
        for number in range(CROWD):
            self._remove(Path("crowd"), f"crowd-{self.name}-{number}")
        for path in sorted((self.scratch / "state" / self.name).glob("bench-*")):
            self._remove(Path("state"), path.name)

    def _remove(self, world: Path, identity: str) -> None:
        if (self.scratch / world / self.name / identity).exists():
            root = str(self.scratch / world / self.name)
            self.bench.measure(self.program, "--root", root, "delete", "--force", identity)


def make_bundles(scratch: Path) -> dict[str, str]:
    return {
        "true": make_bundle(scratch / "true", ["/bin/true"]),
        "filtered": make_bundle(scratch / "filtered", ["/bin/true"], filtered=True),
        "sleep": make_bundle(scratch / "sleep", ["/bin/sleep", "3600"]),
    }


def run(subject: Subject) -> Measured:
    yield RUN, subject.call("run", "--bundle", subject.true, subject.new_id())
    yield RUN_FILTERED, subject.call("run", "--bundle", subject.filtered, subject.new_id())


def cycle(subject: Subject) -> Measured:
    """From nothing to nothing: what an engine asks for, but with the container still running at the end."""
    identity = subject.new_id()
    pid, created = subject.create(identity)
    started = subject.call("start", identity)
    deleted = subject.call("delete", "--force", identity)
    yield "create+start+delete -f", created + started + deleted
    subject.bench.wait_for(pid)


def steps(subject: Subject) -> Measured:
    identity = subject.new_id()
    pid, created = subject.create(identity)
    yield "create", created
    yield "start", subject.call("start", identity)
    subject.call("kill", identity, "KILL")
    subject.bench.wait_for(pid)
    yield "delete", subject.call("delete", identity)


def questions(subject: Subject) -> Measured:
    yield "exec /bin/true", subject.call("exec", subject.resident, "/bin/true")
    yield "state", subject.call("state", subject.resident)
    yield "kill (signal 0)", subject.call("kill", subject.resident, "0")
    yield f"list of {CROWD}", subject.bench.measure(*subject.crowded("list"))


SCENARIOS: tuple[Scenario, ...] = (run, cycle, steps, questions)
